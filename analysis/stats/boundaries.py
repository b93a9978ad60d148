"""Boundaries of a group-sequential test, for looks at any time, by integration.

The recursion of Armitage, McPherson and Rowe (1969), "Repeated significance tests on
accumulating data", JRSS A 132(2), on the grid of Jennison and Turnbull (2000), "Group
sequential methods with applications to clinical trials", ch. 19. The statistics of the
looks are normal with independent increments: an estimate with variance v has the
information 1/v, whatever it is an estimate of (a share, a mean, a ratio, an adjusted or
clustered difference, a restricted mean: ch. 3 and 11), and Z_k = effect_k sqrt(I_k).
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

# Beyond it the tail is 1e-12: no look decides on so little, and levels stay exact.
MAX_Z = 7.0
NO_BOUND = math.inf
FINENESS = 18  # r of the grid; 6 r - 1 points before they are halved
MAX_FINENESS = 160
# Looks that bring less are taken to bring so much: what is left to spend is then spent
# on all but the same statistic.
LEAST_GAIN = 1e-3

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where each look stops: at `upper` and above, at `lower` and below.

    Attributes:
        information: at each look, in any unit, rising.
        upper: on the scale of Z; infinite where that side never stops.
        lower: the same of the other side, minus infinite.
    """

    information: tuple[float, ...]
    upper: tuple[float, ...]
    lower: tuple[float, ...]

    @property
    def looks(self) -> int:
        """How many there are."""
        return len(self.information)


def level_of(bound: float) -> float:
    """Level at which an estimator's own interval reaches as far as a boundary.

    Testing by that interval keeps the small-sample form of every estimator (Student's
    t, Wilson's score): its tail has the size that the boundary has for a normal Z.

    Args:
        bound: on the scale of Z, above 0; beyond 7 it counts as 7.

    Returns:
        0.95 for 1.96; below 1 by 2.6e-12 at least.
    """
    return 1 - 2 * float(special.ndtr(-min(bound, MAX_Z)))


def rising(information: Sequence[float]) -> tuple[float, ...]:
    """Clamp information so that each look has a little more than the one before.

    An estimated variance can rise between two looks although customers were added.

    Args:
        information: 1 / variance at each look.

    Returns:
        The same, each at least 0.1 % larger than its predecessor.
    """
    clamped: list[float] = []
    for each in information:
        least = clamped[-1] * (1 + LEAST_GAIN) if clamped else each
        clamped.append(max(each, least))
    return tuple(clamped)


def boundaries(
    information: Sequence[float], spent: Sequence[float], *, two_sided: bool = True
) -> Bounds:
    """Find the boundaries that spend exactly so much under no effect.

    Args:
        information: 1 / variance at each look, above 0.
        spent: cumulative chance of a false alarm by each look, of one side, not
            falling.
        two_sided: whether both sides stop, alike; else the upper side alone.

    Returns:
        Bounds; infinite at a look that spends nothing, else at most 7.

    Raises:
        ValueError: the lists differ in length, or the information is not above 0.
    """
    if len(information) != len(spent) or not all(i > 0 for i in information):
        raise ValueError("each look needs its information, above 0, and its spending")
    levels = rising(information)
    walk = _Walk(levels, drift=0.0)
    upper: list[float] = []
    for look in range(len(levels)):
        wanted = spent[look] - walk.gone_up
        bound = walk.bound_for(look, wanted)
        upper.append(bound)
        walk.pass_look(look, bound, -bound if two_sided else -NO_BOUND)
    lower = [-b if two_sided else -NO_BOUND for b in upper]
    return Bounds(levels, tuple(upper), tuple(lower))


def exit_chances(bounds: Bounds, effect: float) -> tuple[Array, Array]:
    """Work out where a test stops under an effect.

    Args:
        bounds: of its looks.
        effect: the true one, on the scale of the estimate.

    Returns:
        Chances to stop at each look above, and below; each of shape (looks,).
    """
    walk = _Walk(bounds.information, drift=effect)
    up, down = np.zeros(bounds.looks), np.zeros(bounds.looks)
    for look in range(bounds.looks):
        above, below = walk.gone_up, walk.gone_down
        walk.pass_look(look, bounds.upper[look], bounds.lower[look])
        up[look], down[look] = walk.gone_up - above, walk.gone_down - below
    return up, down


def chance_above(bounds: Bounds, look: int, z: float, effect: float) -> float:
    """Chance of an outcome at least as extreme upwards, in the order of stages.

    Stopping above earlier is more extreme than later, and at one look the larger Z is:
    Armitage (1957), Biometrika 44(1); Jennison and Turnbull (2000), section 8.4.

    Args:
        bounds: of the looks taken.
        look: index of the one at which it stopped, from 0.
        z: its statistic.
        effect: under which the chance is asked for, on the scale of the estimate.

    Returns:
        0 to 1; rises with the effect.
    """
    walk = _Walk(bounds.information, drift=effect)
    for earlier in range(look):
        walk.pass_look(earlier, bounds.upper[earlier], bounds.lower[earlier])
    return walk.gone_up + walk.chance_beyond(look, z)


class _Walk:
    """A test on its way: what has stopped, and where the rest of it stands."""

    def __init__(self, information: Sequence[float], drift: float) -> None:
        self.information = information
        self.drift = drift
        self.gone_up = self.gone_down = 0.0
        self._fineness = _fineness(information)
        self._points: Array | None = None  # Z at the look before, where it went on
        self._mass: Array = np.ones(1)  # chance that it stands there
        self._before = 0.0  # information at the look before

    def chance_beyond(self, look: int, z: float) -> float:
        """Chance to reach this look and be at `z` or above."""
        return float(self._mass @ special.ndtr(-self._distance(look, z)))

    def chance_below(self, look: int, z: float) -> float:
        """Chance to reach this look and be at `z` or below."""
        return float(self._mass @ special.ndtr(self._distance(look, z)))

    def bound_for(self, look: int, wanted: float) -> float:
        """Find the bound above which just so much stops at this look."""
        from scipy.optimize import brentq  # noqa: PLC0415  # takes a while to load

        if wanted <= 0:
            return NO_BOUND
        if self.chance_beyond(look, MAX_Z) >= wanted:
            return MAX_Z
        low = -MAX_Z
        if self.chance_beyond(look, low) <= wanted:
            return low
        return float(brentq(lambda z: self.chance_beyond(look, z) - wanted, low, MAX_Z))

    def pass_look(self, look: int, upper: float, lower: float) -> None:
        """Stop what is beyond a bound, and go on with the rest."""
        if upper < NO_BOUND:
            self.gone_up += self.chance_beyond(look, upper)
        if lower > -NO_BOUND:
            self.gone_down += self.chance_below(look, lower)
        root = math.sqrt(self.information[look])
        points, weights = _grid(self.drift * root, lower, upper, self._fineness)
        density = self._density(look, points)
        self._points, self._mass = points, weights * density
        self._before = self.information[look]

    def _distance(self, look: int, z: float) -> Array:
        """Standard deviations of the coming step from each point up to `z`."""
        now = self.information[look]
        step = now - self._before
        at = np.zeros(1) if self._points is None else self._points
        way = z * math.sqrt(now) - at * math.sqrt(self._before) - self.drift * step
        return np.asarray(way / math.sqrt(step), dtype=np.float64)

    def _density(self, look: int, points: Array) -> Array:
        now = self.information[look]
        step = now - self._before
        at = np.zeros(1) if self._points is None else self._points
        way = (
            points[:, None] * math.sqrt(now)
            - at[None, :] * math.sqrt(self._before)
            - self.drift * step
        ) / math.sqrt(step)
        scale = math.sqrt(now / step / (2 * math.pi))
        return np.asarray(np.exp(-0.5 * way * way) @ self._mass * scale)


def _fineness(information: Sequence[float]) -> int:
    """Choose a grid fine enough for the smallest step between two looks."""
    steps = [
        math.sqrt((now - before) / now)
        for before, now in itertools.pairwise(information)
    ]
    return min(MAX_FINENESS, max(FINENESS, math.ceil(1.2 / min(steps, default=1.0))))


def _grid(
    centre: float, lower: float, upper: float, fineness: int
) -> tuple[Array, Array]:
    """Points and Simpson weights between two bounds: Jennison and Turnbull, 19.2.1.

    Args:
        centre: mean of Z at the look.
        lower: bound, may be infinite.
        upper: bound, may be infinite.
        fineness: r of the source.

    Returns:
        Points and weights, both of shape (points,).
    """
    r = fineness
    tail = 3 + 4 * np.log(r / np.arange(1, r))  # outermost first
    middle = -3 + 3 * np.arange(4 * r + 1) / (2 * r)
    knots = centre + np.concatenate([-tail, middle, tail[::-1]])
    knots = np.clip(knots, max(lower, knots[0]), min(upper, knots[-1]))
    knots = np.unique(knots)
    if len(knots) < 2:  # noqa: PLR2004  # all of it has stopped
        return knots[:1], np.zeros(1)
    points = np.empty(2 * len(knots) - 1)
    points[::2], points[1::2] = knots, (knots[1:] + knots[:-1]) / 2
    width = np.diff(knots) / 6
    weights = np.zeros_like(points)
    weights[:-2:2] += width
    weights[2::2] += width
    weights[1::2] = 4 * width
    return points, weights
