"""What compaction writes to the database: sources, their counts, what was set aside.

Set-aside messages are written first, some at a time, then counts and the mark of what
is counted, and only then do the events reach the store; a compactor that dies in
between and starts again counts nothing twice and loses nothing. Only `complete_through`
is written after. SQLite has one writer, so others wait while a transaction writes: what
takes long is worked out before it does.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from analysis import (
    assigned_days,
    exposure_days,
    recent_exposures,
    refused_days,
    source_hours,
    survey_records,
)
from analysis.duplicates import Findings
from analysis.event_table import Batch, Origin
from experiments.event_rows import wire_name
from experiments.held_bodies import BodySearch, size_of
from experiments.imported_sources import MOST_NAMES
from experiments.models import CompactionMark, EventSource, QuarantinedMessage
from experiments.parcels import PREVIEW_SOURCE, QuarantineRow
from experiments.privacy import mask_text
from experiments.vocabulary import EventKind, QuarantineReason

# A request that arrived before a round began may reach the inbox this much later.
IN_FLIGHT = timedelta(seconds=5)
ASIDE_AT_ONCE = 500  # messages a transaction: others write in between
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class _Counts:
    """What one source brought in the groups that are not counted yet."""

    events: int = 0
    duplicates: int = 0
    erased: int = 0
    consent_refused: int = 0
    unlisted_values: int = 0
    personal_values: int = 0
    first_received_us: int = 2**62
    last_received_us: int = 0
    last_event_at: datetime | None = None
    names: set[str] = field(default_factory=set)


def set_aside(
    batch: Batch,
    findings: Findings,
    erased: Collection[bytes] = (),
    search: BodySearch | None = None,
) -> list[dict[str, Any]]:
    """List the messages of a batch that are set aside.

    Args:
        batch: of contiguous groups.
        findings: what in it is not new.
        erased: customers about whom nothing is kept: erased, or opted out.
        search: finds them in webhooks' bodies too.

    Returns:
        Rows of the quarantine.
    """
    return [
        row
        for row in _set_aside(batch, findings)
        if row["customer"] not in erased
        and row["anonymous"] not in erased
        and not (erased and search and search.finds(row["replay"], erased))
    ]


def put_aside(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write set-aside messages, each once.

    Args:
        session: open transaction.
        rows: at most `ASIDE_AT_ONCE` of `set_aside`.
    """
    on_sqlite = session.get_bind().dialect.name == "sqlite"
    insert = sqlite.insert if on_sqlite else postgresql.insert
    session.execute(insert(QuarantinedMessage).on_conflict_do_nothing(), rows)


def record(
    session: Session,
    batch: Batch,
    findings: Findings,
    erased: Collection[bytes] = (),
) -> None:
    """Write counts, names and facts of surveys of a batch, each once.

    Args:
        session: open transaction.
        batch: of contiguous groups.
        findings: what in it is not new.
        erased: customers about whom nothing is kept: erased, or opted out.
    """
    counted = _marks(session)
    exposures = _new_exposures(batch, findings, counted)
    with session.no_autoflush:  # of each of these a key comes once
        counts = _count(batch, findings, counted)
        for (source, environment), found in counts.items():
            if source == PREVIEW_SOURCE:  # doors noted it; no app sent it
                continue
            _add(session, source, environment, found)
        source_hours.add(session, batch, findings, counted)
        exposure_days.add(session, exposures)
        survey_records.add_replies(session, batch, findings)
        for slot, seq in _last_seqs(batch.origins).items():
            if seq > counted.get(slot, 0):
                session.merge(CompactionMark(slot=slot, seq=seq))
    recent_exposures.add(session, exposures)
    assigned_days.add(session, batch, counted)
    refused_days.add(session, batch, counted)
    survey_records.add_comments(session, batch, erased)


def _new_exposures(
    batch: Batch, findings: Findings, counted: Mapping[str, int]
) -> pa.Table:
    """Give the rows of exposures that no earlier batch has brought."""
    fresh = np.array([o.is_new(counted) for o in batch.origins], bool)
    rows = batch.table.filter(pa.array(findings.new & fresh[batch.parcel_of]))
    return rows.filter(pc.equal(rows["kind"], EventKind.EXPOSURE.value))


def raise_complete_through(session: Session, moment: datetime) -> None:
    """Tell that every live source is stored up to `moment`, if that is news."""
    session.execute(
        update(EventSource)
        .where(EventSource.is_import.is_(False), EventSource.complete_through < moment)
        .values(complete_through=moment)
        .execution_options(synchronize_session=False)
    )


def forget_marks(session: Session, slots: Sequence[str]) -> None:
    """Remove the marks of slots that never hold a group again."""
    session.execute(delete(CompactionMark).where(CompactionMark.slot.in_(slots)))


def marked_slots(session: Session) -> list[str]:
    """Name the slots that have a mark."""
    return list(_marks(session))


def _marks(session: Session) -> dict[str, int]:
    rows = session.execute(select(CompactionMark.slot, CompactionMark.seq))
    return {slot: seq for slot, seq in rows}  # noqa: C416  # rows are no tuples


def _last_seqs(origins: Sequence[Origin]) -> dict[str, int]:
    last: dict[str, int] = {}
    for origin in origins:
        last[origin.slot] = max(origin.seq, last.get(origin.slot, 0))
    return last


def _set_aside(batch: Batch, findings: Findings) -> Iterable[dict[str, Any]]:
    for origin in batch.origins:
        start = origin.position + len(origin.parcel.rows)
        for place, fields in enumerate(origin.parcel.quarantined, start):
            yield _quarantined(origin, place, QuarantineRow(*fields))
    conflicting = np.flatnonzero(findings.conflicting)
    said = batch.table.select(["kind", "name"]).take(conflicting).to_pylist()
    for row, message in zip(conflicting, said, strict=True):
        origin, place = batch.position(int(row))
        yield _quarantined(
            origin,
            place,
            QuarantineRow(
                reason=QuarantineReason.DIFFERENT_PAYLOAD.value,
                detail="An earlier message with this messageId says something else;"
                " the earlier one was kept.",
                message={**message, "name": mask_text(message["name"])},
            ),
        )


def _quarantined(origin: Origin, place: int, row: QuarantineRow) -> dict[str, Any]:
    form = row.replay or {}
    anonymous = form.get("anonymousId")
    customer = form.get("userId", anonymous)
    return {
        "slot": origin.slot,
        "seq": origin.seq,
        "position": place,
        "received_at": _time(origin.parcel.received_us),
        "environment": origin.parcel.environment,
        "source": origin.parcel.source,
        "reason": row.reason,
        "detail": row.detail,
        "message": row.message,
        "customer": None if customer is None else bytes.fromhex(customer),
        "anonymous": None if anonymous is None else bytes.fromhex(anonymous),
        "replay": row.replay,
        "held_bytes": size_of(row.replay),
    }


def _count(
    batch: Batch, findings: Findings, counted: Mapping[str, int]
) -> dict[tuple[str, str], _Counts]:
    size = len(batch.origins)
    events = np.bincount(batch.parcel_of[findings.new], minlength=size)
    repeats = np.bincount(batch.parcel_of[findings.repeated], minlength=size)
    erased = np.bincount(batch.parcel_of[findings.erased], minlength=size)
    declined = np.bincount(batch.parcel_of[findings.declined], minlength=size)
    result: dict[tuple[str, str], _Counts] = defaultdict(_Counts)
    for index, origin in enumerate(batch.origins):
        parcel = origin.parcel
        if parcel.is_of_doors:
            continue
        counts = result[parcel.source, parcel.environment]
        counts.first_received_us = min(counts.first_received_us, parcel.received_us)
        counts.last_received_us = max(counts.last_received_us, parcel.received_us)
        if not origin.is_new(counted):
            continue
        counts.events += int(events[index])
        counts.duplicates += int(repeats[index])
        counts.erased += int(erased[index])
        counts.consent_refused += parcel.consent_refused + int(declined[index])
        counts.unlisted_values += parcel.unlisted_values
        counts.personal_values += parcel.personal_values
    keys = ["source", "environment", "kind", "name"]
    # What was refused, or is an erased customer's, was not received.
    kept = batch.table.filter(pa.array(findings.new))
    seen = kept.group_by(keys).aggregate([("occurred_at", "max")])
    for row in seen.to_pylist():
        counts = result[row["source"], row["environment"]]
        counts.names.add(wire_name(row["kind"], row["name"]))
        latest = row["occurred_at_max"]
        counts.last_event_at = max(counts.last_event_at or latest, latest)
    return result


def _add(session: Session, source: str, environment: str, found: _Counts) -> None:
    row = session.get(EventSource, (source, environment))
    if row is None:
        row = EventSource(
            source=source,
            environment=environment,
            is_import=False,
            complete_through=_time(found.first_received_us) - IN_FLIGHT,
            event_count=0,
            duplicate_count=0,
            event_names=[],
            consent_refused_count=0,
            unlisted_value_count=0,
            personal_value_count=0,
            erased_count=0,
        )
        session.add(row)
    row.event_count += found.events
    row.duplicate_count += found.duplicates
    row.erased_count += found.erased
    row.consent_refused_count += found.consent_refused
    row.unlisted_value_count += found.unlisted_values
    row.personal_value_count += found.personal_values
    row.last_received_at = _latest(row.last_received_at, _time(found.last_received_us))
    row.last_event_at = _latest(row.last_event_at, found.last_event_at)
    names = {*row.event_names, *found.names}
    if len(names) > len(row.event_names) < MOST_NAMES:
        row.event_names = sorted(names)[:MOST_NAMES]


def _latest(one: datetime | None, other: datetime | None) -> datetime | None:
    times = [moment for moment in (one, other) if moment is not None]
    return max(times, default=None)


def _time(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
