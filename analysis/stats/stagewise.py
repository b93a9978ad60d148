"""What a group-sequential test says once it has stopped, in the order of stages.

Whoever stops because a boundary was crossed catches a moment at which chance helped:
the plain estimate is too large on average and the plain p-value too small. The ordering
of stages puts that right: Fairbanks and Madsen (1982), Biometrika 69(1); Tsiatis,
Rosner and Mehta (1984), Biometrics 40(3); Jennison and Turnbull (2000), ch. 8.
"""

import math
from dataclasses import dataclass

from analysis.stats.boundaries import Bounds, chance_above
from analysis.stats.estimate import Interval
from analysis.stats.intervals import tail

WIDEST = 2.0**20  # standard errors; beyond it an end is open


@dataclass(frozen=True, slots=True)
class Stopped:
    """Where a test stopped.

    Attributes:
        bounds: of the looks taken; later ones do not matter.
        look: index of the last look, from 0.
        z: its statistic, effect / standard error.
    """

    bounds: Bounds
    look: int
    z: float

    @property
    def standard_error(self) -> float:
        """Of the effect at the last look."""
        return 1 / math.sqrt(self.bounds.information[self.look])


def p_value(stopped: Stopped) -> float:
    """Two-sided p-value in the order of stages.

    It is at most alpha exactly when a boundary that spends alpha was crossed.
    """
    above = chance_above(stopped.bounds, stopped.look, stopped.z, 0.0)
    return min(1.0, 2 * min(above, 1 - above))


def median_unbiased(stopped: Stopped) -> float:
    """Effect under which a larger outcome is as likely as a smaller one.

    Args:
        stopped: where the test stopped.

    Returns:
        The estimate, on the scale of the effect; too high in half of all tests.
    """
    found = _effect_at(stopped, 0.5)
    return stopped.z * stopped.standard_error if found is None else found


def interval(stopped: Stopped, level: float) -> Interval:
    """Confidence interval in the order of stages.

    Args:
        stopped: where the test stopped.
        level: confidence level, 0 to 1.

    Returns:
        The effects that the outcome does not contradict; it leaves out 0 exactly when
        a boundary that spends 1 - level was crossed.
    """
    outside = tail(level)
    low, high = _effect_at(stopped, outside), _effect_at(stopped, 1 - outside)
    return Interval(low, high, level)


def _effect_at(stopped: Stopped, chance: float) -> float | None:
    """Effect under which an outcome so extreme upwards has this chance."""
    from scipy.optimize import brentq  # noqa: PLC0415  # takes a while to load

    error, centre = stopped.standard_error, stopped.z

    def excess(errors: float) -> float:
        effect = errors * error
        above = chance_above(stopped.bounds, stopped.look, stopped.z, effect)
        return above - chance

    reach = 4.0
    while reach < WIDEST:
        low, high = centre - reach, centre + reach
        if excess(low) <= 0 <= excess(high):
            return error * float(brentq(excess, low, high, xtol=1e-9))
        reach *= 2
    return None
