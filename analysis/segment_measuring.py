"""Segment sizes are counted on the schedule, and soon after a segment has changed.

What is counted is the newest version of each segment. The past is counted once a week,
at its end, and kept; a new version gets the past twelve weeks at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, selectinload

from analysis import leases, segment_sizes, wording
from analysis.segment_counting import Count, Counted, Rule, RunningExperiment, count
from analysis.segment_due import due
from analysis.segment_sizes import SMALLEST
from analysis.store import EventStore, Snapshot
from experiments.context import Context
from experiments.db import transaction
from experiments.models import (
    Experiment,
    SegmentCount,
    SegmentSize,
    SegmentVersion,
)
from experiments.vocabulary import Status

WEEK = timedelta(days=7)
WEEKS = 12
MONDAY = datetime.fromisoformat("1970-01-05T00:00:00+00:00")
LATE = timedelta(days=1)  # for so long a week's end is counted anew
SCRATCH = "scratch"


def measure_due(context: Context, due_at: datetime) -> int:
    """Count the segments whose size is missing or older than it should be.

    Args:
        context: settings, database and clock.
        due_at: when all were due last.

    Returns:
        How many were counted; 0 too while an analysis holds the store.
    """
    store, now = EventStore(context.settings), context.now()
    with transaction(context.sessions) as session:
        versions = due(session, store, due_at, now)
    if not versions:
        return 0
    with leases.held(context, leases.ANALYSIS) as token:
        if token is None:
            return 0  # the next minute will do
        with transaction(context.sessions) as session:
            running = _running(session)
            rules = _rules(session, versions, running, now)
        snapshot = store.snapshot()
        scratch = context.settings.data_dir / SCRATCH
        counted = count(
            rules, [each for each, _ in running], snapshot.files, now, scratch
        )
        with transaction(context.sessions) as session:
            leases.check_token(session, leases.ANALYSIS, token)
            for version in versions:
                _store(session, version, counted, snapshot, now)
    return len(versions)


def _name(version: SegmentVersion) -> tuple[str, int]:
    return version.segment.key, version.version


def _running(session: Session) -> list[tuple[RunningExperiment, SegmentVersion]]:
    query = (
        select(Experiment)
        .where(Experiment.status == Status.RUNNING.value)
        .options(
            selectinload(Experiment.segment_version).selectinload(
                SegmentVersion.segment
            )
        )
        .order_by(Experiment.key)
    )
    return [
        (
            RunningExperiment(
                experiment.key,
                _name(experiment.segment_version),
                experiment.exposures_from or experiment.started_at or MONDAY,
            ),
            experiment.segment_version,
        )
        for experiment in session.scalars(query)
    ]


def _rules(
    session: Session,
    versions: Sequence[SegmentVersion],
    running: Iterable[tuple[RunningExperiment, SegmentVersion]],
    now: datetime,
) -> list[Rule]:
    wanted = [version.id for version in versions]
    query = select(SegmentCount).where(SegmentCount.segment_version_id.in_(wanted))
    settled = {
        (row.segment_version_id, row.at)
        for row in session.scalars(query)
        if row.measured_at >= row.at + LATE
    }
    ends = week_ends(now)
    asked = {
        _name(version): Rule(
            _name(version),
            version.condition,
            (*(end for end in ends if (version.id, end) not in settled), now),
        )
        for version in versions
    }
    for _, version in running:
        asked.setdefault(_name(version), Rule(_name(version), version.condition))
    return list(asked.values())


def week_ends(now: datetime) -> list[datetime]:
    """List the ends of the last twelve whole weeks, Mondays 00:00 UTC, oldest first."""
    last = MONDAY + (now - MONDAY) // WEEK * WEEK
    return [last - WEEK * back for back in reversed(range(WEEKS))]


def _store(
    session: Session,
    version: SegmentVersion,
    counted: Counted,
    snapshot: Snapshot,
    now: datetime,
) -> None:
    name, ends = _name(version), week_ends(now)
    for (segment, at), found in counted.counts.items():
        if segment == name and at != now:
            session.merge(
                SegmentCount(
                    segment_version_id=version.id,
                    at=at,
                    measured_at=now,
                    **_columns(found),
                )
            )
    session.execute(
        delete(SegmentCount).where(
            SegmentCount.segment_version_id == version.id, SegmentCount.at < ends[0]
        )
    )
    session.flush()
    past = session.scalars(
        select(SegmentCount)
        .where(SegmentCount.segment_version_id == version.id)
        .order_by(SegmentCount.at)
    )
    present = counted.counts[name, now]
    session.merge(
        SegmentSize(
            segment_version_id=version.id,
            measured_at=now,
            store_version=snapshot.version,
            taken_count=counted.taken[name],
            overlaps=[
                {
                    "experiment": experiment,
                    "shared_count": shared,
                    "seen_count": counted.seen[segment, experiment],
                }
                for (segment, experiment), shared in counted.shared.items()
                if segment == name
            ],
            chart=_chart(list(past), present, now),
            **_columns(present),
        )
    )


def _columns(found: Count) -> Mapping[str, int]:
    return {f"{name}_count": number for name, number in asdict(found).items()}


def _chart(
    past: Sequence[SegmentCount], present: Count, now: datetime
) -> dict[str, Any] | None:
    """Draw the weeks in which an attribute of the rule was known of somebody."""
    weeks = [
        (row.at, row.customers_count, row.everybody_count, row.known_count)
        for row in past
    ]
    # The end of a week that is also today says nothing more.
    weeks = [week for week in weeks if week[0].date() < now.date()]
    weeks.append((now, present.customers, present.everybody, present.known))
    known = [week for week in weeks if week[3]]
    drawn = [(at.date(), n) for at, n, *_ in known if n >= SMALLEST or not n]
    if len(drawn) < 2 or not any(n for _, n in drawn):  # noqa: PLR2004  # a line
        return None
    # The scheduler starts without the drawing, which is slow to load.
    from analysis.charts import draw_segment  # noqa: PLC0415

    sentence = segment_sizes.trend([(at, n) for at, n, *_ in known])
    rows = [
        [wording.date(at), segment_sizes.size(n), wording.count(everybody)]
        for at, n, everybody, _ in known
    ]
    chart = draw_segment(drawn, rows, sentence)
    return {
        "title": chart.title,
        "web_svg": chart.web_svg,
        "print_svg": chart.print_svg,
        "table": chart.table,
        "sentence": sentence,
    }
