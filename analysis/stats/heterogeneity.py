"""Whether a change differs between segments: one test, then each, pulled together.

Among ten segments without any difference one looks special by chance. So the question
"do they differ at all?" comes first and has one p-value; and what is shown for each is
shrunk towards the mean, the more the less its own data say.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scipy import special

from analysis.stats.estimate import Interval, NotComputable
from analysis.stats.intervals import normal_interval
from analysis.stats.pooling import Pooled, paule_mandel
from experiments.vocabulary import Reason


@dataclass(frozen=True, slots=True)
class Shrunk:
    """One segment's change after borrowing from the others."""

    value: float
    standard_error: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class Heterogeneity:
    """How much a change differs between segments.

    Attributes:
        q: Cochran's Q, chi-square with `dof` under one change for all.
        dof: segments less one.
        p_value: of the hypothesis that the change is the same in each.
        between: variance of the true changes, tau^2, in squared units.
        share_real: I^2, the share of the spread that errors do not explain, 0 to 1.
        mean: of the segments' changes, weighed by what each says.
        shrunk: each segment's change, in the order given.
    """

    q: float
    dof: int
    p_value: float
    between: float
    share_real: float
    mean: float
    shrunk: Mapping[str, Shrunk]


def heterogeneity(
    effects: Sequence[tuple[str, float, float]], level: float = 0.95
) -> Heterogeneity | NotComputable:
    """Test whether segments differ, and shrink what each shows.

    Cochran (1954), "The combination of estimates from different experiments",
    Biometrics 10(1). With Welch's errors Q is the Wald test of the interaction in a
    regression with HC2 errors. The segments must not overlap. Shrinkage with the tau^2
    of Paule and Mandel (1982): towards the mean by v / (v + tau^2), with the mean's own
    error added (Raudenbush and Bryk 1985).

    Args:
        effects: (segment, change, standard error), at least two, in one unit.
        level: confidence level of the shrunk intervals, 0 to 1.

    Returns:
        Heterogeneity in the effects' unit, or the reason why it cannot be told.
    """
    if len(effects) < 2:  # noqa: PLR2004  # one segment differs from nothing
        return NotComputable(Reason.TOO_FEW_SEGMENTS, {"segments": len(effects)})
    values = [effect for _, effect, _ in effects]
    errors = [error for _, _, error in effects]
    pooled = paule_mandel(values, errors)
    if isinstance(pooled, NotComputable):
        return pooled
    # In units of the largest error, so that no square overflows.
    unit = max(errors)
    weights = [(unit / error) * (unit / error) for error in errors]
    fixed = _mean(values, weights)
    apart = [(value - fixed) / unit for value in values]
    q = math.fsum(w * each * each for w, each in zip(weights, apart, strict=True))
    if not math.isfinite(q):
        return NotComputable(Reason.NON_FINITE)
    dof = len(effects) - 1
    return Heterogeneity(
        q=q,
        dof=dof,
        p_value=float(special.chdtrc(dof, q)),
        between=pooled.between,
        share_real=max(0.0, 1 - dof / q) if q else 0.0,
        mean=pooled.mean,
        shrunk=_shrunk(effects, pooled, unit, level),
    )


def _shrunk(
    effects: Sequence[tuple[str, float, float]],
    pooled: Pooled,
    unit: float,
    level: float,
) -> dict[str, Shrunk]:
    between = pooled.between / unit / unit
    variances = [(error / unit) * (error / unit) for _, _, error in effects]
    of_mean = 1 / math.fsum(1 / (variance + between) for variance in variances)
    found = {}
    for (name, effect, _), variance in zip(effects, variances, strict=True):
        own = between / (variance + between)
        value = pooled.mean + own * (effect - pooled.mean)
        error = unit * math.sqrt(own * variance + (1 - own) * (1 - own) * of_mean)
        found[name] = Shrunk(value, error, normal_interval(value, error, level))
    return found


def _mean(values: Sequence[float], weights: Sequence[float]) -> float:
    products = (w * value for w, value in zip(weights, values, strict=True))
    return math.fsum(products) / math.fsum(weights)
