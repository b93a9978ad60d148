"""How customers come to an experiment, week by week: who is there, then who is new.

A customer enrols once. Who is a customer already is met in the first weeks, as soon as
they are active; from then on only who was away so long, or was no customer before.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Customers, or accounts, who come for the first time in each week of enrolment.

    Attributes:
        weeks: in the first weeks, one after another.
        later: in every further week.
    """

    weeks: tuple[float, ...]
    later: float

    @property
    def is_steady(self) -> bool:
        """Whether every week brings as many."""
        return all(week == self.later for week in self.weeks)

    def times(self, share: float) -> "Arrivals":
        """Take a share of all who come."""
        return Arrivals(tuple(week * share for week in self.weeks), self.later * share)

    def by(self, weeks: float) -> float:
        """Count who has come after so many weeks, spread evenly over each of them."""
        whole = min(int(weeks), len(self.weeks))
        rate = self.weeks[whole] if whole < len(self.weeks) else self.later
        return math.fsum(self.weeks[:whole]) + rate * (weeks - whole)

    def weeks_until(self, units: float) -> float:
        """Tell after how many weeks so many have come; infinite where they never do."""
        before = 0.0
        for number, week in enumerate(self.weeks):
            if before + week >= units > before:
                return number + (units - before) / week
            before += week
        if units <= before:
            return 0.0 if units <= 0 else float(len(self.weeks))
        further = (units - before) / self.later if self.later else math.inf
        return len(self.weeks) + further


def steady(weekly: float) -> Arrivals:
    """Let every week bring as many who are new."""
    return Arrivals((), weekly)


def observed(weeks: Sequence[float]) -> Arrivals:
    """Go on as the last weeks that were counted ended.

    Args:
        weeks: who came for the first time in each, at least one week.

    Returns:
        These weeks, then as many as in the last one, and never more than the mean of
        the last two: one good week at the end promises nothing.
    """
    return Arrivals(tuple(weeks), min(weeks[-1], fmean(weeks[-2:])))


def stated(first: float | None, weekly: float | None) -> Arrivals | None:
    """Take what somebody says.

    Args:
        first: who comes in the first week.
        weekly: who is new in each week after it.

    Returns:
        How they come. Without a first week every week brings as many who are new;
        without the weeks after it nothing is known.
    """
    if weekly is None:
        return None
    return steady(weekly) if first is None else Arrivals((first,), weekly)
