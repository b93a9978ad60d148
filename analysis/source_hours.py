"""What each source brings, hour by hour of arrival, and what is usual for it."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import numpy as np
from sqlalchemy import delete
from sqlalchemy.orm import Session

from analysis.duplicates import Findings
from analysis.event_table import Batch
from experiments.models import SourceHour
from experiments.parcels import PREVIEW_SOURCE

KEPT = timedelta(days=60)
LATE = timedelta(hours=1)  # an event that happened longer before it came
_HOUR_US = 3_600_000_000
_LATE_US = LATE // timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def add(
    session: Session, batch: Batch, findings: Findings, counted: Mapping[str, int]
) -> None:
    """Count a batch by source and hour, each group once.

    Args:
        session: the transaction in which the groups are marked as counted.
        batch: of contiguous groups.
        findings: what in it is not new.
        counted: slot -> last group that is counted already.
    """
    size = len(batch.origins)
    occurred = batch.table["occurred_at"].cast("int64").to_numpy()
    received = batch.table["received_at"].cast("int64").to_numpy()
    late = findings.new & (received - occurred > _LATE_US)
    parts = {
        "event_count": findings.new,
        "late_count": late,
        "duplicate_count": findings.repeated,
        "conflict_count": findings.conflicting,
    }
    by_parcel = {
        name: np.bincount(batch.parcel_of[rows], minlength=size)
        for name, rows in parts.items()
    }
    found: dict[tuple[str, str, int], Counter[str]] = defaultdict(Counter)
    for index, origin in enumerate(batch.origins):
        parcel = origin.parcel
        if parcel.is_of_doors or not origin.is_new(counted):
            continue
        if parcel.source == PREVIEW_SOURCE:
            continue
        counts = found[
            parcel.source, parcel.environment, parcel.received_us // _HOUR_US
        ]
        for name, numbers in by_parcel.items():
            counts[name] += int(numbers[index])
        counts["rejected_count"] += len(parcel.quarantined)
        counts["rejected_count"] += int(by_parcel["conflict_count"][index])
    for (source, environment, hour), counts in found.items():
        _raise(session, source, environment, _EPOCH + timedelta(hours=hour), counts)


def _raise(
    session: Session,
    source: str,
    environment: str,
    hour_at: datetime,
    counts: Mapping[str, int],
) -> None:
    row = session.get(SourceHour, (source, environment, hour_at))
    if row is None:
        row = SourceHour(
            source=source,
            environment=environment,
            hour_at=hour_at,
            event_count=0,
            late_count=0,
            duplicate_count=0,
            conflict_count=0,
            rejected_count=0,
        )
        session.add(row)
    for name, number in counts.items():
        setattr(row, name, getattr(row, name) + number)


def forget(session: Session, now: datetime) -> None:
    """Drop the counts of hours that are too long ago to tell what is usual."""
    session.execute(delete(SourceHour).where(SourceHour.hour_at < now - KEPT))
