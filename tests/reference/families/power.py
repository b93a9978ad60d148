"""Customers needed, and events needed."""

from analysis.stats.power import (
    SampleSize,
    events_for_hazard_ratio,
    size_for_proportions,
)
from tests.reference.book import Record, Values, covers

OTHERS = "another formula; Abide pools under the null, as its test does"


@covers(
    "power.prop.0.2.0.05",
    "power.prop.0.05.0.005",
    "power.prop.0.19.0.005",
    "power.prop.0.4482.0.01",
    lacks={"evan_miller": OTHERS, "unpooled": OTHERS, "cohen_h": OTHERS},
)
def proportions(record: Record) -> Values:
    found = size_for_proportions(record.inputs["p"], record.inputs["delta"])
    assert isinstance(found, SampleSize)
    return {"pooled_null": found.control}


@covers("power.surv.hr0.7", "power.surv.hr0.8", "power.surv.hr0.9")
def events(record: Record) -> Values:
    return {"events": events_for_hazard_ratio(record.inputs["hr"])}
