"""Measures of how much: events a customer, what their values add up to, ratios.

The window is [N d, N + window) since exposure. A customer without such an event has 0
of them, and 0 is an outcome. An event without a value adds nothing; one whose value is
not a finite number makes the customer's sum no number, which is counted, not guessed.

Values are added up as whole numbers, each value times the same power of two, rounded:
so the sum of a customer's events has the same bits whatever their order. The power is
chosen so that the largest value of all takes 61 bits (`Values`): what rounding
takes away is less than one in 10^18 of that.
"""

import math
from dataclasses import dataclass

import ibis
import ibis.expr.datatypes as dt
from typing_extensions import override

from analysis.measure import (
    Column,
    Gauge,
    Mark,
    Outcome,
    Rows,
    named,
    unless_immature,
)
from experiments.vocabulary import Amount, EventKind, MetricKind

BITS = 61
_MOST_EXPONENT = 1000  # of a power of two that is still a number


@ibis.udf.scalar.builtin(name="round")  # type: ignore[untyped-decorator]  # no types
def to_whole(value: dt.float64) -> dt.float64:
    """The nearest whole number, DuckDB's own; Ibis asks for digits, which is slow."""


@dataclass(frozen=True, slots=True)
class Values:
    """What the values of events have in common, which tells how to add them up.

    Attributes:
        largest: of all that are finite, without its sign.
        are_finite: whether none is infinite, or no number.
        are_read: whether some metric adds values up.
    """

    largest: float = 0.0
    are_finite: bool = True
    are_read: bool = False

    @property
    def exponent(self) -> int:
        """The power of two by which values stay below 2 to the power of 61."""
        _, exponent = math.frexp(self.largest)
        return min(BITS - exponent, _MOST_EXPONENT)

    def with_whole(self, rows: Rows) -> Rows:
        """Turn the values of events into whole numbers, once for all metrics.

        Args:
            rows: with the column `value`, maybe null.

        Returns:
            The rows with `whole`, null where there is no finite value, and with `odd`,
            whether the value is not finite, unless all are.
        """
        if not self.are_read:
            return rows
        value = rows.value
        if not self.are_finite:
            odd = value.isnan() | value.isinf()
            rows = rows.mutate(odd=odd.fill_null(False))  # noqa: FBT003  # the value
            value = ibis.ifelse(rows.odd, ibis.null("float64"), rows.value)
        whole = to_whole(value * 2.0**self.exponent)
        return rows.mutate(whole=whole.cast("int64"))


class AmountMeasure(Gauge):
    """How many of the events, or what their values add up to; a ratio has two."""

    @property
    @override
    def kinds(self) -> frozenset[EventKind]:
        return frozenset({EventKind.ACTIVITY})

    @property
    def _parts(self) -> dict[str, tuple[tuple[str, ...], bool]]:
        """Of each column its events, and whether their values are added up."""
        asked = self.definition
        parts = {self.name: (asked.events, asked.adds_values)}
        if asked.kind == MetricKind.RATIO:
            adds = asked.per_amount == Amount.SUM
            parts[self.per_name] = (asked.per_events, adds)
        return parts

    @property
    def per_name(self) -> str:
        """Name the column of what stands below a ratio's line."""
        return f"{self.name}_per"

    @property
    @override
    def bears_earlier_rows(self) -> bool:
        return True

    @override
    def wanted(self, rows: Rows) -> Column:
        return named(rows, self.definition.all_events)

    @override
    def gather(self, rows: Rows) -> dict[str, Column]:
        inside = self.in_window(rows)
        columns: dict[str, Column] = {}
        for name, (events, adds) in self._parts.items():
            amount = amount_of(rows, named(rows, events) & inside, adds=adds)
            columns |= {f"{name}{end_}": column for end_, column in amount.items()}
        return columns

    @override
    def outcome(self, units: Rows) -> Outcome:
        mature = self.past_window(units)
        value = self._amount(units, self.name)
        return unless_immature(mature, value, ibis.literal(int(Mark.PLAIN)))

    def below(self, units: Rows) -> Column:
        """Tell what a ratio has below its line, of one customer."""
        return self._amount(units, self.per_name)

    def _amount(self, units: Rows, name: str) -> Column:
        _, adds = self._parts[name]
        return amount(units, name, self.exponent if adds else None)


def amount_of(rows: Rows, counts: Column, *, adds: bool) -> dict[str, Column]:
    """Aggregate a customer's rows to an amount.

    Args:
        rows: as `Values.with_whole` gives them.
        counts: which rows count.
        adds: whether their values are added up; else they are counted.

    Returns:
        "" -> the amount as a whole number, null for 0; "_odd" -> whether some value is
        no number, where some could be.
    """
    if not adds:
        return {"": rows.count(where=counts)}
    # As a decimal, for a sum of 64-bit numbers needs more than 64 bits, which DuckDB
    # has while it adds up.
    found = {"": rows.whole.sum(where=counts).cast("decimal(38, 0)")}
    return found | (
        {"_odd": (counts & rows.odd).any()} if "odd" in rows.columns else {}
    )


def amount(units: Rows, name: str, exponent: int | None) -> Column:
    """Tell a customer's amount from what `amount_of` gathered.

    Args:
        units: one row a customer.
        name: of the column.
        exponent: of `Values`; None where rows were counted.

    Returns:
        A number, 0 where there was no event; NaN where a value was no number.
    """
    whole = units[name].cast("float64").fill_null(0.0)
    if exponent is not None:
        whole *= 2.0**-exponent
    odd = f"{name}_odd"  # there where some value may be no number
    if odd not in units.columns:
        return whole
    return ibis.ifelse(
        units[odd].fill_null(False),  # noqa: FBT003  # the value itself
        ibis.literal(math.nan),
        whole,
    )
