"""Weeks of a stage's metric as the schedule would have stored them."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from analysis.week_due import WEEK, ended_weeks
from experiments import journey
from experiments.actors import Actor
from experiments.metrics import definition_of, get
from experiments.models import MetricWeek, SegmentVersion

CUSTOMERS, ERROR = 2_500, 0.01


def choose(session: Session, owner: Actor, metric: str, now: datetime) -> None:
    """Let a metric tell how Renewal does."""
    journey.save_stage(
        session,
        key="renewal",
        name="Renewal",
        position=3,
        health_metrics=[metric],
        actor=owner,
        now=now,
    )


def keep_weeks(
    session: Session,
    metric: str,
    values: Iterable[float | None],
    now: datetime,
    segment: str = "",
) -> None:
    """Store the last weeks of a metric, the oldest first; None was not measured."""
    values = list(values)
    version = get(session, metric).versions[-1]
    last = next(iter(ended_weeks(now, definition_of(version).maturity)))
    of = 0
    if segment:
        query = select(SegmentVersion).join(SegmentVersion.segment)
        rows = session.scalars(query.order_by(SegmentVersion.version)).all()
        of = [row.version for row in rows if row.segment.key == segment][-1]
    session.add_all(
        MetricWeek(
            metric_version_id=version.id,
            segment=segment,
            segment_version=of,
            starts_at=last - WEEK * (len(values) - 1 - number),
            measured_at=now,
            store_version=1,
            customers=None if value is None else CUSTOMERS,
            value=value,
            standard_error=None if value is None else ERROR,
        )
        for number, value in enumerate(values)
    )
    session.flush()
