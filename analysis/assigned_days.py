"""Assignments as the doors have counted them, added up by day."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from analysis.event_table import Batch
from experiments import sketch
from experiments.models import AssignedDay
from experiments.parcels import EPOCH, AssignedRow

KEPT = timedelta(days=400)
_DAY_US = 86_400_000_000


def add(session: Session, batch: Batch, counted: Mapping[str, int]) -> None:
    """Add the counts of a batch, each group once.

    Args:
        session: the transaction in which the groups are marked as counted.
        batch: of contiguous groups.
        counted: slot -> last group that is counted already.
    """
    for origin in batch.origins:
        if not origin.is_new(counted):
            continue
        day_at = EPOCH + timedelta(days=origin.parcel.received_us // _DAY_US)
        for fields in origin.parcel.assigned:
            _raise(session, AssignedRow(*fields), day_at)


def _raise(session: Session, found: AssignedRow, day_at: datetime) -> None:
    place = (found.experiment, found.phase, found.variant, found.source, day_at)
    row = session.get(AssignedDay, place)
    if row is None:
        session.add(
            AssignedDay(
                experiment=found.experiment,
                phase=found.phase,
                variant=found.variant,
                source=found.source,
                day_at=day_at,
                evaluation_count=found.evaluation_count,
                customers=found.customers,
            )
        )
        return
    merged = sketch.unpack(row.customers)
    sketch.merge(merged, sketch.unpack(found.customers))
    row.customers = sketch.pack(merged)
    row.evaluation_count += found.evaluation_count


def forget(session: Session, now: datetime) -> None:
    """Drop the counts of days that are long ago."""
    session.execute(delete(AssignedDay).where(AssignedDay.day_at < now - KEPT))
