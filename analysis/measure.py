"""What every kind of measure is: a query and its decode, side by side.

Each kind says three things. `prepare` and `gather`: which columns of the rows, and
which aggregates of them, describe one customer. `outcome`: what these say about the
customer, as a value and a mark. `decode`: the summary that a count of equal outcomes
makes. Only counts leave the database, so a result has the same bits whatever the order
of rows, and customers without an old enough exposure are never failures. Amounts, whose
outcomes are many, have no `decode`: numbers.py adds them up.

Times are microseconds since the customer's first exposure. Day k is
[k x 24 h, (k + 1) x 24 h); day 0 is never retention, for a window begins on day 1 at
the earliest (`MetricDefinition.check`).
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

import ibis
from typing_extensions import override

from analysis.stats.summary import Successes, Summary
from experiments.metric_definition import MetricDefinition
from experiments.vocabulary import EventKind

DAY = 86_400_000_000  # microseconds

# Ibis tables and expressions have no types of their own.
Rows = Any
Column = Any


class Mark(IntEnum):
    """What stands beside an outcome's value; beside a funnel's, the steps taken."""

    IMMATURE = -1  # not old enough: there is no value
    PLAIN = 0  # a share's value; a censored day; an answer nobody asked for
    NOTED = 1  # the day is an event; the customer was asked
    OTHER = 2  # on this day the customer left by a cause that competes with the event


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
class Gauge(ABC):
    """How one metric of a plan is read of one customer; `name` prefixes its columns.

    `exponent` is the power of two by which values of events become whole numbers.
    """

    name: str
    definition: MetricDefinition
    exponent: int = 0

    @property
    @abstractmethod
    def kinds(self) -> frozenset[EventKind]:
        """Which events it reads."""

    @property
    def needs_names(self) -> bool:
        """Whether rows of one event must be told from those of another."""
        return False

    @property
    def bears_earlier_rows(self) -> bool:
        """Whether rows before the exposure among its own would change nothing."""
        return False

    def wanted(self, rows: Rows) -> Column:
        """Say of each event row whether this metric reads it."""
        return named(rows, self.definition.events)

    def prepare(self, rows: Rows) -> Rows:
        """Add columns to the rows that look at other rows of the same customer."""
        return rows

    def in_window(self, rows: Rows) -> Column:
        """Say of each row whether it lies in [N d, N + window)."""
        begin = self.definition.day * DAY
        end = begin + self.definition.window_days * DAY
        return (rows.offset >= begin) & (rows.offset < end)

    def past_window(self, units: Rows) -> Column:
        """Say of each customer whether the whole window has been watched."""
        days = self.definition.day + self.definition.window_days
        return units.follow_up >= days * DAY

    @abstractmethod
    def gather(self, rows: Rows) -> dict[str, Column]:
        """Aggregate a customer's rows (`offset`, `name`, ...) to columns."""

    @abstractmethod
    def outcome(self, units: Rows) -> Outcome:
        """Tell a customer's outcome from gathered columns and `follow_up`."""


class Measure(Gauge):
    """A metric whose outcomes are few, so that equal ones can be counted."""

    @abstractmethod
    def decode(self, counts: Iterable[OutcomeCount]) -> Decoded:
        """Summarise the outcomes of a group of customers."""


class Share(Measure):
    """A metric of yes and no: value 1 or 0, with the marks of `share`."""

    @override
    def decode(self, counts: Iterable[OutcomeCount]) -> Decoded:
        return successes(counts)


def named(rows: Rows, events: Sequence[str]) -> Column:
    """Say of each row whether it is of one of these events."""
    if "name" not in rows.columns:  # all of them are
        return ibis.literal(True)  # noqa: FBT003  # a column of it
    return rows.name.isin(events)


def share(happened: Column, mature: Column) -> Outcome:
    """Make a yes or no, 1 or 0, of customers who are old enough for it."""
    value = ibis.ifelse(happened, 1.0, 0.0)
    return unless_immature(mature, value, ibis.literal(int(Mark.PLAIN)))


def unless_immature(mature: Column, value: Column, mark: Column) -> Outcome:
    """Give customers who are too young no value, and the mark that says so."""
    return Outcome(
        ibis.ifelse(mature, value, ibis.null("float64")),
        ibis.ifelse(mature, mark, int(Mark.IMMATURE)),
    )


def successes(counts: Iterable[OutcomeCount]) -> Decoded:
    """Summarise yes and no."""
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
