"""The forests of a result: all metrics, one treatment, one metric by segment."""

from collections.abc import Sequence
from functools import partial
from itertools import groupby
from typing import Any

from analysis import wording
from analysis.cases import is_guarded
from analysis.chart_drawn import DrawnChart, drawn
from analysis.chart_forest import case_words, forest_chart
from analysis.chart_parts import Effect
from analysis.glossary import CASE_WORDS
from analysis.readings import MetricReading
from analysis.result_table import is_small
from analysis.stats.estimate import Estimate
from experiments.plan import Plan
from experiments.vocabulary import EVERYBODY, Role

FOREST = "forest"
VALUES = ["Control (customers)", "Variant's value (customers)", "Change (95 % CI)"]
AGREED = ["Change that matters", "Limit of harm"]


def forest_drawn(effects: Sequence[Effect], name: str = FOREST) -> DrawnChart:
    """Draw metrics in units of the change that matters.

    Args:
        effects: in the order of the plan, at least one.
        name: of the chart.

    Returns:
        The chart; its table has the same rows.
    """
    rows = [
        [each.planned.name, each.reading.variant, *_values(each), *_agreed(each)]
        for each in effects
    ]
    title = "All metrics, each in units of the change that matters"
    if name != FOREST:
        title = f"{title}: {effects[0].reading.variant} against control"
    return drawn(
        name,
        title,
        case_words(effects),
        (["Metric", "Variant", *VALUES, *AGREED, "Result"], _said(rows, effects)),
        partial(forest_chart, effects),
    )


def forests_by_treatment(effects: Sequence[Effect]) -> list[DrawnChart]:
    """Draw each treatment against control, for the page of its own.

    Args:
        effects: of all treatments, in the order of the plan.

    Returns:
        Charts named "forest:{variant}".
    """
    ordered = sorted(effects, key=_variant)
    return [
        forest_drawn(list(own), f"{FOREST}:{variant}")
        for variant, own in groupby(ordered, key=_variant)
    ]


def split_forests(plan: Plan, readings: Sequence[MetricReading]) -> list[DrawnChart]:
    """Draw the metric that decides in each segment that was declared.

    Args:
        plan: as it was locked.
        readings: of the run; groups too small to be shown are left out.

    Returns:
        Charts named "segments:{variant}", one for each treatment that has a number in
        some segment.
    """
    primary = plan.primary
    charts = []
    for treatment in plan.design.treatments:
        own = [
            each
            for each in readings
            if each.role == Role.PRIMARY
            and each.variant == treatment.name
            and isinstance(each.outcome, Estimate)
            and not is_small(each.outcome)
        ]
        own.sort(key=lambda each: each.segment != EVERYBODY)
        guarded = is_guarded(plan, primary)
        effects = [
            Effect(primary, each, each.outcome, guarded)
            for each in own
            if isinstance(each.outcome, Estimate)
        ]
        if any(each.segment != EVERYBODY for each in own):
            charts.append(_split(plan, treatment.name, effects))
    return charts


def _split(plan: Plan, variant: str, effects: Sequence[Effect]) -> DrawnChart:
    names = [plan.segment_name(each.reading.segment) or "Everybody" for each in effects]
    rows = [[name, *_values(each)] for name, each in zip(names, effects, strict=True)]
    said = wording.joined(
        [
            f"{each.words.change_and_range()} ({name})"
            for name, each in zip(names, effects, strict=True)
        ]
    )
    return drawn(
        f"segments:{variant}",
        f"Change in {plan.primary.name} with {variant}, by segment",
        f"The change is {said}.",
        (["Segment", *VALUES, "Result"], _said(rows, effects)),
        partial(forest_chart, effects, names=names),
    )


def _variant(effect: Effect) -> str:
    return effect.reading.variant


def _values(each: Effect) -> list[str]:
    """Write what stands in both groups, and the change."""
    asked = each.planned.definition
    arms = [
        "\N{EN DASH}"
        if arm.value is None
        else f"{wording.value_on_scale(arm.value, asked, each.decimals)}"
        f" ({wording.count(arm.n)})"
        for arm in (each.estimate.control, each.estimate.treatment)
    ]
    return [*arms, each.words.change_and_range()]


def _agreed(each: Effect) -> list[str]:
    choice = each.planned.choice
    margin = (
        "" if choice.margin is None else wording.agreed(choice.margin, each.measure)
    )
    return [wording.agreed(choice.change_that_matters, each.measure), margin]


def _said(rows: list[list[str]], effects: Sequence[Effect]) -> list[list[Any]]:
    pairs = zip(rows, effects, strict=True)
    return [[*row, CASE_WORDS[each.case]] for row, each in pairs]
