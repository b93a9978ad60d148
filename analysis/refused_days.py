"""Refused webhooks as the doors have counted them, added up by day."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from analysis.event_table import Batch
from experiments.models import RefusedHookDay
from experiments.parcels import EPOCH, RefusedRow

KEPT = timedelta(days=30)
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
        received_us = origin.parcel.received_us
        day_at = EPOCH + timedelta(days=received_us // _DAY_US)
        last_at = EPOCH + timedelta(microseconds=received_us)
        for fields in origin.parcel.refused:
            _raise(session, RefusedRow(*fields), day_at, last_at)


def _raise(
    session: Session, found: RefusedRow, day_at: datetime, last_at: datetime
) -> None:
    row = session.get(RefusedHookDay, (found.connector, day_at))
    if row is None:
        row = RefusedHookDay(
            connector=found.connector, day_at=day_at, refused_count=0, last_at=last_at
        )
        session.add(row)
    row.refused_count += found.refused_count
    row.last_at = max(row.last_at, last_at)


def forget(session: Session, now: datetime) -> None:
    """Drop the counts of days that are long ago."""
    session.execute(delete(RefusedHookDay).where(RefusedHookDay.day_at < now - KEPT))
