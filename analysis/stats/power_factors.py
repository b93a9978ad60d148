"""What makes a plan smaller or larger than customers drawn one by one need."""

import math
from dataclasses import replace

from analysis.stats.estimate import NotComputable
from analysis.stats.power import (
    Demand,
    SampleSize,
    detectable_mean,
    detectable_proportion,
)
from analysis.stats.ranges import outside, wrong_split


def adjusted_share(correlation: float) -> float | NotComputable:
    """Customers needed with adjustment, as a share of those without.

    Deng, Xu, Kohavi and Walker (2013), "Improving the sensitivity of online controlled
    experiments by utilizing pre-experiment data", WSDM: variance falls by rho^2.

    Args:
        correlation: of the outcome with what is adjusted for, -1 to 1.

    Returns:
        1 - rho^2, or the reason with the field at fault.
    """
    refused = outside("correlation", abs(correlation), 0, 1, low_allowed=True)
    return refused or 1 - correlation * correlation


def design_effect(
    mean_size: float, icc: float, size_cv: float = 0.0
) -> float | NotComputable:
    """How many times more customers are needed where accounts are drawn.

    Eldridge, Ashby and Kerry (2006), "Sample size for cluster randomized trials:
    effect of coefficient of variation of cluster size", Int J Epidemiol 35(5):
    1 + ((cv^2 + 1) m - 1) ICC.

    Args:
        mean_size: customers of an account, 1 or more.
        icc: how alike customers of one account are, 0 to 1.
        size_cv: standard deviation of sizes over their mean, 0 or more.

    Returns:
        The factor, or the reason with the field at fault.
    """
    refused = (
        outside("mean_size", mean_size, 1, math.inf, low_allowed=True)
        or outside("icc", icc, 0, 1, low_allowed=True, high_allowed=True)
        or outside("size_cv", size_cv, 0, math.inf, low_allowed=True)
    )
    return refused or 1 + ((size_cv * size_cv + 1) * mean_size - 1) * icc


def detectable_by_day(
    spread: tuple[float, float | None],
    daily_customers: float,
    maturation_days: int,
    days: int,
    split: tuple[float, float] = (0.5, 0.5),
    demand: Demand | None = None,
) -> tuple[tuple[int, float | None], ...] | NotComputable:
    """Smallest change that an experiment can detect, day by day.

    Args:
        spread: (baseline share, None) of a rate, or (mean, standard deviation).
        daily_customers: that reach the change, all variants together, above 0.
        maturation_days: from exposure until the outcome is known, 0 or more.
        days: how long to look, 1 or more, at most 3,660.
        split: shares of control and of the treatment.
        demand: alpha, power and treatments; the usual ones when None.

    Returns:
        (day, change) for each day; None while too few have matured. For a rate the
        change is the fall or rise that needs more customers.
    """
    refused = (
        outside("daily_customers", daily_customers, 0, math.inf)
        or outside("maturation_days", maturation_days, 0, math.inf, low_allowed=True)
        or outside("days", days, 1, 3660, low_allowed=True, high_allowed=True)
        or wrong_split(split)
    )
    if refused:
        return refused
    demand = demand or Demand()
    return tuple(
        (
            day,
            _detectable(
                spread,
                _matured(daily_customers * (day - maturation_days), split),
                demand,
            ),
        )
        for day in range(1, int(days) + 1)
    )


def _matured(customers: float, split: tuple[float, float]) -> SampleSize:
    whole = math.fsum(split)
    control, treatment = (int(max(0.0, customers) * each / whole) for each in split)
    return SampleSize(control, treatment)


def _detectable(
    spread: tuple[float, float | None], size: SampleSize, demand: Demand
) -> float | None:
    if not min(size.control, size.treatment):
        return None
    baseline, sd = spread
    demand = replace(demand, ratio=size.treatment / size.control)
    if sd is not None:
        found = detectable_mean(sd, size, demand)
        return None if isinstance(found, NotComputable) else found
    both = [
        detectable_proportion(baseline, size, demand, rise=up) for up in (True, False)
    ]
    known = [abs(each) for each in both if not isinstance(each, NotComputable)]
    return max(known) if len(known) == len(both) else None
