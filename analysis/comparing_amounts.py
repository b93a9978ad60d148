"""Which estimator compares two amounts, and adjusts for what came before: pure."""

from dataclasses import replace

from analysis.cells import Cell
from analysis.stats.adjustment import lin
from analysis.stats.amounts import Amounts
from analysis.stats.clustered_amounts import clustered_amounts
from analysis.stats.estimate import Estimate, NotComputable, Outcome
from analysis.stats.means import welch
from analysis.stats.quantiles import quantile_difference
from analysis.stats.ratio import ratio_difference
from analysis.stats.summary import Moments, Summary
from experiments.metric_definition import MetricDefinition
from experiments.vocabulary import MetricKind, Reason


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
        found = adjusted(welch(c, t, level), ours, theirs, level)
    if ours.cap is None or not isinstance(found, Estimate):
        return found
    return replace(found, facts={**found.facts, "cap": ours.cap})


def adjusted(
    plain: Outcome, control: Amounts | None, treatment: Amounts | None, level: float
) -> Outcome:
    """Adjust an estimate for what customers did before, where that is known.

    Args:
        plain: the estimate without.
        control: numbers of control, with covariates where there are any.
        treatment: of the treatment.
        level: confidence level, 0 to 1.

    Returns:
        Lin's estimate, which holds the unadjusted one among its facts; `plain` where
        there is no covariate, accounts are drawn, or too few customers for a slope.
    """
    if control is None or treatment is None or control.accounts is not None:
        return plain
    if len(control.vector.mean) == 1 or not isinstance(plain, Estimate):
        return plain
    found = lin(control.vector, treatment.vector, level)
    return found if isinstance(found, Estimate) and found.method == "lin" else plain


def _moments(summary: Summary) -> Moments:
    if not isinstance(summary, Moments):
        raise TypeError(f"no estimator for {type(summary).__name__}")
    return summary
