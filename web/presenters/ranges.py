"""Dots with their ranges, drawn on one axis that all rows of a table share.

Positions are shares of the drawing's width in per cent, so that it fits any column
without script and without distortion.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from analysis import wording

EDGE = 7.0  # per cent of the width that stays free on both sides
MOST_TICKS = 6
_STEPS = (1, 2, 5, 10)


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the axis with its number."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A dot and its range; the range is None where there is none.

    Attributes:
        x: of the dot.
        low: left end of the range.
        high: right end.
    """

    x: float
    low: float | None = None
    high: float | None = None

    @property
    def width(self) -> float:
        """From the left end of the range to the right one."""
        if self.low is None or self.high is None:
            return 0.0
        return round(self.high - self.low, 2)


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis that shows 0.

    Attributes:
        low: value at the left end.
        high: value at the right end.
        ticks: with 0 among them.
    """

    low: float
    high: float
    ticks: tuple[Tick, ...]

    @property
    def zero(self) -> float:
        """Where 0 stands."""
        return self.x(0.0)

    def x(self, value: float) -> float:
        """Give the place of a value."""
        return _place(value, self.low, self.high)

    def mark(
        self, value: float, low: float | None = None, high: float | None = None
    ) -> Mark:
        """Place a dot and its range; an end without bound reaches the edge."""
        if low is None and high is None:
            return Mark(self.x(value))
        least = self.low if low is None else low
        most = self.high if high is None else high
        return Mark(self.x(value), self.x(least), self.x(most))

    @property
    def sentence(self) -> str:
        """Say from where to where it reaches, and that 0 is on it."""
        first, last = self.ticks[0].label, self.ticks[-1].label
        return f"The axis shows {first} to {last}; the line is at 0."


def axis_for(values: Iterable[float], *, signed: bool = False) -> Axis:
    """Make an axis that holds values and 0.

    Args:
        values: in the unit that is written.
        signed: whether numbers above 0 are written with a plus.

    Returns:
        An axis of up to six round ticks.
    """
    known = [0.0, *(value for value in values if math.isfinite(value))]
    least, most = min(known), max(known)
    if least == most:
        most = 1.0
    step = _step(most - least)
    first, last = math.floor(least / step), math.ceil(most / step)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    write = wording.signed if signed else wording.number
    low, high = first * step, last * step
    ticks = tuple(
        Tick(_place(n * step, low, high), write(n * step, decimals))
        for n in range(first, last + 1)
    )
    return Axis(low, high, ticks)


def _step(width: float) -> float:
    """Choose a round step, so that few ticks hold a width."""
    power = 10.0 ** math.floor(math.log10(width / (MOST_TICKS - 1)))
    fits = (each * power for each in _STEPS if width / (each * power) <= MOST_TICKS - 2)
    return next(fits, 10 * power)


def _place(value: float, low: float, high: float) -> float:
    part = (min(max(value, low), high) - low) / (high - low)
    return round(EDGE + part * (100 - 2 * EDGE), 2)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a histogram.

    Attributes:
        x: left end, in per cent.
        width: in per cent.
        height: 0 to 100, of the tallest.
        words: from where to where.
        count: how many.
    """

    x: float
    width: float
    height: float
    words: str
    count: int


def bars_for(values: Sequence[float], axis: Axis) -> tuple[Bar, ...]:
    """Count values between the ticks of an axis, each halved where there are few.

    Args:
        values: in the axis' unit.
        axis: that holds them all.

    Returns:
        The bars from left to right, empty ones too.
    """
    parts = 2 if len(axis.ticks) < MOST_TICKS else 1
    number = (len(axis.ticks) - 1) * parts
    step = (axis.high - axis.low) / number
    counts = [0] * number
    for value in values:
        counts[
            min(number - 1, max(0, math.floor((value - axis.low) / step + 1e-9)))
        ] += 1
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    while round(step, decimals) != round(step, decimals + 3):
        decimals += 1
    tallest = max(counts) or 1
    edges = [axis.low + step * i for i in range(number + 1)]
    return tuple(
        Bar(
            x=axis.x(edges[i]),
            width=round(axis.x(edges[i + 1]) - axis.x(edges[i]), 2),
            height=round(100 * count / tallest, 1),
            words=f"{wording.signed(edges[i], decimals)} to"
            f" {wording.signed(edges[i + 1], decimals)}",
            count=count,
        )
        for i, count in enumerate(counts)
    )
