"""One Delta table with one writer: files first, then one atomic commit.

The files are written and synced here, so that their order, statistics and durability
are ours; the log, its conflicts, checkpoints and clean-up are the library's. Every
commit of Abide's carries a mark of its own (`WRITER`) that must follow the one its
handle has read: of two writers that started from the same version one fails, always.
"""

import json
import os
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import structlog
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction, RemoveAction

from experiments.errors import Conflict, StorageFull

WRITER = "abide-writer"
ROW_GROUP_ROWS = 131_072
GRACE_HOURS = 1  # readers hold a list of files for two minutes at most

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Layout:
    """What a table looks like.

    Attributes:
        schema: all columns, those of the folders first.
        folders: columns that are folder names and stand in no file.
        measured: numbers and times whose range goes into the log. Never an id: the
            log keeps what it once said, also about somebody who was erased.
        dictionary: columns that repeat within a file.
        encodings: column -> Parquet encoding, where another is smaller than plain.
    """

    schema: pa.Schema
    folders: tuple[str, ...]
    measured: tuple[str, ...]
    dictionary: tuple[str, ...]
    encodings: Mapping[str, str] = field(default_factory=dict)

    @property
    def file_schema(self) -> pa.Schema:
        """The columns that stand in the files."""
        return pa.schema([f for f in self.schema if f.name not in self.folders])


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An active file of the table.

    Attributes:
        path: below the table's folder.
        folders: column -> value.
        rows: how many.
        size: bytes.
        ranges: measured column -> (lowest, highest) as the log has them.
    """

    path: str
    folders: Mapping[str, str]
    rows: int
    size: int
    ranges: Mapping[str, tuple[object, object]]


class DeltaWriter:
    """A handle to read marks from and to commit with; for one thread."""

    def __init__(self, path: Path, layout: Layout) -> None:
        self.path = path
        self._layout = layout
        self._table = open_table(path, layout)

    @property
    def version(self) -> int:
        """The version this handle has read."""
        return self._table.version()

    def refresh(self) -> None:
        """Read what others have committed since."""
        self._table.update_incremental()

    def mark(self, name: str) -> int:
        """Say how far `name` is stored; 0 when nothing is."""
        return self._table.transaction_version(name) or 0

    def files(self) -> list[StoredFile]:
        """List the active files."""
        return list(_stored_files(self._table, self._layout))

    def commit(
        self,
        added: Sequence["NewFile"],
        marks: Mapping[str, int],
        removed: Sequence[StoredFile] = (),
        *,
        same_rows: bool = False,
    ) -> None:
        """Make files active, and marks with them, in one step that lasts.

        On a full disk it raises `StorageFull`, and nothing was committed.

        Args:
            added: written and synced.
            marks: name -> number, each larger than this handle has read.
            removed: files that are active no longer.
            same_rows: whether the added files hold just the rows of the removed.

        Raises:
            Conflict: a mark does not rise, or somebody else has committed.
        """
        for name, number in marks.items():
            if number <= self.mark(name):
                raise Conflict(f'The mark "{name}" is {number} already, or beyond.')
        moment = int(time.time() * 1000)
        actions: list[AddAction | RemoveAction] = [
            RemoveAction(f.path, not same_rows, moment, f.size, dict(f.folders))
            for f in removed
        ]
        actions += [file.action(moment, data_change=not same_rows) for file in added]
        version = self.version + 1
        transactions = [Transaction(name, number) for name, number in marks.items()]
        transactions.append(Transaction(WRITER, self.mark(WRITER) + 1))
        with refusing_full_disk():
            try:
                self._table.create_write_transaction(
                    actions,
                    "append",
                    self._layout.schema,
                    partition_by=list(self._layout.folders),
                    commit_properties=CommitProperties(app_transactions=transactions),
                )
            except CommitFailedError as error:
                raise Conflict("Another process has written to the store.") from error
            sync(_log_file(self.path, version))
            sync(self.path / "_delta_log")
        self.refresh()

    def clean(self, grace_hours: int = GRACE_HOURS, *, strays: bool = True) -> None:
        """Remove files that no version of the last hours used, and old log entries.

        Args:
            grace_hours: how long readers of older versions are spared.
            strays: also files that never entered the log; only when nobody else
                writes to the table.
        """
        self._table.vacuum(
            grace_hours, dry_run=False, enforce_retention_duration=False, full=strays
        )
        self._table.create_checkpoint()
        self._table.cleanup_metadata()


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that is written and not yet active."""

    path: str
    folders: Mapping[str, str]
    size: int
    statistics: str

    def action(self, moment: int, *, data_change: bool) -> AddAction:
        """Say how it enters the log."""
        return AddAction(
            self.path,
            self.size,
            dict(self.folders),
            moment,
            data_change,
            self.statistics,
        )


def write_file(
    root: Path, layout: Layout, folders: Mapping[str, str], rows: pa.Table
) -> NewFile:
    """Write rows as one synced Parquet file.

    On a full disk it raises `StorageFull`, and nothing is left behind.

    Args:
        root: the table's folder.
        layout: of the table.
        folders: column -> value, safe as a file name.
        rows: with the columns of `layout.file_schema`, in order.

    Returns:
        The file, ready to commit.
    """
    folder = root.joinpath(*(f"{name}={value}" for name, value in folders.items()))
    path = folder / f"{uuid.uuid4().hex}.parquet"
    with refusing_full_disk():
        folder.mkdir(parents=True, exist_ok=True)
        with _removed_on_failure(path):
            pq.write_table(
                rows,
                path,
                compression="zstd",
                row_group_size=ROW_GROUP_ROWS,
                use_dictionary=list(layout.dictionary),
                column_encoding=dict(layout.encodings),
                store_schema=False,
            )
            sync(path)
            sync(folder)
    return NewFile(
        str(path.relative_to(root)),
        folders,
        path.stat().st_size,
        _statistics(rows, layout),
    )


def open_table(path: Path, layout: Layout) -> DeltaTable:
    """Open the table for writing, making it when there is none."""
    with refusing_full_disk():
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        _set_torn_commit_aside(path)
        return DeltaTable.create(
            str(path),
            layout.schema,
            mode="ignore",
            partition_by=list(layout.folders),
            configuration={
                "delta.dataSkippingStatsColumns": ",".join(layout.measured),
                "delta.checkpointInterval": "100",
                "delta.logRetentionDuration": "interval 6 hours",
                "delta.deletedFileRetentionDuration": "interval 1 hours",
                "delta.setTransactionRetentionDuration": "interval 30 days",
            },
        )


def read_files(path: Path, layout: Layout) -> tuple[int, list[StoredFile]]:
    """List the active files as of now.

    Args:
        path: the table's folder.
        layout: of the table.

    Returns:
        The version, and its files; (0, []) when nothing was ever stored.
    """
    if not DeltaTable.is_deltatable(str(path)):
        return 0, []
    table = DeltaTable(str(path))
    return table.version(), list(_stored_files(table, layout))


def sync(path: Path) -> None:
    """Wait until a file, or a folder's names, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def refusing_full_disk() -> Iterator[None]:
    """Turn a full disk, however it is reported, into words."""
    try:
        yield
    except (OSError, DeltaError) as error:
        if "no space left" not in str(error).lower():
            raise
        raise StorageFull(
            "The disk is full, so events wait in the inbox; free some space."
        ) from error


@contextmanager
def _removed_on_failure(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _stored_files(table: DeltaTable, layout: Layout) -> Iterator[StoredFile]:
    actions = pa.table(table.get_add_actions(flatten=True))
    for row in actions.to_pylist():
        yield StoredFile(
            path=row["path"],
            folders={n: str(row[f"partition.{n}"]) for n in layout.folders},
            rows=row["num_records"],
            size=row["size_bytes"],
            ranges={
                n: (row.get(f"min.{n}"), row.get(f"max.{n}")) for n in layout.measured
            },
        )


def _statistics(rows: pa.Table, layout: Layout) -> str:
    lowest, highest, missing = {}, {}, {}
    for name in layout.measured:
        ends = pc.min_max(rows[name]).as_py()
        missing[name] = rows[name].null_count
        if ends["min"] is not None:
            lowest[name], highest[name] = _plain(ends["min"]), _plain(ends["max"])
    return json.dumps(
        {
            "numRecords": rows.num_rows,
            "minValues": lowest,
            "maxValues": highest,
            "nullCount": missing,
        }
    )


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        moment = value.astimezone(UTC).replace(tzinfo=None)
        return moment.isoformat(timespec="microseconds") + "Z"
    return value


def _log_file(path: Path, version: int) -> Path:
    return path / "_delta_log" / f"{version:020d}.json"


def _set_torn_commit_aside(path: Path) -> None:
    """Undo a last commit that a power cut left half written.

    Its inbox groups are deleted only after the commit was synced, so they are all
    still there and will be stored again.
    """
    commits = sorted((path / "_delta_log").glob("[0-9]*.json"))
    if not commits:
        return
    try:
        for line in commits[-1].read_text().splitlines() or [""]:
            json.loads(line)
    except ValueError:
        log.warning("torn_commit_set_aside", file=commits[-1].name)
        with suppress(FileNotFoundError):
            commits[-1].rename(commits[-1].with_suffix(".torn"))
