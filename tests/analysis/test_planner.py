"""What a plan takes and can show, by hand and against what its parts say."""

import dataclasses
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from analysis.plan_basis import Basis, lacks, spread_of, stated
from analysis.plan_sizing import Needed, detectable, needed
from analysis.plan_values import Guarded, Part, PlanAhead, PlanQuestion, Scheme
from analysis.plan_words import plan_in_words
from analysis.planner import plan_ahead
from analysis.stats.account_power import Accounts
from analysis.stats.arrivals import Arrivals, steady
from analysis.stats.estimate import NotComputable
from analysis.stats.power import Demand, SampleSize, size_for_means
from experiments.metric_definition import (
    USUAL_DIRECTION,
    MetricDefinition,
)
from experiments.vocabulary import (
    Direction,
    MetricKind,
    MonitoringMode,
    Reason,
    Unit,
)
from tests.factories import csat_definition, definition

START = datetime(2026, 3, 2, tzinfo=UTC)
SCHEME = Scheme(0.05, 0.8, (0.5, 0.5), 1.0, steady(5800))
SHARE, TIMED, SPREAD = (
    Basis(0.3),
    Basis(0.6, shares=tuple(0.6 ** (day / 30) for day in range(1, 31))),
    Basis(4.0, 1.2),
)


def question(**changes: Any) -> PlanQuestion:  # noqa: ANN401  # fields of it
    plan = PlanQuestion(definition(), Basis(0.7), 0.015, SCHEME, START)
    return dataclasses.replace(plan, **changes)


def of_kind(kind: MetricKind) -> MetricDefinition:
    return MetricDefinition(
        kind, USUAL_DIRECTION.get(kind, Direction.INCREASE), events=("Paid",)
    )


def basis_of(asked: MetricDefinition) -> Basis:
    if asked.is_time:
        return TIMED
    return SPREAD if asked.has_spread else SHARE


@pytest.mark.parametrize("kind", list(MetricKind))
def test_every_kind__size_for_a_change__detects_that_change(kind: MetricKind) -> None:
    asked, demand = of_kind(kind), Demand()
    basis = dataclasses.replace(basis_of(asked), counted_share=0.4, correlation=0.5)
    effect = 0.03 if asked.is_share else 0.5

    found = needed(asked, basis, effect, demand)

    assert isinstance(found, Needed)
    assert (found.events is not None) == asked.is_time
    assert detectable(asked, basis, found.size, demand) == pytest.approx(
        effect, rel=0.02
    )


def test_size__adjusted_and_silent__three_quarters_over_the_share_that_answers() -> (
    None
):
    basis = Basis(4.0, 1.2, counted_share=0.25, correlation=0.5)
    plain = size_for_means(1.2, 0.1)
    assert isinstance(plain, SampleSize)

    found = needed(csat_definition(), basis, 0.1, Demand())

    # By hand: n (1 - .5^2) / .25.
    assert isinstance(found, Needed)
    assert found.size.control == pytest.approx(plain.control * 3, abs=4)


@pytest.mark.parametrize("kind", list(MetricKind))
def test_every_kind__without_what_it_needs__names_it(kind: MetricKind) -> None:
    asked = of_kind(kind)
    field = "sd" if asked.has_spread else "baseline"

    found = plan_ahead(question(definition=asked, basis=Basis())).refused

    assert found == NotComputable(Reason.OUT_OF_RANGE, {"field": field})
    assert lacks(asked, Basis()) == field
    assert spread_of(asked, Basis()) is None


def test_stated__time__one_hazard_on_every_day() -> None:
    asked = of_kind(MetricKind.TIME_TO_CHURN)

    found = stated(asked, 0.25, None)

    assert len(found.shares) == asked.day
    assert found.shares[14] == pytest.approx(0.5)  # half of the days, the square root
    assert found.shares[-1] == pytest.approx(0.25)


def test_plan__retention__size_days_and_dates() -> None:
    # 14,437 a variant by Fleiss (tests/web/test_planning.py): 28,874 at 5,800 a week
    # take 34.85 days, and day 30 is known 31 days later.
    found = plan_ahead(question())

    assert found.size == SampleSize(14437, 14437)
    assert found.lasts is not None
    assert (found.lasts.enrolment_days, found.lasts.total_days) == (35, 66)
    assert found.answer_at == START + timedelta(days=66)
    assert found.refused is None


def test_plan__planned_looks__each_has_its_date() -> None:
    scheme = dataclasses.replace(SCHEME, mode=MonitoringMode.GROUP_SEQUENTIAL)

    found = plan_ahead(question(scheme=scheme))

    assert found.lasts is not None
    days = [(look.share, (look.at - START).days - 31) for look in found.looks]
    enrolled = found.lasts.enrolment_days
    assert days == [
        (share, math.ceil(enrolled * share)) for share in (0.25, 0.5, 0.75, 1.0)
    ]


def test_by_week__five_weeks__what_was_planned_for() -> None:
    found = plan_ahead(question())

    weeks = {each.weeks: each for each in found.by_week}
    assert list(weeks) == list(range(1, 13))
    assert weeks[5].units == 29_000
    assert weeks[5].change == pytest.approx(0.015, rel=0.01)
    assert weeks[5].answer_at == START + timedelta(days=35 + 31)
    changes = [each.change or 1 for each in found.by_week]
    assert changes == sorted(changes, reverse=True)


def test_by_week__accounts_and_looks__take_back_what_they_cost() -> None:
    scheme = dataclasses.replace(
        SCHEME,
        arrivals=steady(400),
        mode=MonitoringMode.GROUP_SEQUENTIAL,
        accounts=Accounts(20, 0.5, 0.02),
    )
    found = plan_ahead(question(scheme=scheme))

    assert found.lasts is not None
    assert found.accounts is not None
    week = math.ceil(found.lasts.enrolment_weeks)
    change = found.by_week[week - 1].change
    assert change is not None
    assert change <= 0.015
    assert change == pytest.approx(0.015, rel=0.12)


def test_guardrails__too_few_customers__which_cannot_be_protected() -> None:
    csat = csat_definition()
    answered = dataclasses.replace(SPREAD, counted_share=0.1)
    guards = (
        Guarded("easy", "Satisfaction", csat, SPREAD, 0.1),
        Guarded("hard", "Satisfaction", csat, answered, 0.05),
        Guarded("dark", "Satisfaction", csat, Basis(), 0.05),
    )

    easy, hard, dark = plan_ahead(question(guardrails=guards)).guardrails

    assert easy.holds(0.8)
    assert not hard.holds(0.8)
    # By hand: 1,443 answers; .05 / (1.2 sqrt(2 / 1443)) - 1.96 = -.8408, so .2002.
    assert hard.chance == pytest.approx(0.2002, abs=0.0005)
    # 2 (1.96 + .84162)^2 (1.2 / .05)^2 = 9,042 answers by the normal, times 10, twice.
    assert hard.units == pytest.approx(180_840, rel=1e-3)
    assert (dark.chance, dark.units) == (None, None)


def test_parts__split_of_a_tenth__needs_ten_times_as_many() -> None:
    parts = (Part("small", "Small", 0.1), Part("new", "New", None))

    small, new = plan_ahead(question(margin=0.015, parts=parts)).parts

    # Errors are 3.16 times as large: 2.80 / 3.16 - 1.96 = -1.074, by tables .141.
    assert small.chance == pytest.approx(0.141, abs=0.003)
    assert small.units == pytest.approx(10 * 2 * 14_651, rel=0.01)
    assert new.chance is None


def test_rule_of_no_harm__size_from_the_margin() -> None:
    # 2 p (1 - p) (1.959964 + .841621)^2 / .02^2 at p = .7: 8,241.2; with Student's t
    # one or two more.
    found = plan_ahead(question(rules_out_harm=True, margin=0.02))

    assert found.size is not None
    assert found.size.control == pytest.approx(8243, abs=2)


def test_plan__too_long__what_would_fit() -> None:
    scheme = dataclasses.replace(SCHEME, arrivals=steady(100))

    found = plan_ahead(question(scheme=scheme))

    assert found.refused is not None
    assert found.refused.facts["weeks"] == pytest.approx(28_874 / 100 + 31 / 7)
    twelve, year = found.fits
    assert (twelve.weeks, year.weeks) == (12, 47)
    assert twelve.weekly == math.ceil(28_874 / 12)
    assert twelve.change is not None
    again = plan_ahead(
        question(scheme=scheme, effect=math.ceil(twelve.change * 1e4) / 1e4)
    )
    assert again.lasts is not None
    assert again.lasts.enrolment_weeks <= 12
    assert twelve.weekly is not None
    faster = dataclasses.replace(SCHEME, arrivals=steady(twelve.weekly))
    enough = plan_ahead(question(scheme=faster)).lasts
    assert enough is not None
    assert enough.enrolment_weeks <= 12


def test_plan__nobody_comes__no_weeks_and_a_reason() -> None:
    scheme = dataclasses.replace(SCHEME, arrivals=steady(0))

    found: PlanAhead = plan_ahead(question(scheme=scheme))

    assert found.refused is not None
    assert found.by_week == ()


def test_plan__standing_base__its_customers_come_once() -> None:
    # 28,874 of 20,000, 5,000, 2,000 and then 1,000 a week: 27,000 after three weeks,
    # and 1.874 weeks more are 34.1 days, so 35. A quarter of those 28,000 who come in
    # four weeks would have promised 29 days, and nobody would have come so quickly.
    scheme = dataclasses.replace(SCHEME, arrivals=Arrivals((20e3, 5e3, 2e3), 1e3))
    looking = dataclasses.replace(scheme, mode=MonitoringMode.GROUP_SEQUENTIAL)

    found, looks = (
        plan_ahead(question(scheme=scheme)),
        plan_ahead(question(scheme=looking)),
    )

    assert found.lasts is not None
    assert found.lasts.enrolment_days == 35
    assert [week.units for week in found.by_week[:5]] == [
        20_000, 25_000, 27_000, 28_000, 29_000
    ]  # fmt: skip
    # A quarter of 2 % more are 7,365 of the first week's 20,000: 2.6 days.
    assert (looks.looks[0].at - START).days - 31 == 3


def test_plan__base_that_is_too_small__so_many_never_come() -> None:
    scheme = dataclasses.replace(SCHEME, arrivals=Arrivals((9000, 900), 0))

    found = plan_ahead(question(scheme=scheme))

    assert found.refused is not None
    assert found.refused.reason == Reason.UNREACHABLE
    assert found.refused.facts["needed"] == 28_874
    assert found.refused.facts["come"] == 9900
    said = plan_in_words(question(scheme=scheme), found, Unit.CUSTOMER)
    assert said.startswith(
        "Not reachable: it takes 28,874 customers, and only about 9,900 come in a year."
        " About 9,000 customers come in the first week, then 900 new ones, later 0 a"
        " week: the others are the same customers, who come back."
    )
