"""Segment sizes are counted when they are due, and stored with their past."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from analysis import leases, scheduler, segment_sizes
from analysis.segment_measuring import measure_due, week_ends
from analysis.segment_sizes import SizeView
from analysis.store import EventStore
from experiments import segments
from experiments.actors import SYSTEM
from experiments.context import Context
from experiments.db import transaction
from experiments.models import SegmentCount
from experiments.vocabulary import PersonRole
from tests import factories
from tests.analysis.event_files import EventFile, at
from tests.analysis.stored_events import put
from tests.clock import FakeClock

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
# A Wednesday; the Monday before is day 200 of 2026, 20 July.
NOW = at(202, hours=9)


@pytest.fixture
def now() -> FakeClock:
    clock = FakeClock()
    clock.time = NOW
    return clock


def define(context: Context, key: str, condition: dict[str, object]) -> None:
    with transaction(context.sessions) as session:
        factories.make_segment(session, key, condition=condition)


def size_of(context: Context, key: str) -> SizeView | None:
    with transaction(context.sessions) as session:
        version = segments.get(session, key).versions[-1]
        return segment_sizes.latest(session, [version]).get(version.id)


def events_of_pro_customers(count: int, first_day: float) -> EventFile:
    events = EventFile()
    for number in range(count):
        events.traits(f"pro-{number}", first_day, plan="pro")
    return events


def test_week_ends__any_moment__twelve_mondays_oldest_first() -> None:
    ends = week_ends(NOW)
    assert len(ends) == 12
    assert ends[-1] == datetime.fromisoformat("2026-07-20T00:00:00+00:00")
    assert {end.weekday() for end in ends} == {0}
    assert week_ends(ends[-1]) == ends


def test_measure_due__segment_with_past_and_overlap__stored_and_read(
    context: Context,
) -> None:
    with transaction(context.sessions) as session:
        actor = factories.make_actor(session, role=PersonRole.ADMIN)
        factories.make_segment(session, condition={"plan": "pro"})
        begin = at(195)
        design = factories.design_value(planned_end_at=at(300))
        factories.start_experiment(session, actor, design, now=begin)
    # 20 customers are pro since day 150, 10 more and 10 free ones since day 190;
    # 12 of the pro ones were seen in the experiment, one of them before it began.
    events = events_of_pro_customers(20, 150)
    for number in range(10):
        events.traits(f"new-{number}", 190, plan="pro")
        events.traits(f"free-{number}", 190, plan="free")
    for number in range(12):
        day = at(194) if number == 0 else at(196)
        events.exposed(f"pro-{number}", "nudge", day, experiment=design.key)
    put(EventStore(context.settings), events.rows)
    assert measure_due(context, NOW - timedelta(hours=3)) == 1
    found = size_of(context, factories.SEGMENT)
    assert found is not None
    assert (found.customers, found.everybody, found.known) == (30, 40, 40)
    assert found.measured_at == NOW
    [overlap] = found.overlaps
    assert (overlap.experiment, overlap.shared, overlap.seen) == (design.key, 30, 11)
    assert found.sentence == (
        "30 customers, 75 % of all, seen in the last 91 days; 37 % are in running"
        " experiments."
    )
    # Nobody was known before day 150 (31 May): the Mondays are days 151, 158, 165,
    # 172, 179 and 186 with 20, days 193 and 200 with 30, and today.
    assert found.chart is not None
    assert [row[1] for row in found.chart.table["rows"]] == ["20"] * 6 + ["30"] * 3
    assert found.chart.sentence == (
        "On 1 Jun 2026 there were 20; there are 50 % more now."
    )
    # What is stored is not counted again before it is due.
    assert measure_due(context, NOW - timedelta(hours=3)) == 0


@ON_SQLITE
def test_measure_due__new_version__is_counted_at_once_and_old_weeks_are_kept(
    context: Context, now: FakeClock
) -> None:
    define(context, "pros", {"plan": "pro"})
    put(EventStore(context.settings), events_of_pro_customers(3, 150).rows)
    due_at = NOW - timedelta(hours=3)
    assert measure_due(context, due_at) == 1
    with transaction(context.sessions) as session:
        segments.add_version(session, "pros", {"plan": "free"}, actor=SYSTEM, now=now())
    assert size_of(context, "pros") is None
    assert measure_due(context, due_at) == 1
    found = size_of(context, "pros")
    assert found is not None
    assert found.sentence == "None of 3 customers seen in the last 91 days is in it."
    # A week later only the new week is counted; the oldest one is forgotten.
    now.advance(days=7)
    assert measure_due(context, now()) == 1
    with transaction(context.sessions) as session:
        rows = session.scalars(
            select(SegmentCount).where(SegmentCount.segment_version_id == 2)
        ).all()
    assert sorted(row.at for row in rows) == week_ends(now())
    assert sum(row.measured_at == now() for row in rows) == 1


@ON_SQLITE
def test_measure_due__nothing_known_yet__tried_again_where_events_came(
    context: Context, now: FakeClock
) -> None:
    define(context, "pros", {"plan": "pro"})
    due_at = NOW - timedelta(hours=3)
    assert measure_due(context, due_at) == 1
    found = size_of(context, "pros")
    assert found is not None
    assert not found.is_known
    assert found.sentence == "No customers have been seen in the last 91 days."
    now.advance(minutes=10)
    assert measure_due(context, due_at) == 0  # no events have come
    put(EventStore(context.settings), EventFile().active("a", 201).rows)
    assert measure_due(context, due_at) == 1
    found = size_of(context, "pros")
    assert found is not None
    assert found.sentence == (
        "The size is not known: plan has not been seen of any customer in the last 91"
        " days."
    )
    assert found.chart is None


@ON_SQLITE
def test_measure_due__analysis_holds_the_store__waits_for_the_next_minute(
    context: Context,
) -> None:
    define(context, "pros", {"plan": "pro"})
    with leases.held(context, leases.ANALYSIS):
        assert measure_due(context, NOW) == 0
    assert size_of(context, "pros") is None
    scheduler.measure_segments(context, lambda due: measure_due(context, due))
    assert size_of(context, "pros") is not None
