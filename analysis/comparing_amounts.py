"""Which estimator compares two amounts, and adjusts for what came before: pure."""

from collections.abc import Sequence
from dataclasses import replace

from analysis.cells import Cell
from analysis.stats.adjustment import lin
from analysis.stats.clustered_amounts import clustered_amounts
from analysis.stats.estimate import Estimate, NotComputable, Outcome
from analysis.stats.means import welch
from analysis.stats.part import Part
from analysis.stats.quantiles import quantile_difference
from analysis.stats.ratio import ratio_difference
from analysis.stats.stratified import post_stratified, with_strata
from analysis.stats.summary import Moments, Summary, vector_moments_of
from experiments.metric_definition import MetricDefinition
from experiments.vocabulary import MetricKind, Reason

ADJUSTED = frozenset({"lin", "post_stratified"})  # methods


def compare_amounts(
    definition: MetricDefinition, control: Cell, treatment: Cell, level: float
) -> Outcome:
    """Compare two variants by what their customers have or do on average.

    Args:
        definition: of a metric that is an amount.
        control: cell of control.
        treatment: of the treatment.
        level: confidence level, 0 to 1.

    Returns:
        The estimate in the unit of the amount; with the fact `cap` where amounts are
        capped. Or the reason why there is none.
    """
    c, t = _moments(control.summary), _moments(treatment.summary)
    ours, theirs = control.amounts, treatment.amounts
    if ours is None or theirs is None:
        return welch(c, t, level)
    if definition.kind == MetricKind.VALUE_QUANTILE and ours.accounts is not None:
        return NotComputable(Reason.NOT_BY_ACCOUNT)
    if ours.accounts is not None:
        found = clustered_amounts((c, ours), (t, theirs), level)
    elif definition.kind == MetricKind.RATIO:
        found = ratio_difference(ours.vector, theirs.vector, level)
    elif ours.order is not None and theirs.order is not None:
        found = quantile_difference(ours.order, theirs.order, level)
    else:
        found = adjusted(welch(c, t, level), control, treatment, level)
    if ours.cap is None or not isinstance(found, Estimate):
        return found
    return replace(found, facts={**found.facts, "cap": ours.cap})


def adjusted(plain: Outcome, control: Cell, treatment: Cell, level: float) -> Outcome:
    """Adjust an estimate for what was known of customers before.

    Args:
        plain: the estimate without.
        control: cell of control: with strata where the plan compares within them, with
            covariates where the metric names days before.
        treatment: of the treatment.
        level: confidence level, 0 to 1.

    Returns:
        The adjusted estimate, which holds the unadjusted one among its facts; `plain`
        where nothing is known, accounts are drawn, or too few customers for a slope.
    """
    if not isinstance(plain, Estimate) or _is_by_account(control):
        return plain
    found: Outcome | None = None
    if control.within and treatment.within:
        found = _within_strata(control.within, treatment.within, level)
    elif control.amounts is not None and treatment.amounts is not None:
        ours, theirs = control.amounts.vector, treatment.amounts.vector
        found = lin(ours, theirs, level) if len(ours.mean) > 1 else None
    is_adjusted = isinstance(found, Estimate) and found.method in ADJUSTED
    return found if is_adjusted and found is not None else plain


def _is_by_account(cell: Cell) -> bool:
    return cell.amounts is not None and cell.amounts.accounts is not None


def _within_strata(
    control: Sequence[Part], treatment: Sequence[Part], level: float
) -> Outcome | None:
    """Compare within strata, and where there are covariates adjust for them too."""
    ours = {part.stratum: part.vector for part in control}
    theirs = {part.stratum: part.vector for part in treatment}
    nobody = vector_moments_of([], len(control[0].vector.mean))
    strata = {
        name: (ours.get(name, nobody), theirs.get(name, nobody))
        for name in ours.keys() | theirs.keys()
    }
    if len(nobody.mean) > 1:
        found = lin(*with_strata(strata), level=level)
        if not isinstance(found, Estimate):
            return found
        return replace(found, facts={**found.facts, "strata": len(strata)})
    return post_stratified(
        {name: (c.outcome, t.outcome) for name, (c, t) in strata.items()}, level
    )


def _moments(summary: Summary) -> Moments:
    if not isinstance(summary, Moments):
        raise TypeError(f"no estimator for {type(summary).__name__}")
    return summary
