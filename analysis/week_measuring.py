"""What metrics of journey stages were, week by week: read once, when a week is known.

Of each metric the customers who were seen in a week, by the same queries as results.
A week that has been read stays as it is: later events and erasures do not change it.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from analysis import leases
from analysis.baseline_cohort import (
    EVERYBODY_SEEN,
    SeenCohort,
    bounds_of,
    plan_of_baselines,
)
from analysis.baseline_reading import basis_of
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
from experiments.models import MetricWeek
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


def _read_all(
    wanted: Sequence[DueWeek], data: Data
) -> Iterable[tuple[DueWeek, Reading | None]]:
    """Read metrics of the same week that are known at the same time in one pass."""
    alike: dict[tuple[datetime, timedelta], dict[str, MetricDefinition]]
    alike = defaultdict(dict)
    for each in wanted:
        place = each.starts_at, each.definition.maturity
        alike[place][each.metric] = each.definition
    ended = _ended(data)
    found = {
        place: read_week(group, place[0], data, ended) for place, group in alike.items()
    }
    for each in wanted:
        group = found[each.starts_at, each.definition.maturity]
        yield each, group.get(each.metric)


def read_week(
    definitions: Mapping[str, MetricDefinition],
    starts_at: datetime,
    data: Data,
    ended: datetime | None,
) -> dict[str, Reading]:
    """Read metrics over the customers who were seen in one week.

    Args:
        definitions: of the metrics, by key, all known equally long after.
        starts_at: of the week.
        data: the events.
        ended: when activity ended; None where there is none.

    Returns:
        Key -> customers, value and its standard error; without metrics of which too
        few customers have a value, or all the same.
    """
    if ended is None:
        return {}
    plan = plan_of_baselines(definitions, {}, starts_at)
    # What was imported is taken as it ends.
    cutoff = min(data.now - DAY, ended)
    bounds = bounds_of(data.now, cutoff, starts_at + WEEK, data.opted_out)
    summaries = summarise_events(
        plan, data.files, bounds, data.scratch, with_makeup=False, cohort_of=SeenCohort
    )
    found = {}
    for key, definition in definitions.items():
        cell = summaries.arms(key, EVERYBODY).get(EVERYBODY_SEEN)
        read = None if cell is None else basis_of(definition, cell)
        if read is not None and read[1] >= SMALLEST:
            basis, customers = read
            spread = spread_of(definition, basis)
            if basis.value is not None and spread is not None:
                found[key] = (customers, basis.value, spread / math.sqrt(customers))
    return found


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
        starts_at=each.starts_at,
        measured_at=now,
        store_version=store_version,
        customers=customers,
        value=value,
        standard_error=error,
    )
