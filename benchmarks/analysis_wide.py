"""How fast Abide analyses eight metrics by five segments, one of them adjusted.

`python -m benchmarks analysis_wide` takes some minutes. The limit is one statement in
DuckDB over the same files by somebody who knows the question: it gives the same table
of sums for each variant and set of segments, in floating point, for events that need no
stitching. Abide is timed twice. The whole analysis answers more than the statement: how
many customers were left out for which reason, and how far those of each day and source
came. The tables alone are without the second of these. Sums that are exact whatever
the order of events, ten parts of the customers for what a rule by segments would be
worth, and the search for events that must be left out or stitched are in both.
`ABIDE_BENCH_CUSTOMERS=10000000` takes ten times as many customers,
`ABIDE_BENCH_TIMES=1` one turn of each.
"""

import os
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb

from analysis import estimating
from analysis.bounds import Bounds
from analysis.cells import Summaries
from analysis.cohort import Cohort
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
from experiments.plan import Plan
from experiments.vocabulary import EVERYBODY, Amount, Direction, MetricKind

CUSTOMERS = int(os.environ.get("ABIDE_BENCH_CUSTOMERS", "1_000_000"))
TIMES = int(os.environ.get("ABIDE_BENCH_TIMES", "3"))  # each; the best counts
SPLITS = {
    "pro": {"plan": "pro"},
    "free": {"plan": "free"},
    "germany": {"country": "de"},
    "france": {"country": "fr"},
    "pro_in_italy": {"plan": "pro", "country": "it"},
}
SQL = """
    WITH first AS (
        SELECT customer, min(epoch_us(occurred_at)) AS seen, min(variant) AS variant
        FROM read_parquet($files)
        WHERE environment = 'production' AND kind = 'exposure'
            AND experiment = 'bench' AND variant IN ('control', 'treatment')
        GROUP BY customer HAVING min(variant) = max(variant)
    ), sent AS (
        SELECT customer,
            arg_max(properties->>'plan', occurred_at) AS plan,
            arg_max(properties->>'country', occurred_at) AS country
        FROM read_parquet($files) JOIN first USING (customer)
        WHERE environment = 'production' AND kind = 'attributes'
            AND epoch_us(occurred_at) <= seen
        GROUP BY customer
    ), rows AS (
        SELECT customer, value, epoch_us(occurred_at) - seen AS since,
            epoch_us($cutoff::TIMESTAMPTZ) - seen AS followed
        FROM read_parquet($files) JOIN first USING (customer)
        WHERE environment = 'production' AND kind = 'activity' AND name = 'Opened'
        UNION ALL
        SELECT customer, NULL, 0, NULL FROM first
    ), ordered AS (
        SELECT *, lead(since) OVER (PARTITION BY customer ORDER BY since) AS next
        FROM rows WHERE since >= -14 * 86400000000 AND since < 21 * 86400000000
    ), per AS (
        SELECT customer,
            bool_or(since >= 86400000000 AND since < 2 * 86400000000
                AND value IS NOT NULL) AS day_1,
            bool_or(since >= 7 * 86400000000 AND since < 8 * 86400000000) AS day_7,
            bool_or(since >= 14 * 86400000000) AS week_2,
            count(value) FILTER (since >= 0) AS events,
            coalesce(sum(value) FILTER (since >= 0), 0) AS revenue,
            coalesce(sum(value) FILTER (since < 0), 0) AS before,
            min(since) FILTER (since >= 0
                AND (next IS NULL OR next - since >= 7 * 86400000000)) AS gap
        FROM ordered GROUP BY customer
    ), outcomes AS (
        SELECT variant, coalesce(plan, '') AS plan, coalesce(country, '') AS country,
            epoch_us($cutoff::TIMESTAMPTZ) - seen AS followed, per.*
        FROM first JOIN per USING (customer) LEFT JOIN sent USING (customer)
    ), caps AS (
        SELECT quantile_cont(revenue, 0.99) AS cap,
            quantile_cont(before, 0.99) AS cap_before,
            quantile_cont(events, 0.999) AS cap_events
        FROM outcomes WHERE followed >= 21 * 86400000000
    )
    SELECT variant, plan, country, count(*) AS n,
        count(*) FILTER (day_1), count(*) FILTER (day_7), count(*) FILTER (week_2),
        count(*) FILTER (events >= 3),
        count(*) FILTER (gap <= 14 * 86400000000),
        sum(least(events, cap_events)), sum(least(events, cap_events) ** 2),
        min(events), max(events),
        sum(least(revenue, cap)), sum(least(revenue, cap) ** 2),
        sum(least(before, cap_before)), sum(least(before, cap_before) ** 2),
        sum(least(revenue, cap) * least(before, cap_before)),
        sum(revenue), sum(revenue ** 2), min(revenue), max(revenue),
        sum(events), sum(events * events), sum(revenue * events)
    FROM outcomes, caps WHERE followed >= 21 * 86400000000
    GROUP BY variant, plan, country
"""


def measure() -> list[Figure]:
    """Measure eight metrics by five segments beside SQL by hand, and the estimates.

    Returns:
        The figures.

    Raises:
        AssertionError: the two do not agree.
    """
    millions = f"{CUSTOMERS / 1_000_000:g} M customers"
    with tempfile.TemporaryDirectory() as folder:
        fill(EventStore(settings_of(folder)), CUSTOMERS, with_amounts=True)
        by_hand, tables, ours = [], [], []
        for _ in range(TIMES):  # in turn, so that all meet the same machine
            by_hand.append(alone(_by_hand, folder))
            tables.append(alone(_tables, folder))
            ours.append(alone(_by_abide, folder))
        limit, table, quickest = best(by_hand), best(tables), best(ours)
        for found in (table, quickest):
            _agree(limit.answer, found.answer)
        estimates = alone(_estimates, folder)
    what = f"{millions} x 10 events, 8 metrics, 5 segments, a covariate"
    return [
        figure(
            f"analysis of {what}",
            quickest.seconds,
            "s",
            limit=limit.seconds,
            at_most=1.3,
        ),
        figure(
            f"tables of {what}", table.seconds, "s", limit=limit.seconds, at_most=1.3
        ),
        figure(f"peak memory of {what}", quickest.peak_mib, "MiB", at_most=1024),
        figure(f"peak memory by hand of {what}", limit.peak_mib, "MiB"),
        figure(f"estimates of {what}", estimates.answer * 1000, "ms", at_most=200),
    ]


def _agree(by_hand: dict[str, Any], ours: dict[str, Any]) -> None:
    for name, value in by_hand.items():
        if abs(ours[name] - value) > 1e-9 * abs(value):
            msg = f"{name}: Abide found {ours[name]}, SQL by hand {value}"
            raise AssertionError(msg)


def _by_hand(files: Files, _scratch: Path) -> dict[str, Any]:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")
    given = {"files": list(files), "cutoff": CUTOFF}
    rows = connection.execute(SQL, given).fetchall()
    found: dict[str, Any] = {}
    for variant in ("control", "treatment"):
        for label, rule in {EVERYBODY: {}, **SPLITS}.items():
            here = [
                row
                for row in rows
                if row[0] == variant
                and rule.get("plan", row[1]) == row[1]
                and rule.get("country", row[2]) == row[2]
            ]
            total = [sum(row[i] for row in here) for i in range(3, 25)]
            n, revenue = total[0], total[10]
            spread = total[14] - revenue * total[12] / n
            found |= {
                f"{variant} {label} {name}": value
                for name, value in (
                    ("n", n),
                    ("day_7", total[2]),
                    ("churn", total[5]),
                    ("three", total[4]),
                    ("mean", revenue / n),
                    ("cross", spread),
                )
            }
    return found


class _Untraced(Cohort):
    """Customers of whom nobody asks how far those of a day and source came."""

    _traced = ()


def _by_abide(files: Files, scratch: Path) -> dict[str, Any]:
    return _found(_summaries(_plan(), files, scratch))


def _tables(files: Files, scratch: Path) -> dict[str, Any]:
    return _found(_summaries(_plan(), files, scratch, _Untraced))


def _found(summaries: Summaries) -> dict[str, Any]:
    """Read off what both ways must agree on."""
    cells = {
        (cell.metric, cell.variant, cell.segment): cell for cell in summaries.cells
    }
    found: dict[str, Any] = {}
    for variant in ("control", "treatment"):
        for label in (EVERYBODY, *SPLITS):
            here: dict[str, Any] = {
                key: cells[key, variant, label] for key in _metrics()
            }
            vector = here["revenue"].amounts.vector
            found |= {
                f"{variant} {label} {name}": value
                for name, value in (
                    ("n", here["day_7"].summary.n),
                    ("day_7", here["day_7"].summary.successes),
                    ("churn", here["churn"].summary.successes),
                    ("three", here["three"].summary.successes),
                    ("mean", vector.mean[0]),
                    ("cross", vector.m2[0][1]),
                )
            }
    return found


def _estimates(files: Files, scratch: Path) -> float:
    """Tell how long the estimates take alone, once their modules are there."""
    plan = _plan()
    summaries = _summaries(plan, files, scratch)
    times = []
    for _ in range(3):
        began = time.perf_counter()
        estimating.estimate(plan, summaries, tuple(SPLITS))
        times.append(time.perf_counter() - began)
    return min(times)


def _summaries(
    plan: Plan, files: Files, scratch: Path, cohort_of: type[Cohort] = Cohort
) -> Summaries:
    bounds = Bounds(as_of=CUTOFF + timedelta(days=60), data_cutoff=CUTOFF)
    found = summarise_events(
        plan, files, bounds, scratch, with_makeup=False, cohort_of=cohort_of
    )
    if found.failed:
        msg = f"metrics failed: {found.failed}"
        raise AssertionError(msg)
    return found


def _plan() -> Plan:
    return plan_of(_metrics(), CUSTOMERS, SPLITS)


def _metrics() -> dict[str, MetricDefinition]:
    gap = MetricDefinition(
        MetricKind.CHURN, Direction.DECREASE, ("Opened",), day=14, gap_days=7
    )
    return {
        "day_1": _of(MetricKind.RETENTION, 1, 1),
        "day_7": _of(MetricKind.RETENTION, 7, 1),
        "week_2": _of(MetricKind.RETENTION, 14, 7),
        "three": _of(MetricKind.EVENT_SHARE, at_least=3),
        "churn": gap,
        "events": _of(MetricKind.EVENT_COUNT, cap_share=0.999),
        "revenue": _of(
            MetricKind.VALUE_SUM, unit="EUR", cap_share=0.99, covariate_days=14
        ),
        "per_visit": _of(
            MetricKind.RATIO,
            unit="EUR",
            amount=Amount.SUM,
            per_events=("Opened",),
            per_amount=Amount.COUNT,
        ),
    }


def _of(
    kind: MetricKind,
    day: int = 0,
    window_days: int = 21,
    **more: Any,  # noqa: ANN401
) -> MetricDefinition:
    return MetricDefinition(
        kind,
        Direction.INCREASE,
        ("Opened",),
        day=day,
        window_days=window_days,
        **more,
    )
