"""Which weeks of stages' metrics are to be read: asked each minute, so it is light."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from analysis.stage_segments import segments_by_stage
from analysis.store import EventStore
from experiments import journey
from experiments.metric_definition import MetricDefinition
from experiments.metrics import definition_of
from experiments.models import Metric, MetricVersion, MetricWeek, SegmentVersion
from experiments.vocabulary import EVERYBODY

WEEK, DAY = timedelta(weeks=1), timedelta(days=1)
WEEKS = 26  # that a page shows
AT_ONCE = 4  # weeks that are read before somebody else may have the store
AGAIN = timedelta(hours=1)  # until one that had no customers is read again


class Followed(NamedTuple):
    """A metric that tells how a stage does, and where else than at everybody."""

    version: MetricVersion
    segments: tuple[SegmentVersion, ...]


class DueWeek(NamedTuple):
    """One week of one metric.

    Attributes:
        version_id: of the metric.
        metric: its key.
        definition: of that version.
        starts_at: of the week.
        segment: whose customers; None for everybody.
    """

    version_id: int
    metric: str
    definition: MetricDefinition
    starts_at: datetime
    segment: SegmentVersion | None = None


def due(session: Session, store: EventStore, now: datetime) -> list[DueWeek]:
    """List the weeks whose customers' outcomes are known and that were not read yet.

    Args:
        session: any session.
        store: of the events.
        now: aware UTC.

    Returns:
        Those of a few weeks, the newest first.
    """
    found: list[DueWeek] = []
    store_version = store.version
    metrics = followed(session, now)
    known = _known(session, metrics)
    for version, segments in metrics:
        definition = definition_of(version)
        if definition.is_time:
            continue  # a mean of days that are still open has no week
        for starts_at in ended_weeks(now, definition.maturity):
            week = DueWeek(version.id, version.metric.key, definition, starts_at)
            row = known.get((version.id, EVERYBODY, starts_at))
            is_due = row is None or _again(row, store_version, now)
            found += [week] if is_due else []
            found += [
                week._replace(segment=segment)
                for segment in segments
                if _is_due(known, week, segment, with_everybody=is_due)
            ]
    first = sorted({each.starts_at for each in found}, reverse=True)[:AT_ONCE]
    return [each for each in found if each.starts_at in first]


def followed(session: Session, now: datetime) -> list[Followed]:
    """Take the metrics that tell how some stage does, with the stages' segments."""
    versions = stage_versions(session)
    if not versions:
        return []
    by_stage = segments_by_stage(session, now)
    of_metric: dict[str, dict[int, SegmentVersion]] = {}
    for stage in journey.stages(session):
        own = {version.id: version for version in by_stage.get(stage.id, ())}
        for key in stage.health_metrics:
            of_metric.setdefault(key, {}).update(own)
    return [
        Followed(version, tuple(of_metric[version.metric.key].values()))
        for version in versions
    ]


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


class _Read(NamedTuple):
    """What is known of a week that was read before."""

    segment_version: int
    measured_at: datetime
    store_version: int
    value: float | None


_Known = Mapping[tuple[int, str, datetime], _Read]  # metric's version, segment, week


def _known(session: Session, metrics: Iterable[Followed]) -> _Known:
    """Read what was read before; columns alone, for there may be thousands of rows."""
    query = select(
        MetricWeek.metric_version_id,
        MetricWeek.segment,
        MetricWeek.starts_at,
        MetricWeek.segment_version,
        MetricWeek.measured_at,
        MetricWeek.store_version,
        MetricWeek.value,
    ).where(MetricWeek.metric_version_id.in_([each.version.id for each in metrics]))
    return {
        (row.metric_version_id, row.segment, row.starts_at): _Read(
            row.segment_version, row.measured_at, row.store_version, row.value
        )
        for row in session.execute(query)
    }


def _is_due(
    known: _Known, week: DueWeek, segment: SegmentVersion, *, with_everybody: bool
) -> bool:
    """Whether a segment's week is to be read.

    One that had too few customers is looked at again only where everybody's week is.
    """
    row = known.get((week.version_id, segment.segment.key, week.starts_at))
    if row is None or row.segment_version != segment.version:
        return True
    return with_everybody and row.value is None


def _again(row: _Read, store_version: int, now: datetime) -> bool:
    """Whether a week without a value may have one now, since events were imported."""
    waited = now - row.measured_at >= AGAIN
    return row.value is None and waited and row.store_version != store_version
