"""Baselines are read on the schedule, and soon after a metric was defined.

Of each metric the customers who were first seen in four weeks, so long ago that their
outcome is known: as an experiment of these weeks would have found them.
"""

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from analysis import leases
from analysis.arrival_counting import count_arrivals
from analysis.baseline_cohort import (
    EVERYBODY_SEEN,
    SeenCohort,
    bounds_of,
    plan_of_baselines,
)
from analysis.baseline_due import due
from analysis.baseline_reading import basis_of, seen_of
from analysis.baselines import EVERYBODY, Baseline, baseline_to_json
from analysis.bounds import Bounds
from analysis.cells import Cell
from analysis.event_rows import EventRows, connect
from analysis.plan_basis import Source
from analysis.segment_sizes import SMALLEST
from analysis.store import EventStore
from analysis.warehouse import summarise_events
from experiments import opt_outs, segments
from experiments.context import Context
from experiments.db import transaction
from experiments.metric_definition import MetricDefinition
from experiments.metrics import definition_of
from experiments.models import MetricBaseline
from experiments.plan import PlannedSegment

WEEKS = timedelta(weeks=4)
DAY = timedelta(days=1)  # what comes later than that is not waited for
SCRATCH = "scratch"
MOST_SEGMENTS = 200


def measure_due(context: Context, due_at: datetime) -> int:
    """Read the baselines that are missing or older than they should be.

    Args:
        context: settings, database and clock.
        due_at: when all were due last.

    Returns:
        How many were read; 0 too while an analysis holds the store.
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
            inside = _segments(session)
            out = opt_outs.set_aside(session, now - WEEKS)
        snapshot = store.snapshot()
        scratch = context.settings.data_dir / SCRATCH
        found = measure(
            {v.metric.key: definition_of(v) for v in versions},
            inside,
            snapshot.files,
            now,
            scratch,
            out,
        )
        with transaction(context.sessions) as session:
            leases.check_token(session, leases.ANALYSIS, token)
            for version in versions:
                session.merge(
                    MetricBaseline(
                        metric_version_id=version.id,
                        measured_at=now,
                        store_version=snapshot.version,
                        found=found[version.metric.key],
                    )
                )
    return len(versions)


def measure(
    definitions: Mapping[str, MetricDefinition],
    inside: Mapping[str, PlannedSegment],
    files: Sequence[str],
    now: datetime,
    scratch: Path,
    opted_out: tuple[bytes, ...] = (),
) -> dict[str, dict[str, Any]]:
    """Read the baselines of metrics, for everybody and in each segment.

    Args:
        definitions: of the metrics, by key.
        inside: segments, by key.
        files: the store's active Parquet files.
        now: events received later do not exist.
        scratch: folder for what does not fit into memory.
        opted_out: pseudonyms of customers who take part in nothing.

    Returns:
        Key of a metric -> key of a segment, "" for everybody -> what is stored; those
        of which too little is known are not in it.
    """
    found: dict[str, dict[str, Any]] = {key: {} for key in definitions}
    span = _span(files, now, scratch)
    if span is None:
        return found
    began, ended = span
    # The last day may still miss events; what was imported is taken as it ends.
    cutoff = min(now - DAY, ended)
    data = _Data(files, scratch, began, bounds_of(now, cutoff, cutoff, opted_out))
    come = count_arrivals(inside, files, scratch, began, data.known)
    alike: dict[timedelta, dict[str, MetricDefinition]] = defaultdict(dict)
    for key, definition in definitions.items():
        alike[definition.maturity][key] = definition
    for maturity, group in sorted(alike.items()):
        for key, read in _read_alike(group, inside, cutoff - maturity, data):
            segment = read.basis.source.segment if read.basis.source else EVERYBODY
            whole = replace(
                read,
                arrivals=come.customers.get(segment),
                account_arrivals=come.accounts.get(segment),
            )
            version = inside[segment].version if segment else 0
            found[key][segment] = baseline_to_json(whole, version)
    return found


@dataclass(frozen=True, slots=True)
class _Data:
    files: Sequence[str]
    scratch: Path
    began: datetime  # of activity
    known: Bounds  # up to when activity is complete


def _read_alike(
    group: Mapping[str, MetricDefinition],
    inside: Mapping[str, PlannedSegment],
    until: datetime,
    data: _Data,
) -> Iterator[tuple[str, Baseline]]:
    """Read metrics that are known equally long after, of who was seen till then."""
    since = max(until - WEEKS, data.began)
    if since >= until:
        return  # nobody is old enough
    summaries = summarise_events(
        plan_of_baselines(group, inside, since),
        data.files,
        replace(data.known, exposures_until=until),
        data.scratch,
        with_makeup=False,
        cohort_of=SeenCohort,
    )
    for key, segment in itertools.product(group, (EVERYBODY, *inside)):
        cell = summaries.arms(key, segment).get(EVERYBODY_SEEN)
        source = Source(0, since, until, segment)
        if cell is not None:
            read = _read(group[key], cell, source, data.known.as_of)
            if read is not None:
                yield key, read


def _read(
    definition: MetricDefinition, cell: Cell, source: Source, now: datetime
) -> Baseline | None:
    """Read one cell; None where too few customers are in it to say anything."""
    read = basis_of(definition, cell)
    if read is None or read[1] < SMALLEST:
        return None
    basis, customers = read
    source = replace(source, customers=customers)
    return Baseline(replace(basis, source=source), now, seen_of(cell))


def _span(
    files: Sequence[str], now: datetime, scratch: Path
) -> tuple[datetime, datetime] | None:
    """Find when activity began and ended; None where there is none."""
    with connect(scratch) as connection:
        events = EventRows(connection, files, now)
        began, ended = events.began, events.ended
    return None if began is None or ended is None else (began, ended)


def _segments(session: Session) -> dict[str, PlannedSegment]:
    """Take the newest version of each segment; of very many the first by key."""
    found = {}
    for row in segments.listing(session, limit=MOST_SEGMENTS):
        newest = row.versions[-1]
        found[row.key] = PlannedSegment(
            row.key, newest.version, row.name, newest.condition
        )
    return found
