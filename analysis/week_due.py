"""Which weeks of stages' metrics are to be read: asked each minute, so it is light."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from analysis.store import EventStore
from experiments import journey
from experiments.metric_definition import MetricDefinition
from experiments.metrics import definition_of
from experiments.models import Metric, MetricVersion, MetricWeek

WEEK, DAY = timedelta(weeks=1), timedelta(days=1)
WEEKS = 26  # that a page shows
AT_ONCE = 4  # weeks that are read before somebody else may have the store
AGAIN = timedelta(hours=1)  # until one that had no customers is read again


class DueWeek(NamedTuple):
    """One week of one metric."""

    version_id: int
    metric: str  # key
    definition: MetricDefinition
    starts_at: datetime


def due(session: Session, store: EventStore, now: datetime) -> list[DueWeek]:
    """List the weeks whose customers' outcomes are known and that were not read yet.

    Args:
        session: any session.
        store: of the events.
        now: aware UTC.

    Returns:
        Those of a few weeks, the newest first.
    """
    found = []
    store_version = store.version
    for version in stage_versions(session):
        definition = definition_of(version)
        if definition.is_time:
            continue  # a mean of days that are still open has no week
        known = {
            row.starts_at: row
            for row in session.scalars(
                select(MetricWeek).where(MetricWeek.metric_version_id == version.id)
            )
        }
        for starts_at in ended_weeks(now, definition.maturity):
            row = known.get(starts_at)
            if row is None or _again(row, store_version, now):
                key = version.metric.key
                found.append(DueWeek(version.id, key, definition, starts_at))
    first = sorted({each.starts_at for each in found}, reverse=True)[:AT_ONCE]
    return [each for each in found if each.starts_at in first]


def stage_versions(session: Session) -> list[MetricVersion]:
    """Take the newest version of each metric that tells how some stage does."""
    keys = {key for stage in journey.stages(session) for key in stage.health_metrics}
    if not keys:
        return []
    query = (
        select(Metric)
        .where(Metric.key.in_(keys))
        .options(selectinload(Metric.versions))
        .order_by(Metric.key)
    )
    return [metric.versions[-1] for metric in session.scalars(query)]


def ended_weeks(now: datetime, maturity: timedelta) -> Iterable[datetime]:
    """List the last weeks of which every outcome is known, the newest first.

    Args:
        now: aware UTC.
        maturity: how long after a customer was seen the outcome is known.

    Returns:
        Mondays, 00:00 UTC.
    """
    until = (now - DAY - maturity).astimezone(UTC)
    monday = datetime(until.year, until.month, until.day, tzinfo=UTC)
    monday -= timedelta(days=monday.weekday())
    return [monday - WEEK * back for back in range(1, WEEKS + 1)]


def _again(row: MetricWeek, store_version: int, now: datetime) -> bool:
    """Whether a week without a value may have one now, since events were imported."""
    waited = now - row.measured_at >= AGAIN
    return row.value is None and waited and row.store_version != store_version
