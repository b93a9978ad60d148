"""Retention over time: curves, log-rank, days retained."""

import pyarrow as pa

from analysis.stats.estimate import NotComputable
from analysis.stats.summary import LifeTable, life_table_of
from analysis.stats.survival import (
    LogRank,
    logrank,
    rmst_difference,
    stratified_logrank,
)
from tests.reference.book import Record, Values, covers, read_table
from tests.reference.reading import estimated


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
    return _chi2(logrank(list(arms.values())))


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
