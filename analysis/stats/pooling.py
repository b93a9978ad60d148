"""Several estimates of one kind together: how much they differ beyond their errors."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from analysis.stats.estimate import NotComputable
from experiments.vocabulary import Reason


@dataclass(frozen=True, slots=True)
class Pooled:
    """A random-effects view of several estimates.

    Attributes:
        mean: their precision-weighted mean, or what was fixed.
        between: variance of the true effects, tau^2; 0 where errors explain all.
    """

    mean: float
    between: float


def paule_mandel(
    effects: Sequence[float],
    standard_errors: Sequence[float],
    about: float | None = None,
) -> Pooled | NotComputable:
    """Split the spread of estimates into their errors and real differences.

    Paule and Mandel (1982), "Consensus values and weighting factors", J Res NBS 87(5):
    tau^2 is where the weighted squares around the mean equal their degrees of freedom.
    statsmodels' `combine_effects(method_re="iterated")` gives the same about their own
    mean (a test holds the two together); it cannot fix the mean.

    Args:
        effects: estimates in one unit, at least two.
        standard_errors: of each, above 0.
        about: the mean where it is known beforehand, which costs no degree of freedom.

    Returns:
        Pooled in the effects' unit, or the reason why they cannot be pooled.
    """
    freedom = len(effects) - (about is None)
    if freedom < 1:
        return NotComputable(Reason.TOO_FEW_UNITS, {"n": len(effects), "needed": 2})
    if not all(map(math.isfinite, (*effects, *standard_errors))):
        return NotComputable(Reason.NON_FINITE)
    if min(standard_errors) <= 0:
        return NotComputable(Reason.NO_VARIATION)
    # In units of the largest error, so that no square overflows.
    unit = max(standard_errors)
    values = [effect / unit for effect in effects]
    variances = [(error / unit) * (error / unit) for error in standard_errors]
    farthest = max(abs(value) for value in values)
    if min(variances) <= 0 or not math.isfinite(farthest * farthest):
        return NotComputable(Reason.NON_FINITE)
    centre = None if about is None else about / unit

    def excess(between: float) -> float:
        weights = [1 / (variance + between) for variance in variances]
        mean = _mean(values, weights) if centre is None else centre
        squares = (
            weight * (value - mean) ** 2
            for weight, value in zip(weights, values, strict=True)
        )
        return math.fsum(squares) - freedom

    between = _root(excess, max(abs(value - (centre or 0)) for value in values))
    weights = [1 / (variance + between) for variance in variances]
    mean = _mean(values, weights) if centre is None else centre
    found = Pooled(mean * unit, between * unit * unit)
    if not (math.isfinite(found.mean) and math.isfinite(found.between)):
        return NotComputable(Reason.NON_FINITE)
    return found


def _mean(values: Sequence[float], weights: Sequence[float]) -> float:
    total = math.fsum(weights)
    return (
        math.fsum(w * value for w, value in zip(weights, values, strict=True)) / total
    )


def _root(excess: Callable[[float], float], farthest: float) -> float:
    """Where the excess, which falls, crosses 0; 0 where it starts below."""
    if excess(0.0) <= 0:
        return 0.0
    # Loads much, and most analyses pool nothing.
    from scipy.optimize import brentq  # noqa: PLC0415

    high = max(1.0, farthest * farthest)
    while excess(high) > 0:
        high *= 4
    return float(brentq(excess, 0.0, high, xtol=1e-15 * high, rtol=1e-13))
