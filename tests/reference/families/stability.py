"""Certified means and spreads of data with a large offset (NIST StRD)."""

import math

from analysis.stats.merging import merge_all
from analysis.stats.summary import moments_of
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


def _data(record: Record) -> list[float]:
    data = NIST[record.id]
    assert data[:3] == record.inputs["first"]
    assert len(data) == record.inputs["n"]
    return data
