"""An upload that somebody decided about is stored: in the scheduler's turn, once.

Killed anywhere, it goes on with the next frame. What was sent twice is stored once: an
event by its message id, an experiment's customers because they take the place of what
is stored.
"""

from collections.abc import Iterator

import msgspec
import structlog

from analysis import import_steps as steps
from analysis import leases, pipeline
from analysis.compactor import compact_once
from analysis.event_rows import microseconds
from analysis.import_events import Found, append
from analysis.import_request import Request
from analysis.import_steps import Asked
from analysis.import_units import UnitRow, UnitRows
from analysis.row_faults import RowFaults
from analysis.store import EventStore
from experiments import accounts, import_records, staged_rows, uploads
from experiments.context import Context
from experiments.db import transaction
from experiments.errors import AbideError, Conflict, Forbidden, InvalidInput, NotFound
from experiments.inbox import Inbox
from experiments.models import ImportRecord
from experiments.parcels import Parcel
from experiments.privacy import load_pseudonymiser
from experiments.staged_rows import Frame
from experiments.vocabulary import ImportState

LEASE = "imports"
# What trying again does not mend.
_FINAL = (InvalidInput, Conflict, Forbidden, NotFound)

log = structlog.get_logger(__name__)


def carry_out(context: Context, public_id: str) -> None:
    """Store an upload whose turn it is, and analyse the experiment it is of.

    Args:
        context: settings, database and clock.
        public_id: of the import.

    Raises:
        AbideError: it cannot be stored now; it is tried again.
    """
    with leases.held(context, LEASE) as token:
        if token is None:
            return  # another scheduler's process is at it
        record = _begun(context, public_id)
        if record is None:
            return
        try:
            note = _store(context, record)
        except _FINAL as error:
            _end(context, public_id, ImportState.FAILED, _in_words(error))
        else:
            _end(context, public_id, ImportState.STORED, note)
            log.info("import_stored", number=public_id)


def _begun(context: Context, public_id: str) -> ImportRecord | None:
    with transaction(context.sessions) as session:
        record = import_records.get(session, public_id)
        if record.state not in uploads.UNDER_WAY:
            return None
        record.state = ImportState.STORING.value
        record.try_count += 1
        return record


def _end(context: Context, public_id: str, state: ImportState, note: str) -> None:
    with transaction(context.sessions) as session:
        record = import_records.get(session, public_id)
        record.finished_at = context.now()
        uploads.end(context.settings.data_dir, record, state, note)


def _in_words(error: AbideError) -> str:
    return " ".join([error.message, *error.fields.values()])


def _store(context: Context, record: ImportRecord) -> str:
    request = Request.from_json(record.asked or {})
    with transaction(context.sessions) as session:
        if record.person_id is None:
            raise NotFound("Nobody is known who decided that it is stored.")
        person = accounts.get(session, record.person_id)
        actor = accounts.actor_for(person)
        if not person.active:
            raise Forbidden("Whoever decided that it is stored has no account now.")
    asked = steps.read_asked(context, request, actor)
    is_events = request.variant is None
    store = _store_events if is_events else _store_units
    said = store(context, asked, record)
    if asked.key is not None:
        pipeline.analyse(context, EventStore(context.settings), asked.key)
    return said


def _store_events(context: Context, asked: Asked, record: ImportRecord) -> str:
    found = Found.from_json(record.found or {})
    steps.require_events(asked, found)
    steps.prepare_events(context, asked, found)
    inbox = Inbox.for_settings(context.settings)
    skipped = record.stored_frame_count
    try:
        for number, frame in enumerate(_frames(context, record, skipped), skipped + 1):
            if isinstance(frame, Parcel):
                # They arrive now: what an analysis saw before does not change.
                now_us = microseconds(context.now())
                append(inbox, msgspec.structs.replace(frame, received_us=now_us))
            _note_progress(context, record.public_id, number)
    finally:
        inbox.close()
    compact_once(context)
    steps.finish_events(context, asked)
    return f"{found.count:,} events are stored."


def _store_units(context: Context, asked: Asked, record: ImportRecord) -> str:
    found = record.found or {}
    columns = asked.columns(tuple(found["attributes"]))
    hide = load_pseudonymiser(context.settings)
    units = UnitRows(columns, RowFaults(asked.request.path), hide)
    for number, frame in enumerate(_frames(context, record), 1):
        for row in () if isinstance(frame, Parcel) else frame:
            units.add(UnitRow(*row))
        _note_progress(context, record.public_id, number)
    gone = steps.leave_out_unwilling(context, units)
    steps.require_units(asked, units.variants)
    stored = steps.store_units(context, asked, units, found["digest"])
    without = f", without {gone:,} who were erased or opted out," if gone else ""
    return f"{steps.people(units.variants)}{without} {stored}."


def _frames(context: Context, record: ImportRecord, skip: int = 0) -> Iterator[Frame]:
    data_dir = context.settings.data_dir
    return staged_rows.frames(
        import_records.rows_path(data_dir, record.public_id), skip
    )


def _note_progress(context: Context, public_id: str, number: int) -> None:
    with transaction(context.sessions) as session:
        import_records.get(session, public_id).stored_frame_count = number
