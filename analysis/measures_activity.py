"""Measures of what customers keep doing: retention, churn, the time to churn.

Churn. A gap begins at the exposure or at an activity, and is one when the next
activity comes W days later or more, or never. The churn time T is the start of the
first such gap: T is 0 for a customer who was never active. A gap can only be told W
days after it began, so a customer followed for F is known up to C = F - W: T is
observed when T <= C, else T is greater than C. C does not depend on what the customer
did, so the censoring says nothing about churn (censoring at the last activity would:
a gap may have begun there). Life tables are daily: T stands on day ceil(T), C on day
floor(C), and an event counts when ceil(T) <= floor(C); so S(N) is the share with
T > N days, one minus the churn by day N. Customers with F < W are not in the table.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable

import ibis
from typing_extensions import override

from analysis.measure import (
    DAY,
    Column,
    Decoded,
    Mark,
    Measure,
    Outcome,
    OutcomeCount,
    Rows,
    share,
    successes,
    unless_immature,
)
from analysis.stats.summary import LifeDay, LifeTable
from experiments.vocabulary import EventKind


class Retention(Measure):
    """1 when active in [N d, N + window), of customers followed to its end."""

    @property
    @override
    def kinds(self) -> frozenset[EventKind]:
        return frozenset({EventKind.ACTIVITY})

    @property
    @override
    def bears_earlier_rows(self) -> bool:
        return True

    @override
    def gather(self, rows: Rows) -> dict[str, Column]:
        return {self.name: (self.wanted(rows) & self.in_window(rows)).any()}

    @override
    def outcome(self, units: Rows) -> Outcome:
        active = units[self.name].fill_null(False)  # noqa: FBT003  # the value itself
        return share(active, self.past_window(units))

    @override
    def decode(self, counts: Iterable[OutcomeCount]) -> Decoded:
        return successes(counts)


class _Gaps(Measure):
    """Finds the start of the first gap of W days without activity."""

    @property
    @override
    def kinds(self) -> frozenset[EventKind]:
        return frozenset({EventKind.ACTIVITY})

    @property
    @override
    def needs_start(self) -> bool:
        return True

    @property
    @override
    def bears_earlier_rows(self) -> bool:
        return True  # what follows a row is the same whatever stands before it

    @property
    def _next(self) -> str:
        """Name the column of the next activity, one for all metrics of these events."""
        events = "\x1f".join(sorted(self.definition.events))
        return f"next_{hashlib.sha256(events.encode()).hexdigest()[:16]}"

    def _counts(self, rows: Rows) -> Column:
        return rows.is_start | self.wanted(rows)

    @override
    def prepare(self, rows: Rows) -> Rows:
        if self._next in rows.columns:
            return rows
        together = [rows.unit]
        if "name" in rows.columns:
            # Rows of other metrics stand in a partition of their own, and so never
            # interrupt a gap.
            together.append(self._counts(rows))
        same = ibis.window(group_by=together, order_by=rows.offset)
        return rows.mutate(**{self._next: rows.offset.lead().over(same)})

    @override
    def gather(self, rows: Rows) -> dict[str, Column]:
        following = rows[self._next]
        gap = self.definition.gap_days * DAY
        begins = following.isnull() | (following - rows.offset >= gap)
        begins &= self._counts(rows) & (rows.offset >= 0)
        return {self.name: rows.offset.min(where=begins)}


class Churn(_Gaps):
    """1 when T <= N days, of customers followed for N + W days."""

    @override
    def outcome(self, units: Rows) -> Outcome:
        day, gap = self.definition.day, self.definition.gap_days
        churned = units[self.name] <= day * DAY
        return share(churned, units.follow_up >= (day + gap) * DAY)

    @override
    def decode(self, counts: Iterable[OutcomeCount]) -> Decoded:
        return successes(counts)


class TimeToChurn(_Gaps):
    """The day of T when observed within N days, else the day it is censored."""

    @override
    def outcome(self, units: Rows) -> Outcome:
        day = self.definition.day
        known = units.follow_up - self.definition.gap_days * DAY
        last = ibis.least(known // DAY, ibis.literal(day, type="int64"))
        churned = (units[self.name] + (DAY - 1)) // DAY
        observed = churned <= last
        value = ibis.ifelse(observed, churned, last).cast("float64")
        mark = ibis.ifelse(observed, int(Mark.NOTED), int(Mark.PLAIN))
        return unless_immature(known >= 0, value, mark)

    @override
    def decode(self, counts: Iterable[OutcomeCount]) -> Decoded:
        events: Counter[int] = Counter()
        censored: Counter[int] = Counter()
        n_immature = 0
        for value, mark, count, _ in counts:
            if value is None or mark == Mark.IMMATURE:
                n_immature += count
            elif mark == Mark.NOTED:
                events[int(value)] += count
            else:
                censored[int(value)] += count
        days = tuple(
            LifeDay(day, events[day], censored[day])
            for day in sorted(events.keys() | censored.keys())
        )
        return Decoded(LifeTable(events.total() + censored.total(), days), n_immature)
