"""The data sets whose single rows are there, through the warehouse: a second check.

Each row becomes a customer with the events that an app would have sent; what the
warehouse makes of them goes through the same functions as the summary tables.
"""

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow as pa

from analysis.bounds import Bounds
from analysis.cells import Cell
from analysis.stats.summary import Histogram, LifeTable, Moments
from analysis.warehouse import summarise_events
from experiments.metric_definition import MetricDefinition
from experiments.vocabulary import Direction, MetricKind
from tests.analysis.event_files import T0, EventFile, at, csat, plan_of
from tests.reference.book import Record, Values, covers, read_table
from tests.reference.families import means, satisfaction, survival

ROWS = "rows through the warehouse"
LAST = 4000  # day on which all data are complete


def summarised(
    events: EventFile, definition: MetricDefinition, variants: Iterable[str]
) -> Mapping[str, Cell]:
    """Measure one metric of these events; its cells by variant, control first."""
    names = list(variants)
    plan = plan_of({"metric": definition}, shares=dict.fromkeys(names, 1 / len(names)))
    with tempfile.TemporaryDirectory() as folder:
        found = summarise_events(
            plan,
            [events.write(Path(folder))],
            Bounds(as_of=at(LAST + 1), data_cutoff=at(LAST)),
            Path(folder) / "scratch",
        )
    assert not found.failed
    return found.arms("metric")


@covers("nsw.ate", by=ROWS)
def earnings(record: Record) -> Values:
    table, events = read_table("nsw_lalonde/nsw_lalonde.csv"), EventFile()
    columns = [table[name].to_pylist() for name in ("treat", "re78")]
    for i, (treated, earned) in enumerate(zip(*columns, strict=True)):
        events.exposed(f"{i}", "treatment" if treated else "control")
        events.active(f"{i}", 1, name="Paid", value=float(earned))
    paid = MetricDefinition(
        MetricKind.VALUE_SUM, Direction.INCREASE, ("Paid",), day=0, window_days=7
    )
    arms = summarised(events, paid, ("control", "treatment"))
    control, treatment = (arms[name].summary for name in ("control", "treatment"))
    assert isinstance(control, Moments)
    assert isinstance(treatment, Moments)
    return means.difference(record, control, treatment)


def lives(arms: pa.Array, days: pa.Array, ended: pa.Array) -> dict[str, LifeTable]:
    """Follow customers for so many days, whose event came at the end or did not."""
    events, names = EventFile(), list(dict.fromkeys(map(str, arms.to_pylist())))
    rows = zip(arms.to_pylist(), days.to_pylist(), ended.to_pylist(), strict=True)
    for i, (arm, day, has_ended) in enumerate(rows):
        events.exposed(f"{i}", str(arm), at(LAST - day))
        if has_ended == 1:
            events.active(f"{i}", LAST - 0.5, name="Left")
    left = MetricDefinition(
        MetricKind.TIME_TO_EVENT, Direction.INCREASE, ("Left",), day=LAST
    )
    found = {}
    for name, cell in summarised(events, left, names).items():
        assert isinstance(cell.summary, LifeTable)
        found[name] = cell.summary
    return found


@covers("rossi.surv", by=ROWS)
def arrests(record: Record) -> Values:
    table = read_table("rossi_recidivism/rossi_recidivism.csv")
    found = lives(table["fin"], table["week"], table["arrest"])
    return survival.compared(record, found["no"], found["yes"])


@covers("telco.surv", by=ROWS)
def contracts(record: Record) -> Values:
    table = survival.telco_rows()
    long = pa.compute.not_equal(table["Contract"], "Month-to-month")
    found = lives(long, table["tenure"], table["gone"])
    return survival.compared(record, found["False"], found["True"])


@covers("colon.logrank3", by=ROWS)
def deaths(_: Record) -> Values:
    table = survival.colon_deaths()
    found = lives(table["rx"], table["time"], table["status"])
    return survival.chi_squared(list(found.values()))


@covers("arthritis.m1", "arthritis.m3", by=ROWS, lacks=satisfaction.NO_RANK_SUM)
def ratings(record: Record) -> Values:
    month = int(record.id[-1])
    table, events = read_table("arthritis_csat/arthritis_csat.csv"), EventFile()
    columns = [table[name].to_pylist() for name in ("id", "trt", "time", "y")]
    for who, arm, time, rating in zip(*columns, strict=True):
        if time == month:
            events.exposed(f"{who}", "control" if arm == 1 else "treatment", T0)
            events.asked(f"{who}", 1)
            if rating is not None:
                events.answered(f"{who}", 2, float(rating))
    arms = summarised(events, csat(), ("control", "treatment"))
    control, treatment = (arms[name].summary for name in ("control", "treatment"))
    assert isinstance(control, Histogram)
    assert isinstance(treatment, Histogram)
    return satisfaction.compared(record, control, treatment)
