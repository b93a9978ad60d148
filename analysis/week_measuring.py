"""What metrics of journey stages were, week by week: read once, when a week is known.

Of each metric the customers who were seen in a week, by the same queries as results;
all of them, and those of the stage's segments, in one pass over the week's events. A
week that has been read stays as it is: later events and erasures do not change it.
"""

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from analysis import leases
from analysis.baseline_cohort import (
    EVERYBODY_SEEN,
    SeenCohort,
    bounds_of,
    plan_of_baselines,
)
from analysis.baseline_reading import basis_of
from analysis.cells import Cell
from analysis.event_rows import EventRows, connect
from analysis.plan_basis import spread_of
from analysis.segment_sizes import SMALLEST
from analysis.store import EventStore
from analysis.warehouse import summarise_events
from analysis.week_due import DAY, WEEK, DueWeek, due
from experiments import opt_outs
from experiments.context import Context
from experiments.db import transaction
from experiments.metric_definition import MetricDefinition
from experiments.models import MetricWeek, SegmentVersion
from experiments.plan import PlannedSegment
from experiments.vocabulary import EVERYBODY

SCRATCH = "scratch"
Reading = tuple[int, float, float]  # customers, value, standard error


@dataclass(frozen=True, slots=True)
class Data:
    """The events to read.

    Attributes:
        files: the store's active Parquet files.
        now: events received later do not exist.
        scratch: folder for what does not fit into memory.
        opted_out: pseudonyms of customers who take part in nothing.
    """

    files: Sequence[str]
    now: datetime
    scratch: Path
    opted_out: tuple[bytes, ...] = ()


def measure_due(context: Context) -> int:
    """Read weeks of stages' metrics that have ended and were not read yet.

    Args:
        context: settings, database and clock.

    Returns:
        How many were read; 0 too while an analysis holds the store.
    """
    store, now = EventStore(context.settings), context.now()
    with transaction(context.sessions) as session:
        wanted = due(session, store, now)
    if not wanted:
        return 0
    with leases.held(context, leases.ANALYSIS) as token:
        if token is None:
            return 0  # the next minute will do
        with transaction(context.sessions) as session:
            out = opt_outs.set_aside(session, now - WEEK)
        snapshot = store.snapshot()
        scratch = context.settings.data_dir / SCRATCH
        data = Data(snapshot.files, now, scratch, out)
        rows = [
            _row(each, read, now, snapshot.version)
            for each, read in _read_all(wanted, data)
        ]
        with transaction(context.sessions) as session:
            leases.check_token(session, leases.ANALYSIS, token)
            for row in rows:
                session.merge(row)
    return len(rows)


class _Alike:
    """What is read of one week in one pass: metrics, and segments to read them in."""

    def __init__(self) -> None:
        self.definitions: dict[str, MetricDefinition] = {}
        self.segments: dict[str, PlannedSegment] = {}

    def add(self, each: DueWeek) -> None:
        """Let the pass read this, too."""
        self.definitions[each.metric] = each.definition
        if each.segment is not None:
            planned = _planned(each.segment)
            self.segments[planned.key] = planned


def _planned(version: SegmentVersion) -> PlannedSegment:
    named = version.segment
    return PlannedSegment(named.key, version.version, named.name, version.condition)


def _read_all(
    wanted: Sequence[DueWeek], data: Data
) -> Iterable[tuple[DueWeek, Reading | None]]:
    """Read metrics of the same week that are known at the same time in one pass."""
    alike: dict[tuple[datetime, timedelta], _Alike] = defaultdict(_Alike)
    for each in wanted:
        alike[each.starts_at, each.definition.maturity].add(each)
    ended = _ended(data)
    found = {
        place: read_week(group.definitions, place[0], data, ended, group.segments)
        for place, group in alike.items()
    }
    for each in wanted:
        group = found[each.starts_at, each.definition.maturity]
        yield each, group.get((each.metric, _key_of(each.segment)))


def _key_of(segment: SegmentVersion | None) -> str:
    return EVERYBODY if segment is None else segment.segment.key


def read_week(
    definitions: Mapping[str, MetricDefinition],
    starts_at: datetime,
    data: Data,
    ended: datetime | None,
    segments: Mapping[str, PlannedSegment] = MappingProxyType({}),
) -> dict[tuple[str, str], Reading]:
    """Read metrics over the customers who were seen in one week.

    Args:
        definitions: of the metrics, by key, all known equally long after.
        starts_at: of the week.
        data: the events.
        ended: when activity ended; None where there is none.
        segments: to read them in too, by key.

    Returns:
        Metric and segment, "" for everybody -> customers, value and its standard
        error; without those of which too few customers have a value, or all the same.
    """
    if ended is None:
        return {}
    plan = plan_of_baselines(definitions, segments, starts_at)
    # What was imported is taken as it ends.
    cutoff = min(data.now - DAY, ended)
    bounds = bounds_of(data.now, cutoff, starts_at + WEEK, data.opted_out)
    summaries = summarise_events(
        plan, data.files, bounds, data.scratch, with_makeup=False, cohort_of=SeenCohort
    )
    found = {}
    for key, segment in itertools.product(definitions, (EVERYBODY, *segments)):
        cell = summaries.arms(key, segment).get(EVERYBODY_SEEN)
        read = None if cell is None else _reading(definitions[key], cell)
        if read is not None:
            found[key, segment] = read
    return found


def _reading(definition: MetricDefinition, cell: Cell) -> Reading | None:
    read = basis_of(definition, cell)
    if read is None or read[1] < SMALLEST:
        return None
    basis, customers = read
    spread = spread_of(definition, basis)
    if basis.value is None or spread is None:
        return None
    return customers, basis.value, spread / math.sqrt(customers)


def _ended(data: Data) -> datetime | None:
    if not data.files:
        return None
    with connect(data.scratch) as connection:
        return EventRows(connection, data.files, data.now).ended


def _row(
    each: DueWeek, read: Reading | None, now: datetime, store_version: int
) -> MetricWeek:
    customers, value, error = read or (None, None, None)
    return MetricWeek(
        metric_version_id=each.version_id,
        segment=_key_of(each.segment),
        segment_version=0 if each.segment is None else each.segment.version,
        starts_at=each.starts_at,
        measured_at=now,
        store_version=store_version,
        customers=customers,
        value=value,
        standard_error=error,
    )
