"""Where a process's groups become durable: a file of its own, or PostgreSQL's table.

A slot belongs to one writer and counts its groups 1, 2, 3, ... itself, so that commit
order is the order of `seq` and a reader can see that nothing is missing. A slot's name
is drawn anew whenever one is opened and never comes back: a number once used cannot
be used for other events, not even after a restored backup or a commit whose outcome
nobody knows. Its lock tells the compactor whether its owner still lives.
"""

import fcntl
import os
import secrets
import socket
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pysqlite3.dbapi2 as sqlite
from typing_extensions import override

from experiments.config import Settings
from experiments.errors import StorageFull, Unavailable

INBOX_FOLDER = "inbox"
_NAME_BYTES = 6
_LOCK_SPACE = 0x4142 << 48  # keeps these advisory locks apart from any others
_FULL = StorageFull(
    "The disk is full. Nothing was stored and nothing is damaged;"
    " free some space and send the events again."
)
_GONE = Unavailable("The events cannot be stored right now. Send them again soon.", 2)
_CREATE = """
CREATE TABLE IF NOT EXISTS inbox_group (
    seq INTEGER PRIMARY KEY,
    received_us INTEGER NOT NULL,
    message_count INTEGER NOT NULL,
    body BLOB NOT NULL
)
"""


class Slot(Protocol):
    """The one place a writer writes to."""

    name: str

    def write(self, received_us: int, message_count: int, body: bytes) -> None:
        """Store one group; it is durable when this returns.

        After `StorageFull` nothing was stored and the slot can be used on; after
        `Unavailable` nobody knows, and the slot must be closed.

        Args:
            received_us: arrival of its first message, microseconds since 1970.
            message_count: rows in it.
            body: see `parcels.join`.
        """
        ...

    def interrupt(self) -> None:
        """Break off a write that hangs, from another thread."""

    def close(self) -> None:
        """Give the slot up; what was written stays for the compactor."""


class SqliteSlot(Slot):
    """A SQLite file in the data folder with one writer: WAL, synchronous=FULL."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self.name, self._lock = _lock_new_name(folder)
        except OSError as error:
            raise _refusal(error) from error
        try:
            self._connection = _create_file(inbox_file(folder, self.name))
            sync_folder(folder)
        except (OSError, sqlite.Error) as error:
            remove_files(folder, self.name)
            os.close(self._lock)
            raise _refusal(error) from error
        self._seq = 0

    @override
    def write(self, received_us: int, message_count: int, body: bytes) -> None:
        row = (self._seq + 1, received_us, message_count, body)
        try:
            self._connection.execute("INSERT INTO inbox_group VALUES (?, ?, ?, ?)", row)
        except sqlite.Error as error:
            raise _refusal(error) from error
        self._seq += 1

    @override
    def interrupt(self) -> None:
        self._connection.interrupt()

    @override
    def close(self) -> None:
        with suppress(sqlite.Error):
            self._connection.close()
        os.close(self._lock)


class PostgresSlot(Slot):
    """Rows of one name in inbox_group, written through a connection of its own."""

    def __init__(self, database_url: str) -> None:
        self.name = secrets.token_hex(_NAME_BYTES)
        try:
            self._connection = connect(database_url)
            self._connection.execute(
                "SELECT pg_advisory_lock(%s)", [advisory_key(self.name)]
            )
        except psycopg.Error as error:
            raise _refusal(error) from error
        self._seq = 0

    @override
    def write(self, received_us: int, message_count: int, body: bytes) -> None:
        received_at = datetime.fromtimestamp(received_us / 1e6, UTC)
        row = [self.name, self._seq + 1, received_at, message_count, body]
        try:
            self._connection.execute(
                "INSERT INTO inbox_group (slot, seq, received_at, message_count, body)"
                " VALUES (%s, %s, %s, %s, %b)",
                row,
            )
        except psycopg.Error as error:
            raise _refusal(error) from error
        self._seq += 1

    @override
    def interrupt(self) -> None:
        # A stopped server's kernel still acknowledges what is sent, so that no time-out
        # of TCP ever strikes: the socket is taken from under the waiting thread.
        with (
            suppress(psycopg.Error, OSError),
            socket.socket(fileno=os.dup(self._connection.fileno())) as line,
        ):
            line.shutdown(socket.SHUT_RDWR)

    @override
    def close(self) -> None:
        with suppress(psycopg.Error):
            self._connection.close()


def open_slot(settings: Settings) -> Slot:
    """Open a new slot of the kind that goes with the database."""
    if settings.is_sqlite:
        return SqliteSlot(settings.data_dir / INBOX_FOLDER)
    return PostgresSlot(settings.database_url)


def connect(database_url: str) -> psycopg.Connection[Any]:
    """Connect to PostgreSQL outside SQLAlchemy's pool, each statement for itself."""
    return psycopg.connect(
        database_url.replace("+psycopg", "", 1),
        autocommit=True,
        connect_timeout=3,
        options="-c statement_timeout=15000 -c synchronous_commit=on",
    )


def _create_file(path: Path) -> Any:  # noqa: ANN401  # pysqlite3 has no types
    connection = sqlite.connect(
        str(path), isolation_level=None, check_same_thread=False
    )
    # busy_timeout first: switching to WAL can itself meet a lock.
    connection.execute("PRAGMA busy_timeout=2000")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(_CREATE)
    return connection


def inbox_file(folder: Path, name: str) -> Path:
    """Say which file holds the groups of a slot."""
    return folder / f"inbox-{name}.db"


def lock_file(folder: Path, name: str) -> Path:
    """Say which file's lock a slot's owner holds."""
    return folder / f"inbox-{name}.lock"


def remove_files(folder: Path, name: str) -> None:
    """Remove a slot's files, its lock last: until then nobody takes it for new."""
    path = inbox_file(folder, name)
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    lock_file(folder, name).unlink(missing_ok=True)


def advisory_key(name: str) -> int:
    """Number the advisory lock that a slot's owner holds."""
    return _LOCK_SPACE | int(name, 16)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder as durable as the files."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _lock_new_name(folder: Path) -> tuple[str, int]:
    """Draw a name and lock it; the lock goes when this process ends, however."""
    while True:
        name = secrets.token_hex(_NAME_BYTES)
        path = lock_file(folder, name)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The compactor may have taken it for a dead one's in between.
            if path.exists():
                return name, descriptor
        os.close(descriptor)
        time.sleep(0.01)


def _refusal(error: Exception) -> StorageFull | Unavailable:
    text = str(error).lower()
    full = "disk is full" in text or "no space left" in text
    kind = _FULL if full else _GONE
    return type(kind)(kind.message)
