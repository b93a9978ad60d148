"""From a summary of customers to what a plan needs to know of a metric: pure."""

import math
from dataclasses import replace

from analysis.cells import Cell
from analysis.plan_basis import Basis
from analysis.stats.amounts import Amounts
from analysis.stats.competing import CompetingTable
from analysis.stats.covariates import are_finite, arm_of, kept_covariates
from analysis.stats.estimate import NotComputable
from analysis.stats.incidence import incidence_curve
from analysis.stats.intervals import normal_value
from analysis.stats.lifetable import curve_of
from analysis.stats.power import MIN_PER_ARM
from analysis.stats.quantiles import RANK_LEVEL, OrderStatistics
from analysis.stats.ratio import linearised
from analysis.stats.satisfaction import promotes, rescored
from analysis.stats.summary import (
    Funnel,
    Histogram,
    LifeTable,
    Moments,
    Successes,
    moments_of_histogram,
    successes_of_histogram,
)
from analysis.stats.time_power import Shares
from experiments.metric_definition import MetricDefinition
from experiments.vocabulary import MetricKind

MOST_CORRELATION = 0.99  # of a sample; beyond it a size would be a fiction
DIGITS = 12


def basis_of(definition: MetricDefinition, cell: Cell) -> tuple[Basis, int] | None:
    """Read a summary as what is known of a metric.

    Args:
        definition: of the metric.
        cell: of all customers, or of those in a segment.

    Returns:
        The basis without its source, and the customers who counted; None where they
        are too few, or all alike so that nothing follows from them.
    """
    found = _read(definition, cell)
    if found is None or found[1] < MIN_PER_ARM:
        return None
    basis, counted = found
    if definition.covariate_days:
        basis = replace(basis, correlation=_correlation(cell.amounts))
    return basis, counted


def seen_of(cell: Cell) -> int:
    """Count all who are in a cell, with an outcome or not."""
    summary = cell.summary
    if isinstance(summary, Histogram):
        return summary.n_exposed + cell.n_immature
    odd = 0 if isinstance(summary, (LifeTable, CompetingTable)) else summary.n_nonfinite
    return summary.n + summary.n_missing + odd + cell.n_immature


def _read(definition: MetricDefinition, cell: Cell) -> tuple[Basis, int] | None:
    summary = cell.summary
    if isinstance(summary, (LifeTable, CompetingTable)):
        return _of_times(definition, summary)
    if isinstance(summary, Funnel):
        summary = summary.finished
    if isinstance(summary, Histogram):
        return _of_answers(definition, summary)
    if isinstance(summary, Successes):
        return _of_shares(summary)
    if isinstance(summary, Moments):
        return _of_amounts(definition, summary, cell.amounts)
    return None


def _of_shares(summary: Successes) -> tuple[Basis, int] | None:
    if not 0 < summary.successes < summary.n:
        return None
    counted = summary.n / (summary.n + summary.n_missing)
    return Basis(summary.successes / summary.n, counted_share=counted), summary.n


def _of_answers(
    definition: MetricDefinition, answers: Histogram
) -> tuple[Basis, int] | None:
    if not answers.answered:
        return None
    share = answers.answered / answers.n_exposed
    if definition.counts_upper_box:
        found = _of_shares(successes_of_histogram(answers, definition.satisfied_from))
        if found is None:
            return None
        return replace(found[0], counted_share=share), found[1]
    if definition.kind == MetricKind.NPS:
        answers = rescored(answers, promotes)
    found = _of_moments(moments_of_histogram(answers))
    return None if found is None else (replace(found[0], counted_share=share), found[1])


def _of_moments(moments: Moments) -> tuple[Basis, int] | None:
    if moments.n <= 1 or not moments.m2 > 0 or not math.isfinite(moments.m2):
        return None
    sd = math.sqrt(moments.m2 / (moments.n - 1))
    return Basis(moments.mean, sd), moments.n


def _of_amounts(
    definition: MetricDefinition, summary: Moments, amounts: Amounts | None
) -> tuple[Basis, int] | None:
    if amounts is None:
        return _of_moments(summary)
    if definition.kind == MetricKind.RATIO:
        if not amounts.vector.mean[1] > 0:
            return None
        return _of_moments(linearised(amounts.vector))
    if amounts.order is not None:
        return _of_order(amounts.order)
    return _of_moments(amounts.vector.outcome)


def _of_order(order: OrderStatistics) -> tuple[Basis, int] | None:
    """Take a quantile's own error, times the square root of the customers it is of."""
    if order.value is None or order.low is None or order.high is None:
        return None
    error = (order.high - order.low) / (2 * normal_value(RANK_LEVEL))
    if not error > 0:
        return None
    return Basis(order.value, error * math.sqrt(order.n)), order.n


def _of_times(
    definition: MetricDefinition, table: LifeTable | CompetingTable
) -> tuple[Basis, int] | None:
    if not table.n:
        return None
    shares = _without(table, definition.day)
    if shares is None or not 0 < shares[-1] < 1:
        return None
    counted = table.n / (table.n + table.n_missing)
    if definition.is_time:
        return Basis(shares[-1], counted_share=counted, shares=shares), table.n
    return Basis(1 - shares[-1], counted_share=counted), table.n


def _without(table: LifeTable | CompetingTable, days: int) -> Shares | None:
    """Tell the share still without the event at the end of each day."""
    if isinstance(table, LifeTable):
        curve = curve_of(table)
        found = [curve.at(day)[0] for day in range(1, days + 1)]
    else:
        points = incidence_curve(table)
        if isinstance(points, NotComputable):
            return None
        by_day = {point.day: 1 - point.share for point in points}
        found, last = [], 1.0
        for day in range(1, days + 1):
            last = by_day.get(day, last)
            found.append(last)
    return tuple(round(share, DIGITS) for share in found)


def _correlation(amounts: Amounts | None) -> float:
    """Tell how much of the outcome what came before explains, as Lin adjusts for it."""
    if amounts is None or amounts.order is not None or len(amounts.vector.mean) == 1:
        return 0.0
    vector = amounts.vector
    if not are_finite(vector) or not vector.m2[0][0] > 0:
        return 0.0
    kept = kept_covariates((vector,))
    if not kept:
        return 0.0
    arm = arm_of(vector, kept)
    explained = 1 - arm.residual(arm.slopes) / arm.squares
    return min(MOST_CORRELATION, math.sqrt(max(0.0, explained)))
