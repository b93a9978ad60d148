"""Times of experiments as bars on one scale, with today as a line."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from web.presenters.formats import day

WIDTH = 1000.0
SHORTEST = 6.0  # so that a day is seen beside a year
MOST_MARKS = 6


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar on a drawing that is 1000 wide.

    Attributes:
        x: where it begins.
        past: its length up to today.
        ahead: what is planned beyond today.
    """

    x: float
    past: float
    ahead: float


@dataclass(frozen=True, slots=True)
class Scale:
    """What the bars of a page share.

    Attributes:
        first: the day at the left end.
        last: the day at the right end.
        today: where today stands.
        marks: where months begin, and their names.
    """

    first: datetime
    last: datetime
    today: float
    marks: tuple[tuple[float, str], ...]

    @classmethod
    def over(
        cls, spans: Sequence[tuple[datetime, datetime]], now: datetime
    ) -> "Scale | None":
        """Make the scale that holds all of some times, and today.

        Args:
            spans: from and until of each, aware.
            now: aware.

        Returns:
            The scale; None for no times at all.
        """
        if not spans:
            return None
        first = min(now, *(began for began, _ in spans))
        last = max(now, *(ended for _, ended in spans), first + timedelta(days=1))
        bare = cls(first, last, 0.0, ())
        months = _months(first, last)
        step = -(-len(months) // MOST_MARKS) or 1
        return cls(
            first,
            last,
            bare.x(now),
            tuple((bare.x(at), f"{at:%b} {at.year}") for at in months[::step]),
        )

    def x(self, at: datetime) -> float:
        """Place a moment, 0 at the left end to 1000 at the right one."""
        return round((at - self.first) / (self.last - self.first) * WIDTH, 1)

    def bar(self, began: datetime, ended: datetime, now: datetime) -> Bar:
        """Draw a time: what has passed of it, and what is planned."""
        left = min(self.x(began), WIDTH - SHORTEST)
        turn = min(max(began, now), ended)
        past = self.x(turn) - self.x(began)
        ahead = self.x(ended) - self.x(turn)
        if ahead <= 0:
            past = max(past, SHORTEST)
        return Bar(left, round(past, 1), round(ahead, 1))

    @property
    def sentence(self) -> str:
        """Say what the drawing covers."""
        return f"From {day(self.first)} to {day(self.last)}; the line is today."


def _months(first: datetime, last: datetime) -> list[datetime]:
    """List the beginnings of months between two moments."""
    at = first.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    found = []
    while (at := (at + timedelta(days=32)).replace(day=1)) < last:
        found.append(at)
    return found
