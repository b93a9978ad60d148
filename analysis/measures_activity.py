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
    Gauge,
    Mark,
    Measure,
    Outcome,
    OutcomeCount,
    Rows,
    Share,
    share,
    unless_immature,
)
from analysis.stats.summary import LifeDay, LifeTable
from experiments.vocabulary import EventKind

MOST_SPANS = 8


class Retention(Share):
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


class _Gaps(Gauge):
    """Finds the start of the first gap of W days without activity.

    Time is cut into spans of W days. Two activities of one span are closer than W, so
    that a gap begins at the last activity of its span, or at the exposure, and ends
    with the first one of a later span: nothing need be put in order. Only where N + W
    days are so many spans that their ends would be more than the activities are, each
    activity is put beside the next one.
    """

    @property
    @override
    def kinds(self) -> frozenset[EventKind]:
        return frozenset({EventKind.ACTIVITY})

    @property
    @override
    def bears_earlier_rows(self) -> bool:
        return True  # what follows a row is the same whatever stands before it

    @property
    def _gap(self) -> int:
        """W in microseconds."""
        return self.definition.gap_days * DAY

    @property
    def _spans(self) -> range:
        """Number the spans, up to the one in which a gap that counts must end."""
        gap = self.definition.gap_days
        return range(-(-(self.definition.day + gap) // gap))

    @property
    def _is_long(self) -> bool:
        return len(self._spans) > MOST_SPANS

    def _column(self, what: str) -> str:
        """Name a column, one for all metrics of these events and this gap."""
        gap = self.definition.gap_days
        events = "\x1f".join(sorted(self.definition.events))
        return f"{what}_{gap}_{hashlib.sha256(events.encode()).hexdigest()[:16]}"

    @override
    def prepare(self, rows: Rows) -> Rows:
        following = self._column("next")
        if not self._is_long or following in rows.columns:
            return rows
        together = [rows.unit]
        if "name" in rows.columns:
            # Rows of other metrics stand in a partition of their own, and so never
            # interrupt a gap.
            together.append(self.wanted(rows))
        same = ibis.window(group_by=together, order_by=rows.offset)
        return rows.mutate(**{following: rows.offset.lead().over(same)})

    @override
    def gather(self, rows: Rows) -> dict[str, Column]:
        counts = self.wanted(rows) & (rows.offset >= 0)
        if self._is_long:
            following = rows[self._column("next")]
            begins = following.isnull() | (following - rows.offset >= self._gap)
            return {
                self._column("first"): rows.offset.min(where=counts),
                self._column("begins"): rows.offset.min(where=counts & begins),
            }
        columns = {}
        for i in self._spans:
            inside = counts & (rows.offset >= i * self._gap)
            inside &= rows.offset < (i + 1) * self._gap
            columns[self._column(f"first{i}")] = rows.offset.min(where=inside)
            columns[self._column(f"last{i}")] = rows.offset.max(where=inside)
        return columns

    def _began(self, units: Rows) -> Column:
        """Tell when each customer's first gap began, a later one than counts or not."""
        if self._is_long:
            first = units[self._column("first")]
            at_once = first.isnull() | (first >= self._gap)
            return ibis.ifelse(at_once, 0, units[self._column("begins")])
        began = following = ibis.null("int64")
        for i in reversed(self._spans):
            last = units[self._column(f"last{i}")]
            if i == 0:
                last = last.fill_null(0)  # the exposure
            is_gap = following.isnull() | (following - last >= self._gap)
            began = ibis.ifelse(last.notnull() & is_gap, last, began)
            following = ibis.coalesce(units[self._column(f"first{i}")], following)
        return began


class Churn(_Gaps, Share):
    """1 when T <= N days, of customers followed for N + W days."""

    @override
    def outcome(self, units: Rows) -> Outcome:
        day, gap = self.definition.day, self.definition.gap_days
        churned = self._began(units) <= day * DAY
        return share(churned, units.follow_up >= (day + gap) * DAY)


class TimeToChurn(_Gaps, Measure):
    """The day of T when observed within N days, else the day it is censored."""

    @override
    def outcome(self, units: Rows) -> Outcome:
        day = self.definition.day
        known = units.follow_up - self.definition.gap_days * DAY
        last = ibis.least(known // DAY, ibis.literal(day, type="int64"))
        churned = (self._began(units) + (DAY - 1)) // DAY
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
