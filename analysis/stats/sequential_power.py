"""What looking more than once costs, and whether going on can still succeed."""

import itertools
import math

from scipy import special

from analysis.stats.boundaries import Bounds, boundaries, exit_chances
from analysis.stats.confidence_sequence import multiplier
from analysis.stats.estimate import NotComputable
from analysis.stats.power import Demand, SampleSize
from analysis.stats.spending import obrien_fleming, spent_by
from experiments.vocabulary import MonitoringMode, Reason

EQUAL_LOOKS = (0.25, 0.5, 0.75, 1.0)


def power_of(bounds: Bounds, effect: float) -> float:
    """Chance that a test stops on either side, under an effect."""
    above, below = exit_chances(bounds, effect)
    return float(above.sum() + below.sum())


def inflation(bounds: Bounds, alpha: float, power: float) -> float:
    """Times as many customers as a test with one look needs, at most.

    Jennison and Turnbull (2000), section 2.3: the largest size, reached only where no
    look stops earlier.

    Args:
        bounds: two-sided, spending `alpha` over all looks.
        alpha: two-sided, 0 to 1.
        power: wanted, above alpha.

    Returns:
        The factor, 1 or a little more.
    """
    from scipy.optimize import brentq  # noqa: PLC0415  # takes a while to load

    once = float(special.ndtri(power) - special.ndtri(alpha / 2))
    whole = math.sqrt(bounds.information[-1])
    drift = brentq(lambda d: power_of(bounds, d / whole) - power, 0.5 * once, 3 * once)
    return float(drift / once) ** 2


def inflation_of_looks(
    looks: tuple[float, ...] = EQUAL_LOOKS, alpha: float = 0.05, power: float = 0.8
) -> float:
    """Price of looks with O'Brien-Fleming-type spending, in customers.

    Args:
        looks: shares of the planned information, rising, the last of them 1.
        alpha: two-sided, 0 to 1.
        power: wanted, above alpha.

    Returns:
        The factor by which the planned size grows.
    """
    spent = spent_by(looks, alpha / 2, obrien_fleming)
    return max(1.0, inflation(boundaries(looks, spent), alpha, power))


def inflation_of_sequence(alpha: float = 0.05, power: float = 0.8) -> float:
    """Price of a range that holds on any day, in customers.

    Args:
        alpha: two-sided, 0 to 1.
        power: wanted at the planned size, above alpha.

    Returns:
        The factor, for a sequence tuned to the planned size; a little more than is
        needed, for the range may leave out 0 earlier.
    """
    reach = float(special.ndtri(power))
    once = reach - float(special.ndtri(alpha / 2))
    return ((multiplier(1.0, alpha) + reach) / once) ** 2


def size_for_mode(
    size: SampleSize | NotComputable,
    mode: MonitoringMode,
    looks: tuple[float, ...],
    demand: Demand,
) -> SampleSize | NotComputable:
    """Customers to plan for, so that seeing estimates earlier costs no power.

    Args:
        size: for one look at the end.
        mode: when estimates are seen.
        looks: shares of the planned size; empty for quarters.
        demand: alpha, power and treatments.

    Returns:
        The larger SampleSize, or the reason handed in or found.
    """
    if isinstance(size, NotComputable):
        return size
    alpha = demand.alpha_each
    factor = 1.0
    if mode == MonitoringMode.GROUP_SEQUENTIAL:
        rises = all(0 < low < high for low, high in itertools.pairwise(looks))
        if looks and not (rises and looks[-1] == 1):
            return NotComputable(Reason.OUT_OF_RANGE, {"field": "looks"})
        factor = inflation_of_looks(looks or EQUAL_LOOKS, alpha, demand.power)
    elif mode == MonitoringMode.ALWAYS_VALID:
        factor = inflation_of_sequence(alpha, demand.power)
    return SampleSize(
        math.ceil(size.control * factor), math.ceil(size.treatment * factor)
    )


def conditional_power(z: float, done: float, drift: float, last: float) -> float:
    """Chance to end beyond the last boundary, given what is in.

    From the B-value: Lan and Wittes (1988), Biometrics 44(2), 579-585, eq. 3. Looks in
    between are left out, so it is a little too low for those that would stop earlier.

    Args:
        z: statistic so far.
        done: share of the planned information that is in, above 0.
        drift: mean of Z at the planned end, for what is to come.
        last: boundary at the planned end.

    Returns:
        0 to 1; 1 or 0 once all is in.
    """
    if done >= 1:
        return float(z >= last)
    reach = z * math.sqrt(done) + drift * (1 - done) - last
    return float(special.ndtr(reach / math.sqrt(1 - done)))
