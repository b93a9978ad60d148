"""What metrics were over customers of late: read as results are, for planning."""

import math
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from analysis import leases, scheduler
from analysis.baseline_measuring import measure, measure_due
from analysis.baselines import Baseline, baseline_from_json, known_baseline, part_of
from analysis.plan_basis import lacks, spread_of
from analysis.stats.arrivals import Arrivals
from analysis.store import EventStore
from experiments import metrics
from experiments.context import Context
from experiments.db import transaction
from experiments.metric_definition import USUAL_DIRECTION, MetricDefinition
from experiments.plan import PlannedSegment
from experiments.vocabulary import Amount, Direction, MetricKind
from tests import factories
from tests.analysis.event_files import (
    EventFile,
    at,
    churn,
    csat,
    retention,
    time_to_churn,
)
from tests.analysis.stored_events import put
from tests.clock import FakeClock

NOW = at(101)  # the last event is of day 100, so outcomes are known up to then
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def paying(kind: MetricKind, **fields: object) -> MetricDefinition:
    plain = MetricDefinition(
        kind,
        USUAL_DIRECTION.get(kind, Direction.INCREASE),
        events=("Paid",),
        day=0,
        window_days=10,
    )
    return replace(plain, **fields)  # type: ignore[arg-type]  # fields of any type


KINDS = {
    "retained": retention(7),
    "churned": churn(),
    "time": time_to_churn(),
    "csat": csat(),
    "satisfied": replace(csat(), kind=MetricKind.CSAT_SHARE),
    "paid": paying(MetricKind.VALUE_SUM, covariate_days=60),
    "payments": paying(MetricKind.EVENT_COUNT),
    "per_visit": paying(MetricKind.RATIO, amount=Amount.SUM, per_events=("Opened",)),
    "median": paying(MetricKind.VALUE_QUANTILE, amount=Amount.SUM),
    "leave": paying(
        MetricKind.TIME_TO_CANCELLATION,
        events=("Cancelled",),
        competing_events=("Failed",),
        day=10,
    ),
    "left": paying(
        MetricKind.CANCELLATION,
        events=("Cancelled",),
        competing_events=("Failed",),
        day=10,
    ),
}


def customers(count: int = 80) -> EventFile:
    """All are first seen in days 70 to 79, which every window of four weeks has."""
    events = EventFile().active("early", 5)
    for number in range(count):
        who, first = f"customer-{number}", 70 + number % 10
        events.active(who, first)
        events.traits(who, 50, plan="pro" if number % 4 < 2 else "free")
        if number % 2:
            events.active(who, first + 7.5)
        if number % 10 == 3:  # stays
            events.active(who, *(first + 3 * n for n in range(1, 6)))
        amount = float(10 * (1 + number % 4))
        events.active(who, first + 2, name="Paid", value=amount)
        events.active(who, first - 45, name="Paid", value=amount)
        if number % 8 == 5:
            events.active(who, first + 3, name="Paid", value=0.0)
        if number % 4 == 0:
            events.answered(who, first + 3, 3 + number % 3)
        if number % 8 == 1:
            events.active(who, first + 4.5, name="Cancelled")
        if number % 8 == 2:
            events.active(who, first + 1.5, name="Failed")
    return events.active("last", 100)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Baseline]]:
    folder: Path = tmp_path_factory.mktemp("baselines")
    pros = {"pros": PlannedSegment("pros", 3, "Pros", {"plan": "pro"})}
    read = measure(KINDS, pros, [customers().write(folder)], NOW, folder)
    return {
        key: {s: baseline_from_json(body, s, NOW) for s, body in by_segment.items()}
        for key, by_segment in read.items()
    }


@pytest.mark.parametrize("key", list(KINDS))
def test_every_kind__enough_customers__all_that_a_size_needs(
    key: str, found: dict[str, dict[str, Baseline]]
) -> None:
    basis = found[key][""].basis

    assert lacks(KINDS[key], basis) is None
    assert (spread_of(KINDS[key], basis) or 0) > 0


def test_share__of_customers_of_four_weeks__counted_as_a_result_is(
    found: dict[str, dict[str, Baseline]],
) -> None:
    # Day 100 less 8 days to maturity, and four weeks before; every other came back.
    baseline = found["retained"][""]

    source = baseline.basis.source
    assert source is not None
    assert (source.since, source.until) == (at(64), at(92))
    assert baseline.seen == source.customers == 80
    # Of the eight weeks from day 44 on: eight customers each day from day 70 to 79, of
    # which the fourth week, to day 71, has two, the fifth seven, the sixth one.
    assert baseline.arrivals == Arrivals((0, 0, 0, 16, 56, 8, 0, 0), 0)
    assert baseline.account_arrivals is None
    assert baseline.basis.value == pytest.approx(0.5)


def test_answers__of_a_quarter__spread_and_response(
    found: dict[str, dict[str, Baseline]],
) -> None:
    # Scores 3, 4, 5 in turn.
    basis = found["csat"][""].basis

    scores = [3 + number % 3 for number in range(0, 80, 4)]
    mean = sum(scores) / 20
    sd = math.sqrt(sum((score - mean) ** 2 for score in scores) / 19)
    assert basis.counted_share == pytest.approx(0.25)
    assert basis.value == pytest.approx(mean)
    assert basis.sd == pytest.approx(sd)


def test_amounts__as_before__are_explained_by_what_came_before(
    found: dict[str, dict[str, Baseline]],
) -> None:
    # Everybody pays what they paid before: all but 1 is explained, and no sample says
    # so much that a plan may believe it.
    basis = found["paid"][""].basis

    assert basis.correlation == 0.99
    assert found["payments"][""].basis.correlation == 0


def test_competing_causes__failed_payments__are_not_taken_for_lost_from_sight(
    found: dict[str, dict[str, Baseline]],
) -> None:
    # Of 80 customers 10 cancelled within ten days, 10 others' payments failed before:
    # cumulative incidence 1/8, where Kaplan-Meier would say 10 of 70.
    assert found["left"][""].basis.value == pytest.approx(10 / 80)
    assert found["leave"][""].basis.value == pytest.approx(70 / 80)


def test_segment__half_of_the_customers__read_apart(
    found: dict[str, dict[str, Baseline]],
) -> None:
    pros = found["csat"]["pros"]

    assert pros.seen == 40
    assert pros.basis.source is not None
    assert pros.basis.source.segment == "pros"
    assert pros.basis.counted_share == pytest.approx(0.5)


@pytest.mark.parametrize("count", [0, 3])
def test_measure__nobody_or_too_few__nothing_is_known(
    count: int, tmp_path: Path
) -> None:
    files = [customers(count).write(tmp_path)] if count else []

    assert measure({"retained": retention(7)}, {}, files, NOW, tmp_path) == {
        "retained": {}
    }


@pytest.fixture
def now() -> FakeClock:
    clock = FakeClock()
    clock.time = NOW
    return clock


def read_now(context: Context) -> Baseline | None:
    with transaction(context.sessions) as session:
        version = metrics.get(session, "retained").versions[-1]
        return known_baseline(session, version, "", 0)


def test_measure_due__new_metric__is_read_once_and_again_when_defined_anew(
    context: Context, now: FakeClock
) -> None:
    with transaction(context.sessions) as session:
        factories.make_metric(session, "retained", definition=retention(7))
        factories.make_segment(session, "pros", condition={"plan": "pro"})
    put(EventStore(context.settings), customers().rows)
    due_at = NOW - timedelta(hours=3)

    assert read_now(context) is None
    scheduler.read_baselines(context, lambda due: measure_due(context, due))
    assert measure_due(context, due_at) == 0
    found = read_now(context)

    assert found is not None
    assert found.measured_at == NOW
    assert found.basis.value == pytest.approx(0.5)
    with transaction(context.sessions) as session:
        version = metrics.get(session, "retained").versions[-1]
        assert part_of(session, version, "pros", 1) == pytest.approx(0.5)
        assert part_of(session, version, "pros", 2) is None
        actor = factories.make_actor(session, "Ida")
        metrics.add_version(session, "retained", retention(3), actor=actor, now=now())
    assert read_now(context) is None
    assert measure_due(context, due_at) == 1
    assert read_now(context) is not None


@ON_SQLITE
def test_measure_due__while_an_analysis_holds_the_store__waits(
    context: Context, now: FakeClock
) -> None:
    with transaction(context.sessions) as session:
        factories.make_metric(session, "retained", definition=retention(7))
    with leases.held(context, leases.ANALYSIS):
        assert measure_due(context, now()) == 0
    assert measure_due(context, now()) == 1
    assert read_now(context) is None  # there are no events
