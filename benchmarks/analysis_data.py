"""What the benchmarks of the analysis share: stored events, a plan, a lone process."""

import json
import multiprocessing
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from analysis.delta import write_file
from analysis.event_rows import connect
from analysis.event_table import by_day
from analysis.store import EVENT_LAYOUT, EVENT_SCHEMA, EventStore
from experiments.config import Settings
from experiments.design import Design
from experiments.design_parts import MetricChoice, SegmentRef, VariantSpec
from experiments.hypothesis import Forecast, Hypothesis
from experiments.metric_definition import MetricDefinition
from experiments.plan import Plan, PlannedMetric, PlannedSegment
from experiments.vocabulary import (
    AssignedBy,
    Direction,
    Evidence,
    Goal,
    Lever,
    MonitoringMode,
    Role,
    Unit,
)

EVENTS_EACH = 10
ENROLMENT_DAYS, FOLLOWED_DAYS, EARLIER_DAYS = 14, 30, 15
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
CUTOFF = BEGAN + timedelta(days=ENROLMENT_DAYS + 25)
DAY = 86_400_000_000  # microseconds
MIB = 1024  # kilobytes
PLANS, COUNTRIES = ("free", "pro"), ("de", "fr", "it", "pl")

Files = Sequence[str]
Work = Callable[[Files, Path], Any]


class Run(NamedTuple):
    """How one measured run went."""

    seconds: float
    peak_mib: float
    answer: Any


def settings_of(folder: str) -> Settings:
    """Point at the store in `folder`."""
    return Settings(data_dir=Path(folder), database_url="sqlite://")


def best(runs: list[Run]) -> Run:
    """Give the quickest run."""
    return min(runs, key=lambda run: run.seconds)


def alone(work: Work, folder: str) -> Run:
    """Run in a fresh process, so that its peak of memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_timed, (work, folder))


def _timed(work: Work, folder: str) -> Run:
    """Measure the work alone: both sides get their files and modules beforehand."""
    files = EventStore(settings_of(folder)).files()
    scratch = Path(folder) / "scratch"
    with connect(scratch):
        pass
    began = time.perf_counter()
    answer = work(files, scratch)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB
    return Run(seconds, peak, answer)


def fill(store: EventStore, customers: int, *, with_amounts: bool = False) -> None:
    """Write events of as many customers, as the compactor leaves them.

    Args:
        store: empty.
        customers: how many; each has an exposure and `EVENTS_EACH` activities.
        with_amounts: activities have values and also come before the exposure; and
            each customer's attributes were sent an hour before it.
    """
    random = np.random.default_rng(20261121)
    ids = random.integers(0, 256, (customers, 16), dtype=np.uint8)
    exposed = random.integers(0, ENROLMENT_DAYS * DAY, customers)
    since = -EARLIER_DAYS * DAY if with_amounts else 0
    after = random.integers(since, FOLLOWED_DAYS * DAY, customers * EVENTS_EACH)
    everybody = np.arange(customers)
    who: list[Any] = [everybody, np.repeat(everybody, EVENTS_EACH)]
    times: list[Any] = [exposed, np.repeat(exposed, EVENTS_EACH) + after]
    kinds: list[Any] = [np.zeros(customers, np.int8), np.ones(len(after), np.int8)]
    if with_amounts:
        who.append(everybody)
        times.append(exposed - DAY // 24)
        kinds.append(np.full(customers, 2, np.int8))
    people, moments, sorts = (np.concatenate(one) for one in (who, times, kinds))
    order = np.argsort(moments, kind="stable")
    writer = store.writer()
    files = []
    for part in np.array_split(order, max(40, customers // 50_000)):
        rows = _rows(ids, people[part], moments[part], sorts[part])
        if with_amounts:
            rows = _valued(rows, ids[people[part]], random)
        files += [
            write_file(store.path, EVENT_LAYOUT, {"day": day.isoformat()}, one)
            for day, one in by_day(rows).items()
        ]
    writer.commit(files, {})


def _rows(customers: Any, who: Any, times: Any, kinds: Any) -> pa.Table:  # noqa: ANN401  # arrays
    n = len(who)
    ids = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(16), n, [None, pa.py_buffer(np.ascontiguousarray(customers[who]))]
    ).cast(pa.binary())
    start = int(BEGAN.timestamp()) * 1_000_000
    at = pa.array(times + start).cast(pa.timestamp("us", tz="UTC"))
    variants = np.where(customers[who][:, 15] % 2, "treatment", "control")
    is_exposure = kinds == 0
    columns: dict[str, pa.Array] = {
        "bucket": pa.array(customers[who][:, 0].astype(np.int16)),
        "environment": pa.repeat("production", n),
        "source": pa.repeat("app", n),
        "message_id": ids,
        "kind": pa.array(np.array(["exposure", "activity", "attributes"])[kinds]),
        "name": pa.array(np.array(["Experiment Viewed", "Opened", ""])[kinds]),
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


def _valued(rows: pa.Table, ids: Any, random: np.random.Generator) -> pa.Table:  # noqa: ANN401  # an array
    """Give activities a value in cents, and customers attributes by their id."""
    kinds = rows.column("kind").to_numpy(zero_copy_only=False)
    values = np.round(random.lognormal(3.0, 1.0, len(rows)), 2)
    values = pa.array(np.where(kinds == "activity", values, np.nan), from_pandas=True)
    texts = np.array(
        [
            json.dumps({"country": country, "plan": plan})
            for plan in PLANS
            for country in COUNTRIES
        ],
        dtype=object,
    )
    texts = texts[(ids[:, 1] % len(PLANS)) * len(COUNTRIES) + ids[:, 2] % 4]
    properties = pa.array(np.where(kinds == "attributes", texts, None), pa.string())
    for name, column in (("value", values), ("properties", properties)):
        rows = rows.set_column(rows.schema.get_field_index(name), name, column)
    return rows


def plan_of(
    metrics: Mapping[str, MetricDefinition],
    customers: int,
    splits: Mapping[str, Mapping[str, Any]] | None = None,
) -> Plan:
    """Plan an experiment that asks for these metrics, split by these segments.

    Args:
        metrics: key -> definition; the first one decides.
        customers: the planned size.
        splits: key of a segment -> its condition.

    Returns:
        The plan, as if it had been locked when the data began.
    """
    splits = splits or {}
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
        breakdowns=tuple(SegmentRef(key, 1) for key in splits),
        monitoring_mode=MonitoringMode.FIXED_END,
        planned_units=customers,
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
        lever=Lever.OTHER,
        **words,
    )
    return Plan(
        design=design,
        hypothesis=hypothesis,
        metrics=planned,
        segments=(
            PlannedSegment("everybody", 1, "Everybody", {}),
            *(PlannedSegment(key, 1, key, rule) for key, rule in splits.items()),
        ),
        salt="",
        phase=1,
        exposures_from=BEGAN,
        locked_at=BEGAN,
        pre_registered=False,
        reviewed=False,
        decision_rule="",
    )
