"""From life tables and funnels to readings: which estimator, and what stands beside."""

from dataclasses import replace

import pytest

from analysis.cells import Cell, Summaries
from analysis.estimating import Estimated, estimate, responses, retention_curves
from analysis.exposure_counts import ExposureCounts
from analysis.stats.clusters import clusters_of
from analysis.stats.competing import CompetingDay, CompetingTable
from analysis.stats.estimate import Estimate, NotComputable
from analysis.stats.hazards import hazard_ratio
from analysis.stats.incidence import days_free_difference, incidence_difference
from analysis.stats.proportions import two_proportions
from analysis.stats.summary import (
    Funnel,
    LifeDay,
    LifeTable,
    Successes,
    Summary,
)
from analysis.stats.survival import rmst_difference
from experiments.metric_definition import MetricDefinition
from experiments.plan import Plan
from experiments.vocabulary import Direction, MetricKind, Reason, Unit
from tests.analysis.event_files import plan_of

CANCELLED = MetricDefinition(
    MetricKind.CANCELLATION, Direction.DECREASE, events=("Cancelled",), day=30
)
TIME = MetricDefinition(
    MetricKind.TIME_TO_EVENT, Direction.DECREASE, events=("Activated",), day=30
)
CONTACT = MetricDefinition(
    MetricKind.FIRST_CONTACT_RESOLUTION, Direction.INCREASE, events=("Wrote",), day=20
)
STEPS = MetricDefinition(
    MetricKind.FUNNEL, Direction.INCREASE, events=("Viewed", "Paid"), day=20
)

LIFE = (
    LifeTable(500, (LifeDay(3, 200, 0), LifeDay(9, 80, 100), LifeDay(30, 20, 100))),
    LifeTable(500, (LifeDay(3, 260, 0), LifeDay(9, 70, 90), LifeDay(30, 20, 60))),
)
CAUSES = (
    CompetingTable(500, (CompetingDay(5, 60, 20, 90), CompetingDay(30, 9, 9, 312))),
    CompetingTable(500, (CompetingDay(5, 30, 25, 95), CompetingDay(30, 9, 9, 332))),
)


def estimated(
    definition: MetricDefinition, arms: tuple[Summary, Summary]
) -> tuple[Plan, Summaries, Estimated]:
    plan = plan_of({"m": definition})
    cells = tuple(
        Cell("m", name, "", summary, 0)
        for name, summary in zip(("control", "treatment"), arms, strict=True)
    )
    summaries = Summaries(cells, ExposureCounts({}, {}))
    (found,) = estimate(plan, summaries, ())
    return plan, summaries, found


def test_cancellation__beside_another_cause__is_a_cumulative_incidence() -> None:
    plan, summaries, found = estimated(CANCELLED, CAUSES)
    assert found.reading.outcome == incidence_difference(*CAUSES, 30)
    assert found.followed is not None
    other = found.followed.shares["share_left_otherwise"]
    assert isinstance(other, Estimate)
    assert other.control.value is not None
    # By hand: 20/500, then 9 of the 330 still there on day 30.
    assert other.control.value == pytest.approx(20 / 500 + (420 / 500) * 9 / 330)
    curves = retention_curves(plan, summaries)["m"]
    assert curves["control"][-1].survival == pytest.approx(
        60 / 500 + (420 / 500) * 9 / 330
    )


def test_time_to_cancellation__beside_another_cause__days_not_lost_to_it() -> None:
    definition = replace(
        CANCELLED, kind=MetricKind.TIME_TO_CANCELLATION, direction=Direction.INCREASE
    )
    _, _, found = estimated(definition, CAUSES)
    assert found.reading.outcome == days_free_difference(*CAUSES, 30)


def test_time_to_event__has_restricted_mean_share_median_and_rising_curve() -> None:
    plan, summaries, found = estimated(TIME, LIFE)
    assert found.reading.outcome == rmst_difference(*LIFE, 30)
    assert found.followed is not None
    median = found.followed.median
    assert isinstance(median, Estimate)
    # Day 3 holds all 200 of 500 of control: one half comes on day 9. By hand, of 300
    # at risk 80 have it: F(9) = 0.56, so the median is 9 - 0.06 / 0.16.
    assert median.control.value == pytest.approx(9 - 0.06 / 0.16)
    share = found.followed.shares["share_with_event"]
    assert share == incidence_difference(*LIFE, 30)
    points = retention_curves(plan, summaries)["m"]["control"]
    assert [point.survival for point in points] == sorted(p.survival for p in points)


def test_times__hazard_ratio_beside_them__of_the_cause_alone() -> None:
    # What `hazard_ratio` finds is held to statsmodels in stats/test_hazards.py.
    _, _, plain = estimated(TIME, LIFE)
    _, _, beside_another = estimated(CANCELLED, CAUSES)
    assert plain.followed is not None
    assert plain.followed.hazards == hazard_ratio(*LIFE)
    assert beside_another.followed is not None
    # By hand: who left otherwise is censored on that day.
    alone = (
        LifeTable(500, (LifeDay(5, 60, 110), LifeDay(30, 9, 321))),
        LifeTable(500, (LifeDay(5, 30, 120), LifeDay(30, 9, 341))),
    )
    assert beside_another.followed.hazards == hazard_ratio(*alone)


def test_first_contact__made_unequally_often__is_compared_with_its_balance() -> None:
    arms = (Successes(400, 300, n_missing=600), Successes(250, 200, n_missing=750))
    plan, summaries, found = estimated(CONTACT, arms)
    assert found.reading.outcome == two_proportions(*arms)
    response = found.reading.response
    assert response is not None
    assert (response.control.of_exposed, response.treatment.of_exposed) == (0.4, 0.25)
    assert response.p_value is not None
    assert response.p_value < 0.001
    # Who makes contact is something customers did: it is not told before the end.
    assert responses(plan, summaries) == {}


def test_funnel__finished_or_not__with_and_without_accounts() -> None:
    arms = Funnel(400, (300, 100)), Funnel(400, (310, 160))
    _, _, found = estimated(STEPS, arms)
    assert found.reading.outcome == two_proportions(
        Successes(400, 100), Successes(400, 160)
    )


def test_by_account__what_cannot_be_told__says_so() -> None:
    plan = plan_of({"m": CANCELLED})
    plan = replace(plan, design=replace(plan.design, unit=Unit.ACCOUNT))
    clusters = clusters_of((i, (5.0, i % 3), 1) for i in range(60))
    cells = tuple(
        Cell("m", name, "", table, 0, clusters)
        for name, table in zip(("control", "treatment"), CAUSES, strict=True)
    )
    (found,) = estimate(plan, Summaries(cells, ExposureCounts({}, {})), ())
    outcome = found.reading.outcome
    assert isinstance(outcome, NotComputable)
    assert outcome.reason is Reason.NOT_BY_ACCOUNT
