"""Rows of a CSV or Parquet file, numbered as people see them, and what is wrong."""

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import pyarrow as pa
import pyarrow.parquet as pq

from analysis.row_faults import RowFaults
from experiments.errors import InvalidInput

BATCH_ROWS = 10_000
LONGEST_CELL = 100_000
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,15})(\.\d{1,17})?([eE][+-]?\d{1,3})?")
_WORDS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Row:
    """One row; empty cells are None.

    Attributes:
        number: in CSV as a spreadsheet counts, the header being 1; in Parquet from 1.
        cells: column -> value; in CSV always text.
    """

    number: int
    cells: Mapping[str, Any]


class RowFile:
    """A CSV file (UTF-8, with a header) or a Parquet file."""

    def __init__(self, path: Path, content: bytes | None = None) -> None:
        """Look at the file's columns and size.

        Args:
            path: its name ends in .csv or .parquet.
            content: what was uploaded, and lies on no disk; None reads the file.

        Raises:
            InvalidInput: it cannot be read as that.
        """
        self.path = path
        self._content = content
        self.is_csv = path.suffix.lower() == ".csv"
        if not self.is_csv and path.suffix.lower() != ".parquet":
            raise InvalidInput(f"{path.name} must end in .csv or .parquet.")
        with self._in_words():
            self.columns, self.row_count = self._csv() if self.is_csv else self._table()
        if not self.columns:
            self._refuse("It is empty; its first line names the columns.")
        for mark, name in ((";", "semicolons"), ("\t", "tabs")):
            if self.is_csv and len(self.columns) == 1 and mark in self.columns[0]:
                self._refuse(f"Its cells are parted by {name}; part them by commas.")
        doubles = {c for c in self.columns if self.columns.count(c) > 1}
        if doubles:
            names = ", ".join(sorted(doubles))
            raise InvalidInput(f"{path.name} has two columns named {names}.")

    def open(self) -> BinaryIO:
        """Open the content at its beginning."""
        if self._content is None:
            return self.path.open("rb")
        return io.BytesIO(self._content)

    def digest(self) -> str:
        """Name the content: equal files have equal digests."""
        found = hashlib.sha256()
        with self.open() as content:
            for block in iter_blocks(content):
                found.update(block)
        return found.hexdigest()

    def _lines(self) -> io.TextIOWrapper:
        return io.TextIOWrapper(self.open(), newline="", encoding="utf-8-sig")

    def _csv(self) -> tuple[list[str], int]:
        with self.open() as lines:
            feeds, returns = 0, 0
            for block in iter_blocks(lines):
                feeds += block.count(b"\n")
                returns += block.count(b"\r")
        # In files of old spreadsheets a carriage return alone ends each line.
        rough_count = feeds or returns
        with self._lines() as text:
            return next(csv.reader(text), []), max(0, rough_count - 1)

    def _table(self) -> tuple[list[str], int]:
        with self.open() as content, pq.ParquetFile(content) as file:
            return list(file.schema_arrow.names), file.metadata.num_rows

    def rows(self, faults: RowFaults) -> Iterator[Row]:
        """Read the rows in order.

        Args:
            faults: told of rows that have not one cell for each column.

        Yields:
            Each other row.

        Raises:
            InvalidInput: the file is damaged; says where.
        """
        with self._in_words():
            yield from self._csv_rows(faults) if self.is_csv else self._table_rows()

    def _csv_rows(self, faults: RowFaults) -> Iterator[Row]:
        csv.field_size_limit(LONGEST_CELL)
        with self._lines() as lines:
            rows = csv.reader(lines, strict=True)
            next(rows, None)  # the header
            for number, cells in enumerate(rows, start=2):
                if len(cells) == len(self.columns):
                    pairs = zip(self.columns, cells, strict=True)
                    yield Row(number, {name: cell or None for name, cell in pairs})
                elif cells:  # a line without anything is no row, but is counted
                    amount = "fewer" if len(cells) < len(self.columns) else "more"
                    faults.add(number, f"It has {amount} cells than the header.")
                    faults.torn_count += 1

    def _table_rows(self) -> Iterator[Row]:
        number = 1
        with self.open() as content, pq.ParquetFile(content) as file:
            for batch in file.iter_batches(BATCH_ROWS):
                for cells in batch.to_pylist():
                    yield Row(number, {k: _present(v) for k, v in cells.items()})
                    number += 1

    def _refuse(self, sentence: str) -> NoReturn:
        raise InvalidInput(f"{self.path.name} cannot be read. {sentence}")

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._refuse(f"{error.strerror or _without_stop(error)}.")
        except UnicodeDecodeError as error:
            self._refuse(f"It must be UTF-8; byte {error.start:,} is not.")
        except csv.Error as error:
            self._refuse(f"It is no proper CSV: {_without_stop(error)}.")
        except pa.ArrowException as error:
            self._refuse(f"It is no proper Parquet file: {_without_stop(error)}.")


def _without_stop(error: Exception) -> str:
    """Give a library's words, which may end in a full stop of their own."""
    return str(error).rstrip(". \n")


def iter_blocks(lines: Any) -> Iterator[bytes]:  # noqa: ANN401  # any binary file
    """Read a binary file in pieces of a megabyte."""
    while block := lines.read(1 << 20):
        yield block


def plain_value(cell: object) -> object:
    """Read a cell as JSON would have it: a number, yes or no, or text.

    Args:
        cell: text from CSV, or any value from Parquet.

    Returns:
        A number for "12.5", True for "true"; other values as they are.
    """
    if not isinstance(cell, str):
        return cell
    if _NUMBER.fullmatch(cell):
        return float(cell) if set(cell) & set(".eE") else int(cell)
    return _WORDS.get(cell.lower(), cell)


def id_text(cell: object) -> str | None:
    """Read an id: text as it stands, or a whole number; None for anything else."""
    if isinstance(cell, str):
        return cell.strip() or None
    if isinstance(cell, bool):
        return None
    if isinstance(cell, int):
        return str(cell)
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return None


def _present(value: object) -> object:
    """Give None for what stands for nothing: empty text and NaN."""
    missing = value == "" or (isinstance(value, float) and value != value)  # noqa: PLR0124  # NaN
    return None if missing else value
