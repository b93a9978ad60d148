"""What the doors have assigned is counted by customer, roughly; nothing gets lost."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from analysis.compactor import compact_once
from experiments import assigned_counts, reconciled_days, sketch
from experiments.assigned_counts import Tally
from experiments.assigned_view import Assigned, assigned_until
from experiments.assignment import assign_all
from experiments.context import Context
from experiments.db import transaction
from experiments.errors import Unavailable
from experiments.inbox import Inbox
from experiments.models import AssignedDay
from tests.analysis.intake import events, sources
from tests.clock import FakeClock
from tests.rulesets import entry, ruleset_of
from tests.waiting import wait_until

RULESET = ruleset_of(
    [
        entry("half", coverage=0.5),
        entry("plain"),
        entry("teams", hash_attribute="company"),
    ]
)


@pytest.fixture
def inbox(context: Context) -> Iterator[Inbox]:
    opened = Inbox.for_settings(context.settings)
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def _no_minute_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assigned_counts, "RECORD_SECONDS", 1000.0)


def ask(tally: Tally, who: str, key: str = "key1") -> int:
    """Ask for all experiments; say how many the customer is in."""
    attributes = {"company": "one"}
    given = assign_all(RULESET.together, who, attributes)
    tally.note(key, RULESET, who, attributes, given)
    return sum(one.in_experiment for one in given)


@pytest.mark.parametrize("count", [0, 1, 100, 5000, 20_000, 60_000])
def test_sketch__of_any_size__is_within_four_standard_deviations(count: int) -> None:
    # 1.04 / sqrt(4096) = 1.6 % is the error of HyperLogLog (Flajolet et al. 2007).
    halves = [sketch.new(), sketch.new()]
    for i in range(count):
        for half in halves if i % 3 == 0 else [halves[i % 2]]:  # a third is in both
            sketch.note(half, *sketch.place_of(f"customer-{i}"))
    sketch.merge(halves[0], sketch.unpack(sketch.pack(halves[1])))
    assert sketch.estimate(halves[0]) == pytest.approx(count, rel=4 * 0.01625)


def test_counts__reach_the_database__by_phase_variant_key_and_day(
    context: Context, now: FakeClock, inbox: Inbox
) -> None:
    processes = [Tally(inbox, now, "k"), Tally(inbox, now, "k")]
    inside = 0
    for i in range(60):
        for tally in processes:  # the same customers ask both
            inside += ask(tally, f"customer-{i}")
    ask(processes[0], "customer-60", key="key2")
    for tally in processes:
        tally.record()
        tally.record()  # nothing new
    compact_once(context)
    compact_once(context)
    with transaction(context.sessions) as session:
        tomorrow = now() + timedelta(days=1)
        plain, half, teams = (
            assigned_until(session, key, 1, tomorrow).by_variant
            for key in ("plain", "half", "teams")
        )
        places = assigned_until(session, "plain", 1, tomorrow).by_place
        days = reconciled_days.by_day(session, "plain", now())
        assert assigned_until(session, "plain", 2, tomorrow) == Assigned()
        today = now().replace(hour=0, minute=0, second=0, microsecond=0)
        assert assigned_until(session, "plain", 1, today) == Assigned()
    assert sum(plain.values()) == 61
    assert places == {(now().date(), "key1"): 60, (now().date(), "key2"): 1}
    assert 10 < sum(half.values()) < 50
    assert sum(teams.values()) == 1  # one company, however many of its people
    first = [day for day in days if day.source == "key1"]
    assert {day.variant for day in first} == {"control", "treatment"}
    assert sum(day.evaluation_count or 0 for day in first) == 120
    assert sum(day.assigned_count or 0 for day in first) == 60
    assert {day.exposure_count for day in days} == {0}
    # The doors are no source of events: nothing waits for them, nothing came of them.
    assert sources(context) == []
    assert events(context) == []


def test_counts__that_cannot_be_stored__come_with_the_next(
    context: Context, now: FakeClock, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    tally = Tally(inbox, now, "k")
    ask(tally, "customer-1")

    def refuse(_: object) -> None:
        raise Unavailable("The disk is away.")

    with monkeypatch.context() as patched:
        patched.setattr(inbox, "append", refuse)
        tally.record()
    ask(tally, "customer-1")
    ask(tally, "customer-2")
    tally.record()
    compact_once(context)
    with transaction(context.sessions) as session:
        days = reconciled_days.by_day(session, "plain", now())
    assert sum(day.evaluation_count or 0 for day in days) == 3
    assert sum(day.assigned_count or 0 for day in days) == 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_customers__estimated_above_what_was_asked__are_as_many_as_asked(
    context: Context, now: FakeClock
) -> None:
    # Every register stands at 1: some 5,900 customers (4,096 / ln 2).
    much = sketch.pack(bytearray([1]) * sketch.REGISTERS)
    place = {"experiment": "plain", "phase": 1, "variant": "control", "source": "k"}
    with transaction(context.sessions) as session:
        session.add(
            AssignedDay(**place, day_at=now(), evaluation_count=100, customers=much)
        )
        session.flush()
        (day,) = reconciled_days.by_day(session, "plain", now())
    assert (day.assigned_count, day.evaluation_count) == (100, 100)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_counts__after_a_minute__hand_themselves_over(
    context: Context, now: FakeClock, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assigned_counts, "RECORD_SECONDS", 0.05)
    tally = Tally(inbox, now, "k")

    wanted = 0

    def are_counted() -> bool:
        compact_once(context)
        with transaction(context.sessions) as session:
            days = reconciled_days.by_day(session, "plain", now())
        return sum(day.evaluation_count or 0 for day in days) == wanted

    for who in ("customer-1", "customer-2"):  # each begins a new minute
        ask(tally, who)
        wanted += 1
        wait_until(are_counted, seconds=30.0)
