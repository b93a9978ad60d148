"""Times to an event or a cancellation: customers worked by hand, then an oracle."""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.bounds import Bounds
from analysis.stats.competing import CompetingDay, CompetingTable, competing_table_of
from analysis.stats.summary import LifeDay, LifeTable, Summary
from analysis.warehouse import summarise_events
from experiments.metric_definition import MetricDefinition
from experiments.vocabulary import Direction, MetricKind
from tests.analysis.cases import SECOND, Did, measured
from tests.analysis.event_files import EventFile, at, plan_of

Case = tuple[Did, float, Summary]  # what they did, days followed, what comes of it

VALUE = MetricDefinition(
    MetricKind.TIME_TO_EVENT, Direction.DECREASE, events=("Done",), day=10
)
SOLVED = replace(VALUE, events=("Solved",), start_events=("Opened",), window_days=5)
CANCELLED = MetricDefinition(
    MetricKind.CANCELLATION, Direction.DECREASE, events=("Done",), day=10
)
COMPETING = replace(
    CANCELLED, events=("Cancelled",), competing_events=("Payment Failed",)
)


def event(day: int) -> LifeTable:
    return LifeTable(1, (LifeDay(day, 1, 0),))


def censored(day: int) -> LifeTable:
    return LifeTable(1, (LifeDay(day, 0, 1),))


def by_cause(day: int, events: int, others: int, lost: int) -> CompetingTable:
    return CompetingTable(1, (CompetingDay(day, events, others, lost),))


MISSING = LifeTable(0, (), n_missing=1)
NOT_YET = LifeTable(0, ())

# Day k is [k - 1, k) days after the start, known once k whole days have passed.
SINCE_EXPOSURE: dict[str, Case] = {
    "at once is day 1": ([("Done", 0)], 10, event(1)),
    "the end of day 1": ([("Done", 1 - SECOND)], 10, event(1)),
    "the start of day 2": ([("Done", 1)], 10, event(2)),
    "the first counts": ([("Done", 2.5), ("Done", 1.5)], 10, event(2)),
    "not before the exposure": ([("Done", -1), ("Done", 3.5)], 10, event(4)),
    "day 3 has just passed": ([("Done", 2.5)], 3, event(3)),
    "day 3 has not passed": ([("Done", 2.5)], 2.9, censored(2)),
    "watched for two whole days": ([], 2.9, censored(2)),
    "watched for no whole day": ([], 0.5, censored(0)),
    "the last moment": ([("Done", 10 - SECOND)], 30, event(10)),
    "after the last day": ([("Done", 10)], 30, censored(10)),
    "never": ([], 30, censored(10)),
}
SINCE_OPENING: dict[str, Case] = {
    "solved": ([("Opened", 2), ("Solved", 3.5)], 20, event(2)),
    "at once": ([("Opened", 2), ("Solved", 2)], 20, event(1)),
    "before": ([("Solved", 1), ("Opened", 2), ("Solved", 5.5)], 20, event(4)),
    "the first opening starts": (
        [("Opened", 2), ("Opened", 4), ("Solved", 4.5)],
        20,
        event(3),
    ),
    "never solved": ([("Opened", 2)], 20, censored(10)),
    "followed for 7 days since": ([("Opened", 2)], 9.5, censored(7)),
    "day 4 just passed": ([("Opened", 4.5), ("Solved", 8.4)], 8.5, event(4)),
    "late": ([("Opened", 2), ("Solved", 12)], 20, censored(10)),
    "opened late": ([("Opened", 5), ("Solved", 6)], 20, MISSING),
    "never opened": ([("Solved", 3)], 20, MISSING),
    # The days in which it could be opened have not passed: not counted, not missing.
    "too young": ([("Opened", 2), ("Solved", 3)], 4.9, NOT_YET),
    "too young, and nothing": ([], 4.9, NOT_YET),
}
BY_CAUSE: dict[str, Case] = {
    "cancels": ([("Cancelled", 2.5)], 20, by_cause(3, 1, 0, 0)),
    "fails": ([("Payment Failed", 2.5)], 20, by_cause(3, 0, 1, 0)),
    "the first cause counts": (
        [("Payment Failed", 2), ("Cancelled", 2.5)],
        20,
        by_cause(3, 0, 1, 0),
    ),
    "whatever the order of rows": (
        [("Cancelled", 2), ("Payment Failed", 1.5)],
        20,
        by_cause(2, 0, 1, 0),
    ),
    "at one moment it is the cancellation": (
        [("Payment Failed", 2), ("Cancelled", 2)],
        20,
        by_cause(3, 1, 0, 0),
    ),
    "not known yet": ([("Payment Failed", 2.5)], 2.9, by_cause(2, 0, 0, 1)),
    "stays": ([], 20, by_cause(10, 0, 0, 1)),
}


@pytest.mark.parametrize(
    ("definition", "cases"),
    [
        pytest.param(VALUE, SINCE_EXPOSURE, id="time to first value"),
        pytest.param(CANCELLED, SINCE_EXPOSURE, id="cancellation"),
        pytest.param(SOLVED, SINCE_OPENING, id="time to resolution"),
        pytest.param(COMPETING, BY_CAUSE, id="cancellation beside another cause"),
    ],
)
def test_times__hand_worked__day_of_event_or_censoring(
    tmp_path: Path, definition: MetricDefinition, cases: Mapping[str, Case]
) -> None:
    cells = measured(
        tmp_path, definition, {name: case[:2] for name, case in cases.items()}
    )
    found = {name: cell.summary for name, cell in cells.items()}
    assert found == {name: case[2] for name, case in cases.items()}
    young = {name for name, cell in cells.items() if cell.n_immature}
    assert young == {name for name, case in cases.items() if case[2] == NOT_YET}


def test_random_customers__agree_with_one_by_one_in_python(tmp_path: Path) -> None:
    dice = random.Random(4)  # noqa: S311  # a fixed seed is the point
    events = EventFile()
    ends: list[tuple[int, int]] = []
    solved: Counter[tuple[int, bool]] = Counter()
    missing = immature = 0
    for i in range(150):
        who, start = f"u{i}", dice.choice([0, 1.25, 3, 8.5])
        events.exposed(who, "control", at(start))
        drawn = {
            name: [dice.randrange(56) / 4 for _ in range(dice.randrange(3))]
            for name in ("Cancelled", "Payment Failed", "Opened", "Solved")
        }
        for name, days in drawn.items():
            events.active(who, *(start + day for day in days), name=name)
        watched = 12 - start
        last = min(int(watched), 10)
        first = {name: min(days, default=99.0) for name, days in drawn.items()}
        soonest = min(first["Cancelled"], first["Payment Failed"])
        if int(soonest) + 1 <= last:
            cause = 1 if first["Cancelled"] <= first["Payment Failed"] else 2
            ends.append((int(soonest) + 1, cause))
        else:
            ends.append((last, 0))
        if watched < 5:
            immature += 1
        elif first["Opened"] >= 5:
            missing += 1
        else:
            since = [d - first["Opened"] for d in drawn["Solved"]]
            took = min((d for d in since if d >= 0), default=99.0)
            last = min(int(watched - first["Opened"]), 10)
            happened = int(took) + 1 <= last
            solved[int(took) + 1 if happened else last, happened] += 1
    found = summarise_events(
        plan_of({"cancelled": COMPETING, "solved": SOLVED}),
        [events.write(tmp_path)],
        Bounds(as_of=at(1000), data_cutoff=at(12)),
        tmp_path / "scratch",
    )
    cell = found.arms("cancelled")["control"]
    assert cell.summary == competing_table_of(ends)
    cell = found.arms("solved")["control"]
    listed = sorted({day for day, _ in solved})
    assert cell.summary == LifeTable(
        solved.total(),
        tuple(LifeDay(day, solved[day, True], solved[day, False]) for day in listed),
        missing,
    )
    assert cell.n_immature == immature
    assert min(immature, missing, solved.total()) > 10
