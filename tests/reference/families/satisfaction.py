"""Answers to surveys."""

from analysis.stats.summary import Histogram
from tests.reference.book import Record


def arthritis(record: Record) -> tuple[Histogram, Histogram]:
    """Read both arms' ratings from 1 to 5, with those who gave none."""
    return _rated(record, "c"), _rated(record, "t")


def _rated(record: Record, arm: str) -> Histogram:
    counts = record.inputs[f"hist_{arm}"]
    exposed = sum(counts) + record.inputs[f"nonresponse_{arm}"]
    scores = ((float(score), k) for score, k in enumerate(counts, start=1))
    return Histogram(tuple(scores), exposed, exposed)
