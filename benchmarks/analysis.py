"""How fast Abide analyses: 1,000,000 customers with 10 events each, beside plain SQL.

`python -m benchmarks analysis` takes about two minutes on two cores. The limit is what
one who knows the question would write by hand: one statement in DuckDB over the same
files, without stitching, checks, buckets or segments; what the trust checks count is
left out beside it, and is in the figure of ten metrics.
"""

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb

from analysis.bounds import Bounds
from analysis.store import EventStore
from analysis.warehouse import summarise_events
from benchmarks.analysis_data import (
    CUTOFF,
    Files,
    alone,
    best,
    fill,
    plan_of,
    settings_of,
)
from benchmarks.harness import Figure, figure
from experiments.metric_definition import MetricDefinition
from experiments.vocabulary import Direction, MetricKind

CUSTOMERS = 1_000_000
TIMES = 3  # each; the best counts
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


def measure() -> list[Figure]:
    """Measure the analysis beside hand-written SQL, and with ten metrics.

    Returns:
        The figures.
    """
    with tempfile.TemporaryDirectory() as folder:
        fill(EventStore(settings_of(folder)), CUSTOMERS)
        by_hand, ours = [], []
        for _ in range(TIMES):  # in turn, so that both meet the same machine
            by_hand.append(alone(_by_hand, folder))
            ours.append(alone(_two_metrics, folder))
        limit, quickest = (best(runs) for runs in (by_hand, ours))
        if limit.answer != quickest.answer:
            msg = f"Abide found {quickest.answer}, plain SQL {limit.answer}"
            raise AssertionError(msg)
        many = alone(_ten_metrics, folder)
    return [
        figure(
            "analysis of 1 M customers x 10 events",
            quickest.seconds,
            "s",
            limit=limit.seconds,
            at_most=1.5,
        ),
        figure("peak memory of that analysis", quickest.peak_mib, "MiB", at_most=2048),
        figure("the same with ten metrics", many.seconds, "s", at_most=120),
        figure("peak memory with ten metrics", many.peak_mib, "MiB", at_most=2048),
    ]


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
        plan_of(metrics, CUSTOMERS), files, bounds, scratch, with_makeup=checked
    )
    return {(cell.metric, cell.variant): cell.summary for cell in found.cells}


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
