"""From assignment to outcome: a small world whose customers are counted by hand."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from analysis.bounds import Bounds
from analysis.cells import Summaries
from analysis.measures_survey import Survey
from analysis.trail import Place, Trail, from_json, to_json
from analysis.warehouse import summarise_events
from experiments.metric_definition import MetricDefinition
from experiments.vocabulary import Reached, Unit
from tests.analysis.event_files import (
    EventFile,
    at,
    csat,
    plan_of,
    pseudonym,
    retention,
)

WRONG = '{"assignment":"contradicts"}'
METRICS = {"r": retention(7), "c": csat(20, survey="care")}
FIRST, SECOND = date(2026, 1, 2), date(2026, 1, 3)


def trail_of(
    file: EventFile,
    folder: Path,
    metrics: Mapping[str, MetricDefinition],
    *,
    unit: Unit = Unit.CUSTOMER,
    cutoff: float = 40.0,
    **bounds: object,
) -> Trail:
    plan = plan_of(dict(metrics))
    plan = replace(plan, design=replace(plan.design, unit=unit))
    limits = Bounds(as_of=at(90), data_cutoff=at(cutoff), **bounds)  # type: ignore[arg-type]
    found = summarise_events(plan, [file.write(folder)], limits, folder / "scratch")
    return trail_in(found)


def trail_in(found: Summaries) -> Trail:
    assert found.trail is not None
    assert from_json(to_json(found.trail)) == found.trail
    return found.trail


def world() -> EventFile:
    """Fourteen customers of 2 January by the app, two of 3 January by the web."""
    file = EventFile()
    for who in (
        "active",
        "late-active",
        "answered",
        "asked",
        "silent",
        "elsewhere",
        "before",
        "anon-stranger",
        "anon-known",
        "listed",
    ):
        file.exposed(who, "control", at(1))
    file.exposed("both", "control", at(1)).exposed("both", "treatment", at(1.5))
    file.exposed("blue", "blue", at(1))
    file.exposed("wrong", "treatment", at(1), properties=WRONG)
    file.exposed("twice", "treatment", at(1.2)).exposed(
        "twice", "treatment", at(2), source="web"
    )
    file.exposed("web", "treatment", at(2.1), source="web").active("web", 5)
    file.exposed("young", "treatment", at(35), source="web")
    # Day 8 of the exposure is the last that retention reads.
    file.active("active", 3).active("late-active", 9.5).active("before", 0.5)
    file.active("twice", 8.9).active("both", 3).active("listed", 3)
    file.active("silent", 3, name="Clicked")
    file.asked("answered", 3, "care").answered("answered", 4, 5, "care")
    file.asked("asked", 3, "care")
    file.answered("elsewhere", 4, 5, "other")
    # An event of a customer whom nobody knows to be the stranger.
    file.active("nobody", 3).active("known", 3).linked("anon-known", "known", 5)
    # Exposed after the midnight that ends the count, and on no day at all.
    return file.exposed("today", "control", at(40.2)).exposed("early", "x", at(-1))


def test_trail__of_a_world_made_by_hand__adds_up(tmp_path: Path) -> None:
    trail = trail_of(
        world(), tmp_path, METRICS, cutoff=40.6, listed=(pseudonym("listed"),)
    )
    assert trail.until == at(40)
    assert trail.exposed == 16
    assert trail.analysed == 12  # without both, blue, wrong, listed
    assert trail.with_outcome == 5  # active, answered, twice, web, anon-known
    assert trail.differences == {
        Reached.TWO_VARIANTS: 1,
        Reached.WRONGLY_SHOWN: 1,
        Reached.UNKNOWN_VARIANT: 1,
        Reached.LISTED: 1,
        Reached.NOT_MATURE: 1,  # young: day 35 and 20 days of the guardrail
        Reached.NEVER_TIED: 1,
        Reached.NOT_ANSWERED: 1,
        Reached.NO_EVENT: 4,  # late-active, silent, elsewhere, before
    }
    assert trail.exposed == trail.with_outcome + sum(trail.differences.values())
    places = trail.by_place()
    assert {place: one.exposed for place, one in places.items()} == {
        Place(FIRST, "app"): 14,
        Place(SECOND, "web"): 1,
        Place(date(2026, 2, 5), "web"): 1,
    }
    assert [(one.analysed, one.with_outcome) for one in places.values()] == [
        (10, 4),
        (1, 1),
        (1, 0),
    ]


def test_trail__surveys_alone__an_invitation_is_no_outcome(tmp_path: Path) -> None:
    file = EventFile()
    for who in ("answered", "other-survey", "asked", "off-scale", "never", "after"):
        file.exposed(who, "control", at(1))
    file.answered("answered", 4, 5, "care").asked("answered", 3, "care")
    file.answered("other-survey", 4, 5, "other").asked("other-survey", 3, "other")
    file.asked("asked", 3, "care")
    file.asked("off-scale", 3, "care").answered("off-scale", 4, 9, "care", scale=10)
    file.answered("after", 21.5, 5, "care")  # 20 days are read
    trail = trail_of(file, tmp_path, {"c": csat(20, survey="care")})
    assert (trail.exposed, trail.analysed, trail.with_outcome) == (6, 6, 1)
    assert trail.differences == {
        Reached.NOT_ANSWERED: 2,  # asked, off-scale
        Reached.NEVER_ASKED: 3,
    }


def test_trail__events_of_the_last_day__wait_for_its_midnight(tmp_path: Path) -> None:
    file = EventFile()
    # Active at 01:00 on the day whose end has not come: not yet an outcome.
    for who in ("before", "after"):
        file.exposed(who, "control", at(1))
    file.active("before", 8).active("after", 8 + 1 / 24)
    metrics = {"r": retention(7)}
    early = trail_of(file, tmp_path, metrics, cutoff=8 + 23 / 24)
    assert (early.until, early.exposed, early.with_outcome) == (at(8), 2, 0)
    late = trail_of(file, tmp_path, metrics, cutoff=9)
    assert (late.until, late.exposed, late.with_outcome) == (at(9), 2, 2)


def test_trail__phase_size_and_links__each_left_out_once(tmp_path: Path) -> None:
    file = EventFile()
    for day, who in enumerate(("former", "previewed", "first", "second", "third")):
        file.exposed(who, "control", at(1 + day))
    file.exposed("former", "control", at(-5))
    for who in ("former", "previewed"):
        file.add("preview", who, at(1), experiment="exp", variant="control")
    trail = trail_of(
        file,
        tmp_path,
        {"r": retention(7)},
        earlier_from=at(-10),
        previews=True,
        size=2,
    )
    assert (trail.exposed, trail.analysed) == (5, 2)
    assert trail.differences == {
        Reached.EARLIER_PHASE: 1,
        Reached.PREVIEWED: 1,
        Reached.BEYOND_SIZE: 1,
        Reached.NO_EVENT: 2,
    }


def test_trail__accounts__come_as_far_as_their_furthest_customer(
    tmp_path: Path,
) -> None:
    file = EventFile()
    for who, variant, account, source in (
        ("ada", "control", "acme", "app"),
        ("bob", "control", "acme", "web"),
        ("cyd", "treatment", "globex", "web"),
        ("dot", "treatment", "initech", "app"),
        ("dot", "control", "initech", "app"),
    ):
        file.exposed(who, variant, at(1), account=pseudonym(account), source=source)
    # Eve saw treatment with Hooli, and control with Acme: nobody of Hooli is left.
    for account, variant, day in (("hooli", "treatment", 2), ("acme", "control", 3)):
        file.exposed("eve", variant, at(day), account=pseudonym(account))
    file.active("bob", 5)
    trail = trail_of(file, tmp_path, {"r": retention(7)}, unit=Unit.ACCOUNT)
    assert (trail.exposed, trail.analysed, trail.with_outcome) == (4, 2, 1)
    assert trail.differences == {
        Reached.TWO_VARIANTS: 1,
        Reached.MOVED: 1,
        Reached.NO_EVENT: 1,
    }
    # Of two first exposures at one moment, the source that is first by name.
    assert trail.by_place()[Place(FIRST, "app")].with_outcome == 1


def test_trail__metric_that_fails__outcomes_are_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("no such thing")

    monkeypatch.setattr(Survey, "gather", fail)
    trail = trail_of(world(), tmp_path, METRICS, listed=(pseudonym("listed"),))
    assert (trail.exposed, trail.analysed, trail.with_outcome) == (16, 12, None)
    assert trail.differences[Reached.NOT_COUNTED] == 12
