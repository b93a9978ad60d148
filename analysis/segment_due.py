"""Which segments are to be counted: asked each minute, so nothing is loaded for it."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from analysis.store import EventStore
from experiments.models import SegmentSize, SegmentVersion

AGAIN = timedelta(minutes=10)  # until a size that was not known is tried again


def due(
    session: Session, store: EventStore, due_at: datetime, now: datetime
) -> list[SegmentVersion]:
    """List the segments whose size is missing or older than it should be.

    Args:
        session: any session.
        store: of the events.
        due_at: when all were due last.
        now: the time.

    Returns:
        The newest version of each of them.
    """
    query = (
        select(SegmentVersion)
        .options(selectinload(SegmentVersion.segment))
        .order_by(SegmentVersion.segment_id, SegmentVersion.version)
    )
    newest = {version.segment_id: version for version in session.scalars(query)}
    known = {
        row.segment_version_id: row for row in session.scalars(select(SegmentSize))
    }
    return [
        version
        for version in newest.values()
        if _is_due(known.get(version.id), store, due_at, now)
    ]


def _is_due(
    size: SegmentSize | None, store: EventStore, due_at: datetime, now: datetime
) -> bool:
    if size is None or size.measured_at < due_at:
        return True
    # Who has just begun to send attributes does not want to wait for tomorrow.
    waited = now - size.measured_at >= AGAIN
    return not size.known_count and waited and size.store_version != store.version
