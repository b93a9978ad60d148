"""Measures of what customers did how often, and in which order.

An event share asks how often; a funnel, whether all steps were taken in their order; a
first-contact resolution, whether a customer who made contact had to do so again.
"""

from collections.abc import Iterable
from typing import Any

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
    Share,
    share,
    unless_immature,
)
from analysis.stats.summary import Funnel
from experiments.vocabulary import EventKind


class EventShare(Share):
    """1 when the events came k times or more in [N d, N + window)."""

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
        inside = self.wanted(rows) & self.in_window(rows)
        return {self.name: rows.count(where=inside)}

    @override
    def outcome(self, units: Rows) -> Outcome:
        enough = units[self.name].fill_null(0) >= self.definition.at_least
        return share(enough, self.past_window(units))


class FunnelSteps(Measure):
    """1 when all steps were taken in their order in [exposure, exposure + N d).

    The first step is taken at its first event, each later one at its first event from
    the step before on. The mark is the number of steps taken.
    """

    @property
    @override
    def kinds(self) -> frozenset[EventKind]:
        return frozenset({EventKind.ACTIVITY})

    @property
    @override
    def needs_names(self) -> bool:
        return True

    def _step(self, number: int) -> str:
        return f"{self.name}_step{number}"

    @override
    def prepare(self, rows: Rows) -> Rows:
        for number, event in enumerate(self.definition.events):
            taken = (rows.name == event) & (rows.offset < self.definition.day * DAY)
            if number:
                taken &= rows.offset >= rows[self._step(number - 1)]
            first = rows.offset.min(where=taken).over(group_by=rows.unit)
            rows = rows.mutate(**{self._step(number): first})
        return rows

    @override
    def gather(self, rows: Rows) -> dict[str, Column]:
        # Every row of a customer says the same.
        steps = (self._step(number) for number in range(len(self.definition.events)))
        return {step: rows[step].min() for step in steps}

    @override
    def outcome(self, units: Rows) -> Outcome:
        steps = [
            ibis.ifelse(units[self._step(number)].notnull(), 1, 0)
            for number in range(len(self.definition.events))
        ]
        taken: Any = sum(steps[1:], start=steps[0])
        value = ibis.ifelse(taken == len(steps), 1.0, 0.0)
        mature = units.follow_up >= self.definition.day * DAY
        return unless_immature(mature, value, taken.cast("int64"))

    @override
    def decode(self, counts: Iterable[OutcomeCount]) -> Decoded:
        reached = [0] * len(self.definition.events)
        n = n_missing = n_immature = 0
        for value, mark, count, _ in counts:
            if mark == Mark.IMMATURE:
                n_immature += count
            elif value is None:
                n_missing += count
            else:
                n += count
                for number in range(mark):
                    reached[number] += count
        return Decoded(Funnel(n, tuple(reached), n_missing, n_immature), n_immature)


class FirstContactResolution(Share):
    """1 when no contact follows within W days of the first in N days, else 0.

    Customers without a contact have no value; they are missing, not failures. All are
    mature N + W days after the exposure, so that an early contact is not known sooner
    than a late one.
    """

    @property
    @override
    def kinds(self) -> frozenset[EventKind]:
        return frozenset({EventKind.ACTIVITY})

    @property
    def _first(self) -> str:
        return f"{self.name}_first"

    @override
    def prepare(self, rows: Rows) -> Rows:
        inside = rows.offset < self.definition.day * DAY
        first = rows.offset.min(where=self.wanted(rows) & inside)
        return rows.mutate(**{self._first: first.over(group_by=rows.unit)})

    @override
    def gather(self, rows: Rows) -> dict[str, Column]:
        gap = self.definition.gap_days * DAY
        near = (rows.offset >= rows[self._first]) & (
            rows.offset < rows[self._first] + gap
        )
        return {self.name: rows.count(where=self.wanted(rows) & near)}

    @override
    def outcome(self, units: Rows) -> Outcome:
        contacts = units[self.name].fill_null(0)
        value = ibis.cases(
            (contacts == 0, ibis.null("float64")), (contacts == 1, 1.0), else_=0.0
        )
        needed = (self.definition.day + self.definition.gap_days) * DAY
        mark = ibis.literal(int(Mark.PLAIN))
        return unless_immature(units.follow_up >= needed, value, mark)
