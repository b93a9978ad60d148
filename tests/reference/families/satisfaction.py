"""Answers to surveys."""

import numpy as np

from analysis.stats.cumulative_logit import CumulativeLogit, Weighed, cumulative_logit
from analysis.stats.ordinal import (
    ProportionalOdds,
    Superiority,
    proportional_odds,
    superiority,
)
from analysis.stats.satisfaction import csat_mean, csat_share, net_promoter, rescored
from analysis.stats.summary import Histogram
from tests.reference.book import Record, Values, covers, read_table
from tests.reference.reading import ends, estimated


def arthritis(record: Record) -> tuple[Histogram, Histogram]:
    """Read both arms' ratings from 1 to 5, with those who gave none."""
    return _rated(record, "c"), _rated(record, "t")


def _rated(record: Record, arm: str) -> Histogram:
    counts = record.inputs[f"hist_{arm}"]
    exposed = sum(counts) + record.inputs[f"nonresponse_{arm}"]
    scores = ((float(score), k) for score, k in enumerate(counts, start=1))
    return Histogram(tuple(scores), exposed, exposed)


NO_RANK_SUM = {
    "mw_p": "Brunner and Munzel's test takes the place of Mann and Whitney's"
}


@covers("arthritis.m1", "arthritis.m3", lacks=NO_RANK_SUM)
def ratings(record: Record) -> Values:
    return compared(record, *arthritis(record))


def compared(record: Record, control: Histogram, treatment: Histogram) -> Values:
    """Compare two groups' answers in all the ways of the record."""
    mean = estimated(csat_mean(control, treatment))
    box = estimated(csat_share(control, treatment, satisfied_from=4))
    ranks = superiority(control, treatment)
    odds = proportional_odds(control, treatment)
    adjusted = _with_baseline(record)
    # The record scores ratings as an NPS: 5 promotes, up to 3 detracts.
    promoted = [
        rescored(arm, lambda rating: {5.0: 10.0, 4.0: 7.0}.get(rating, 0.0))
        for arm in (control, treatment)
    ]
    nps = estimated(net_promoter(promoted[0], promoted[1]))
    assert isinstance(ranks, Superiority)
    assert isinstance(odds, ProportionalOdds)
    low, high = ends(mean.interval)
    return {
        "mean_c": mean.control.value,
        "mean_t": mean.treatment.value,
        "diff": mean.effect,
        "lo": low,
        "hi": high,
        "p": mean.p_value,
        "t2b_c": box.control.value,
        "t2b_t": box.treatment.value,
        "t2b_newcombe": ends(box.interval),
        "ps": ranks.value,
        "ps_p": ranks.p_value,
        "ps_ci": ends(ranks.interval),
        "log_or": odds.log_odds_ratio,
        "log_or_se": odds.standard_error,
        "log_or_adj": adjusted.coefficients[0],
        "log_or_adj_se": adjusted.standard_errors[0],
        "nps_diff": nps.effect / 100,
        "nps_se": float(nps.facts["multinomial_error"]) / 100,
    }


def _with_baseline(record: Record) -> CumulativeLogit:
    month = int(record.id[-1])
    table = read_table("arthritis_csat/arthritis_csat.csv")
    counts: dict[tuple[float, float], list[float]] = {}
    columns = (table[name].to_pylist() for name in ("y", "trt", "baseline", "time"))
    for rating, arm, baseline, time in zip(*columns, strict=True):
        if time == month and rating is not None:
            cell = counts.setdefault((arm - 1.0, float(baseline)), [0.0] * 5)
            cell[int(rating) - 1] += 1
    found = cumulative_logit(
        [Weighed(covariates, np.array(each)) for covariates, each in counts.items()]
    )
    assert isinstance(found, CumulativeLogit)
    return found


@covers("housing.polr")
def housing(record: Record) -> Values:
    table = read_table("mass_housing/mass_housing.csv")
    counts: dict[tuple[float, ...], list[float]] = {}
    for row in table.to_pylist():
        marks = [row["Infl"] == each for each in ("Medium", "High")]
        marks += [row["Type"] == each for each in ("Apartment", "Atrium", "Terrace")]
        marks += [row["Cont"] == "High"]
        cell = counts.setdefault(tuple(map(float, marks)), [0.0] * 3)
        cell[("Low", "Medium", "High").index(row["Sat"])] += row["Freq"]
    assert sum(map(sum, counts.values())) == record.inputs["n"]
    found = cumulative_logit([Weighed(x, np.array(k)) for x, k in counts.items()])
    assert isinstance(found, CumulativeLogit)
    return {
        "coef": list(found.coefficients),
        "se": list(found.standard_errors),
        "thresholds": list(found.thresholds),
        "deviance": found.deviance,
    }


@covers("nps.example")
def promoters(record: Record) -> Values:
    found = estimated(net_promoter(_asked(record, "control"), _asked(record, "treat")))
    assert found.control.value is not None
    assert found.treatment.value is not None
    error = float(found.facts["standard_error"])
    # The record counts -1, 0 and 1; here a point is a hundredth of that.
    return {
        "nps_c": found.control.value / 100,
        "nps_t": found.treatment.value / 100,
        "diff": found.effect / 100,
        "se": error / 100,
        "z": found.effect / error,
    }


def _asked(record: Record, arm: str) -> Histogram:
    promoters, passives, detractors = record.inputs[arm]
    counts = ((0.0, detractors), (7.0, passives), (10.0, promoters))
    n = promoters + passives + detractors
    return Histogram(counts, n, n)
