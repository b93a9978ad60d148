"""Charts of what customers do over time: curves of staying, leaving, getting there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analysis import wording
from analysis.chart_curves import Curve, at_risk_on, curves_chart, share_on, ticks_of
from analysis.chart_drawn import DrawnChart, drawn
from analysis.chart_funnel import funnel_chart, share_of
from analysis.stats.estimate import Interval
from analysis.stats.summary import Funnel
from experiments.metric_definition import CANCELLATIONS, MetricDefinition
from experiments.plan import Plan
from experiments.vocabulary import MetricKind


def curves_drawn(plan: Plan, metric: str, curves: Mapping[str, Curve]) -> DrawnChart:
    """Draw the curves of a metric about times.

    Args:
        plan: as it was locked.
        metric: its key.
        curves: by variant, control first.

    Returns:
        The chart, named "retention:{metric}".
    """
    planned = plan.metric(metric)
    day = planned.definition.day
    words = _curve_words(planned.definition)
    days = ticks_of(curves, day)
    columns = ["Day"]
    for name in curves:
        columns += [f"{name}: {words.share}", f"{name}: 95 % CI", f"{name}: at risk"]
    rows: list[list[Any]] = []
    for tick in days:
        row: list[Any] = [tick]
        for points in curves.values():
            point = share_on(points, tick)
            row += [
                "" if point is None else wording.percent(point.survival),
                "" if point is None else _share_range(point.interval),
                at_risk_on(points, tick),
            ]
        rows.append(row)
    seen = day if day in days else days[-1]
    said = [
        f"{wording.percent(point.survival)} of {name}"
        for name, points in curves.items()
        if (point := share_on(points, seen)) is not None
    ]
    return drawn(
        f"retention:{metric}",
        f"{words.title}, day by day ({planned.name})",
        words.sentence.format(day=seen, said=wording.joined(said)),
        (columns, rows),
        lambda medium: curves_chart(curves, day, medium),
    )


@dataclass(frozen=True, slots=True)
class _CurveWords:
    """How a curve is spoken of: in a title, at the head of a column, on a day."""

    title: str
    share: str
    sentence: str


_STILL_HERE = _CurveWords(
    "Customers still here", "still here", "On day {day}, {said} were still here."
)
_CANCELLED = _CurveWords(
    "Customers who cancelled", "cancelled", "By day {day}, {said} had cancelled."
)
_GOT_THERE = _CurveWords(
    "Customers who got there", "got there", "By day {day}, {said} had got there."
)


def _curve_words(definition: MetricDefinition) -> _CurveWords:
    if definition.kind in CANCELLATIONS:
        return _CANCELLED
    return _GOT_THERE if definition.kind == MetricKind.TIME_TO_EVENT else _STILL_HERE


def funnel_drawn(plan: Plan, metric: str, funnels: Mapping[str, Funnel]) -> DrawnChart:
    """Draw how far the customers of each variant came.

    Args:
        plan: as it was locked.
        metric: its key.
        funnels: by variant, control first.

    Returns:
        The chart, named "funnel:{metric}".
    """
    planned = plan.metric(metric)
    steps = planned.definition.events
    columns = ["Step"]
    for name in funnels:
        columns += [
            f"{name}: customers",
            f"{name}: of all",
            f"{name}: of the step before",
        ]
    rows: list[list[Any]] = []
    for i, step in enumerate(steps):
        row: list[Any] = [f"{i + 1}. {step}"]
        for funnel in funnels.values():
            before = funnel.reached[i - 1] if i else funnel.n
            row += [
                wording.count(funnel.reached[i]),
                wording.percent(share_of(funnel, i)) if funnel.n else "",
                wording.percent(funnel.reached[i] / before) if before else "",
            ]
        rows.append(row)
    said = [
        f"{wording.percent(share_of(funnel, len(steps) - 1))} of {name}"
        for name, funnel in funnels.items()
    ]
    return drawn(
        f"funnel:{metric}",
        f"How far customers came, step by step ({planned.name})",
        f"All {len(steps)} steps were taken by {wording.joined(said)}.",
        (columns, rows),
        lambda medium: funnel_chart(funnels, steps, medium),
    )


def _share_range(interval: Interval | None) -> str:
    if interval is None or interval.low is None or interval.high is None:
        return ""
    return f"{wording.percent(interval.low)} to {wording.percent(interval.high)}"
