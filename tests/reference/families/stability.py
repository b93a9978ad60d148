"""Certified means and spreads of data with a large offset (NIST StRD)."""

import math
import tempfile
from pathlib import Path

from analysis.bounds import Bounds
from analysis.stats.merging import merge_all
from analysis.stats.summary import Moments, moments_of
from analysis.warehouse import summarise_events
from experiments.metric_definition import MetricDefinition
from experiments.vocabulary import Direction, MetricKind
from tests.analysis.event_files import EventFile, at, plan_of
from tests.reference.book import Record, Values, covers

# The data sets by their published rule.
NIST = {
    "stability.NumAcc1": [10000001.0, 10000003.0, 10000002.0],
    "stability.NumAcc2": [1.2, *[1.1, 1.3] * 500],
    "stability.NumAcc3": [1000000.2, *[1000000.1, 1000000.3] * 500],
    "stability.NumAcc4": [10000000.2, *[10000000.1, 10000000.3] * 500],
}


@covers(*NIST)
def from_values(record: Record) -> Values:
    found = moments_of(_data(record))
    return {"mean": found.mean, "sd": math.sqrt(found.m2 / (found.n - 1))}


@covers(*NIST, by="merged pieces")
def from_pieces(record: Record) -> Values:
    data = _data(record)
    found = merge_all(moments_of(data[i : i + 7]) for i in range(0, len(data), 7))
    return {"mean": found.mean, "sd": math.sqrt(found.m2 / (found.n - 1))}


@covers(*NIST, by="rows through the warehouse")
def from_rows(record: Record) -> Values:
    data, events = _data(record), EventFile()
    for i, value in enumerate(data):
        who = f"{record.id}-{i}"
        events.exposed(who, "control").active(who, 1, name="Paid", value=value)
    paid = MetricDefinition(
        MetricKind.VALUE_SUM, Direction.INCREASE, ("Paid",), day=0, window_days=7
    )
    with tempfile.TemporaryDirectory() as folder:
        found = summarise_events(
            plan_of({"paid": paid}),
            [events.write(Path(folder))],
            Bounds(as_of=at(90), data_cutoff=at(30)),
            Path(folder) / "scratch",
        )
    summary = found.arms("paid")["control"].summary
    assert isinstance(summary, Moments)
    return {"mean": summary.mean, "sd": math.sqrt(summary.m2 / (summary.n - 1))}


def _data(record: Record) -> list[float]:
    data = NIST[record.id]
    assert data[:3] == record.inputs["first"]
    assert len(data) == record.inputs["n"]
    return data
