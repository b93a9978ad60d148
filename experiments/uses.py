"""Where metrics and segments are used: the experiments that name them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from experiments.models import (
    Experiment,
    ExperimentMetric,
    Metric,
    MetricVersion,
    Segment,
    SegmentVersion,
)

MOST = 50  # shown on one page; the count is of all


@dataclass(frozen=True, slots=True)
class Uses:
    """The newest experiments that use something, and how many there are."""

    rows: Sequence[tuple[Experiment, str, int]]  # with role ("" for none) and version
    count: int


def of_metric(session: Session, key: str) -> Uses:
    """Find the experiments that measure a metric, in any version of it.

    Args:
        session: any session.
        key: of the metric.

    Returns:
        The newest first, each with the metric's role and version there.
    """
    query = (
        select(Experiment, ExperimentMetric.role, MetricVersion.version)
        .join(ExperimentMetric, ExperimentMetric.experiment_id == Experiment.id)
        .join(MetricVersion, MetricVersion.id == ExperimentMetric.metric_version_id)
        .join(Metric, Metric.id == MetricVersion.metric_id)
        .where(Metric.key == key)
    )
    newest = query.order_by(Experiment.id.desc(), MetricVersion.version.desc())
    rows = [
        (e, role, version) for e, role, version in session.execute(newest.limit(MOST))
    ]
    count = session.scalar(select(func.count()).select_from(query.subquery()))
    return Uses(rows, count or 0)


def of_segment(session: Session, key: str) -> Uses:
    """Find the experiments for a segment, in any version of its rule.

    Args:
        session: any session.
        key: of the segment.

    Returns:
        The newest first, each with the version of the rule.
    """
    query = (
        select(Experiment, SegmentVersion.version)
        .join(SegmentVersion, SegmentVersion.id == Experiment.segment_version_id)
        .join(Segment, Segment.id == SegmentVersion.segment_id)
        .where(Segment.key == key)
    )
    newest = query.order_by(Experiment.id.desc()).limit(MOST)
    rows = [(e, "", version) for e, version in session.execute(newest)]
    count = session.scalar(select(func.count()).select_from(query.subquery()))
    return Uses(rows, count or 0)
