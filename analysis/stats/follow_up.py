"""Whether customers were followed equally long: the censoring, turned round.

A curve of time takes who leaves sight as lost by chance. When one variant loses more
customers than another, or sooner, its curve is of those who are left.
"""

from collections.abc import Sequence

from analysis.stats.competing import CompetingTable
from analysis.stats.estimate import NotComputable
from analysis.stats.summary import LifeDay, LifeTable
from analysis.stats.survival import LogRank, logrank

Table = LifeTable | CompetingTable


def follow_up_balance(tables: Sequence[Table]) -> LogRank | NotComputable:
    """Test whether variants lose customers from sight alike.

    The log-rank test with leaving sight as the event (Schemper and Smith 1996, "A note
    on quantifying follow-up in studies of failure time", Control Clin Trials 17): who
    had the event of the metric is no longer there to be lost. So it says nothing about
    which variant has more events.

    Args:
        tables: life tables, one a variant.

    Returns:
        LogRank whose `observed` are customers lost, or the reason why there is none.
    """
    last = last_day(tables)
    return logrank([_turned(table, last) for table in tables])


def last_day(tables: Sequence[Table]) -> int:
    """Find the day on which everybody's follow-up ends, by the longest."""
    return max((table.days[-1].day for table in tables if table.days), default=0)


def lost_share(table: Table, last: int) -> float:
    """Share of a variant's customers who left sight before the last day."""
    lost = sum(day.censored for day in table.days if day.day < last)
    return lost / table.n if table.n else 0.0


def _turned(table: Table, last: int) -> LifeTable:
    """Let leaving sight be the event; on one day it comes after the metric's events."""
    days = []
    for day in table.days:
        had = day.events + (0 if isinstance(day, LifeDay) else day.others)
        # Two places a day, so that who had the event is gone when others are lost. On
        # the last day everybody's follow-up ends, which is no loss.
        lost = 0 if day.day == last else day.censored
        days.append(LifeDay(2 * day.day, 0, had))
        days.append(LifeDay(2 * day.day + 1, lost, day.censored - lost))
    return LifeTable(table.n, tuple(days))
