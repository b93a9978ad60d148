"""Customers worked by hand: each is the one customer of a variant of its own."""

from collections.abc import Mapping
from pathlib import Path

from analysis.bounds import Bounds
from analysis.cells import Cell
from analysis.warehouse import summarise_events
from experiments.metric_definition import MetricDefinition
from experiments.vocabulary import Direction, MetricKind
from tests.analysis.event_files import EventFile, at, plan_of

CUTOFF = 200  # days after T0
SECOND = 1 / 86400  # in days
Did = list[tuple[str, float]]  # (event, days since the exposure)

# Reads other events, and looks further than any: rows that no case may be moved by.
OTHER = MetricDefinition(
    MetricKind.RETENTION, Direction.INCREASE, events=("Opened", "Other"), day=100
)


def measured(
    tmp_path: Path,
    definition: MetricDefinition,
    cases: Mapping[str, tuple[Did, float]],
) -> dict[str, Cell]:
    """Measure single customers in one query.

    Args:
        tmp_path: folder for files.
        definition: of the metric.
        cases: name -> what the customer did, and the days they were followed.

    Returns:
        Name of the case -> the cell of that customer alone.
    """
    events = EventFile()
    for name, (did, followed) in cases.items():
        start = CUTOFF - followed
        events.exposed(name, name, at(start))
        for event, day in did:
            events.active(name, start + day, name=event)
    plan = plan_of({"m": definition, "other": OTHER}, shares=dict.fromkeys(cases, 0.1))
    found = summarise_events(
        plan,
        [events.write(tmp_path)],
        Bounds(as_of=at(1000), data_cutoff=at(CUTOFF)),
        tmp_path / "scratch",
    )
    assert not found.failed
    return found.arms("m")
