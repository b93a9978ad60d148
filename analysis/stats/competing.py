"""Life tables of units that can leave in more ways than one."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from analysis.stats.impossible import refuse_days, refuse_negative


@dataclass(frozen=True, slots=True)
class CompetingDay:
    """What happened on one day, where a unit can leave in more ways than one."""

    day: int
    events: int  # of the cause that the metric is about
    others: int  # of the causes that compete with it
    censored: int

    def __post_init__(self) -> None:
        refuse_negative(self, "day", "events", "others", "censored")


@dataclass(frozen=True, slots=True)
class CompetingTable:
    """Daily life table of one variant with competing causes.

    Who left by another cause is no longer at risk, and was not lost from sight: a
    Kaplan-Meier curve that took these units as censored would speak of a world in
    which the other cause does not exist. Otherwise as `LifeTable`.
    """

    n: int
    days: tuple[CompetingDay, ...]
    n_missing: int = 0

    def __post_init__(self) -> None:
        refuse_negative(self, "n", "n_missing")
        refuse_days(self)

    @property
    def ended(self) -> int:
        """Number of units that some day accounts for."""
        return sum(day.events + day.others + day.censored for day in self.days)


def competing_table_of(ends: Iterable[tuple[int, int]]) -> CompetingTable:
    """Summarise single follow-up times with the cause by which they ended.

    Args:
        ends: for each unit, the day its follow-up ended and how: 1 by the event, 2 by a
            cause that competes with it, 0 by being lost from sight.

    Returns:
        CompetingTable in which every unit is accounted for.
    """
    counted = Counter(ends)
    return CompetingTable(
        n=counted.total(),
        days=tuple(
            CompetingDay(day, counted[day, 1], counted[day, 2], counted[day, 0])
            for day in sorted({day for day, _ in counted})
        ),
    )
