"""Who would have come week by week, had an experiment begun weeks ago."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from analysis.arrival_counting import NOBODY, Comers, count_arrivals
from analysis.baseline_cohort import bounds_of
from analysis.plan_basis import Basis
from analysis.plan_values import PlanQuestion, Scheme
from analysis.planner import plan_ahead
from analysis.stats.arrivals import Arrivals
from experiments.plan import PlannedSegment
from tests.analysis.event_files import EventFile, at, pseudonym
from tests.factories import definition

PROS = {"pros": PlannedSegment("pros", 1, "Pros", {"plan": "pro"})}
DAYS = 56


def counted(events: EventFile, folder: Path, days: float = DAYS) -> Comers:
    """Count whole weeks up to so many days after the first event's day."""
    files = [events.write(folder)]
    bounds = bounds_of(at(days + 1), at(days), at(days), ())
    return count_arrivals(PROS, files, folder, at(0), bounds)


def people(events: EventFile, count: int, name: str, *days: float) -> None:
    for number in range(count):
        events.active(f"{name}-{number}", *days)


def test_customers__who_come_back__count_in_their_first_week_only(
    tmp_path: Path,
) -> None:
    events = EventFile()
    people(events, 20, "old", 1, 8, 15, 22)
    people(events, 12, "new", 9, 16)
    people(events, 5, "late", 27.9)

    found = counted(events, tmp_path, 28)

    # In the last week 5, which is less than the mean of 0 and 5 is not: 2.5 go on.
    assert found.customers[""] == Arrivals((20, 12, 0, 5), 2.5)
    assert found.accounts == {}


def test_customers__before_the_last_eight_weeks__are_met_when_they_come_back(
    tmp_path: Path,
) -> None:
    events = EventFile()
    people(events, 30, "old", 1, 20)

    # Up to day 70 the eight weeks begin on day 14.
    found = counted(events, tmp_path, 70)

    assert found.customers[""] == Arrivals((30, 0, 0, 0, 0, 0, 0, 0), 0)


def test_segment__as_it_is_when_they_come__has_weeks_of_its_own(
    tmp_path: Path,
) -> None:
    events = EventFile()
    people(events, 12, "pro", 3, 20)
    people(events, 15, "free", 1)
    for number in range(12):
        events.traits(f"pro-{number}", 2, plan="pro")
        events.traits(f"free-{number}", 2, plan="pro")  # a day too late

    found = counted(events, tmp_path, 21).customers

    assert found["pros"] == Arrivals((12, 0, 0), 0)
    assert found[""] == Arrivals((27, 0, 0), 0)


@pytest.mark.parametrize(("count", "days"), [(9, 28), (50, 13)])
def test_customers__too_few_or_too_short__nothing_is_known(
    count: int, days: float, tmp_path: Path
) -> None:
    events = EventFile()
    people(events, count, "one", 1)

    assert counted(events, tmp_path, days) == NOBODY


def test_accounts__come_with_their_first_customer(tmp_path: Path) -> None:
    events = EventFile()
    for number in range(40):  # two customers of each of 20 accounts, a week apart
        who, account = f"one-{number}", number % 20
        events.add("identity", who, at(0), account=pseudonym(f"account {account}"))
        events.active(who, 1 + 7 * (number // 20), 15)
        events.traits(who, 0, plan="pro" if number < 20 or account < 5 else "free")

    found = counted(events, tmp_path, 21)

    assert found.accounts[""] == Arrivals((20, 0, 0), 0)
    assert found.accounts["pros"] == Arrivals((20, 0, 0), 0)
    assert found.customers[""] == Arrivals((20, 20, 0), 0)


BASE, ACTIVE = 10_000, 0.3


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Arrivals:
    """A base of customers without any new one; each week each is active by chance."""
    random = np.random.default_rng(20261122)
    events = EventFile()
    active = random.random((BASE, DAYS // 7)) < ACTIVE
    moments = random.random((BASE, DAYS // 7)) * 7
    for customer, week in np.argwhere(active):
        events.active(f"customer-{customer}", 7 * week + moments[customer, week])
    return counted(events, tmp_path_factory.mktemp("base")).customers[""]


def test_standing_base__active_by_chance__new_ones_die_out(standing: Arrivals) -> None:
    # By hand: who comes first in week k was not there in k - 1 weeks and is then,
    # N p (1 - p)^(k - 1), give or take four standard deviations of a binomial.
    for week, come in enumerate(standing.weeks):
        share = ACTIVE * (1 - ACTIVE) ** week
        assert come == pytest.approx(
            BASE * share, abs=4 * (BASE * share * (1 - share)) ** 0.5
        )


def test_standing_base__plan_of_most_of_it__its_date_is_the_true_one(
    standing: Arrivals,
) -> None:
    # From 60 % a change of 3 points takes some 4,160 a variant by Fleiss, 83 % of all,
    # and 1 - .7^k = .83 after 5 weeks. A quarter of the 7,600 who come in four weeks
    # would have promised it four days sooner, and twice as many after ten weeks.
    scheme = Scheme(0.05, 0.8, (0.5, 0.5), 1.0, standing)

    found = plan_ahead(PlanQuestion(definition(), Basis(0.6), 0.03, scheme, at(60)))

    assert found.size is not None
    assert found.lasts is not None
    seen = 2 * found.size.control / BASE
    assert seen == pytest.approx(0.83, abs=0.01)
    truth = 7 * np.log(1 - seen) / np.log(1 - ACTIVE)
    assert found.lasts.enrolment_days == pytest.approx(truth, abs=2)
    ends_at = at(60) + timedelta(days=found.lasts.total_days)
    assert found.answer_at == ends_at
