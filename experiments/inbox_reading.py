"""The compactor's side of the inbox: read each slot in order, delete what is stored.

Slots whose owner is gone are read like any other; what tells them apart is only that
their emptied files, or marks, may be removed.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pysqlite3.dbapi2 as sqlite
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, sessionmaker
from typing_extensions import override

from experiments.context import Context
from experiments.db import transaction
from experiments.inbox_slots import (
    INBOX_FOLDER,
    advisory_key,
    inbox_file,
    lock_file,
    remove_files,
)
from experiments.models import InboxGroup

MOST_GROUPS = 2000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Group:
    """One group commit, as it was written."""

    seq: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Run:
    """The next groups of one slot, without a gap.

    Attributes:
        slot: whose they are.
        groups: contiguous, from the asked one on.
        left_us: arrival of the first group that was left for later, in microseconds
            since 1970; None when nothing was left.
    """

    slot: str
    groups: Sequence[Group]
    left_us: int | None


class InboxReader(Protocol):
    """Reads what writers stored."""

    def slots(self) -> list[str]:
        """Name every slot that may hold groups."""
        ...

    def ends(self, slot: str) -> tuple[int, int] | None:
        """Say the lowest and the highest seq that a slot holds; None when empty."""
        ...

    def read(self, slot: str, after: int, max_bytes: int) -> Run:
        """Read a slot's next groups, at least one if there is one.

        Args:
            slot: its name.
            after: the last seq that is known to be stored.
            max_bytes: stop before the bodies get larger together.

        Returns:
            The groups, and whether some were left.
        """
        ...

    def delete(self, slot: str, through: int) -> None:
        """Delete a slot's groups up to and with `through`."""
        ...

    def scrub(self) -> None:
        """Let no log of the inbox keep what was deleted from it."""
        ...

    def gone(self, slots: Iterable[str]) -> list[str]:
        """Forget those slots that are empty and whose owner is dead.

        Args:
            slots: names that the caller knows.

        Returns:
            Names that will never hold a group again.
        """
        ...


def open_reader(context: Context) -> InboxReader:
    """Open the inbox of the kind that goes with the database."""
    if context.settings.is_sqlite:
        return SqliteInboxes(context.settings.data_dir / INBOX_FOLDER)
    return PostgresInbox(context.sessions)


class SqliteInboxes(InboxReader):
    """The files that the processes of this data folder keep."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @override
    def slots(self) -> list[str]:
        names = {path.stem for path in self._folder.glob("inbox-*.db")}
        return sorted(name.removeprefix("inbox-") for name in names)

    @override
    def ends(self, slot: str) -> tuple[int, int] | None:
        with self._opened(slot) as connection:
            row = connection.execute("SELECT min(seq), max(seq) FROM inbox_group")
            first, last = row.fetchone()
        return None if first is None else (first, last)

    @override
    def read(self, slot: str, after: int, max_bytes: int) -> Run:
        with self._opened(slot) as connection:
            sizes = connection.execute(
                "SELECT seq, received_us, length(body) FROM inbox_group"
                " WHERE seq > ? ORDER BY seq LIMIT ?",
                (after, MOST_GROUPS),
            ).fetchall()
            last, left_us = _cut(sizes, after, max_bytes)
            rows = connection.execute(
                "SELECT seq, body FROM inbox_group WHERE seq > ? AND seq <= ?"
                " ORDER BY seq",
                (after, last),
            ).fetchall()
        return Run(slot, [Group(*row) for row in rows], left_us)

    @override
    def delete(self, slot: str, through: int) -> None:
        with self._opened(slot) as connection:
            # A lost delete is done again; it need not wait for the disk.
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("PRAGMA secure_delete=ON")
            connection.execute("DELETE FROM inbox_group WHERE seq <= ?", (through,))

    @override
    def scrub(self) -> None:
        for slot in self.slots():
            with self._opened(slot) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @override
    def gone(self, slots: Iterable[str]) -> list[str]:
        for name in self._lock_names():
            self._remove_if_dead(name)
        left = {*self.slots(), *self._lock_names()}
        return [name for name in slots if name not in left]

    def _lock_names(self) -> list[str]:
        paths = self._folder.glob("inbox-*.lock")
        return [path.stem.removeprefix("inbox-") for path in paths]

    def _remove_if_dead(self, name: str) -> None:
        with suppress(FileNotFoundError):
            descriptor = os.open(lock_file(self._folder, name), os.O_RDWR)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if self._is_empty(name):
                    remove_files(self._folder, name)
            except BlockingIOError:
                pass  # its owner lives
            finally:
                os.close(descriptor)

    def _is_empty(self, name: str) -> bool:
        if not inbox_file(self._folder, name).exists():
            return True
        # Not `read`: it wants the first group, which may be stored and gone already
        # while later ones wait.
        return self.ends(name) is None

    @contextmanager
    def _opened(self, slot: str) -> Iterator[Any]:
        path = inbox_file(self._folder, slot)
        with closing(sqlite.connect(f"file:{path}?mode=rw", uri=True)) as connection:
            connection.isolation_level = None
            connection.execute("PRAGMA busy_timeout=5000")
            table = "SELECT 1 FROM sqlite_master WHERE name = 'inbox_group'"
            if connection.execute(table).fetchone() is None:
                # Its owner died, or is still busy, between making file and table.
                connection.execute(
                    "CREATE TEMP TABLE inbox_group (seq, received_us, body)"
                )
            yield connection


class PostgresInbox(InboxReader):
    """The one table that all processes write to."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    @override
    def slots(self) -> list[str]:
        with transaction(self._sessions) as session:
            return list(session.scalars(select(InboxGroup.slot).distinct()))

    @override
    def ends(self, slot: str) -> tuple[int, int] | None:
        own = InboxGroup.slot == slot
        with transaction(self._sessions) as session:
            first = session.scalar(select(func.min(InboxGroup.seq)).where(own))
            last = session.scalar(select(func.max(InboxGroup.seq)).where(own))
        return None if first is None or last is None else (first, last)

    @override
    def read(self, slot: str, after: int, max_bytes: int) -> Run:
        sizes = (
            select(
                InboxGroup.seq,
                InboxGroup.received_at,
                func.octet_length(InboxGroup.body),
            )
            .where(InboxGroup.slot == slot, InboxGroup.seq > after)
            .order_by(InboxGroup.seq)
            .limit(MOST_GROUPS)
        )
        with transaction(self._sessions) as session:
            found = [
                (seq, (received_at - _EPOCH) // timedelta(microseconds=1), size)
                for seq, received_at, size in session.execute(sizes)
            ]
            last, left_us = _cut(found, after, max_bytes)
            rows = session.execute(
                select(InboxGroup.seq, InboxGroup.body)
                .where(
                    InboxGroup.slot == slot,
                    InboxGroup.seq > after,
                    InboxGroup.seq <= last,
                )
                .order_by(InboxGroup.seq)
            )
            return Run(slot, [Group(seq, body) for seq, body in rows], left_us)

    @override
    def delete(self, slot: str, through: int) -> None:
        with transaction(self._sessions) as session:
            session.execute(
                delete(InboxGroup).where(
                    InboxGroup.slot == slot, InboxGroup.seq <= through
                )
            )

    @override
    def scrub(self) -> None:
        """PostgreSQL recycles its log by itself, in time."""

    @override
    def gone(self, slots: Iterable[str]) -> list[str]:
        waiting = set(self.slots())
        return [s for s in slots if s not in waiting and not self._is_owned(s)]

    def _is_owned(self, slot: str) -> bool:
        with transaction(self._sessions) as session:
            # Given back at the end of this transaction.
            taken = select(func.pg_try_advisory_xact_lock(advisory_key(slot)))
            return not session.scalar(taken)


def _cut(
    sizes: Sequence[tuple[int, int, int]], after: int, max_bytes: int
) -> tuple[int, int | None]:
    """Find the last group of a contiguous run that fits.

    Args:
        sizes: seq, arrival and bytes of groups in order.
        after: the seq before the first one wanted.
        max_bytes: for all bodies together; the first fits always.

    Returns:
        The last seq to read, and the arrival of the next one that is left.
    """
    last, total = after, 0
    for seq, received_us, size in sizes:
        total += size
        if seq != last + 1 or (last > after and total > max_bytes):
            return last, received_us
        last = seq
    return last, sizes[-1][1] if len(sizes) == MOST_GROUPS else None
