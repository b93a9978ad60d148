"""Several treatments against one control, all intervals holding together.

The comparisons share control's error, so they err together and Bonferroni gives away
more than is needed. Control's error is one normal variable; given it the treatments
are independent, so the joint distribution is an integral over one line (and over the
estimated variance): exact, and the same on every run, where scipy.stats.dunnett
simulates.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.stats.estimate import Interval, NotComputable
from analysis.stats.intervals import around, tail
from analysis.stats.quadrature import between
from analysis.stats.refusals import too_few
from analysis.stats.summary import Moments
from experiments.vocabulary import Reason

Values = NDArray[np.float64]
_NODES = 64
_STEEP = 0.95
_FAR = 8.5  # standard errors: beyond them lies less than 1e-16
_MANY = 5000  # degrees of freedom from which the estimated variance is the true one
_LARGEST = 60.0  # statistics beyond it have p = 0 to the last digit


@dataclass(frozen=True, slots=True)
class AgainstControl:
    """One treatment of several against control.

    Attributes:
        effect: treatment minus control, in the outcome's unit.
        statistic: effect over its standard error.
        p_value: adjusted over all treatments.
        interval: holds together with those of the other treatments.
    """

    effect: float
    statistic: float
    p_value: float
    interval: Interval


def dunnett(
    control: Moments, treatments: Sequence[Moments], level: float = 0.95
) -> tuple[AgainstControl, ...] | NotComputable:
    """Compare each treatment's mean with control's, by Dunnett's test.

    Dunnett (1955), "A multiple comparison procedure for comparing several treatments
    with a control", JASA 50(272): one variance, pooled over all variants.

    Args:
        control: moments of control's outcome.
        treatments: of each treatment, in the same unit.
        level: confidence level of the family, 0 to 1.

    Returns:
        One for each treatment in order, or the reason why there is none.
    """
    arms = [control, *treatments]
    for arm in treatments:
        refused = too_few(control, arm)
        if refused:
            return refused
    if not all(math.isfinite(arm.mean) and math.isfinite(arm.m2) for arm in arms):
        return NotComputable(Reason.NON_FINITE)
    dof = sum(arm.n - 1 for arm in arms)
    variance = math.fsum(arm.m2 for arm in arms) / dof
    if not 0 < variance < math.inf:
        return NotComputable(Reason.NO_VARIATION)
    shared = 1 / control.n
    errors = [math.sqrt(variance * (shared + 1 / arm.n)) for arm in treatments]
    loadings = np.sqrt([shared / (shared + 1 / arm.n) for arm in treatments])
    critical = many_to_one_value(loadings, dof, level)
    compared = []
    for arm, error in zip(treatments, errors, strict=True):
        effect = arm.mean - control.mean
        compared.append(
            AgainstControl(
                effect=effect,
                statistic=effect / error,
                p_value=many_to_one_p_value(effect / error, loadings, dof),
                interval=around(effect, critical * error, level),
            )
        )
    return tuple(compared)


def many_to_one_value(loadings: Values, dof: float, level: float = 0.95) -> float:
    """Critical value that all statistics stay below together.

    Args:
        loadings: for each treatment the share of control in the standard error of the
            comparison, sqrt(v_c / (v_c + v_t)); two correlate by the product.
        dof: degrees of freedom of the estimated variance; infinite for the normal.
        level: confidence level of the family, 0 to 1.

    Returns:
        c such that no |statistic| passes c in a share `level` of experiments.
    """
    return _value(tuple(loadings.tolist()), dof, level)


@cache
def _value(loadings: tuple[float, ...], dof: float, level: float) -> float:
    # Loads much, and most plans have one treatment.
    from scipy.optimize import brentq  # noqa: PLC0415

    missed, of_each = 2 * tail(level), np.array(loadings)
    # Between one comparison and Bonferroni's.
    low, high = (
        -float(special.ndtri(missed / 2 / family))
        if dof >= _MANY
        else -float(special.stdtrit(dof, missed / 2 / family))
        for family in (1, len(loadings))
    )
    return float(
        brentq(
            lambda c: many_to_one_p_value(c, of_each, dof) - missed,
            low * 0.99,
            min(high * 1.5 + 1, _LARGEST),
            xtol=1e-9,
        )
    )


def many_to_one_p_value(statistic: float, loadings: Values, dof: float) -> float:
    """Probability that any of the statistics is as far from 0, under no change.

    Args:
        statistic: of one comparison.
        loadings: as in `many_to_one_value`.
        dof: as in `many_to_one_value`.

    Returns:
        Adjusted two-sided p-value.
    """
    c = min(abs(statistic), _LARGEST)
    if dof >= _MANY:
        return float(_any_beyond(np.array([c]), loadings)[0])
    # The estimated over the true standard deviation: chi(dof) / sqrt(dof).
    spread = _FAR / math.sqrt(2 * dof)
    low = max(1e-9, 1 - spread)
    nodes, weights = between(low, 1 + spread + _FAR / dof, _NODES)
    log_density = (
        (dof / 2) * math.log(dof)
        - special.gammaln(dof / 2)
        - (dof / 2 - 1) * math.log(2)
        + (dof - 1) * np.log(nodes)
        - dof * nodes**2 / 2
    )
    parts = weights * np.exp(log_density)
    return float(min(1.0, parts @ _any_beyond(c * nodes, loadings)))


def _any_beyond(c: Values, loadings: Values) -> Values:
    """Chance that any of the correlated normals passes +-c, for each c."""
    # A control far smaller than the treatments makes the integrand a step.
    steep = bool(max(loadings) > _STEEP)
    nodes, weights = between(-_FAR, _FAR, _NODES, pieces=16 if steep else 1)
    density = weights * np.exp(-(nodes**2) / 2) / math.sqrt(2 * math.pi)
    beyond: Callable[[Values], Values] = special.ndtr
    alone = np.zeros((len(c), len(nodes)))
    for loading in loadings:
        rest = math.sqrt(1 - loading * loading)
        high = (-c[:, None] + loading * nodes[None, :]) / rest
        low = (-c[:, None] - loading * nodes[None, :]) / rest
        # In logs of staying within, so that the far tails do not cancel.
        outside = np.minimum(1.0, beyond(high) + beyond(low))
        with np.errstate(divide="ignore"):
            alone += np.log1p(-outside)
    return np.asarray(-np.expm1(alone) @ density, np.float64)
