"""A file with one row per customer becomes a unit table."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pyarrow as pa

from analysis.import_outcomes import Outcome
from analysis.imported_rows import Row, RowFile, id_text, plain_value
from analysis.row_faults import RowFaults
from analysis.unit_store import UNIT_SCHEMA
from experiments.conditions import attributes_of
from experiments.errors import InvalidInput
from experiments.field_faults import KEY_PATTERN, KEY_RULE
from experiments.messages import MAX_ID, number
from experiments.plan import Plan
from experiments.privacy import Pseudonymiser
from experiments.vocabulary import MetricKind

_NO_YES = {
    0: 0.0,
    1: 1.0,
    "0": 0.0,
    "1": 1.0,
    "false": 0.0,
    "true": 1.0,
    "no": 0.0,
    "yes": 1.0,
}


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column says what.

    Attributes:
        customer: who; raw ids, which become pseudonyms.
        variant: what the customer got.
        outcomes: column -> outcome.
        attributes: columns that the plan's segments ask for.
    """

    customer: str
    variant: str
    outcomes: dict[str, Outcome]
    attributes: tuple[str, ...] = ()

    def require_in(self, file: RowFile) -> None:
        """Refuse a file that lacks one of them.

        Args:
            file: the file to look at.

        Raises:
            InvalidInput: names the columns that are missing, and those that are there.
        """
        asked = (self.customer, self.variant, *self.outcomes)
        missing = [name for name in asked if name not in file.columns]
        if missing:
            raise InvalidInput(
                f"{file.path.name} has no column {', '.join(missing)};"
                f" it has {', '.join(file.columns)}."
            )


def attribute_columns(plan: Plan | None, file: RowFile) -> tuple[str, ...]:
    """Find the columns that the plan's segments read."""
    if plan is None:
        return ()
    asked = {name for s in plan.segments for name in attributes_of(s.condition)}
    return tuple(name for name in file.columns if name in asked)


class UnitRow(NamedTuple):
    """One customer of a file."""

    customer: bytes  # 16 bytes
    variant: str
    attributes: str | None  # JSON object
    values: tuple[float | None, ...]  # of the outcomes, in their order


@dataclass
class UnitRows:
    """The units of a file, checked, as columns for the store.

    Attributes:
        keep: takes each good row; without it, they are kept here.
        variants: name -> customers.
    """

    columns: Columns
    faults: RowFaults
    hide: Pseudonymiser
    keep: Callable[[UnitRow], None] | None = None
    variants: Counter[str] = field(default_factory=Counter)
    _seen: dict[bytes, int] = field(default_factory=dict)
    _rows: list[UnitRow] = field(default_factory=list)

    def add(self, row: UnitRow) -> None:
        """Take a row that was checked."""
        self.variants[row.variant] += 1
        (self.keep or self._rows.append)(row)

    def read(self, file: RowFile, advance: Callable[[int], None]) -> None:
        """Check all rows, and keep them.

        Args:
            file: with the columns.
            advance: told of each row.

        Raises:
            InvalidInput: there are no rows, or some have faults; names the first.
        """
        self.read_all(file, advance)
        self.faults.raise_if_any()

    def read_all(self, file: RowFile, advance: Callable[[int], None]) -> None:
        """Check all rows, and keep the good ones.

        Args:
            file: with the columns.
            advance: told of each row.

        Raises:
            InvalidInput: there are no rows.
        """
        for row in file.rows(self.faults):
            self._read(row)
            advance(1)
        if not self._seen and not self.faults:
            raise InvalidInput(f"{file.path.name} has no rows.")

    def forget(self, unwilling: Collection[bytes]) -> int:
        """Leave out customers about whom nothing is kept.

        Args:
            unwilling: pseudonyms of who was erased or opted out.

        Returns:
            How many rows are left out by that.

        Raises:
            InvalidInput: nobody is left.
        """
        theirs = (row for row in self._rows if row.customer in unwilling)
        gone = Counter(row.variant for row in theirs)
        if gone:
            self._rows = [row for row in self._rows if row.customer not in unwilling]
            self.variants -= gone
        if not self._rows:
            raise InvalidInput("Every customer in the file was erased or opted out.")
        return gone.total()

    def _read(self, row: Row) -> None:
        customer = self._customer(row)
        variant = id_text(row.cells[self.columns.variant])
        if variant is None or not KEY_PATTERN.fullmatch(variant):
            sentence = f"{self.columns.variant}: {KEY_RULE}"
            self._fault(row, self.columns.variant, sentence)
            return
        values = tuple(
            self._value(row, column, outcome)
            for column, outcome in self.columns.outcomes.items()
        )
        if customer is not None:
            self.add(UnitRow(customer, variant, self._attributes(row), values))

    def _customer(self, row: Row) -> bytes | None:
        column = self.columns.customer
        text = id_text(row.cells[column])
        if text is None or len(text) > MAX_ID:
            self._fault(row, column, f"{column} must be an id of the customer.")
            return None
        customer = self.hide.customer(text)
        first = self._seen.setdefault(customer, row.number)
        if first != row.number:
            self._fault(
                row, column, f"{column}: this customer stands in row {first} already."
            )
            return None
        return customer

    def _value(self, row: Row, column: str, outcome: Outcome) -> float | None:
        cell = row.cells[column]
        if cell is None:
            return None
        definition = outcome.definition
        if definition.kind in {MetricKind.RETENTION, MetricKind.CHURN}:
            key = cell.strip().lower() if isinstance(cell, str) else cell
            value = _NO_YES.get(key)
            wanted = "0 or 1, no or yes, or empty"
        elif definition.is_amount:
            value = number(plain_value(cell))
            wanted = "a number, or empty"
        else:
            value = _score(plain_value(cell), definition.scale)
            wanted = f"a score from 0 to {definition.scale}, or empty"
        if value is None:
            self._fault(row, column, f"{column} must be {wanted}.")
        return value

    def _fault(self, row: Row, column: str, sentence: str) -> None:
        text = id_text(row.cells[self.columns.customer])
        customer = None if text is None else self.hide.customer(text)
        self.faults.add(row.number, sentence, column, row.cells[column], customer)

    def _attributes(self, row: Row) -> str | None:
        known = {
            name: plain_value(row.cells[name])
            for name in self.columns.attributes
            if isinstance(row.cells[name], (str, int, float, bool))
        }
        return json.dumps(known, sort_keys=True) if known else None

    def table(self, metric_keys: Sequence[str], import_id: str) -> pa.Table:
        """Write the rows for the store, customers in order.

        Args:
            metric_keys: of the outcomes, in the order of `columns`.
            import_id: names what was imported, and how.

        Returns:
            UNIT_SCHEMA without `experiment`.
        """
        schema = pa.schema([f for f in UNIT_SCHEMA if f.name != "experiment"])
        rows = sorted(self._rows, key=lambda row: row.customer)
        parts = [
            pa.table(
                [
                    pa.repeat(pa.scalar(import_id), len(rows)),
                    pa.array([row.customer for row in rows], pa.binary()),
                    pa.array([row.variant for row in rows], pa.string()),
                    pa.repeat(pa.scalar(key), len(rows)),
                    pa.array([row.values[i] for row in rows], pa.float64()),
                    pa.array([row.attributes for row in rows], pa.string()),
                ],
                schema=schema,
            )
            for i, key in enumerate(metric_keys)
        ]
        return pa.concat_tables(parts)


def import_id_of(digest: str, columns: Columns, metric_keys: Sequence[str]) -> str:
    """Name an import by what the file holds and how it is read.

    Args:
        digest: of the file.
        columns: which column says what.
        metric_keys: of the outcomes.

    Returns:
        32 hexadecimal digits.
    """
    pairs = zip(columns.outcomes, metric_keys, strict=True)
    asked: Any = [columns.customer, columns.variant, columns.attributes]
    asked += [[column, key] for column, key in pairs]
    text = json.dumps([digest, *asked])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _score(value: object, top: int) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if 0 <= value <= top else None
