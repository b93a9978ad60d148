"""How the customers of the variants are made up, counted from events."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from analysis.bounds import Bounds
from analysis.makeup import PACE, Makeup
from analysis.stats.prior_balance import TraitSums
from analysis.warehouse import summarise_events
from experiments.metric_definition import MetricDefinition
from experiments.plan import Plan
from experiments.vocabulary import Direction, MetricKind, Unit
from tests.analysis.event_files import EventFile, at, plan_of, pseudonym, retention

PLUS = {"plus": {"plan": "plus"}}
SPENT = MetricDefinition(
    MetricKind.VALUE_SUM,
    Direction.INCREASE,
    events=("Bought",),
    window_days=7,
    unit="EUR",
)


def makeup_of(folder: Path, events: EventFile, plan: Plan) -> Makeup:
    bounds = Bounds(as_of=at(40), data_cutoff=at(40))
    file = events.write(folder)
    return summarise_events(plan, [file], bounds, folder / "scratch").makeup


def test_makeup__customers__by_segment_source_and_delay(tmp_path: Path) -> None:
    events = EventFile()
    for who, variant, source, late in (
        ("ann", "control", "web", timedelta()),
        ("bob", "control", "web", timedelta(seconds=9.9)),
        ("cyd", "control", "app", timedelta(minutes=5)),
        ("dan", "treatment", "web", timedelta(hours=1)),
        ("eve", "treatment", "app", timedelta(days=2)),
    ):
        when = at(2)
        events.exposed(who, variant, when, source=source, received_at=when + late)
        # A later exposure through another source changes nothing.
        events.exposed(who, variant, at(3), source="mail", received_at=at(3))
    events.traits("ann", 0, plan="plus").traits("bob", 0, plan="basic")
    events.traits("dan", 0, plan="plus").traits("eve", 3, plan="plus")  # after it

    found = makeup_of(tmp_path, events, plan_of({"r": retention()}, breakdowns=PLUS))

    assert found.by_segment == {"plus": {"control": 1, "treatment": 1}}
    assert found.by_source == {
        "app": {"control": 1, "treatment": 1},
        "web": {"control": 2, "treatment": 1},
    }
    # Classes: to 10 s, 1 min, 10 min, 1 h, 1 day, later.
    assert found.delays == {
        "control": (2, 0, 1, 0, 0, 0),
        "treatment": (0, 0, 0, 0, 1, 1),
    }
    assert found.people == {"control": 3, "treatment": 2}
    assert found.fast == {"control": 0, "treatment": 0}


def test_makeup__what_was_before__in_binary_digits(tmp_path: Path) -> None:
    events = EventFile()
    for who, variant in (("ann", "control"), ("bob", "control"), ("cyd", "treatment")):
        events.exposed(who, variant, at(1))
    # Three within 28 days: 2 digits. A day too early, at, and after exposure: not.
    events.active("ann", 0, -5, -27, -27.5, 1, 2)
    events.active("bob", 0.9)  # one: 1 digit
    for value in (4.0, 3.5, float("nan")):  # 750 cents: 10 digits; three: 2 digits
        events.active("bob", -1, name="Bought", value=value)
    events.active("cyd", -1, name="Bought", value=-0.01)  # one cent: 1 digit

    found = makeup_of(
        tmp_path, events, plan_of({"r": retention(), "spent": SPENT}, breakdowns=PLUS)
    )

    assert found.traits == (
        "Opened before",
        "Bought before",
        "amount of Bought before",
        "segment plus",
    )
    # Sums, and products of each with itself and those after it, by hand:
    # ann (2, 0, 0, 0), bob (1, 2, 10, 0); cyd (0, 1, 1, 0).
    assert found.before == {
        "control": TraitSums(2, (3, 2, 10, 0), (5, 2, 10, 0, 4, 20, 0, 100, 0, 0)),
        "treatment": TraitSums(1, (0, 1, 1, 0), (0, 0, 0, 0, 1, 1, 0, 1, 0, 0)),
    }


@pytest.mark.parametrize(("events_an_hour", "fast"), [(PACE - 1, 0), (PACE, 1)])
def test_makeup__customer_with_many_events__is_no_person_from_a_pace_on(
    tmp_path: Path, events_an_hour: int, fast: int
) -> None:
    events = EventFile().exposed("ann", "control").exposed("bot", "treatment")
    second = 1 / 86_400
    events.active("bot", *(1 + i * second for i in range(events_an_hour)))
    events.active("bot", 1.5)  # in another hour
    events.active("ann", *(1 + i / 24 for i in range(24)))

    found = makeup_of(tmp_path, events, plan_of({"r": retention()}))

    assert found.fast == {"control": 0, "treatment": fast}


def test_makeup__accounts__are_told_by_their_first_customer(tmp_path: Path) -> None:
    events = EventFile()
    for who, account, variant, day, source in (
        ("ann", "acme", "control", 1, "web"),
        ("bob", "acme", "control", 2, "app"),
        ("cyd", "bolt", "treatment", 1, "app"),
    ):
        events.exposed(who, variant, at(day), account=pseudonym(account), source=source)
        events.traits(who, 0, plan="plus").active(who, 0.5)
    plan = plan_of({"r": retention()}, breakdowns=PLUS)
    plan = replace(plan, design=replace(plan.design, unit=Unit.ACCOUNT))

    found = makeup_of(tmp_path, events, plan)

    assert found.by_source == {
        "app": {"control": 0, "treatment": 1},
        "web": {"control": 1, "treatment": 0},
    }
    assert found.by_segment == {"plus": {"control": 1, "treatment": 1}}
    assert {name: sums.n for name, sums in found.before.items()} == {
        "control": 1,
        "treatment": 1,
    }
    assert found.people == {"control": 2, "treatment": 1}


def test_makeup__nobody__zeros(tmp_path: Path) -> None:
    found = makeup_of(tmp_path, EventFile(), plan_of({"r": retention()}))

    assert (found.by_segment, found.by_source) == ({}, {})
    assert found.delays == dict.fromkeys(("control", "treatment"), (0,) * 6)
    assert found.before == dict.fromkeys(("control", "treatment"), TraitSums(0, (), ()))
    assert found.fast == {"control": 0, "treatment": 0}
