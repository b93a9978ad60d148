"""Customers needed, and events needed."""

from analysis.stats.account_power import Accounts, design_effect
from analysis.stats.event_power import events_for_hazard_ratio
from analysis.stats.power import (
    Demand,
    SampleSize,
    answers_for_mean,
    size_for_proportions,
)
from analysis.stats.power_factors import adjusted_share
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


@covers("power.mean.d0.1", "power.mean.d0.02")
def means(record: Record) -> Values:
    d, demand = record.inputs["d"], Demand()
    # A hundredth of the effect takes so many customers that the normal is used.
    by_normal = answers_for_mean(d / 100, demand) / 10_000
    return {"n_t": answers_for_mean(d, demand), "n_normal": by_normal}


@covers("power.cuped")
def factors(record: Record) -> Values:
    given = record.inputs
    return {
        "cuped": adjusted_share(given["rho"]),
        "deff": design_effect(Accounts(given["m"], 0.0, given["icc"])),
        "deff_cv": design_effect(Accounts(given["m"], given["cv"], given["icc"])),
    }
