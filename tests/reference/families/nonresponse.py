"""Who answered, and Lee's bounds."""

import math

from analysis.stats.nonresponse import LeeBounds, lee_bounds
from analysis.stats.satisfaction import response_balance
from analysis.stats.summary import Histogram
from tests.reference.book import Record, Values, covers, read_table, records
from tests.reference.families.satisfaction import arthritis


@covers("arthritis.m1.lee", "arthritis.m3.lee")
def ratings(record: Record) -> Values:
    control, treatment = arthritis(records()[record.id.removesuffix(".lee")])
    balance = response_balance(control, treatment)
    return {
        **_bounds(control, treatment),
        "resp_c": balance.control.of_exposed,
        "resp_t": balance.treatment.of_exposed,
        "p_response_fisher": balance.p_value,
    }


@covers("nsw.lee.log_re78")
def earnings(record: Record) -> Values:
    table = read_table("nsw_lalonde/nsw_lalonde.csv")
    earned: dict[int, list[float]] = {0: [], 1: []}
    for arm, pay in zip(
        table["treat"].to_pylist(), table["re78"].to_pylist(), strict=True
    ):
        earned[arm].append(pay)
    control, treatment = (_with_pay(earned[arm]) for arm in (0, 1))
    sizes = (control.n_exposed, treatment.n_exposed)
    assert sizes == (record.inputs["n_c"], record.inputs["n_t"])
    return {
        **_bounds(control, treatment),
        "resp_c": control.answered / control.n_exposed,
        "resp_t": treatment.answered / treatment.n_exposed,
    }


def _with_pay(pay: list[float]) -> Histogram:
    logs = sorted(math.log(each) for each in pay if each > 0)
    counts = {value: logs.count(value) for value in logs}
    return Histogram(tuple(counts.items()), len(pay), len(pay))


def _bounds(control: Histogram, treatment: Histogram) -> dict[str, object]:
    found = lee_bounds(control, treatment)
    assert isinstance(found, LeeBounds)
    return {"trim": found.trim, "lower": found.low, "upper": found.high}
