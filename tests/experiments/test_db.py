from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import psycopg
import pysqlite3
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError
from sqlalchemy.orm import Session, sessionmaker

from experiments import journey
from experiments.db import (
    NAMING,
    Base,
    database_refusal,
    make_engine,
    make_sessions,
    transaction,
)
from experiments.errors import NotMigrated, StorageFull, Unavailable
from experiments.models import JourneyStage, Lease

MOMENT = datetime(2026, 3, 14, 9, 30, 15, 123456, tzinfo=UTC)


def store_lease(session: Session, expires_at: datetime) -> None:
    session.add(Lease(name="l", holder="h", token=1, expires_at=expires_at))
    session.flush()


@pytest.mark.parametrize("hours", [0, -11, 5.5, 14])
def test_utc_time__any_zone__comes_back_as_the_same_moment_in_utc(
    sessions: sessionmaker[Session], hours: float
) -> None:
    local = MOMENT.astimezone(timezone(timedelta(hours=hours)))
    with transaction(sessions) as session:
        store_lease(session, local)
    with sessions() as session:
        stored = session.scalars(select(Lease.expires_at)).one()
        found = session.scalars(
            select(Lease.name).where(Lease.expires_at == local)
        ).all()
    assert stored == MOMENT
    assert stored.tzinfo == UTC
    assert found == ["l"]


def test_utc_time__without_zone__is_refused(sessions: sessionmaker[Session]) -> None:
    with (
        pytest.raises(Exception, match="without zone"),
        transaction(sessions) as session,
    ):
        store_lease(session, datetime(2026, 3, 14))  # noqa: DTZ001


def test_transaction__block_raises__rolls_all_back(
    sessions: sessionmaker[Session],
) -> None:
    def seed_and_fail() -> None:
        with transaction(sessions) as session:
            journey.seed(session)
            raise LookupError

    with pytest.raises(LookupError):
        seed_and_fail()
    with sessions() as session:
        assert session.scalars(select(JourneyStage)).all() == []


def test_transaction__after_commit__objects_stay_readable(
    sessions: sessionmaker[Session],
) -> None:
    with transaction(sessions) as session:
        journey.seed(session)
        first = journey.stages(session)[0]
    assert first.name == "Discovery"


def test_transaction__database_locked_for_too_long__is_unavailable(
    tmp_path: Path,
) -> None:
    path = tmp_path / "abide.db"
    engine = make_engine(f"sqlite:///{path}")
    Base.metadata.create_all(engine)
    # The same library as the product's: POSIX locks do not hold between two SQLites
    # in one process.
    holder = pysqlite3.dbapi2.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    sessions = make_sessions(engine)

    def write() -> None:
        with transaction(sessions) as session:
            session.execute(text("PRAGMA busy_timeout=50"))
            journey.seed(session)

    with pytest.raises(Unavailable):
        write()
    holder.execute("ROLLBACK")
    holder.close()
    with transaction(sessions) as session:
        journey.seed(session)
    engine.dispose()


def test_transaction__postgres_is_down__is_unavailable() -> None:
    engine = make_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")

    def ask() -> None:
        with transaction(make_sessions(engine)) as session:
            session.execute(text("SELECT 1"))

    with pytest.raises(Unavailable):
        ask()


@pytest.mark.postgres
def test_transaction__all_connections_taken__is_unavailable(
    postgres_url: str,
) -> None:
    engine = make_engine(postgres_url)
    # The product waits 5 s for one of 16; the test does not.
    engine.pool._timeout = 0.05  # type: ignore[attr-defined]  # noqa: SLF001
    held = [engine.connect() for _ in range(16)]

    def ask() -> None:
        with transaction(make_sessions(engine)) as session:
            session.execute(text("SELECT 1"))

    with pytest.raises(Unavailable, match="wait for the database"):
        ask()
    for connection in held:
        connection.close()
    engine.dispose()


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (pysqlite3.OperationalError("database or disk is full"), StorageFull),
        (psycopg.errors.DiskFull("No space left on device"), StorageFull),
        (pysqlite3.OperationalError("disk I/O error"), StorageFull),
        (pysqlite3.OperationalError("database is locked"), Unavailable),
        (psycopg.OperationalError("server closed the connection"), Unavailable),
        (psycopg.errors.AdminShutdown("terminating connection"), Unavailable),
        (psycopg.errors.QueryCanceled("statement timeout"), Unavailable),
        (pysqlite3.OperationalError("no such table: person"), NotMigrated),
        (pysqlite3.OperationalError("no such column: person.name"), NotMigrated),
        (psycopg.errors.UndefinedTable('relation "person"'), NotMigrated),
        (psycopg.errors.UndefinedColumn("column person.name"), NotMigrated),
    ],
)
def test_database_refusal__known_cause__has_its_kind(
    cause: Exception, expected: type[Exception]
) -> None:
    assert type(database_refusal(OperationalError("", {}, cause))) is expected


def test_database_refusal__fault_of_ours__is_none() -> None:
    cause = psycopg.errors.SyntaxError("syntax error at end of input")
    assert database_refusal(ProgrammingError("", {}, cause)) is None


def test_transaction__fault_of_ours__is_raised_as_it_is(
    sessions: sessionmaker[Session],
) -> None:
    with (
        pytest.raises(DBAPIError),
        transaction(sessions) as session,
    ):
        session.execute(
            text("INSERT INTO attribute (name, description) VALUES ('a', 'b')")
        )


def test_sqlite__connection__is_durable_and_checks_references(
    sqlite_url: str,
) -> None:
    engine = make_engine(sqlite_url)
    with engine.connect() as connection:
        pragmas = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    engine.dispose()
    # synchronous: 2 is FULL (sqlite.org/pragma.html).
    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 5000,
    }


def test_naming__every_constraint__has_a_name() -> None:
    assert set(NAMING) == {"ix", "uq", "ck", "fk", "pk"}
    for table in Base.metadata.tables.values():
        for constraint in table.constraints:
            assert constraint.name, f"{table.name} has an unnamed {constraint!r}"
