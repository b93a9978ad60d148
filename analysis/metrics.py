"""From a metric's definition to its outcome: the query and its decode, side by side.

Each kind says three things. `prepare` and `gather`: which columns of the rows, and
which aggregates of them, describe one customer. `outcome`: what these say about the
customer, as a value and a mark. `decode`: the summary that a count of equal outcomes
makes. Only counts leave the database, so a result has the same bits whatever the order
of rows, and customers without an old enough exposure are never failures.

Times are microseconds since the customer's first exposure. Day k is
[k x 24 h, (k + 1) x 24 h); day 0 is never retention, for a window begins on day 1 at
the earliest (`MetricDefinition.check`).

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
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

import ibis
from typing_extensions import override

from analysis.stats.summary import Histogram, LifeDay, LifeTable, Successes, Summary
from experiments.metric_definition import MetricDefinition
from experiments.survey_kinds import ANSWERS, CHANGE_DAYS, FACTS, REQUESTS, SurveyFacts
from experiments.vocabulary import EventKind, MetricKind, SurveyKind

DAY = 86_400_000_000  # microseconds
WAVE_DAYS = CHANGE_DAYS  # an answer may be corrected; its latest value counts

# Ibis tables and expressions have no types of their own.
Rows = Any
Column = Any


class Mark(IntEnum):
    """What stands beside an outcome's value."""

    IMMATURE = -1  # not old enough: there is no value
    PLAIN = 0  # a share's value; a censored day; an answer nobody asked for
    NOTED = 1  # the day is an event; the customer was asked


class Outcome(NamedTuple):
    """One customer's outcome: a value (null when missing) and a mark."""

    value: Column
    mark: Column


class OutcomeCount(NamedTuple):
    """How many customers share one outcome."""

    value: float | None
    mark: int
    customers: int
    cluster: int = 0  # number of their account, where accounts are drawn


class Decoded(NamedTuple):
    """A summary, and the customers that are too young to be in it."""

    summary: Summary
    n_immature: int


@dataclass(frozen=True, slots=True)
class Measure(ABC):
    """How one metric of a plan is measured; `name` prefixes its columns."""

    name: str
    definition: MetricDefinition

    @property
    @abstractmethod
    def kinds(self) -> frozenset[EventKind]:
        """Which events it reads."""

    @property
    def needs_start(self) -> bool:
        """Whether the exposure itself must be one of the rows, at time 0."""
        return False

    def wanted(self, rows: Rows) -> Column:
        """Say of each event row whether this metric reads it."""
        if "name" not in rows.columns:  # all of them are this metric's
            return ibis.literal(True)  # noqa: FBT003  # the value itself
        return rows.name.isin(self.definition.events)

    def prepare(self, rows: Rows) -> Rows:
        """Add columns to the rows that look at other rows of the same customer."""
        return rows

    @abstractmethod
    def gather(self, rows: Rows) -> dict[str, Column]:
        """Aggregate a customer's rows (`offset`, `name`, ...) to columns."""

    @abstractmethod
    def outcome(self, units: Rows) -> Outcome:
        """Tell a customer's outcome from gathered columns and `follow_up`."""

    @abstractmethod
    def decode(self, counts: Iterable[OutcomeCount]) -> Decoded:
        """Summarise the outcomes of a group of customers."""


class Retention(Measure):
    """1 when active in [N d, N + window), of customers followed to its end."""

    @property
    @override
    def kinds(self) -> frozenset[EventKind]:
        return frozenset({EventKind.ACTIVITY})

    @override
    def gather(self, rows: Rows) -> dict[str, Column]:
        begin = self.definition.day * DAY
        end = begin + self.definition.window_days * DAY
        inside = (rows.offset >= begin) & (rows.offset < end)
        return {self.name: (self.wanted(rows) & inside).any()}

    @override
    def outcome(self, units: Rows) -> Outcome:
        needed = (self.definition.day + self.definition.window_days) * DAY
        active = units[self.name].fill_null(False)  # noqa: FBT003  # the value itself
        return _share(active, units.follow_up >= needed)

    @override
    def decode(self, counts: Iterable[OutcomeCount]) -> Decoded:
        return _successes(counts)


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
        # Rows of other metrics stand in a partition of their own, and so never
        # interrupt a gap.
        same = ibis.window(
            group_by=[rows.unit, self._counts(rows)], order_by=rows.offset
        )
        return rows.mutate(**{self._next: rows.offset.lead().over(same)})

    @override
    def gather(self, rows: Rows) -> dict[str, Column]:
        following = rows[self._next]
        gap = self.definition.gap_days * DAY
        begins = following.isnull() | (following - rows.offset >= gap)
        return {self.name: rows.offset.min(where=self._counts(rows) & begins)}


class Churn(_Gaps):
    """1 when T <= N days, of customers followed for N + W days."""

    @override
    def outcome(self, units: Rows) -> Outcome:
        day, gap = self.definition.day, self.definition.gap_days
        churned = units[self.name] <= day * DAY
        return _share(churned, units.follow_up >= (day + gap) * DAY)

    @override
    def decode(self, counts: Iterable[OutcomeCount]) -> Decoded:
        return _successes(counts)


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
        return _unless_immature(known >= 0, value, mark)

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


class Survey(Measure):
    """The first wave of answers in [exposure, exposure + N d), its latest value.

    A wave lasts seven days from its first answer and ends with the window, so that a
    mature customer's answer never changes. Answers on another scale, or to another kind
    of survey, are not this metric's.
    """

    @property
    def _facts(self) -> SurveyFacts:
        return FACTS[self.definition.survey_kind or SurveyKind.CSAT]

    @property
    @override
    def kinds(self) -> frozenset[EventKind]:
        return frozenset({*REQUESTS, *ANSWERS})

    @property
    def _first(self) -> str:
        return f"{self.name}_first"

    @override
    def wanted(self, rows: Rows) -> Column:
        inside = rows.offset < self.definition.day * DAY
        if not self.definition.survey:
            return inside
        return inside & (rows.name == self.definition.survey)

    def _answers(self, rows: Rows) -> Column:
        scale = self.definition.scale
        # Without a scale the number decides: 9 cannot be an answer from 1 to 5.
        fits = rows.scale.fill_null(scale) == scale
        fits &= rows.value <= scale
        answered = rows.kind == self._facts.answer.value
        return self.wanted(rows) & answered & fits

    @override
    def prepare(self, rows: Rows) -> Rows:
        first = rows.offset.min(where=self._answers(rows))
        return rows.mutate(**{self._first: first.over(group_by=rows.unit)})

    @override
    def gather(self, rows: Rows) -> dict[str, Column]:
        in_wave = rows.offset < rows[self._first] + WAVE_DAYS * DAY
        # Two answers of one moment: the one we received last, then any fixed order.
        latest = ibis.struct(
            {
                "offset": rows.offset,
                "received_at": rows.received_at,
                "message_id": rows.message_id,
            }
        )
        asked = rows.kind == self._facts.request.value
        return {
            self.name: rows.value.argmax(latest, where=self._answers(rows) & in_wave),
            f"{self.name}_asked": (self.wanted(rows) & asked).any(),
        }

    @override
    def outcome(self, units: Rows) -> Outcome:
        asked = units[f"{self.name}_asked"].fill_null(False)  # noqa: FBT003  # the value
        mark = ibis.ifelse(asked, int(Mark.NOTED), int(Mark.PLAIN))
        mature = units.follow_up >= self.definition.day * DAY
        return _unless_immature(mature, units[self.name].cast("float64"), mark)

    @override
    def decode(self, counts: Iterable[OutcomeCount]) -> Decoded:
        scores: Counter[float] = Counter()
        n_exposed = n_invited = n_immature = n_nonfinite = 0
        for value, mark, count, _ in counts:
            if mark == Mark.IMMATURE:
                n_immature += count
                continue
            n_exposed += count
            n_invited += count * (mark == Mark.NOTED)
            if value is not None and _is_finite(value):
                scores[value] += count
            elif value is not None:
                n_nonfinite += count
        histogram = Histogram(
            counts=tuple(sorted(scores.items())),
            n_exposed=n_exposed,
            n_invited=n_invited,
            n_immature=n_immature,
            n_nonfinite=n_nonfinite,
        )
        return Decoded(histogram, n_immature)


MEASURES: dict[MetricKind, type[Measure]] = {
    MetricKind.RETENTION: Retention,
    MetricKind.CHURN: Churn,
    MetricKind.TIME_TO_CHURN: TimeToChurn,
    MetricKind.CSAT_MEAN: Survey,
    MetricKind.CSAT_SHARE: Survey,
    MetricKind.NPS: Survey,
    MetricKind.CES_MEAN: Survey,
    MetricKind.CES_SHARE: Survey,
}


def measure_of(definition: MetricDefinition, name: str) -> Measure:
    """Say how a metric is measured.

    Args:
        definition: of the metric.
        name: prefix of its columns, unique in one query.

    Returns:
        The measure of its kind.
    """
    return MEASURES[definition.kind](name, definition)


def _share(happened: Column, mature: Column) -> Outcome:
    value = ibis.ifelse(happened, 1.0, 0.0)
    return _unless_immature(mature, value, ibis.literal(int(Mark.PLAIN)))


def _unless_immature(mature: Column, value: Column, mark: Column) -> Outcome:
    return Outcome(
        ibis.ifelse(mature, value, ibis.null("float64")),
        ibis.ifelse(mature, mark, int(Mark.IMMATURE)),
    )


def _successes(counts: Iterable[OutcomeCount]) -> Decoded:
    found: Counter[str] = Counter()
    for value, mark, count, _ in counts:
        if mark == Mark.IMMATURE:
            found["immature"] += count
        elif value is None:
            found["missing"] += count
        else:
            found["yes" if value else "no"] += count
    summary = Successes(
        n=found["yes"] + found["no"],
        successes=found["yes"],
        n_missing=found["missing"],
        n_immature=found["immature"],
    )
    return Decoded(summary, found["immature"])


def _is_finite(value: float) -> bool:
    return value - value == 0
