"""The smallest change that a number of customers can detect."""

import math
from collections.abc import Callable
from dataclasses import replace

from analysis.stats.estimate import NotComputable
from analysis.stats.power import (
    MIN_PER_ARM,
    Demand,
    SampleSize,
    customers_for_share,
    effect_for_answers,
    wrong_demand,
)
from analysis.stats.ranges import outside
from experiments.vocabulary import Reason


def detectable_proportion(
    baseline: float, size: SampleSize, demand: Demand | None = None, *, rise: bool
) -> float | NotComputable:
    """Smallest change of a share that a size detects, one way.

    Args:
        baseline: control's share, between 0 and 1.
        size: mature customers in control and in one treatment.
        demand: alpha, power and treatments; the ratio is the size's own.
        rise: whether the change looked for is upward.

    Returns:
        Change as a share, negative for a fall, or the reason why there is none.
    """
    demand = with_ratio(demand or Demand(), size)
    refused = wrong_demand(demand) or outside("baseline", baseline, 0, 1)
    if refused:
        return refused
    sign = 1 if rise else -1
    room = (1 - baseline) if rise else baseline
    found = smallest_change(
        lambda change: customers_for_share(baseline, sign * change, demand),
        size.treatment,
        room,
    )
    if found is None:
        return NotComputable(Reason.UNREACHABLE, {"field": "size"})
    return sign * found


def detectable_mean(
    sd: float, size: SampleSize, demand: Demand | None = None
) -> float | NotComputable:
    """Smallest change of a mean that a size detects, either way.

    Args:
        sd: standard deviation of the outcome within a variant, in its unit.
        size: customers with an answer in control and in one treatment.
        demand: alpha, power and treatments; the ratio is the size's own.

    Returns:
        Change in the outcome's unit, above 0, or the reason why there is none.
    """
    demand = with_ratio(demand or Demand(), size)
    refused = wrong_demand(demand) or outside("sd", sd, 0, math.inf)
    if refused:
        return refused
    if min(size.control, size.treatment) < MIN_PER_ARM:
        return NotComputable(Reason.UNREACHABLE, {"field": "size"})
    return sd * effect_for_answers(size.treatment, demand)


def smallest_change(
    needed: Callable[[float], float], available: int, largest: float
) -> float | None:
    """Find the change at which the customers needed meet those that are there.

    Args:
        needed: customers for a change above 0; they fall as it grows.
        available: customers that are there.
        largest: no change is larger.

    Returns:
        The change; None where even the largest takes more customers.
    """
    from scipy.optimize import brentq  # noqa: PLC0415  # see the module's head

    def excess(log_change: float) -> float:
        return math.log(needed(math.exp(log_change)) / available)

    low, high = math.log(largest * 1e-9), math.log(largest * (1 - 1e-9))
    if available < MIN_PER_ARM or excess(high) > 0:
        return None
    return math.exp(float(brentq(excess, low, high, xtol=1e-12)))


def with_ratio(demand: Demand, size: SampleSize) -> Demand:
    """Ask for the ratio that a size has."""
    return replace(demand, ratio=size.treatment / max(1, size.control))
