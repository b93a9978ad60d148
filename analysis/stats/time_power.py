"""Customers for a comparison of days until an event, looked at up to a last day.

What decides there is the restricted mean: the days without the event, of at most so
many. A customer who was followed to the last day has such a number of days, so that its
mean and spread follow from the share still without the event, day by day. A change is
taken as one of the hazard by the same factor on every day.
"""

import math
from itertools import pairwise

from analysis.stats.detectable import smallest_change, with_ratio
from analysis.stats.estimate import NotComputable
from analysis.stats.event_power import SurvivalSize
from analysis.stats.power import Demand, SampleSize, sizes, wrong_demand
from analysis.stats.ranges import out_of_range, outside
from experiments.vocabulary import Reason

Shares = tuple[float, ...]  # still without the event at the end of day 1, 2, ...
MOST_LOG_RATIO = 30.0  # of hazards; beyond it nobody, or everybody, has the event


def steady(share: float, days: int) -> Shares | NotComputable:
    """Draw the curve of a hazard that is the same on every day.

    Args:
        share: still without the event at the end of the last day, between 0 and 1.
        days: up to the last day, 1 or more.

    Returns:
        A share for each day, or the reason with the field at fault.
    """
    refused = outside("baseline", share, 0, 1)
    return refused or tuple(share ** (day / days) for day in range(1, days + 1))


def days_without(shares: Shares) -> tuple[float, float]:
    """Mean and standard deviation of the days without the event.

    With P(Y > k) = S(k): E Y is the sum of S(k) and E Y^2 the sum of (2 k + 1) S(k),
    over k from 0 to the last day but one. The mean is the restricted mean survival time
    (Uno et al. 2014, J Clin Oncol 32(22)).

    Args:
        shares: still without the event, day by day.

    Returns:
        Both in days.
    """
    still = (1.0, *shares[:-1])
    mean = math.fsum(still)
    squares = math.fsum((2 * k + 1) * share for k, share in enumerate(still))
    return mean, math.sqrt(max(0.0, squares - mean * mean))


def size_for_days(
    shares: Shares, effect: float, demand: Demand | None = None
) -> SurvivalSize | NotComputable:
    """Customers to detect a change of the days without the event.

    Args:
        shares: of control, still without the event, day by day.
        effect: change of the mean number of days; either sign.
        demand: alpha, power, treatments and ratio; the usual ones when None.

    Returns:
        SurvivalSize with the events of control and one treatment together, or the
        reason with the field at fault in its facts.
    """
    demand = demand or Demand()
    refused = wrong_demand(demand) or _wrong_shares(shares)
    if refused:
        return refused
    if not effect:
        return NotComputable(Reason.UNREACHABLE, {"field": "effect"})
    log_ratio = _log_ratio(shares, effect)
    if log_ratio is None:
        return out_of_range("effect", effect)
    size = sizes(_customers(shares, log_ratio, demand), demand)
    if isinstance(size, NotComputable):
        return size
    ratio = math.exp(log_ratio)
    had = 1 - shares[-1], 1 - shares[-1] ** ratio
    events = size.control * had[0] + size.treatment * had[1]
    return SurvivalSize(math.ceil(events), ratio, size)


def detectable_days(
    shares: Shares, size: SampleSize, demand: Demand | None = None, *, rise: bool
) -> float | NotComputable:
    """Smallest change of the days without the event that a size detects, one way.

    Args:
        shares: of control, still without the event, day by day.
        size: mature customers in control and in one treatment.
        demand: alpha, power and treatments; the ratio is the size's own.
        rise: whether more days are looked for.

    Returns:
        Days, negative for fewer, or the reason why there is none.
    """
    demand = with_ratio(demand or Demand(), size)
    refused = wrong_demand(demand) or _wrong_shares(shares)
    if refused:
        return refused
    sign = -1 if rise else 1  # of the change of the hazard
    found = smallest_change(
        lambda change: _customers(shares, sign * change, demand),
        size.treatment,
        MOST_LOG_RATIO,
    )
    if found is None:
        return NotComputable(Reason.UNREACHABLE, {"field": "size"})
    return _changed(shares, sign * found) - days_without(shares)[0]


def _customers(shares: Shares, log_ratio: float, demand: Demand) -> float:
    """Customers of one treatment, not rounded."""
    mean, sd = days_without(shares)
    other, other_sd = days_without(_with_hazard(shares, log_ratio))
    apart = other - mean
    if not apart:
        return math.inf
    errors = demand.reach / apart
    return errors * errors * (other_sd * other_sd + demand.ratio * sd * sd)


def _with_hazard(shares: Shares, log_ratio: float) -> Shares:
    ratio = math.exp(log_ratio)
    return tuple(share**ratio for share in shares)


def _changed(shares: Shares, log_ratio: float) -> float:
    return days_without(_with_hazard(shares, log_ratio))[0]


def _log_ratio(shares: Shares, effect: float) -> float | None:
    """Find the change of the hazard that makes so many days; None where none does."""
    from scipy.optimize import brentq  # noqa: PLC0415  # as in analysis.stats.power

    aim = days_without(shares)[0] + effect

    def off(log_ratio: float) -> float:
        return _changed(shares, log_ratio) - aim

    low, high = -MOST_LOG_RATIO, MOST_LOG_RATIO
    if not off(high) < 0 < off(low):
        return None
    return float(brentq(off, low, high, xtol=1e-12))


def _wrong_shares(shares: Shares) -> NotComputable | None:
    falls = all(after <= before for before, after in pairwise((1.0, *shares)))
    if len(shares) <= 1 or not falls or not 0 < shares[-1] < 1:
        return NotComputable(Reason.OUT_OF_RANGE, {"field": "baseline"})
    return None
