"""Raw events are deleted by age; what was computed from them stays.

Age counts from arrival: a history that was imported today is kept as long as an event
that happened today.
"""

from datetime import UTC, datetime, time, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import delete
from sqlalchemy.orm import Session

from analysis.delta import DeltaWriter, write_file
from analysis.store import EVENT_LAYOUT
from experiments import held_bodies, import_records, survey_replies
from experiments.context import Context
from experiments.db import transaction
from experiments.models import ExpiredExposure, QuarantinedMessage
from experiments.vocabulary import EventKind


def delete_expired(context: Context, writer: DeltaWriter) -> int:
    """Delete events, and messages set aside, that came too long ago.

    `Conflict` says that another process wrote to the table meanwhile.

    Args:
        context: the setting, the database and the clock.
        writer: a current handle of the events.

    Returns:
        How many events were deleted.
    """
    # Whole days: a file that holds older and newer rows is written once a day.
    day = (
        context.now() - timedelta(days=context.settings.raw_retention_days)
    ).astimezone(UTC)
    before = datetime.combine(day.date(), time(), UTC)
    with transaction(context.sessions) as session:
        old = QuarantinedMessage.received_at < before
        session.execute(delete(QuarantinedMessage).where(old))
        stale = QuarantinedMessage.received_at < context.now() - held_bodies.KEPT
        session.execute(delete(QuarantinedMessage).where(stale, held_bodies.is_held()))
        survey_replies.delete_older(session, before)
        oldest = max(before, context.now() - import_records.KEPT)
        import_records.delete_older(session, context.settings.data_dir, oldest)
    files = [f for f in writer.files() if f.ranges["received_at"][0] < before]  # type: ignore[operator]
    if not files:
        return 0
    added, count, experiments = [], 0, set()
    for file in files:
        rows = pq.ParquetFile(writer.path / file.path).read()
        rows = rows.cast(EVENT_LAYOUT.file_schema)
        is_old = pc.less(rows["received_at"], pa.scalar(before))
        gone = rows.filter(is_old)
        count += gone.num_rows
        experiments |= _exposed_in(gone)
        if gone.num_rows < rows.num_rows:
            kept = rows.filter(pc.invert(is_old))
            added.append(write_file(writer.path, EVENT_LAYOUT, file.folders, kept))
    with transaction(context.sessions) as session:
        _note(session, experiments, before)
    writer.commit(added, {}, files)
    return count


def _exposed_in(rows: pa.Table) -> set[str]:
    seen = rows.filter(pc.equal(rows["kind"], EventKind.EXPOSURE.value))
    return set(pc.unique(seen["experiment"]).to_pylist()) - {None}


def _note(session: Session, experiments: set[str], before: datetime) -> None:
    for key in experiments:
        session.merge(ExpiredExposure(experiment=key, received_before=before))
