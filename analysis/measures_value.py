"""Measures of how much: events a customer, what their values add up to, ratios.

The window is [N d, N + window) since exposure. A customer without such an event has 0
of them, and 0 is an outcome. An event without a value adds nothing; one whose value is
not a finite number makes the customer's sum no number, which is counted, not guessed.

Values are added up as whole numbers, each value times the same power of two, rounded:
so the sum of a customer's events has the same bits whatever their order. The power is
chosen so that the largest value of all takes 61 bits (`exponent_of`): what rounding
takes away is less than one in 10^18 of that.
"""

import math

import ibis
from typing_extensions import override

from analysis.measure import Column, Gauge, Mark, Outcome, Rows, unless_immature
from experiments.vocabulary import Amount, EventKind, MetricKind

BITS = 61
_MOST_EXPONENT = 1000  # of a power of two that is still a number


def exponent_of(largest: float) -> int:
    """Choose the power of two by which values become whole numbers.

    Args:
        largest: the largest value of all events, without its sign, finite.

    Returns:
        Such that values times 2 to this power stay below 2 to the power of 61.
    """
    _, exponent = math.frexp(largest)
    return min(BITS - exponent, _MOST_EXPONENT)


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
            amount = amount_of(
                rows, named(rows, events) & inside, self.exponent if adds else None
            )
            columns |= {f"{name}{end_}": column for end_, column in amount.items()}
        return columns

    @override
    def outcome(self, units: Rows) -> Outcome:
        mature = self.past_window(units)
        value = amount(units, self.name, self.exponent)
        return unless_immature(mature, value, ibis.literal(int(Mark.PLAIN)))

    def below(self, units: Rows) -> Column:
        """Tell what a ratio has below its line, of one customer."""
        return amount(units, self.per_name, self.exponent)


def named(rows: Rows, events: tuple[str, ...]) -> Column:
    """Say of each row whether it is of one of these events."""
    if "name" not in rows.columns:  # all of them are, but for the exposure itself
        return ~rows.is_start
    return rows.name.isin(events)


def amount_of(
    rows: Rows,
    counts: Column,
    exponent: int | None,
) -> dict[str, Column]:
    """Aggregate a customer's rows to an amount.

    Args:
        rows: with the column `value` where values are added up.
        counts: which rows count.
        exponent: the power of two of `exponent_of`; None counts the rows instead of
            adding up their values.

    Returns:
        "" -> the amount as a whole number; "_odd" -> whether some value is no number.
    """
    if exponent is None:
        return {"": counts.sum().cast("decimal(38, 0)")}
    odd = rows.value.isnan() | rows.value.isinf()
    plain = (counts & ~odd).fill_null(False)  # noqa: FBT003  # the value itself
    scaled = ibis.ifelse(plain, rows.value, 0.0) * 2.0**exponent
    return {
        # As a decimal, for a sum of 64-bit numbers needs more than 64 bits.
        "": scaled.round().cast("int64").cast("decimal(38, 0)").sum(),
        "_odd": (counts & odd).any(),
    }


def amount(units: Rows, name: str, exponent: int) -> Column:
    """Tell a customer's amount from what `amount_of` gathered.

    Args:
        units: one row a customer.
        name: of the column.
        exponent: as it was gathered with.

    Returns:
        A number, 0 where there was no event; NaN where a value was no number.
    """
    whole = units[name].cast("float64").fill_null(0.0)
    odd = f"{name}_odd"  # there where values were added up
    if odd not in units.columns:
        return whole
    return ibis.ifelse(
        units[odd].fill_null(False),  # noqa: FBT003  # the value itself
        ibis.literal(math.nan),
        whole * 2.0**-exponent,
    )
