"""Metrics of stages week by week: read once, when every outcome of a week is known."""

import math
from pathlib import Path

import pytest

from analysis import leases, scheduler, week_due
from analysis.stage_health import Week, health_by_metric
from analysis.stage_view import view_of
from analysis.store import EventStore
from analysis.week_measuring import Data, measure_due, read_week
from experiments import journey, segments
from experiments.context import Context
from experiments.db import transaction
from experiments.plan import PlannedSegment
from tests import factories
from tests.analysis.event_files import at, retention, time_to_churn
from tests.analysis.stored_events import put
from tests.analysis.test_baselines import NOW, customers
from tests.clock import FakeClock

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def now() -> FakeClock:
    clock = FakeClock()
    clock.time = NOW
    return clock


def stage_with(context: Context, *metrics: str) -> None:
    with transaction(context.sessions) as session:
        journey.save_stage(
            session,
            key="renewal",
            name="Renewal",
            position=1,
            health_metrics=metrics,
            actor=factories.make_actor(session, "Ida"),
            now=NOW,
        )


def health(context: Context) -> tuple[Week, ...]:
    with transaction(context.sessions) as session:
        return health_by_metric(session)["retained"].weeks


@pytest.mark.usefixtures("context")
def test_week__of_customers_first_seen_in_it__is_counted_as_a_result_is(
    tmp_path: Path,
) -> None:
    data = Data([customers().write(tmp_path)], NOW, tmp_path)
    found = read_week({"kept": retention(7)}, at(70), data, at(100))
    # Days 70 to 76: of each ten customers seven, three of which came back.
    share = 3 / 7
    error = math.sqrt(share * (1 - share) / 56)
    assert list(found["kept", ""]) == pytest.approx([56, share, error])
    # On day 83 the week is not known: who has not come back may still.
    assert read_week({"kept": retention(7)}, at(76), data, at(80)) == {}
    assert read_week({"kept": retention(7)}, at(70), data, None) == {}


@pytest.mark.usefixtures("context")
def test_week__of_a_segment__counts_those_who_were_in_it_when_they_came(
    tmp_path: Path,
) -> None:
    data = Data([customers().write(tmp_path)], NOW, tmp_path)
    segments = {
        "pros": PlannedSegment("pros", 1, "Pros", {"plan": "pro"}),
        "few": PlannedSegment("few", 1, "Few", {"plan": "trial"}),
    }
    found = read_week({"kept": retention(7)}, at(70), data, at(100), segments)
    # By hand: of each twenty customers 0, 1, 4, 5, 12, 13 and 16 are pros who came in
    # these days, and 1, 5 and 13 came back.
    share = 3 / 7
    error = math.sqrt(share * (1 - share) / 28)
    assert list(found["kept", "pros"]) == pytest.approx([28, share, error])
    assert list(found) == [("kept", ""), ("kept", "pros")]  # nobody is on trial


def test_measure_due__segment_of_a_hypothesis__is_read_and_again_with_a_new_rule(
    context: Context, now: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(week_due, "WEEKS", 4)
    with transaction(context.sessions) as session:
        actor = factories.make_actor(session, "Ada")
        factories.make_metric(session, "retained", definition=retention(7))
        factories.make_segment(session, "pros", condition={"plan": "pro"})
        factories.make_segment(session, "all", condition={})
        for key in ("pros", "all"):
            factories.make_hypothesis(
                session, actor, now=NOW, key=key, segment=key, metric="retained"
            )
    put(EventStore(context.settings), customers().rows)
    stage_with(context, "retained")
    assert measure_due(context) == 8  # four weeks of everybody and of the pros
    assert measure_due(context) == 0
    with transaction(context.sessions) as session:
        stage = journey.get(session, "renewal")
        (metric,) = view_of(session, stage, NOW).metrics
        assert [group.segment for group in metric.groups] == ["", "pros"]
        everybody, pros = (group.health.weeks for group in metric.groups)
        assert (
            10
            <= sum(week.customers for week in pros)
            < sum(week.customers for week in everybody)
        )
        segments.add_version(session, "pros", {"plan": "free"}, actor=actor, now=NOW)
    assert measure_due(context) == 4
    now.advance(hours=2)
    assert measure_due(context) == 0


def test_measure_due__stage_with_metrics__reads_each_week_once(
    context: Context, now: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(week_due, "WEEKS", 5)
    with transaction(context.sessions) as session:
        factories.make_metric(session, "retained", definition=retention(7))
        factories.make_metric(session, "time", definition=time_to_churn())
    put(EventStore(context.settings), customers().rows)
    assert measure_due(context) == 0  # no stage asks for any
    stage_with(context, "retained", "time")
    with leases.held(context, leases.ANALYSIS):
        assert measure_due(context) == 0  # an analysis has the store
    read: list[int] = []
    for _ in range(3):
        scheduler.read_weeks(context, lambda: read.append(measure_due(context)))
    assert read == [4, 1]  # a few at a time; then nothing is due
    weeks = health(context)
    # Who is seen in two weeks counts in both.
    assert sum(week.customers for week in weeks) > 80
    assert all(week.starts_at.weekday() == 0 for week in weeks)
    now.advance(days=7)
    assert measure_due(context) == 1
    # A week nobody was seen in is read again only when events have come.
    now.advance(hours=2)
    assert measure_due(context) == 0
