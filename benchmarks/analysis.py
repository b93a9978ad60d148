"""How fast Abide analyses: 1,000,000 customers with 10 events each, beside plain SQL.

`python -m benchmarks analysis` takes about two minutes on two cores. The limit is what
one who knows the question would write by hand: one statement in DuckDB over the same
files, without stitching, checks, buckets or segments; what the trust checks count is
left out beside it, and is in the figure of ten metrics.
"""

import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np
import pyarrow as pa

from analysis.cohort import Bounds
from analysis.delta import write_file
from analysis.event_rows import connect
from analysis.event_table import by_day
from analysis.store import EVENT_LAYOUT, EVENT_SCHEMA, EventStore
from analysis.warehouse import summarise_events
from benchmarks.harness import Figure, figure
from experiments.config import Settings
from experiments.design import Design, MetricChoice, VariantSpec
from experiments.hypothesis import Forecast, Hypothesis
from experiments.metric_definition import MetricDefinition
from experiments.plan import Plan, PlannedMetric, PlannedSegment
from experiments.vocabulary import (
    AssignedBy,
    Direction,
    Evidence,
    Goal,
    MetricKind,
    MonitoringMode,
    Role,
    Unit,
)

CUSTOMERS = 1_000_000
EVENTS_EACH = 10
ENROLMENT_DAYS, FOLLOWED_DAYS = 14, 30
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
CUTOFF = BEGAN + timedelta(days=ENROLMENT_DAYS + 25)
TIMES = 3  # each; the best counts
MIB = 1024  # kilobytes
SQL = """
    WITH first AS (
        SELECT customer, min(epoch_us(occurred_at)) AS seen, min(variant) AS variant
        FROM read_parquet(?)
        WHERE environment = 'production' AND kind = 'exposure'
            AND experiment = 'bench' AND variant IN ('control', 'treatment')
        GROUP BY customer HAVING min(variant) = max(variant)
    ), active AS (
        SELECT customer,
            bool_or(epoch_us(occurred_at) - seen >= 7 * 86400000000
                AND epoch_us(occurred_at) - seen < 8 * 86400000000) AS day_7,
            bool_or(epoch_us(occurred_at) - seen >= 14 * 86400000000
                AND epoch_us(occurred_at) - seen < 21 * 86400000000) AS week_2
        FROM read_parquet(?) JOIN first USING (customer)
        WHERE environment = 'production' AND kind = 'activity' AND name = 'Opened'
        GROUP BY customer
    )
    SELECT variant,
        count(*) FILTER (seen + 8 * 86400000000 <= epoch_us(?::TIMESTAMPTZ)),
        count(*) FILTER (day_7),
        count(*) FILTER (seen + 21 * 86400000000 <= epoch_us(?::TIMESTAMPTZ)),
        count(*) FILTER (week_2)
    FROM first LEFT JOIN active USING (customer)
    GROUP BY variant ORDER BY variant
"""
Answer = list[tuple[str, int, int, int, int]]
Files = Sequence[str]
Work = Callable[[Files, Path], Any]


class Run(NamedTuple):
    """How one measured run went."""

    seconds: float
    peak_mib: float
    answer: Any


def measure() -> list[Figure]:
    """Measure the analysis beside hand-written SQL, and with ten metrics.

    Returns:
        The figures.
    """
    with tempfile.TemporaryDirectory() as folder:
        _fill(EventStore(_settings(folder)))
        by_hand, ours = [], []
        for _ in range(TIMES):  # in turn, so that both meet the same machine
            by_hand.append(_alone(_by_hand, folder))
            ours.append(_alone(_two_metrics, folder))
        limit, best = (_best(runs) for runs in (by_hand, ours))
        if limit.answer != best.answer:
            msg = f"Abide found {best.answer}, plain SQL {limit.answer}"
            raise AssertionError(msg)
        many = _alone(_ten_metrics, folder)
    return [
        figure(
            "analysis of 1 M customers x 10 events",
            best.seconds,
            "s",
            limit=limit.seconds,
            at_most=1.5,
        ),
        figure("peak memory of that analysis", best.peak_mib, "MiB", at_most=2048),
        figure("the same with ten metrics", many.seconds, "s", at_most=120),
        figure("peak memory with ten metrics", many.peak_mib, "MiB", at_most=2048),
    ]


def _best(runs: list[Run]) -> Run:
    return min(runs, key=lambda run: run.seconds)


def _alone(work: Work, folder: str) -> Run:
    """Run in a fresh process, so that its peak of memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_timed, (work, folder))


def _timed(work: Work, folder: str) -> Run:
    """Measure the work alone: both sides get their files and modules beforehand."""
    files = EventStore(_settings(folder)).files()
    scratch = Path(folder) / "scratch"
    with connect(scratch):
        pass
    began = time.perf_counter()
    answer = work(files, scratch)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB
    return Run(seconds, peak, answer)


def _by_hand(files: Files, _scratch: Path) -> Answer:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")
    given = [list(files), list(files), CUTOFF, CUTOFF]
    found: Answer = connection.execute(SQL, given).fetchall()
    return found


def _two_metrics(files: Files, scratch: Path) -> Answer:
    metrics = {"day_7": _retention(7, 1), "week_2": _retention(14, 7)}
    found = _summaries(files, scratch, metrics, checked=False)
    answer = []
    for name in ("control", "treatment"):
        pair = [found[key, name] for key in ("day_7", "week_2")]
        numbers = [n for s in pair for n in (s.n, s.successes)]
        answer.append((name, *numbers))
    return answer


def _ten_metrics(files: Files, scratch: Path) -> int:
    retention = {f"r{day}": _retention(day, 1) for day in (1, 3, 7, 10, 14)}
    gaps = {"c7": 7, "c10": 10, "c14": 14}
    churn = {key: _gap(MetricKind.CHURN, days) for key, days in gaps.items()}
    times = {f"t{days}": _gap(MetricKind.TIME_TO_CHURN, days) for days in (7, 10)}
    return len(_summaries(files, scratch, retention | churn | times))


def _summaries(
    files: Files,
    scratch: Path,
    metrics: dict[str, MetricDefinition],
    *,
    checked: bool = True,
) -> dict[Any, Any]:
    bounds = Bounds(as_of=CUTOFF + timedelta(days=60), data_cutoff=CUTOFF)
    found = summarise_events(
        _plan(metrics), files, bounds, scratch, with_makeup=checked
    )
    return {(cell.metric, cell.variant): cell.summary for cell in found.cells}


def _fill(store: EventStore) -> None:
    """Write all events as the compactor leaves them: a sorted file a day."""
    random = np.random.default_rng(20261121)
    customers = random.integers(0, 256, (CUSTOMERS, 16), dtype=np.uint8)
    exposed = random.integers(0, ENROLMENT_DAYS * 86_400_000_000, CUSTOMERS)
    after = random.integers(0, FOLLOWED_DAYS * 86_400_000_000, CUSTOMERS * EVENTS_EACH)
    everybody = np.arange(CUSTOMERS)
    who = np.concatenate([everybody, np.repeat(everybody, EVENTS_EACH)])
    times = np.concatenate([exposed, np.repeat(exposed, EVENTS_EACH) + after])
    order = np.argsort(times, kind="stable")
    writer = store.writer()
    files = []
    for part in np.array_split(order, 40):
        rows = _rows(customers, who[part], times[part], part < CUSTOMERS)
        files += [
            write_file(store.path, EVENT_LAYOUT, {"day": day.isoformat()}, one)
            for day, one in by_day(rows).items()
        ]
    writer.commit(files, {})


def _rows(customers: Any, who: Any, times: Any, is_exposure: Any) -> pa.Table:  # noqa: ANN401  # arrays
    n = len(who)
    ids = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(16), n, [None, pa.py_buffer(np.ascontiguousarray(customers[who]))]
    ).cast(pa.binary())
    start = int(BEGAN.timestamp()) * 1_000_000
    at = pa.array(times + start).cast(pa.timestamp("us", tz="UTC"))
    variants = np.where(customers[who][:, 15] % 2, "treatment", "control")
    columns: dict[str, pa.Array] = {
        "bucket": pa.array(customers[who][:, 0].astype(np.int16)),
        "environment": pa.repeat("production", n),
        "source": pa.repeat("app", n),
        "message_id": ids,
        "kind": pa.array(np.where(is_exposure, "exposure", "activity")),
        "name": pa.array(np.where(is_exposure, "Experiment Viewed", "Opened")),
        "occurred_at": at,
        "received_at": at,
        "customer": ids,
        "experiment": pa.array(np.where(is_exposure, "bench", ""), pa.string()),
        "variant": pa.array(np.where(is_exposure, variants, ""), pa.string()),
        "key_id": pa.repeat("k", n),
        "payload_hash": pa.array(np.zeros(n, dtype=np.int64)),
        "schema_version": pa.array(np.ones(n, dtype=np.int8)),
    }
    schema = pa.schema([f for f in EVENT_SCHEMA if f.name != "day"])
    arrays = [columns.get(f.name, pa.nulls(n, f.type)) for f in schema]
    return pa.table(arrays, schema=schema)


def _retention(day: int, window_days: int) -> MetricDefinition:
    return MetricDefinition(
        MetricKind.RETENTION,
        Direction.INCREASE,
        events=("Opened",),
        day=day,
        window_days=window_days,
    )


def _gap(kind: MetricKind, days: int) -> MetricDefinition:
    falls = kind == MetricKind.CHURN
    direction = Direction.DECREASE if falls else Direction.INCREASE
    return MetricDefinition(kind, direction, ("Opened",), day=14, gap_days=days)


def _settings(folder: str) -> Settings:
    return Settings(data_dir=Path(folder), database_url="sqlite://")


def _plan(metrics: dict[str, MetricDefinition]) -> Plan:
    roles = [Role.PRIMARY, *[Role.SECONDARY] * len(metrics)]
    planned = tuple(
        PlannedMetric(key, MetricChoice(key, 1, role, 0.01), definition)
        for (key, definition), role in zip(metrics.items(), roles, strict=False)
    )
    design = Design(
        key="bench",
        name="Benchmark",
        hypothesis="bench",
        goal=Goal.OTHER,
        assigned_by=AssignedBy.EXTERNAL,
        unit=Unit.CUSTOMER,
        segment="everybody",
        segment_version=1,
        variants=tuple(
            VariantSpec(name, "", name == "control", 0.5, {})
            for name in ("control", "treatment")
        ),
        coverage=1.0,
        metrics=tuple(metric.choice for metric in planned),
        monitoring_mode=MonitoringMode.FIXED_END,
        planned_units=CUSTOMERS,
        planned_end_at=CUTOFF,
    )
    words = {"title": "", "evidence_text": "", "change": "", "friction_point": ""}
    words |= {"if_up": "", "if_flat": "", "if_down": ""}
    hypothesis = Hypothesis(
        key="bench",
        evidence=Evidence.OPINION,
        segment="everybody",
        metric=planned[0].choice.metric,
        direction=Direction.INCREASE,
        expected_change=0.01,
        journey_stage="onboarding",
        forecast=Forecast(0.0, 0.0, 0.0, 0.5),
        **words,
    )
    return Plan(
        design=design,
        hypothesis=hypothesis,
        metrics=planned,
        segments=(PlannedSegment("everybody", 1, "Everybody", {}),),
        salt="",
        phase=1,
        exposures_from=BEGAN,
        locked_at=BEGAN,
        pre_registered=False,
        reviewed=False,
        decision_rule="",
    )
