"""Measures of how long something takes: to a first value, a resolution, a cancellation.

Day k of a life table is [k - 1, k) x 24 hours after the clock started, so F(N) is the
share for whom it took less than N days. Follow-up F is known for whole days only: an
event of day k counts when k <= floor(F), and who had none by then is censored on day
floor(F), or on day N where the metric ends. F does not depend on what the customer
did, so the censoring says nothing about the time.
"""

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
    unless_immature,
)
from analysis.stats.competing import CompetingDay, CompetingTable
from analysis.stats.summary import LifeDay, LifeTable
from experiments.vocabulary import EventKind


class _Clock(Measure):
    """A time from a start to an event, in whole days begun."""

    @property
    @override
    def kinds(self) -> frozenset[EventKind]:
        return frozenset({EventKind.ACTIVITY})

    def _last_day(self, watched: Column) -> Column:
        """Last day that is known of a customer who was watched so long."""
        limit = ibis.literal(self.definition.day, type="int64")
        return ibis.least((watched // DAY).cast("int64"), limit)

    @override
    def decode(self, counts: Iterable[OutcomeCount]) -> Decoded:
        ended: Counter[tuple[int, int]] = Counter()
        n_missing = n_immature = 0
        for value, mark, count, _ in counts:
            if mark == Mark.IMMATURE:
                n_immature += count
            elif value is None:
                n_missing += count
            else:
                ended[int(value), mark] += count
        days = sorted({day for day, _ in ended})
        if self.definition.competing_events:
            competing = tuple(
                CompetingDay(
                    day,
                    ended[day, Mark.NOTED],
                    ended[day, Mark.OTHER],
                    ended[day, Mark.PLAIN],
                )
                for day in days
            )
            table = CompetingTable(ended.total(), competing, n_missing)
            return Decoded(table, n_immature)
        plain = tuple(
            LifeDay(day, ended[day, Mark.NOTED], ended[day, Mark.PLAIN]) for day in days
        )
        return Decoded(LifeTable(ended.total(), plain, n_missing), n_immature)


class TimeToEvent(_Clock):
    """The day of the first event after the exposure, or after an event that starts it.

    With `start_events` the clock starts at the first of them within `window_days` of
    the exposure. Who had none has no value and is missing. Who is not yet that old is
    immature, so that early starts are not counted sooner than late ones.
    """

    @property
    @override
    def needs_names(self) -> bool:
        return bool(self.definition.start_events)

    @property
    def _start(self) -> str:
        return f"{self.name}_start"

    @override
    def prepare(self, rows: Rows) -> Rows:
        if not self.definition.start_events:
            return rows
        starts = rows.name.isin(self.definition.start_events)
        starts &= rows.offset < self.definition.window_days * DAY
        first = rows.offset.min(where=starts).over(group_by=rows.unit)
        return rows.mutate(**{self._start: first})

    @override
    def gather(self, rows: Rows) -> dict[str, Column]:
        starts = bool(self.definition.start_events)
        since = rows.offset - rows[self._start] if starts else rows.offset
        inside = (since >= 0) & (since < self.definition.day * DAY)
        taken = {self.name: since.min(where=self.wanted(rows) & inside)}
        return taken | ({self._start: rows[self._start].min()} if starts else {})

    @override
    def outcome(self, units: Rows) -> Outcome:
        starts = bool(self.definition.start_events)
        watched = units.follow_up - (units[self._start] if starts else 0)
        last = self._last_day(watched)
        day = (units[self.name] // DAY).cast("int64") + 1
        observed = (day <= last).fill_null(False)  # noqa: FBT003  # the value itself
        value = ibis.ifelse(observed, day, last).cast("float64")
        mark = ibis.ifelse(observed, int(Mark.NOTED), int(Mark.PLAIN))
        if starts:  # no clock without a start
            value = ibis.ifelse(
                units[self._start].notnull(), value, ibis.null("float64")
            )
        needed = self.definition.window_days * DAY if starts else 0
        return unless_immature(units.follow_up >= needed, value, mark)


class Cancellation(_Clock):
    """The day of the first cancellation, or of a cause that came before it.

    What comes first counts; at the very same moment it is the cancellation, for who
    cancels did so whatever else happened.
    """

    @property
    @override
    def needs_names(self) -> bool:
        return bool(self.definition.competing_events)

    @property
    def _other(self) -> str:
        return f"{self.name}_other"

    @override
    def gather(self, rows: Rows) -> dict[str, Column]:
        inside = rows.offset < self.definition.day * DAY
        mine = {self.name: rows.offset.min(where=self.wanted(rows) & inside)}
        if not self.definition.competing_events:
            return mine
        other = rows.name.isin(self.definition.competing_events) & inside
        return mine | {self._other: rows.offset.min(where=other)}

    @override
    def outcome(self, units: Rows) -> Outcome:
        last = self._last_day(units.follow_up)
        mine = units[self.name]
        by_other: Column = ibis.literal(False)  # noqa: FBT003  # a column of it
        first = mine
        if self.definition.competing_events:
            other = units[self._other]
            by_other = other.notnull() & (mine.isnull() | (other < mine))
            first = ibis.ifelse(by_other, other, mine)
        day = (first // DAY).cast("int64") + 1
        observed = (day <= last).fill_null(False)  # noqa: FBT003  # the value itself
        mark = ibis.ifelse(by_other, int(Mark.OTHER), int(Mark.NOTED))
        return unless_immature(
            units.follow_up >= 0,
            ibis.ifelse(observed, day, last).cast("float64"),
            ibis.ifelse(observed, mark, int(Mark.PLAIN)),
        )
