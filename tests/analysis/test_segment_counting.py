"""Size, past and overlap of segments, counted from events; by hand."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from analysis import event_rows
from analysis.segment_counting import Count, Counted, Rule, RunningExperiment, count
from tests.analysis.event_files import EventFile, at

NOW, BEFORE = at(100), at(30)
PRO, ALL, NOT_PRO = ("pro", 2), ("all", 1), ("not-pro", 1)
CONDITIONS: dict[tuple[str, int], dict[str, Any]] = {
    PRO: {"plan": "pro"},
    ALL: {},
    NOT_PRO: {"plan": {"$ne": "pro"}},
}


def counted(
    events: EventFile,
    folder: Path,
    *running: RunningExperiment,
    moments: tuple[datetime, ...] = (BEFORE, NOW),
) -> Counted:
    rules = [Rule(name, condition, moments) for name, condition in CONDITIONS.items()]
    files = [events.write(folder)] if events.rows else []
    return count(rules, running, files, NOW, folder / "scratch")


@pytest.mark.parametrize("bucket_size", [1_000_000, 2])
def test_count__people_come_change_and_go__each_moment_as_it_was(
    bucket_size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_rows, "EVENTS_A_BUCKET", bucket_size)
    events = EventFile()
    # Day 30: a (pro), b (free), c (nothing known). d is not there yet.
    # Day 100, of the 91 days before: a (free by now), b (free), d (pro). c was last
    # seen on day 8, which is too long ago; x is development.
    events.traits("a", 1, plan="pro").active("a", 20).traits("a", 50, plan="free")
    events.traits("b", 2, plan="free").active("b", 95)
    events.active("c", 8)
    events.traits("d", 60, plan="pro")
    events.active("x", 70, environment="development")
    found = counted(events, tmp_path).counts
    assert found == {
        (PRO, BEFORE): Count(customers=1, everybody=3, known=2),
        (PRO, NOW): Count(customers=1, everybody=3, known=3),
        (ALL, BEFORE): Count(customers=3, everybody=3, known=3),
        (ALL, NOW): Count(customers=3, everybody=3, known=3),
        # Whose plan is not known is not on the pro plan, as at the doors.
        (NOT_PRO, BEFORE): Count(customers=2, everybody=3, known=2),
        (NOT_PRO, NOW): Count(customers=2, everybody=3, known=3),
    }


@pytest.mark.parametrize("bucket_size", [1_000_000, 2])
def test_count__two_experiments_run__shared_and_seen_customers(
    bucket_size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_rows, "EVENTS_A_BUCKET", bucket_size)
    events = EventFile()
    for who in "abcd":
        events.traits(who, 80, plan="pro" if who in "abc" else "free")
    # a is in both, b in one, d in the other; c was seen before "one" began.
    events.exposed("a", "x", at(90), experiment="one")
    events.exposed("a", "y", at(91), experiment="one")
    events.exposed("b", "x", at(90), experiment="one")
    events.exposed("c", "x", at(84), experiment="one")
    events.exposed("a", "x", at(90), experiment="two")
    events.exposed("d", "x", at(90), experiment="two")
    events.exposed("c", "x", at(90), experiment="over")
    found = counted(
        events,
        tmp_path,
        RunningExperiment("one", PRO, at(85)),
        RunningExperiment("two", ALL, at(85)),
        moments=(NOW,),
    )
    assert found.seen == {
        (PRO, "one"): 2,
        (PRO, "two"): 1,
        (ALL, "one"): 2,
        (ALL, "two"): 2,
        (NOT_PRO, "one"): 0,
        (NOT_PRO, "two"): 1,
    }
    assert found.shared == {
        (PRO, "one"): 3,
        (PRO, "two"): 3,
        (ALL, "one"): 3,
        (ALL, "two"): 4,
        (NOT_PRO, "one"): 0,
        (NOT_PRO, "two"): 1,
    }
    assert found.taken == {PRO: 2, ALL: 3, NOT_PRO: 1}


def test_count__no_events_at_all__zeros(tmp_path: Path) -> None:
    found = counted(EventFile(), tmp_path, RunningExperiment("one", PRO, at(85)))
    assert all(each == Count() for each in found.counts.values())
    assert found.taken == {PRO: 0, ALL: 0, NOT_PRO: 0}
