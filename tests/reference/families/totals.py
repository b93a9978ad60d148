"""Ratios of sums, quantiles, and events by exposure."""

from analysis.stats.bayes import relative_error
from analysis.stats.estimate import NotComputable
from analysis.stats.means import squared_error
from analysis.stats.quantiles import OrderStatistics, quantile_difference, ranks
from analysis.stats.rates import Rate, poisson_rates
from analysis.stats.ratio import linearised, ratio_difference
from analysis.stats.summary import VectorMoments, vector_moments_of
from tests.reference.book import Record, Values, covers, read_table
from tests.reference.reading import ends, estimated, lifted


@covers(
    "hillstrom.mens.ratio.spend_per_visit", "hillstrom.womens.ratio.spend_per_visit"
)
def spend_per_visit(record: Record) -> Values:
    control, treatment = _pairs("No E-Mail"), _pairs(record.inputs["arm"])
    found = estimated(ratio_difference(control, treatment))
    ours, theirs = linearised(control), linearised(treatment)
    return {
        "R_c": found.control.value,
        "R_t": found.treatment.value,
        "diff": found.effect,
        "se": found.facts["standard_error"],
        "lift": lifted(found.lift).value,
        "lift_se_delta": relative_error(
            ours.mean, squared_error(ours), theirs.mean, squared_error(theirs)
        ),
    }


def _pairs(arm: str) -> VectorMoments:
    table = read_table("hillstrom/hillstrom.csv")
    columns = (table[name].to_pylist() for name in ("segment", "spend", "visit"))
    return vector_moments_of(
        (spend, visit)
        for letter, spend, visit in zip(*columns, strict=True)
        if letter == arm
    )


@covers("sps.qte.p50", "sps.qte.p75", "sps.qte.p95")
def health_spending(record: Record) -> Values:
    share = record.inputs["q"]
    found = estimated(quantile_difference(_spending(0.0, share), _spending(1.0, share)))
    return {
        "q_c": found.control.value,
        "q_t": found.treatment.value,
        "qte": found.effect,
        "se": found.facts["standard_error"],
    }


def _spending(arm: float, share: float) -> OrderStatistics:
    table = read_table("sps_mexico/sps_mexico.csv")
    columns = (table[name].to_pylist() for name in ("treatment", "t2_health_exp_3m"))
    spent = sorted(each for of, each in zip(*columns, strict=True) if of == arm)
    at = ranks(len(spent), share)
    assert not isinstance(at, NotComputable)
    middle, low, high = (spent[i - 1] for i in (at.middle, at.low, at.high))
    return OrderStatistics(len(spent), share, middle, low, high)


@covers("rate.tickets")
def tickets(record: Record) -> Values:
    given = record.inputs
    found = estimated(
        poisson_rates(
            Rate(given["x_c"], given["e_c"]), Rate(given["x_t"], given["e_t"])
        )
    )
    lift = lifted(found.lift)
    return {
        "ratio": 1 + lift.value,
        "p": found.p_value,
        "ci": [1 + end for end in ends(lift.interval)],
    }
