"""In which segments the metrics of a stage are followed: those somebody works for.

To follow a metric in one more segment costs a reading each week, so only segments that
an experiment or an open hypothesis of the stage is for are followed, and few of them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, joinedload

from experiments.models import (
    Experiment,
    HypothesisRow,
    MergedHypothesis,
    SegmentVersion,
)
from experiments.vocabulary import Status

MOST = 6  # segments of a stage
REMEMBERED = timedelta(weeks=26)  # of what was decided, as long as a page shows
_UNDER_WAY = (
    Status.IN_REVIEW.value,
    Status.RUNNING.value,
    Status.PAUSED.value,
    Status.STOPPED.value,
)


def segments_by_stage(
    session: Session, now: datetime
) -> Mapping[int, tuple[SegmentVersion, ...]]:
    """Find the segments of each stage.

    Args:
        session: any session.
        now: aware UTC.

    Returns:
        Number of the stage -> the newest versions of its segments, those of most
        experiments first; a rule that everybody fulfils is none.
    """
    tested, ideas = _tested(session, now), _ideas(session)
    newest = _newest(session, {segment for _, segment in (*tested, *ideas)})
    found: dict[int, list[SegmentVersion]] = defaultdict(list)
    for stage, segment in sorted(
        {*tested, *ideas},
        key=lambda place: (
            -tested.get(place, 0),
            -ideas.get(place, 0),
            newest[place[1]].segment.name,
        ),
    ):
        if newest[segment].condition:
            found[stage].append(newest[segment])
    return {stage: tuple(versions[:MOST]) for stage, versions in found.items()}


Uses = Mapping[tuple[int, int], int]  # (stage, segment) -> how many


def _tested(session: Session, now: datetime) -> Uses:
    query = (
        select(HypothesisRow.journey_stage_id, SegmentVersion.segment_id, func.count())
        .select_from(Experiment)
        .join(Experiment.hypothesis)
        .join(Experiment.segment_version)
        .where(
            or_(
                Experiment.status.in_(_UNDER_WAY),
                Experiment.decided_at >= now - REMEMBERED,
            )
        )
        .group_by(HypothesisRow.journey_stage_id, SegmentVersion.segment_id)
    )
    return {(stage, segment): n for stage, segment, n in session.execute(query)}


def _ideas(session: Session) -> Uses:
    merged = select(MergedHypothesis.hypothesis_id)
    place = HypothesisRow.journey_stage_id, HypothesisRow.segment_id
    query = (
        select(*place, func.count())
        .where(HypothesisRow.parked_at.is_(None), HypothesisRow.id.not_in(merged))
        .group_by(*place)
    )
    return {(stage, segment): n for stage, segment, n in session.execute(query)}


def _newest(session: Session, wanted: Iterable[int]) -> dict[int, SegmentVersion]:
    newest = (
        select(func.max(SegmentVersion.id))
        .where(SegmentVersion.segment_id.in_(wanted))
        .group_by(SegmentVersion.segment_id)
    )
    query = (
        select(SegmentVersion)
        .where(SegmentVersion.id.in_(newest))
        .options(joinedload(SegmentVersion.segment))
    )
    return {version.segment_id: version for version in session.scalars(query)}
