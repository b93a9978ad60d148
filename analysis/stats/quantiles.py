"""Quantiles over customers: the median order, the 95th percentile of days to resolve.

A quantile is not a sum, so moments cannot give it. Three order statistics of a variant
can: the quantile itself and the two whose ranks are the ends of a confidence interval
for it. `ranks` says which they are, so the warehouse reads three values and no rows.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

from analysis.stats.estimate import ArmValue, Estimate, NotComputable, Outcome
from analysis.stats.intervals import (
    GRADES,
    normal_interval,
    normal_p_value,
    normal_value,
)
from analysis.stats.lift import fieller
from analysis.stats.refusals import finite, too_few, unvaried
from experiments.vocabulary import Reason

RANK_LEVEL = 0.95  # of the interval whose two ends are read


@dataclass(frozen=True, slots=True)
class Ranks:
    """Which values of a variant, counted from the smallest (1), are to be read."""

    low: int
    middle: int
    high: int


@dataclass(frozen=True, slots=True)
class OrderStatistics:
    """One quantile of one variant, with the values at the ends of its interval.

    `low` and `high` are the values at `ranks(n, share)`; None where the variant has too
    few customers to have them.
    """

    n: int
    share: float  # which quantile, 0 to 1
    value: float | None
    low: float | None
    high: float | None
    n_missing: int = 0
    n_immature: int = 0
    n_nonfinite: int = 0

    def __post_init__(self) -> None:
        for field in ("n", "n_missing", "n_immature", "n_nonfinite"):
            if getattr(self, field) < 0:
                raise ValueError(f"OrderStatistics: {field} is negative")
        if not 0 < self.share < 1:
            raise ValueError("OrderStatistics: share lies between 0 and 1")
        known = [v for v in (self.low, self.value, self.high) if v is not None]
        if any(later < earlier for earlier, later in pairwise(known)):
            raise ValueError("OrderStatistics: low, value and high must rise")


def ranks(n: int, share: float, design_effect: float = 1.0) -> Ranks | NotComputable:
    """Say which order statistics give a quantile and its error.

    Deng, Knoblich and Lu (2018), "Applying the delta method in metric analytics",
    sec. 4: the share of values below a quantile is a mean, so its interval, read off
    the sorted values, is that of the quantile. Where customers lie in accounts the
    share's error grows by the square root of the design effect (their sec. 4.2).

    Args:
        n: customers with a value.
        share: which quantile, 0 to 1.
        design_effect: of the share of values below the quantile; 1 for customers drawn
            one by one.

    Returns:
        Ranks from 1 to n, or the reason where an end would lie outside.
    """
    reach = normal_value(RANK_LEVEL) * math.sqrt(
        n * design_effect * share * (1 - share)
    )
    low, high = math.ceil(n * share - reach), math.ceil(n * share + reach)
    if low < 1 or high > n:
        return NotComputable(Reason.TOO_FEW_UNITS, {"needed": smallest(share), "n": n})
    return Ranks(low, math.ceil(n * share), high)


def smallest(share: float) -> int:
    """Fewest customers of a variant from which its quantile has an interval.

    Args:
        share: which quantile, 0 to 1.

    Returns:
        Customers, drawn one by one.
    """
    z = normal_value(RANK_LEVEL)
    rarer = min(share, 1 - share)
    # n r - z sqrt(n r (1 - r)) = 0 at n = z^2 (1 - r) / r; one more at the upper end.
    return math.ceil(z * z * (1 - rarer) / rarer) + 1


def quantile_difference(
    control: OrderStatistics, treatment: OrderStatistics, level: float = 0.95
) -> Outcome:
    """Compare the same quantile of two variants.

    The standard error is (high - low) / (2 z) (Deng, Knoblich and Lu 2018); values with
    many ties (spend: many zeros, round prices) make it coarse, and where both ends tie
    there is none. The normal gives test and interval.

    Args:
        control: order statistics of control's outcome.
        treatment: of the treatment's, of the same share and in the same unit.
        level: confidence level, 0 to 1.

    Returns:
        Estimate of treatment's minus control's quantile in the outcome's unit. Facts:
        `z`, `standard_error`, `share`. Or the reason why there is no estimate.

    Raises:
        ValueError: when the two are different quantiles.
    """
    if control.share != treatment.share:
        raise ValueError("two different quantiles cannot be compared")
    refused = too_few(control, treatment)
    if refused:
        return refused
    found = _errors(control), _errors(treatment)
    if found[0] is None or found[1] is None:
        return NotComputable(
            Reason.TOO_FEW_UNITS,
            {
                "control_n": control.n,
                "treatment_n": treatment.n,
                "needed": smallest(control.share),
            },
        )
    (ours, v_c), (theirs, v_t) = found[0], found[1]
    if not all(map(math.isfinite, (ours, theirs, v_c, v_t))):
        return NotComputable(Reason.NON_FINITE)
    refused = unvaried(control.n, v_c, treatment.n, v_t)
    if refused:
        return refused
    error, effect = math.sqrt(v_c + v_t), theirs - ours
    interval, *graded = (
        normal_interval(effect, error, each) for each in (level, *GRADES)
    )
    return finite(
        Estimate(
            method="quantile",
            control=_value(control, ours, v_c, level),
            treatment=_value(treatment, theirs, v_t, level),
            effect=effect,
            interval=interval,
            p_value=normal_p_value(effect / error),
            lift=fieller(ours, v_c, theirs, v_t, level),
            graded=tuple(graded),
            facts={
                "z": effect / error,
                "standard_error": error,
                "share": control.share,
            },
        )
    )


def _errors(arm: OrderStatistics) -> tuple[float, float] | None:
    """Value and squared error; None where the order statistics are not there."""
    if arm.value is None or arm.low is None or arm.high is None:
        return None
    error = (arm.high - arm.low) / (2 * normal_value(RANK_LEVEL))
    return arm.value, error * error


def _value(
    arm: OrderStatistics, value: float, variance: float, level: float
) -> ArmValue:
    return ArmValue(
        n=arm.n,
        value=value,
        interval=normal_interval(value, math.sqrt(variance), level)
        if variance
        else None,
        n_missing=arm.n_missing,
        n_nonfinite=arm.n_nonfinite,
        n_immature=arm.n_immature,
    )
