import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from experiments import audit
from experiments.actors import SYSTEM, Actor
from experiments.context import Context
from experiments.db import transaction
from experiments.models import AuditEntry
from experiments.vocabulary import PersonRole

NOW = datetime(2026, 3, 14, 9, 30, 0, 123456, tzinfo=UTC)
ADA = Actor(label="person:1 ada@example.com", role=PersonRole.EDITOR, person_id=1)


def record(session: Session, key: str, after: dict[str, object] | None = None) -> int:
    entry = audit.record(
        session, ADA, "thing.change", "thing", key, {"a": 1}, after, NOW
    )
    return entry.id


def lift_guard(session: Session) -> None:
    """Tampering means getting past the triggers first, as an intruder would."""
    if session.get_bind().dialect.name == "sqlite":
        for change in ("update", "delete"):
            session.execute(text(f"DROP TRIGGER audit_entry_no_{change}"))
    else:
        session.execute(text("ALTER TABLE audit_entry DISABLE TRIGGER ALL"))


def test_record__first_row__hashes_its_canonical_content(
    sessions: sessionmaker[Session],
) -> None:
    with transaction(sessions) as session:
        record(session, "x", {"b": [1.5, None, "ë"]})
    with sessions() as session:
        (entry,) = audit.entries(session)
    # RFC 8785 of plain ASCII names and such values is sorted, tight JSON.
    body = {
        "id": 1,
        "at": "2026-03-14T09:30:00.123456+00:00",
        "actor": "person:1 ada@example.com",
        "action": "thing.change",
        "subject_kind": "thing",
        "subject_key": "x",
        "before": {"a": 1},
        "after": {"b": [1.5, None, "ë"]},
        "previous_hash": "0" * 64,
    }
    canonical = json.dumps(
        body, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    assert entry.entry_hash == hashlib.sha256(canonical.encode()).hexdigest()


def test_record__rolled_back_change__leaves_no_row_and_no_gap(
    sessions: sessionmaker[Session],
) -> None:
    def change_and_fail() -> None:
        with transaction(sessions) as session:
            record(session, "lost")
            raise LookupError

    with pytest.raises(LookupError):
        change_and_fail()
    with transaction(sessions) as session:
        assert record(session, "kept") == 1
    with sessions() as session:
        assert [e.subject_key for e in audit.entries(session)] == ["kept"]
        assert audit.verify(session) == []


def test_record__many_writers_at_once__ids_have_no_gap(context: Context) -> None:
    def write(number: int) -> None:
        for turn in range(5):
            with transaction(context.sessions) as session:
                record(session, f"{number}.{turn}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    with context.sessions() as session:
        found = audit.entries(session, limit=200)
        assert [e.id for e in found] == list(range(40, 0, -1))
        assert len({e.subject_key for e in found}) == 40
        assert audit.verify(session) == []


def test_audit_rows__change_or_delete__is_refused_by_the_database(
    sessions: sessionmaker[Session],
) -> None:
    with transaction(sessions) as session:
        record(session, "x")
    for statement in ("UPDATE audit_entry SET actor = 'me'", "DELETE FROM audit_entry"):
        with pytest.raises(DBAPIError, match="append-only"), sessions.begin() as other:
            other.execute(text(statement))
    with sessions() as session:
        assert [e.actor for e in audit.entries(session)] == [ADA.label]


def edit_actor(session: Session) -> None:
    session.execute(text("UPDATE audit_entry SET actor = 'nobody' WHERE id = 3"))


def edit_time(session: Session) -> None:
    session.execute(
        text("UPDATE audit_entry SET at = '2020-01-01 00:00:00.000000' WHERE id = 3")
    )


def edit_after(session: Session) -> None:
    session.execute(text("UPDATE audit_entry SET after = '{\"b\": 3}' WHERE id = 3"))


def remove_row(session: Session) -> None:
    session.execute(text("DELETE FROM audit_entry WHERE id = 3"))


def rewrite_row(session: Session) -> None:
    """Edit a row and give it the hash that fits: the next row still tells."""
    entry = session.get_one(AuditEntry, 3)
    entry.actor = "nobody"
    entry.entry_hash = audit._hash(entry)  # noqa: SLF001
    session.flush()


@pytest.mark.parametrize(
    ("tamper", "broken"),
    [
        (edit_actor, [3]),
        (edit_time, [3]),
        (edit_after, [3]),
        (remove_row, [4]),
        (rewrite_row, [4]),
    ],
)
def test_verify__tampered_row__is_named(
    sessions: sessionmaker[Session],
    tamper: Callable[[Session], None],
    broken: list[int],
) -> None:
    with transaction(sessions) as session:
        for number in range(5):
            record(session, str(number), {"b": number})
        assert audit.verify(session) == []
        lift_guard(session)
        tamper(session)
    with sessions() as session:
        assert audit.verify(session) == broken


def test_verify__empty_chain__is_intact(sessions: sessionmaker[Session]) -> None:
    with sessions() as session:
        assert audit.verify(session) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_entries__filters_and_pages__newest_first(
    sessions: sessionmaker[Session],
) -> None:
    with transaction(sessions) as session:
        for number in range(6):
            record(session, "even" if number % 2 == 0 else "odd")
        audit.record(session, SYSTEM, "other", "person", "1", None, None, NOW)
    with sessions() as session:
        even = audit.entries(session, subject_kind="thing", subject_key="even")
        assert [e.id for e in even] == [5, 3, 1]
        page = audit.entries(session, limit=2)
        assert [e.id for e in page] == [7, 6]
        rest = audit.entries(session, before_id=6, limit=2)
        assert [e.id for e in rest] == [5, 4]
        assert len(audit.entries(session, limit=0)) == 1
