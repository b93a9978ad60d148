"""Engine, session, declarative base and the UTC time type."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pysqlite3
from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    Engine,
    MetaData,
    TypeDecorator,
    create_engine,
    event,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from typing_extensions import override

from experiments.errors import NotMigrated, StorageFull, Unavailable

# Every constraint gets a name, so that a later migration can drop it on both
# databases: SQLite and PostgreSQL invent different names, or none.
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


DATA_DIR = "data folder"  # in a session's `info`


class UtcDateTime(TypeDecorator[datetime]):
    """A point in time: aware UTC in Python, whatever the database keeps.

    SQLite forgets the time zone, so it is put back on reading; a naive value is
    refused on writing, because guessing its zone would be wrong somewhere.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    @override
    def process_bind_param(
        self, value: datetime | None, dialect: Dialect
    ) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            msg = "a time without zone cannot be stored"
            raise ValueError(msg)
        return value.astimezone(UTC)

    @override
    def process_result_value(
        self, value: datetime | None, dialect: Dialect
    ) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            return value.replace(tzinfo=UTC)
        return value.astimezone(UTC)


class Base(DeclarativeBase):
    """One metadata for all tables, so that there is one line of migrations."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012  # SQLAlchemy's own hook
        datetime: UtcDateTime,
        dict[str, Any]: JSON,
        list[Any]: JSON,
    }


def make_engine(url: str) -> Engine:
    """Open the database at `url`; connections are checked before use.

    A connection that outlived a database restart would fail on every try, so the
    pool pings each before it hands it out.
    """
    if url.startswith("sqlite"):
        engine = create_engine(url, module=pysqlite3.dbapi2, pool_pre_ping=True)
        event.listen(engine, "connect", _prepare_sqlite)
        return engine
    return create_engine(
        url,
        pool_pre_ping=True,
        pool_size=8,
        max_overflow=8,
        pool_timeout=5,
        connect_args={
            "connect_timeout": 3,
            # A stalled server must not hold a worker for ever (SIGSTOP test).
            "options": "-c statement_timeout=15000 -c synchronous_commit=on"
            " -c timezone=UTC",
            "keepalives": 1,
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": 5000,
        },
    )


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    cursor = connection.cursor()
    # busy_timeout first: switching to WAL can itself meet a lock.
    cursor.execute("PRAGMA busy_timeout=5000")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    # What was erased must not stay readable in the file's free pages.
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.close()


def make_sessions(
    engine: Engine, data_dir: Path | None = None
) -> sessionmaker[Session]:
    """Build the factory of sessions; objects stay readable after commit.

    Args:
        engine: of the database.
        data_dir: of the installation that works with it, `session.info[DATA_DIR]`.

    Returns:
        The factory.
    """
    return sessionmaker(engine, expire_on_commit=False, info={DATA_DIR: data_dir})


# How PostgreSQL's driver and SQLite call a table or column that a migration makes.
_ABSENT = frozenset({"UndefinedTable", "UndefinedColumn"})
_NO_SUCH = ("no such table", "no such column", "has no column named")


@contextmanager
def transaction(sessions: sessionmaker[Session]) -> Iterator[Session]:
    """Open a session that commits at the end, or rolls all of it back.

    Args:
        sessions: the way to the database.

    Yields:
        The session to work with.

    Raises:
        StorageFull: the disk is full.
        Unavailable: the database does not answer, or is not migrated (NotMigrated).
    """
    try:
        with sessions.begin() as session:
            yield session
    except DBAPIError as error:
        refusal = database_refusal(error)
        if refusal is None:
            raise
        raise refusal from error
    except PoolTimeoutError as error:
        raise Unavailable("Too many requests wait for the database.") from error


def database_refusal(error: DBAPIError) -> StorageFull | Unavailable | None:
    """Say what a driver's error means for the caller, or None when it is a fault."""
    text = str(error.orig).lower()
    if "disk is full" in text or "no space left" in text or "disk i/o" in text:
        return StorageFull(
            "The disk is full. Nothing was stored and nothing is damaged;"
            " free some space and try again."
        )
    if type(error.orig).__name__ in _ABSENT or any(said in text for said in _NO_SUCH):
        return NotMigrated()
    gone = error.connection_invalidated or type(error.orig).__name__ in {
        "OperationalError",
        "InterfaceError",
        "QueryCanceled",
        "AdminShutdown",
        "CrashShutdown",
    }
    if gone:
        return Unavailable("The database does not answer right now. Try again soon.")
    return None
