"""What was imported, and every row that was refused: kept for a while, in words.

The faults of one import lie in a file of its own, compressed, one to a line: the row's
number, the field, the reason, what stood there with every letter and digit masked, and
a pseudonym by which an erasure finds the line. No raw id is among them. Files are read
and written line by line, however many there are. The rows of an upload that waits lie
beside them (`experiments.staged_rows`).
"""

import csv
import gzip
import heapq
import io
import time
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from experiments import staged_rows
from experiments.errors import NotFound, StorageFull
from experiments.key_format import is_public_id, new_public_id
from experiments.models import ImportRecord
from experiments.privacy import mask_text

FOLDER = "imports"
COLUMNS = ("row", "field", "reason", "value")
MOST_LISTED = 1_000_000  # faults of one import
MOST_IMPORTS = 50
MOST_TOGETHER = 2_000_000  # faults of all: an erasure reads each
KEPT = timedelta(days=30)  # as long as mending a file takes
_OUT_OF_ORDER = 50_000  # faults; so many are held back to be written row by row
_LEFT_BEHIND_SECONDS = 24 * 60 * 60.0
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Reject:
    """One fault of one row.

    Attributes:
        row: its number, as people see it.
        field: the column, "" when it is the row.
        reason: in words.
        value: what stands there, raw; it is masked before it is written.
        customer: whose row it is, where that can be told.
    """

    row: int
    field: str
    reason: str
    value: object = None
    customer: bytes | None = None


class RejectFile:
    """Takes the faults of one import; made when the first one comes."""

    def __init__(self, data_dir: Path) -> None:
        self.public_id = new_public_id()
        self.listed = 0
        self._path = _path(data_dir, self.public_id)
        self._lines: io.TextIOBase | None = None
        # Rows are checked some together, for one fault after the other.
        self._held: list[tuple[int, int, tuple[object, ...]]] = []

    def add(self, reject: Reject) -> None:
        """Write a fault down, as long as there are not too many.

        Args:
            reject: in any order of rows; they are written by row.

        Raises:
            StorageFull: the disk is full.
        """
        if self.listed >= MOST_LISTED:
            return
        self.listed += 1
        heapq.heappush(self._held, (reject.row, self.listed, _cells(reject)))
        if len(self._held) > _OUT_OF_ORDER:
            self._write_first()

    def close(self) -> None:
        """Let the file be read.

        Raises:
            StorageFull: the disk is full.
        """
        while self._held:
            self._write_first()
        if self._lines is not None:
            self._lines.close()

    def _write_first(self) -> None:
        *_, cells = heapq.heappop(self._held)
        try:
            csv.writer(self._opened()).writerow(cells)
        except OSError as error:
            raise StorageFull(
                f"The rows with faults cannot be written: {error.strerror}."
            ) from error

    def _opened(self) -> io.TextIOBase:
        if self._lines is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lines = _write(self._path)
        return self._lines


def keep(session: Session, data_dir: Path, record: ImportRecord) -> None:
    """Store what an import was, and let the oldest go when there are too many.

    Args:
        session: open transaction.
        data_dir: where the files are.
        record: the newest.
    """
    session.add(record)
    session.flush()
    listed = 0
    for number, row in enumerate(listing(session)):
        listed += row.listed_count
        if number >= MOST_IMPORTS or (number and listed > MOST_TOGETHER):
            _delete(session, data_dir, row)


def delete_rejects(data_dir: Path, public_id: str) -> None:
    """Delete the faults of an import that came to nothing."""
    _path(data_dir, public_id).unlink(missing_ok=True)


def rows_path(data_dir: Path, public_id: str) -> Path:
    """Say where the rows of an upload wait."""
    return data_dir / FOLDER / f"{public_id}{staged_rows.SUFFIX}"


def listing(session: Session) -> Sequence[ImportRecord]:
    """List the imports that are known, newest first."""
    return session.scalars(select(ImportRecord).order_by(ImportRecord.id.desc())).all()


def get(session: Session, public_id: str) -> ImportRecord:
    """Find an import.

    Args:
        session: any session.
        public_id: 12 letters and digits.

    Returns:
        The row.

    Raises:
        NotFound: there is none, or it is too long ago.
    """
    row = None
    if is_public_id(public_id):
        query = select(ImportRecord).where(ImportRecord.public_id == public_id)
        row = session.scalar(query)
    if row is None:
        raise NotFound("There is no such import, or it is too long ago.")
    return row


def csv_lines(data_dir: Path, record: ImportRecord) -> Iterator[str]:
    """Write the faults of an import as CSV, line by line.

    Args:
        data_dir: where the files are.
        record: the import.

    Yields:
        Lines, the header first.
    """
    yield _line(COLUMNS)
    for cells in _stored(_path(data_dir, record.public_id)):
        yield _line(cells[:-1])
    more = record.fault_count - record.listed_count
    if more > 0:
        yield _line(("", "", f"And {more:,} more faults.", ""))


def naming(
    session: Session, data_dir: Path, ids: Container[bytes]
) -> list[dict[str, object]]:
    """Find the faults in rows of one customer.

    Args:
        session: any session.
        data_dir: where the files are.
        ids: pseudonyms of the customer.

    Returns:
        Each with the file's name; nothing of it is raw.
    """
    return [
        {"file": row.file_name, **dict(zip(COLUMNS, cells, strict=False))}
        for row in listing(session)
        for cells in _stored(_path(data_dir, row.public_id))
        if _is_of(cells, ids)
    ]


def waiting_of(
    session: Session, data_dir: Path, ids: Container[bytes]
) -> list[dict[str, object]]:
    """Find the rows of one customer in uploads that are not stored yet.

    Args:
        session: any session.
        data_dir: where the files are.
        ids: pseudonyms of the customer.

    Returns:
        Each with the file's name; nothing of it is raw.
    """
    return [
        {"file": row.file_name, **found}
        for row in listing(session)
        for found in staged_rows.naming(rows_path(data_dir, row.public_id), ids)
    ]


def forget(session: Session, data_dir: Path, ids: Container[bytes]) -> int:
    """Take customers out of every file: their faults, and their rows that wait.

    Args:
        session: open transaction.
        data_dir: where the files are.
        ids: pseudonyms of who is erased.

    Returns:
        How many lines are gone.
    """
    count = 0
    for row in listing(session):
        path = _path(data_dir, row.public_id)
        if any(_is_of(cells, ids) for cells in _stored(path)):
            gone = _rewrite(path, ids)
            row.listed_count -= gone
            row.fault_count -= gone
            count += gone
        count += staged_rows.forget(rows_path(data_dir, row.public_id), ids)
    return count


def delete_older(session: Session, data_dir: Path, before: datetime) -> None:
    """Delete the imports of before a time, and files that a crash left behind.

    Args:
        session: open transaction.
        data_dir: where the files are.
        before: aware UTC.
    """
    known = set()
    for row in listing(session):
        if row.finished_at < before:
            _delete(session, data_dir, row)
        else:
            known.add(_path(data_dir, row.public_id))
            known.add(rows_path(data_dir, row.public_id))
    for path in (data_dir / FOLDER).glob("*"):
        if path not in known:
            age = time.time() - path.stat().st_mtime
            if age > _LEFT_BEHIND_SECONDS:
                path.unlink(missing_ok=True)


def _delete(session: Session, data_dir: Path, row: ImportRecord) -> None:
    session.delete(row)
    _path(data_dir, row.public_id).unlink(missing_ok=True)
    rows_path(data_dir, row.public_id).unlink(missing_ok=True)


def _path(data_dir: Path, public_id: str) -> Path:
    return data_dir / FOLDER / f"{public_id}.csv.gz"


def _write(path: Path) -> io.TextIOBase:
    return gzip.open(path, "wt", compresslevel=3, encoding="utf-8", newline="")


def _stored(path: Path) -> Iterator[list[str]]:
    if path.exists():
        with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
            yield from csv.reader(lines)


def _rewrite(path: Path, ids: Container[bytes]) -> int:
    aside, gone = path.with_suffix(".next"), 0
    with _write(aside) as lines:
        writer = csv.writer(lines)
        for cells in _stored(path):
            if _is_of(cells, ids):
                gone += 1
            else:
                writer.writerow(cells)
    aside.replace(path)
    return gone


def _is_of(cells: Sequence[str], ids: Container[bytes]) -> bool:
    return bool(cells[-1]) and bytes.fromhex(cells[-1]) in ids


def _cells(reject: Reject) -> tuple[object, ...]:
    value = "" if reject.value is None else mask_text(str(reject.value))
    shown = (_safe(reject.field), _safe(reject.reason), _safe(value))
    return reject.row, *shown, (reject.customer or b"").hex()


def _safe(text: str) -> str:
    """Keep a spreadsheet from taking a cell for a formula (OWASP, CSV injection)."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _line(cells: Iterable[object]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(cells)
    return text.getvalue()
