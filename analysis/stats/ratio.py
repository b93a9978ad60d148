"""Ratios of two sums: contacts per order, revenue per visit.

Orders of one customer are not drawn one by one, so neither is their average: what is
compared is the sum over customers divided by another sum over the same customers, with
errors of customers.
"""

import math
import sys

from analysis.stats.estimate import NotComputable, Outcome
from analysis.stats.intervals import normal_value
from analysis.stats.means import named, welch
from analysis.stats.refusals import too_few
from analysis.stats.summary import Moments, VectorMoments
from experiments.vocabulary import Reason

# A residual within this many roundings of what cancels in it is the rounding.
_ROUNDINGS = 64


def ratio_difference(
    control: VectorMoments, treatment: VectorMoments, level: float = 0.95
) -> Outcome:
    """Compare R = sum(y) / sum(x) of two variants, by linearisation.

    y - R x has the mean 0 over customers, and its variance over the squared mean of x
    is that of R (Deng, Knoblich and Lu 2018, "Applying the delta method in metric
    analytics", sec. 3.2). The customers' number is that of customers in the variant,
    also of those whose x is 0. Lift by Fieller with the linearised variances.

    Args:
        control: of each customer y, then x.
        treatment: likewise, in the same units.
        level: confidence level, 0 to 1.

    Returns:
        Estimate of treatment minus control in y per x, facts as `welch` with
        `control_denominator_cv` and `treatment_denominator_cv`: the linearisation is
        good while these relative errors of the mean of x stay below about 0.1 (Cochran
        1977, "Sampling techniques", sec. 6.5). Or the reason why there is none.
    """
    refused = too_few(control, treatment)
    if refused:
        return refused
    arms, facts = [], {}
    for name, arm in (("control", control), ("treatment", treatment)):
        variation = _denominator_cv(arm)
        if variation is None:
            return NotComputable(Reason.NON_FINITE)
        if not variation * normal_value(level) < 1:
            return NotComputable(Reason.DENOMINATOR_NEAR_ZERO)
        facts[f"{name}_denominator_cv"] = variation
        arms.append(linearised(arm))
    return named(welch(arms[0], arms[1], level), "ratio", facts)


def linearised(arm: VectorMoments) -> Moments:
    """One variant's ratio as if it were a mean over its customers.

    Args:
        arm: of each customer y, then x; the mean of x is not 0.

    Returns:
        Moments whose mean is R and whose squared error is that of R.
    """
    value = arm.mean[0] / arm.mean[1]
    squares, around = arm.m2[0][0], value * value * arm.m2[1][1]
    residual = squares - 2 * value * arm.m2[0][1] + around
    if residual <= _ROUNDINGS * sys.float_info.epsilon * (squares + around):
        residual = 0.0
    return Moments(
        n=arm.n,
        mean=value,
        m2=residual / (arm.mean[1] * arm.mean[1]),
        n_missing=arm.n_missing,
        n_nonfinite=arm.n_nonfinite,
        n_immature=arm.n_immature,
    )


def _denominator_cv(arm: VectorMoments) -> float | None:
    """Relative error of the mean of x; infinite where it is not above 0."""
    numbers = (*arm.mean[:2], *arm.m2[0][:2], arm.m2[1][1])
    if not all(map(math.isfinite, numbers)):
        return None
    if not arm.mean[1] > 0:
        return math.inf
    error = math.sqrt(arm.m2[1][1] / (arm.n - 1) / arm.n)
    return error / arm.mean[1]
