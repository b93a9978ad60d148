"""Customers of each variant in parts that nothing could change: strata, and folds.

A stratum is a mask of declared segments, as they were before the exposure. A fold is
drawn from the customer's pseudonym, without a look at anything they did.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from analysis.answer_scores import score_of
from analysis.cells import Cell, Groups
from analysis.measure import Measure, OutcomeCount
from analysis.number_cells import vector_of_groups
from analysis.numbers import GroupSums, NumberSums
from analysis.stats.merging import merge_all
from analysis.stats.part import Part
from analysis.stats.summary import (
    Funnel,
    Histogram,
    Moments,
    Successes,
    Summary,
    VectorMoments,
    moments_of_histogram,
)
from experiments.metric_definition import MEAN_AMOUNTS, MetricDefinition
from experiments.plan import Plan, PlannedMetric
from experiments.vocabulary import EVERYBODY, Role, Unit

_Row = TypeVar("_Row", OutcomeCount, GroupSums)
Parts = dict[str, tuple[Part, ...]]  # by variant


def with_parts(
    plan: Plan,
    metric: PlannedMetric,
    cells: Iterable[Cell],
    counted: tuple[Measure, Groups] | None,
    sums: NumberSums | None,
) -> list[Cell]:
    """Put what customers had, part by part, beside the cells of everybody.

    Args:
        plan: says whether strata are compared; no parts where accounts are drawn.
        metric: of the plan.
        cells: of the metric.
        counted: where outcomes are few, their measure and how often each came.
        sums: where outcomes are numbers, or are adjusted.

    Returns:
        The cells, unchanged where the plan declares no split or the metric is neither
        a share nor a mean.
    """
    cells = list(cells)
    is_primary = metric.choice.role == Role.PRIMARY
    asked = is_primary or plan.design.post_stratified
    drawn_alone = plan.design.unit == Unit.CUSTOMER
    if not (asked and plan.design.breakdowns and drawn_alone):
        return cells
    parts = _parts(metric.definition, counted, sums)
    found = []
    for cell in cells:
        own = parts.get(cell.variant, ())
        if own and cell.segment == EVERYBODY:
            within = _within(own) if plan.design.post_stratified else ()
            folds = own if is_primary else ()
            found.append(replace(cell, within=within, folds=folds))
        else:
            found.append(cell)
    return found


def _parts(
    definition: MetricDefinition,
    counted: tuple[Measure, Groups] | None,
    sums: NumberSums | None,
) -> Parts:
    found: dict[str, list[Part]] = defaultdict(list)
    if sums is not None:
        if counted is None and definition.kind not in MEAN_AMOUNTS:
            return {}  # a ratio or a quantile is no mean over customers
        for (variant, mask), groups in sums.groups.items():
            for fold, own in _by_fold(groups).items():
                found[variant].append(Part(mask, fold, vector_of_groups(own, sums)))
    elif counted is not None:
        measure, outcomes = counted
        for (variant, mask), counts in outcomes.items():
            for fold, few in _by_fold(counts).items():
                vector = _vector(definition, measure.decode(few).summary)
                if vector is not None:
                    found[variant].append(Part(mask, fold, vector))
    return {
        variant: tuple(sorted(parts, key=lambda each: (each.stratum, each.fold)))
        for variant, parts in found.items()
    }


def _by_fold(rows: Iterable[_Row]) -> Mapping[int, list[_Row]]:
    found: dict[int, list[_Row]] = defaultdict(list)
    for row in rows:
        found[row.cluster].append(row)
    return found


def _within(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Put the folds of each stratum together."""
    strata: dict[str, list[VectorMoments]] = defaultdict(list)
    for part in parts:
        strata[part.stratum].append(part.vector)
    return tuple(Part(name, 0, merge_all(found)) for name, found in strata.items())


def _vector(definition: MetricDefinition, summary: Summary) -> VectorMoments | None:
    """Read a summary as a mean over customers; None for one that is none."""
    if isinstance(summary, Funnel):
        summary = summary.finished
    if isinstance(summary, Successes):
        n, yes = summary.n, summary.successes
        spread = yes * (n - yes) / n if n else 0.0
        return VectorMoments(
            n,
            (yes / n if n else 0.0,),
            ((spread,),),
            n_missing=summary.n_missing,
            n_immature=summary.n_immature,
        )
    if isinstance(summary, Histogram):
        return _of_answers(moments_of_histogram(_scored(definition, summary)))
    return None


def _scored(definition: MetricDefinition, answers: Histogram) -> Histogram:
    """Turn answers into what their metric counts."""
    score, counts = score_of(definition), defaultdict[float, int](int)
    for answer, n in answers.counts:
        counts[score(answer)] += n
    return replace(answers, counts=tuple(sorted(counts.items())))


def _of_answers(moments: Moments) -> VectorMoments:
    return VectorMoments(
        moments.n,
        (moments.mean,),
        ((moments.m2,),),
        n_missing=moments.n_missing,
        n_immature=moments.n_immature,
    )
