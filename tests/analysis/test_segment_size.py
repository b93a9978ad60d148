"""The base of "customers kept per quarter": who was seen, and in the segment."""

from dataclasses import replace
from pathlib import Path

import pytest

from analysis import event_rows
from analysis.segment_size import segment_per_quarter
from experiments.plan import PlannedSegment
from tests.analysis.event_files import EventFile, at, plan_of, retention


@pytest.mark.parametrize("bucket_size", [1_000_000, 3])
def test_segment_per_quarter__seen_and_inside__each_customer_once(
    bucket_size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_rows, "EVENTS_A_BUCKET", bucket_size)
    events = EventFile()
    # By hand, for the 91 days up to day 100: a, b and d are seen; c is too old, e too
    # new. Pro by then are a and b; d became pro later; x is not stored for production.
    events.traits("a", 0, plan="pro").active("a", 9, 50, 60)
    events.traits("b", 100, plan="pro")
    events.traits("c", 1, plan="pro").active("c", 8.9)
    events.active("d", 20).traits("d", 100.1, plan="pro")
    events.traits("e", 101, plan="pro")
    events.active("x", 50, environment="development")
    path = events.write(tmp_path)
    plan = plan_of({"r": retention()})

    def count(rule: dict[str, object]) -> int:
        asked = replace(plan, segments=(PlannedSegment("all", 1, "Target", rule),))
        return segment_per_quarter(
            asked, [path], at(200), at(100), tmp_path / "scratch"
        )

    assert count({}) == 3
    assert count({"plan": "pro"}) == 2
    assert count({"plan": {"$ne": "pro"}}) == 1
