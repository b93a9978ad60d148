"""Which baselines are to be read: asked each minute, so nothing is loaded for it."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from analysis.store import EventStore
from experiments.models import MetricBaseline, MetricVersion

AGAIN = timedelta(hours=1)  # until one that was not known is tried again


def due(
    session: Session, store: EventStore, due_at: datetime, now: datetime
) -> list[MetricVersion]:
    """List the metrics whose baseline is missing or older than it should be.

    Args:
        session: any session.
        store: of the events; while it is empty there is nothing to read.
        due_at: when all were due last.
        now: the time.

    Returns:
        The newest version of each of them.
    """
    query = (
        select(MetricVersion)
        .options(selectinload(MetricVersion.metric))
        .order_by(MetricVersion.metric_id, MetricVersion.version)
    )
    newest = {version.metric_id: version for version in session.scalars(query)}
    known = {
        row.metric_version_id: row for row in session.scalars(select(MetricBaseline))
    }
    return [
        version
        for version in newest.values()
        if _is_due(known.get(version.id), store, due_at, now)
    ]


def _is_due(
    row: MetricBaseline | None, store: EventStore, due_at: datetime, now: datetime
) -> bool:
    if row is None or row.measured_at < due_at:
        return True
    # Who has just begun to send events does not want to wait for tomorrow.
    waited = now - row.measured_at >= AGAIN
    return not row.found and waited and row.store_version != store.version
