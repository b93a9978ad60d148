"""One whole result to draw: three metrics, curves, answers, and a hostile name."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from analysis import charts
from analysis.chart_drawn import DrawnChart
from analysis.stats.estimate import Estimate, Interval, NotComputable
from analysis.stats.summary import Funnel, Histogram, LifeDay, LifeTable
from analysis.stats.survival import CurvePoint, kaplan_meier
from experiments.vocabulary import MetricKind, Role
from tests.analysis.reading_examples import (
    estimate_of,
    plan_of,
    planned_metric,
    reading_of,
)

NASTY = '"><script>alert(1)</script> & class="x" 0.123456'
RETENTION = planned_metric()
CSAT = planned_metric(MetricKind.CSAT_MEAN, Role.GUARDRAIL, 0.05)
CHURN = planned_metric(MetricKind.CHURN, Role.SECONDARY, name=NASTY)
FUNNEL = planned_metric(
    MetricKind.FUNNEL, Role.SECONDARY, events=("Invited", 'Paid "now" & <b>then</b>')
)


def graded(estimate: Estimate) -> Estimate:
    """Add inner intervals and groups' own ones, of plausible widths."""
    low, high = estimate.interval.low or 0.0, estimate.interval.high or 0.0
    half = (high - low) / 2
    inner = [
        Interval(estimate.effect - half * width, estimate.effect + half * width, level)
        for level, width in ((0.5, 0.34), (0.8, 0.65))
    ]
    control, treatment = (
        replace(
            arm, interval=Interval((arm.value or 0) - half, (arm.value or 0) + half)
        )
        for arm in (estimate.control, estimate.treatment)
    )
    return replace(estimate, graded=tuple(inner), control=control, treatment=treatment)


def curve(events: int) -> tuple[CurvePoint, ...]:
    days = tuple(LifeDay(day, events, 0) for day in range(1, 46))
    points = kaplan_meier(LifeTable(9_400, days))
    assert not isinstance(points, NotComputable)
    return points


ANSWERS = {
    "control": Histogram(
        ((1.0, 110), (2.0, 180), (3.0, 420), (4.0, 1650), (5.0, 1540)), 9_400, 6_000
    ),
    "guided": Histogram(((1.0, 90), (4.0, 1600), (5.0, 1700)), 9_400, 6_000),
}

STEPS = {
    "control": Funnel(9_400, (6_100, 2_200)),
    "guided": Funnel(9_380, (6_400, 2_900)),
}


def draw_result() -> Sequence[DrawnChart]:
    """Draw the result, and the metric that decides in one segment."""
    plan = plan_of(RETENTION, CSAT, CHURN, FUNNEL)
    readings = [
        reading_of(RETENTION, graded(estimate_of(0.019, 0.006, 0.032))),
        reading_of(CSAT, graded(estimate_of(0.01, -0.03, 0.05, control=4.12))),
        reading_of(CHURN, graded(estimate_of(-0.07, -0.09, -0.05, control=0.299))),
        reading_of(RETENTION, graded(estimate_of(0.03, 0.0, 0.06)), segment="bakeries"),
    ]
    return charts.draw(
        plan,
        readings,
        {"retention": {"control": curve(62), "guided": curve(58)}},
        {"csat_mean": ANSWERS},
        {"funnel": STEPS},
    )


def draw_arrivals() -> Sequence[DrawnChart]:
    """Draw two weeks of customers coming in."""
    first = date(2026, 3, 1)
    by_day = [
        (first + timedelta(days=day), name, 600 + 10 * day)
        for day in range(14)
        for name in ("control", "guided")
    ]
    return charts.draw_enrolment(plan_of(), by_day)
