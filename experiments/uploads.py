"""Imports that people upload: checked at once, stored when somebody decides it."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from experiments import audit, import_records
from experiments.actors import Actor
from experiments.errors import Conflict, TooManyRequests
from experiments.models import ImportRecord
from experiments.vocabulary import ImportState, PersonRole

MOST_BYTES = 64 * 1024 * 1024  # held in memory, for raw ids may lie on no disk
MOST_ROWS = 1_000_000
KEPT = timedelta(hours=24)  # rows that nobody decides about
MOST_TRIES = 5
TO_UPLOAD = "upload files"
UNDER_WAY = (ImportState.WAITING.value, ImportState.STORING.value)
LONGEST_NOTE = 1000
# Each is held in memory, and keeps one of the server's threads busy for seconds.
_turn = threading.BoundedSemaphore(1)


@contextmanager
def in_turn() -> Iterator[None]:
    """Hold the turn to read an upload: one at a time in a process, of page and API.

    Raises:
        TooManyRequests: another one is being read.
    """
    if not _turn.acquire(blocking=False):
        raise TooManyRequests("Somebody else's file is being read. Try again soon.", 5)
    try:
        yield
    finally:
        _turn.release()


def keep(
    session: Session, data_dir: Path, record: ImportRecord, actor: Actor, now: datetime
) -> None:
    """Remember what was uploaded.

    Args:
        session: open transaction.
        data_dir: where its files are.
        record: ready, or refused for its faults.
        actor: an analyst.
        now: aware UTC.
    """
    actor.require(PersonRole.ANALYST, TO_UPLOAD)
    audit.take_turn(session)
    import_records.keep(session, data_dir, record)
    after = {
        "file_name": record.file_name,
        "experiment": record.experiment,
        "rows": record.row_count,
        "faulty_rows": record.faulty_row_count,
        "state": record.state,
    }
    _audit(session, actor, "import.upload", record, None, after, now)


def ask(session: Session, public_id: str, actor: Actor, now: datetime) -> ImportRecord:
    """Decide that the rows of an upload are stored.

    Args:
        session: open transaction.
        public_id: of the import.
        actor: an analyst.
        now: aware UTC.

    Returns:
        The import, waiting for the scheduler.

    Raises:
        Conflict: it is not ready.
    """
    record = _ready(session, public_id, actor, "stored")
    record.state = ImportState.WAITING.value
    record.person_id = actor.person_id
    said = {"state": record.state, "rows": record.ready_count}
    before = {"state": ImportState.READY.value}
    _audit(session, actor, "import.store", record, before, said, now)
    return record


def discard(
    session: Session, data_dir: Path, public_id: str, actor: Actor, now: datetime
) -> ImportRecord:
    """Throw the rows of an upload away.

    Args:
        session: open transaction.
        data_dir: where its files are.
        public_id: of the import.
        actor: an analyst.
        now: aware UTC.

    Returns:
        The import, whose faults stay for a while.

    Raises:
        Conflict: it is not ready.
    """
    record = _ready(session, public_id, actor, "thrown away")
    end(data_dir, record, ImportState.DISCARDED, "")
    after = {"state": record.state}
    before = {"state": ImportState.READY.value}
    _audit(session, actor, "import.discard", record, before, after, now)
    return record


def discard_old(session: Session, data_dir: Path, now: datetime) -> None:
    """Throw away what nobody has decided about for a day."""
    old = ImportRecord.finished_at < now - KEPT
    ready = ImportRecord.state == ImportState.READY.value
    for record in session.scalars(select(ImportRecord).where(ready, old)):
        note = "Nobody decided about its rows within a day, so they are gone."
        end(data_dir, record, ImportState.DISCARDED, note)


def end(data_dir: Path, record: ImportRecord, state: ImportState, note: str) -> None:
    """Let an upload be done with, and its rows be gone.

    Args:
        data_dir: where its files are.
        record: of the upload.
        state: what became of it.
        note: the same in words.
    """
    record.state = state.value
    record.note = note[:LONGEST_NOTE]
    import_records.rows_path(data_dir, record.public_id).unlink(missing_ok=True)


def under_way(session: Session) -> Sequence[str]:
    """Name the uploads that are to be stored, the first decided first."""
    query = select(ImportRecord.public_id).where(ImportRecord.state.in_(UNDER_WAY))
    return session.scalars(query.order_by(ImportRecord.id)).all()


def _ready(session: Session, public_id: str, actor: Actor, what: str) -> ImportRecord:
    actor.require(PersonRole.ANALYST, TO_UPLOAD)
    audit.take_turn(session)
    record = import_records.get(session, public_id)
    if record.state != ImportState.READY.value:
        raise Conflict(f"Its rows cannot be {what} now: {_how_it_stands(record)}.")
    return record


def _how_it_stands(record: ImportRecord) -> str:
    return {
        ImportState.CHECKED: "it was a dry run",
        ImportState.REFUSED: "it was refused for its faults",
        ImportState.READY: "they wait for a decision",
        ImportState.WAITING: "they are about to be stored",
        ImportState.STORING: "they are being stored",
        ImportState.STORED: "they are stored",
        ImportState.FAILED: "they could not be stored",
        ImportState.DISCARDED: "they were thrown away",
    }[ImportState(record.state)]


def _audit(
    session: Session,
    actor: Actor,
    action: str,
    record: ImportRecord,
    before: Mapping[str, object] | None,
    after: Mapping[str, object],
    now: datetime,
) -> None:
    audit.record(session, actor, action, "import", record.public_id, before, after, now)
