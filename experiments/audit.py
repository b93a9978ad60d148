"""The audit: who did what to which thing, append-only and hash-chained.

Every change calls `record` in its own transaction, so that there is no change
without its row and no row without its change.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import rfc8785
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from experiments.actors import Actor
from experiments.models import AuditEntry, JobRecord

# The hash before the first row.
GENESIS = "0" * 64
# Any number that no other part of Abide locks.
LOCK_NUMBER = 4172340
PAGE_LIMIT = 200


def take_turn(session: Session) -> None:
    """Make this transaction the only one that changes the domain until it ends.

    Changes are few and short. One at a time means that what was checked still holds
    when it is written, that audit ids have no gap, and that no two changes can wait
    for each other; SQLite works like this anyway.

    Args:
        session: with an open transaction; call before reading what will be checked.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"SELECT pg_advisory_xact_lock({LOCK_NUMBER})"))
        return
    # A write that changes nothing takes SQLite's one write lock.
    session.execute(
        update(JobRecord).where(JobRecord.name == "").values(failure_count=0)
    )


def record(
    session: Session,
    actor: Actor,
    action: str,
    subject_kind: str,
    subject_key: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    now: datetime,
) -> AuditEntry:
    """Append one row to the chain, in the caller's transaction.

    Args:
        session: the transaction of the change itself.
        actor: who did it.
        action: a verb in the past or a dotted name, as "experiment.start".
        subject_kind: "experiment", "segment", "person", ...
        subject_key: its key; for a person the number.
        before: what it was, as JSON; None when it is new.
        after: what it is now; None when it is gone.
        now: aware UTC.

    Returns:
        The row.
    """
    take_turn(session)
    last = session.execute(
        select(AuditEntry.id, AuditEntry.entry_hash)
        .order_by(AuditEntry.id.desc())
        .limit(1)
    ).first()
    entry = AuditEntry(
        id=1 if last is None else last.id + 1,
        at=now.astimezone(UTC),
        actor=actor.label,
        action=action,
        subject_kind=subject_kind,
        subject_key=subject_key,
        before=None if before is None else dict(before),
        after=None if after is None else dict(after),
        previous_hash=GENESIS if last is None else last.entry_hash,
    )
    entry.entry_hash = _hash(entry)
    session.add(entry)
    session.flush()
    return entry


def verify(session: Session) -> list[int]:
    """Walk the whole chain.

    Args:
        session: any session; nothing is changed.

    Returns:
        Ids of rows that were edited, or that do not follow the row before them
        (because that one was edited in its hash, or removed). Empty when intact.
    """
    broken: list[int] = []
    previous_id, previous_hash = 0, GENESIS
    rows = session.scalars(
        select(AuditEntry)
        .order_by(AuditEntry.id)
        # What the database holds, not what this session remembers.
        .execution_options(yield_per=500, populate_existing=True)
    )
    for entry in rows:
        follows = entry.id == previous_id + 1 and entry.previous_hash == previous_hash
        if not follows or entry.entry_hash != _hash(entry):
            broken.append(entry.id)
        previous_id, previous_hash = entry.id, entry.entry_hash
    return broken


def entries(
    session: Session,
    *,
    subject_kind: str | None = None,
    subject_key: str | None = None,
    before_id: int | None = None,
    limit: int = 50,
) -> list[AuditEntry]:
    """List rows, newest first.

    Args:
        session: any session.
        subject_kind: only things of this kind.
        subject_key: only this thing.
        before_id: continue after a page that ended with this id.
        limit: rows at most, up to 200.

    Returns:
        At most `limit` rows.
    """
    query = select(AuditEntry).order_by(AuditEntry.id.desc())
    if subject_kind is not None:
        query = query.where(AuditEntry.subject_kind == subject_kind)
    if subject_key is not None:
        query = query.where(AuditEntry.subject_key == subject_key)
    if before_id is not None:
        query = query.where(AuditEntry.id < before_id)
    return list(session.scalars(query.limit(max(1, min(limit, PAGE_LIMIT)))))


def _hash(entry: AuditEntry) -> str:
    body: dict[str, Any] = {
        "id": entry.id,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": entry.actor,
        "action": entry.action,
        "subject_kind": entry.subject_kind,
        "subject_key": entry.subject_key,
        "before": entry.before,
        "after": entry.after,
        "previous_hash": entry.previous_hash,
    }
    return hashlib.sha256(rfc8785.dumps(body)).hexdigest()
