"""Retention over time: curves, log-rank, days retained."""

import pyarrow as pa

from analysis.stats.estimate import Lift, NotComputable
from analysis.stats.hazards import CoxFit, HazardRatio, Risks, cox, hazard_ratio
from analysis.stats.merging import merge
from analysis.stats.summary import LifeTable, life_table_of
from analysis.stats.survival import (
    CurvePoint,
    LogRank,
    kaplan_meier,
    km_difference,
    logrank,
    rmst_difference,
    stratified_logrank,
)
from tests.reference.book import Record, Values, covers, read_table
from tests.reference.reading import ends, estimated


def by_arm(table: pa.Table, time: str, event: str) -> dict[object, LifeTable]:
    """Make one life table for each value of the column `arm`."""
    found: dict[object, list[tuple[int, bool]]] = {}
    columns = (table[name].to_pylist() for name in ("arm", time, event))
    for arm, day, ended in zip(*columns, strict=True):
        found.setdefault(arm, []).append((day, ended == 1))
    return {arm: life_table_of(times) for arm, times in found.items()}


def rossi() -> tuple[LifeTable, LifeTable]:
    table = read_table("rossi_recidivism/rossi_recidivism.csv")
    found = by_arm(table.append_column("arm", table["fin"]), "week", "arrest")
    return found["no"], found["yes"]


def colon_deaths() -> pa.Table:
    table = read_table("colon/colon.csv")
    return table.filter(pa.compute.equal(table["etype"], 2))


@covers("rossi.rmst.jackknife")
def rossi_days(record: Record) -> Values:
    found = estimated(rmst_difference(*rossi(), tau=int(record.inputs["tau"])))
    return {"rmst_diff": found.effect, "rmst_se": found.facts["standard_error"]}


@covers("colon.logrank3")
def colon_three_arms(record: Record) -> Values:
    deaths = colon_deaths()
    assert deaths.num_rows == record.inputs["n"]
    arms = by_arm(deaths.append_column("arm", deaths["rx"]), "time", "status")
    return chi_squared(list(arms.values()))


def chi_squared(arms: list[LifeTable]) -> Values:
    """Compare any number of curves."""
    return _chi2(logrank(arms))


@covers("colon.logrank.strat")  # codespell:ignore strat
def colon_by_sex(_: Record) -> Values:
    deaths = colon_deaths()
    arm = pa.compute.equal(deaths["rx"], "Lev+5FU")
    deaths = deaths.append_column("arm", arm)
    strata = []
    for sex in (0, 1):
        of_sex = deaths.filter(pa.compute.equal(deaths["sex"], sex))
        arms = by_arm(of_sex, "time", "status")
        strata.append([arms[False], arms[True]])
    return _chi2(stratified_logrank(strata))


def _chi2(found: LogRank | NotComputable) -> Values:
    assert isinstance(found, LogRank)
    return {"chi2": found.chi2, "p": found.p_value}


def telco() -> tuple[LifeTable, LifeTable]:
    table = telco_rows()
    long = pa.compute.not_equal(table["Contract"], "Month-to-month")
    found = by_arm(table.append_column("arm", long), "tenure", "gone")
    return found[False], found[True]


def telco_rows() -> pa.Table:
    table = read_table("telco_churn/telco_customer_churn.csv")
    table = table.filter(pa.compute.greater(table["tenure"], 0))
    gone = pa.compute.equal(table["Churn"], "Yes").cast(pa.int64())
    return table.append_column("gone", gone)


@covers("rossi.surv", "telco.surv")
def retained(record: Record) -> Values:
    return compared(record, *(rossi() if record.id.startswith("rossi") else telco()))


def compared(record: Record, control: LifeTable, treatment: LifeTable) -> Values:
    """Compare two curves in all the ways of the record."""
    given = record.inputs
    assert (control.n, treatment.n) == (given["n_c"], given["n_t"])
    test, days = (
        logrank([control, treatment]),
        estimated(rmst_difference(control, treatment, tau=int(given["tau"]))),
    )
    ratio = hazard_ratio(control, treatment)
    assert isinstance(test, LogRank)
    assert isinstance(ratio, HazardRatio)
    assert isinstance(days.lift, Lift)
    values: dict[str, object] = {
        "logrank_chi2": test.chi2,
        "logrank_p": test.p_value,
        "O_minus_E": test.observed[1] - test.expected[1],
        "hr_log": ratio.log_ratio,
        "hr_se": ratio.standard_error,
        "rmst_t": days.treatment.value,
        "rmst_c": days.control.value,
        "rmst_diff": days.effect,
        "rmst_se": days.facts["standard_error"],
        "rmst_ci": ends(days.interval),
        "rmst_p": days.p_value,
        "rmst_ratio": 1 + days.lift.value,
        "rmst_ratio_ci": [1 + end for end in ends(days.lift.interval)],
    }
    for day in given["days"]:
        found = estimated(km_difference(control, treatment, day))
        values |= {
            f"S_diff({day})": found.effect,
            f"S_diff_se({day})": found.facts["standard_error"],
        }
        for name, table in (("t", treatment), ("c", control)):
            point = on_day(table, day)
            assert point.interval is not None
            values[f"S_{name}({day})"] = point.survival
            values[f"S_{name}_ci_loglog({day})"] = ends(point.interval)
    return values


def on_day(table: LifeTable, day: int) -> CurvePoint:
    """Find where the curve stands on a day."""
    curve = kaplan_meier(table)
    assert not isinstance(curve, NotComputable)
    return max((point for point in curve if point.day <= day), key=lambda p: p.day)


@covers("telco.km.compressed")
def all_contracts(_: Record) -> Values:
    found = on_day(merge(*telco()), 24)
    return {"S24": found.survival, "se24": found.standard_error}


@covers("rossi.cox")
def seven_covariates(record: Record) -> Values:
    table = read_table("rossi_recidivism/rossi_recidivism.csv")
    yes = {
        "fin": "yes",
        "race": "black",
        "wexp": "yes",
        "mar": "married",
        "paro": "yes",
    }
    rows: dict[tuple[float, ...], list[tuple[int, bool]]] = {}
    for row in table.to_pylist():
        covariates = tuple(
            float(row[name] == yes[name]) if name in yes else float(row[name])
            for name in record.inputs["cols"]
        )
        rows.setdefault(covariates, []).append((row["week"], row["arrest"] == 1))
    found = cox([Risks(x, life_table_of(times)) for x, times in rows.items()])
    assert isinstance(found, CoxFit)
    return {"coef": list(found.coefficients), "se": list(found.standard_errors)}
