"""A stored unit table as summaries: missing cells, segments, metrics without times."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from analysis.estimating import estimate
from analysis.stats.estimate import NotComputable
from analysis.stats.quantiles import OrderStatistics
from analysis.stats.summary import Histogram, Successes, moments_of
from analysis.unit_store import UNIT_SCHEMA, UnitStore
from analysis.unit_table import summarise_units
from experiments.config import Settings
from experiments.metric_definition import MetricDefinition
from experiments.vocabulary import Amount, Direction, MetricKind, Reason
from tests.analysis.event_files import (
    csat,
    plan_of,
    pseudonym,
    retention,
    time_to_churn,
)

PRO = '{"plan": "pro"}'
Unit = tuple[str, str, str | None, dict[str, float | None]]


@pytest.fixture
def store(tmp_path: Path) -> UnitStore:
    return UnitStore(Settings(data_dir=tmp_path, database_url="sqlite://"))


def table(*units: Unit, import_id: str = "one") -> pa.Table:
    rows = [
        {
            "import_id": import_id,
            "customer": pseudonym(who),
            "variant": variant,
            "metric": metric,
            "value": value,
            "attributes": attributes,
        }
        for who, variant, attributes, values in units
        for metric, value in values.items()
    ]
    schema = pa.schema([f for f in UNIT_SCHEMA if f.name != "experiment"])
    return pa.Table.from_pylist(rows, schema=schema)


def test_summaries__of_a_unit_table__missing_is_not_failed(
    store: UnitStore, tmp_path: Path
) -> None:
    units = table(
        ("a", "control", PRO, {"r": 1.0, "s": 5.0}),
        ("b", "control", None, {"r": 0.0, "s": None}),
        ("c", "control", PRO, {"r": None, "s": 3.0}),
        ("d", "treatment", None, {"r": 1.0, "s": 5.0}),
        ("e", "blue", None, {"r": 1.0, "s": 1.0}),
    )
    store.replace("exp", units)
    store.replace("other", table(("z", "control", None, {"r": 1.0})))
    metrics = {"r": retention(), "s": csat(), "gone": retention(3)}
    plan = plan_of(metrics, breakdowns={"pro": {"plan": "pro"}})
    found_units = store.of("exp")
    assert found_units is not None
    found = summarise_units(plan, found_units.files, tmp_path / "scratch")
    assert found.arms("r")["control"].summary == Successes(2, 1, n_missing=1)
    assert found.arms("r", "pro")["control"].summary == Successes(1, 1, n_missing=1)
    assert found.arms("s")["control"].summary == Histogram(
        ((3.0, 1), (5.0, 1)), n_exposed=3, n_invited=0
    )
    # A metric of the plan that the file lacks is missing for everybody.
    assert found.arms("gone")["control"].summary == Successes(0, 0, n_missing=3)
    exposures = found.exposures
    assert exposures.analysed == exposures.mature == {"control": 3, "treatment": 1}
    assert (exposures.unknown_variants, exposures.undeclared_names) == (1, ("blue",))
    assert exposures.everybody == 5
    # Of who opted out nothing is read, whenever the file was imported.
    out = [pseudonym(who) for who in ("a", "d", "e", "z")]
    rest = summarise_units(plan, found_units.files, tmp_path / "scratch", out)
    assert rest.exposures.analysed == {"control": 2, "treatment": 0}
    assert rest.exposures.opted_out == 3
    assert rest.exposures.opted_out_by == {"control": 1, "treatment": 1, "blue": 1}
    assert rest.arms("r")["control"].summary == Successes(1, 0, n_missing=1)


def test_estimate__of_time_to_churn__says_that_it_needs_times(
    store: UnitStore, tmp_path: Path
) -> None:
    store.replace("exp", table(("a", "control", None, {"r": 1.0})))
    units = store.of("exp")
    assert units is not None
    plan = plan_of({"t": time_to_churn(), "r": retention()})
    found = summarise_units(plan, units.files, tmp_path / "scratch")
    outcome = estimate(plan, found, ())[0].reading.outcome
    assert outcome == NotComputable(Reason.NO_TIMES)


def test_replace__second_import__takes_the_place_of_the_first_alone(
    store: UnitStore,
) -> None:
    assert store.of("exp") is None
    assert store.import_id("exp") is None
    store.replace("exp", table(("a", "control", None, {"r": 1.0})))
    store.replace("Other.key~1", table(("z", "control", None, {"r": 1.0})))
    second = table(("b", "control", None, {"r": 0.0}), import_id="two")
    store.replace("exp", second)
    assert store.import_id("exp") == "two"
    assert store.import_id("Other.key~1") == "one"
    units = store.of("exp")
    assert units is not None
    assert len(units.files) == 1


def test_summaries__amounts_of_a_unit_table__means_and_quantiles(
    store: UnitStore, tmp_path: Path
) -> None:
    # Control spends 0 to 29, of whom those from 20 on are pro; one cell is empty.
    units: list[Unit] = [
        (f"c{i}", "control", PRO if i >= 20 else None, {"s": float(i), "m": float(i)})
        for i in range(30)
    ]
    units += [("x", "control", None, {"s": None, "m": None})]
    units += [(f"t{i}", "treatment", None, {"s": 1.0, "m": 1.0}) for i in range(30)]
    store.replace("exp", table(*units))
    spent = MetricDefinition(
        MetricKind.VALUE_SUM, Direction.INCREASE, ("spent",), day=0, window_days=14
    )
    median = replace(spent, kind=MetricKind.VALUE_QUANTILE, amount=Amount.SUM)
    plan = plan_of({"s": spent, "m": median}, breakdowns={"pro": {"plan": "pro"}})
    found_units = store.of("exp")
    assert found_units is not None
    found = summarise_units(plan, found_units.files, tmp_path / "scratch")
    spend = [float(i) for i in range(30)]
    control = found.arms("s")["control"].summary
    assert control == replace(moments_of(spend), n_missing=1)
    assert found.arms("s", "pro")["control"].summary == moments_of(spend[20:])
    # Ranks of the median of 30: 15, and 15 -+ 1.96 sqrt(7.5).
    amounts = found.arms("m")["control"].amounts
    assert amounts is not None
    assert amounts.order == OrderStatistics(30, 0.5, 14.0, 9.0, 20.0, n_missing=1)
