"""A split made in memory summarises as the warehouse does, look by look."""

import dataclasses
import random
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from analysis.bounds import Bounds
from analysis.certificates.customers import (
    Customers,
    Known,
    Source,
    read_customers,
)
from analysis.certificates.grouping import Grouping
from analysis.certificates.planting import Planting, planted, way_of
from analysis.certificates.trial_plan import (
    CONTROL,
    EXPERIMENT,
    METRIC,
    TREATMENTS,
    trial_plan,
)
from analysis.estimating import estimate
from analysis.stats.estimate import Estimate
from analysis.stats.standard_error import error_of
from analysis.warehouse import summarise_events
from experiments.buckets import bucket
from experiments.metric_definition import MetricDefinition
from experiments.plan import Plan
from experiments.vocabulary import Amount, Direction, MetricKind
from tests.analysis.event_files import (
    EventFile,
    at,
    csat,
    pseudonym,
    retention,
    time_to_churn,
)

CUSTOMERS, LOOKS, SINCE, UNTIL = 240, 2, at(10), at(30)
SUM = MetricDefinition(
    MetricKind.VALUE_SUM,
    Direction.INCREASE,
    events=("Opened",),
    day=0,
    window_days=7,
    cap_share=0.95,
    covariate_days=7,
)
QUANTILE = MetricDefinition(
    MetricKind.VALUE_QUANTILE,
    Direction.INCREASE,
    events=("Opened",),
    amount=Amount.SUM,
    day=0,
    window_days=7,
)
RATIO = dataclasses.replace(QUANTILE, kind=MetricKind.RATIO, per_events=("Bought",))
ADJUSTED = dataclasses.replace(retention(7, 5), covariate_days=7)


def some_events() -> EventFile:
    draw, events = random.Random(3), EventFile()  # noqa: S311  # the same each time
    for number in range(CUSTOMERS):
        who, first = f"c{number}", draw.uniform(5, 29)
        for _ in range(draw.randrange(1, 9)):
            day = first + draw.uniform(0, 25)
            events.active(who, day, value=draw.lognormvariate(2, 1))
        events.active(who, first + 2, name="Bought")
        if draw.random() < 0.7:
            events.asked(who, first + 3).answered(who, first + 4, draw.randrange(1, 6))
    return events


def entries_by_hand(events: EventFile) -> dict[bytes, datetime]:
    """Each customer's first event in the time looked at."""
    first: dict[bytes, datetime] = {}
    for row in sorted(events.rows, key=lambda row: row["occurred_at"]):
        if SINCE <= row["occurred_at"] < UNTIL - timedelta(microseconds=1):
            first.setdefault(row["customer"], row["occurred_at"])
    return first


def read(
    definition: MetricDefinition, path: str, tmp_path: Path
) -> tuple[Plan, Customers]:
    plan = trial_plan(definition, SINCE, UNTIL)
    source = Source((path,), at(90), tmp_path / "scratch")
    customers = read_customers(plan, source, UNTIL, 1000, tmp_path, looks=LOOKS)
    assert customers is not None
    return plan, customers


@pytest.mark.parametrize(
    "definition", [ADJUSTED, time_to_churn(), SUM, QUANTILE, RATIO]
)
def test_summaries__one_split__estimate_as_the_warehouse_does(
    tmp_path: Path, definition: MetricDefinition
) -> None:
    events = some_events()
    plan, customers = read(definition, events.write(tmp_path), tmp_path)
    # The other way: the same customers as an experiment's, each with its own variant.
    entries = entries_by_hand(events)
    assert customers.size == len(entries)
    names = (CONTROL, TREATMENTS[0])
    for number in range(CUSTOMERS):
        who = pseudonym(f"c{number}")
        if who in entries:
            shown = names[bucket("salt", who.hex()) >= 5000]
            moment = entries[who] + timedelta(microseconds=1)
            events.exposed(f"c{number}", shown, moment, experiment=EXPERIMENT)
    path = events.write(tmp_path)
    groups = (customers.splitter.buckets("salt") >= 5000).astype(np.uint8)
    for known in customers.looks:
        bounds = Bounds(as_of=at(90), data_cutoff=known.at, exposures_until=known.at)
        theirs = summarise_events(plan, [path], bounds, tmp_path / "scratch")
        ours = Grouping(definition, known).summaries(plan, groups[known.customers])
        assert ours.exposures.analysed == theirs.exposures.analysed
        assert ours.exposures.mature == theirs.exposures.mature
        [expected], [found] = (estimate(plan, one, ()) for one in (theirs, ours))
        outcome, wanted = found.reading.outcome, expected.reading.outcome
        if not isinstance(outcome, Estimate) or not isinstance(wanted, Estimate):
            assert outcome == wanted  # too early for both
            assert known is not customers.looks[-1]
            continue
        assert outcome.method == wanted.method
        assert outcome.effect == pytest.approx(wanted.effect, rel=1e-9)
        assert error_of(outcome) == pytest.approx(error_of(wanted), rel=1e-9)
        assert outcome.control.n == wanted.control.n
        assert outcome.control.value == pytest.approx(wanted.control.value, rel=1e-9)
        cells, theirs_ = ours.arms(METRIC), theirs.arms(METRIC)
        assert [cells[n].n_immature for n in names] == [
            theirs_[n].n_immature for n in names
        ]


def test_planted__each_way__moves_the_outcomes_as_the_certificate_says() -> None:
    def known(*pairs: tuple[float, int]) -> Known:
        value = np.array([value for value, _ in pairs])
        return Known(
            at=at(0),
            customers=np.arange(len(pairs)),
            value=value,
            missing=np.isnan(value),
            mark=np.array([mark for _, mark in pairs]),
            old=np.ones(len(pairs), bool),
            last_day=np.array([10, 4, 10, 10][: len(pairs)]),
            beside={"per": np.array([1.0, 2.0, 0.0, 4.0][: len(pairs)])},
        )

    def after(definition: MetricDefinition, before: Known, *, rises: bool) -> Known:
        planting = Planting(way_of(definition), rises, 1.0, amount=2.0)
        chosen = np.array([True, True, True, False])[: len(before.customers)]
        return planted(definition, before, planting, chosen)

    # Of four customers the first three are chosen; by hand, kind by kind.
    yes_or_no = known((0.0, 0), (1.0, 0), (np.nan, -1), (0.0, 0))
    assert after(retention(), yes_or_no, rises=True).value.tolist()[:2] == [1.0, 1.0]
    assert after(retention(), yes_or_no, rises=False).value.tolist()[:2] == [0.0, 0.0]
    assert np.isnan(after(retention(), yes_or_no, rises=True).value[2])  # too young
    answers = known((5.0, 1), (1.0, 1), (3.0, 0), (3.0, 1))
    assert after(csat(), answers, rises=True).value.tolist() == [5.0, 2.0, 4.0, 3.0]
    assert after(csat(), answers, rises=False).value.tolist() == [4.0, 1.0, 2.0, 3.0]
    # The second was followed for 4 days: without the event it is censored there.
    times = known((7.0, 1), (2.0, 1), (10.0, 0), (5.0, 1))
    undone = after(time_to_churn(), times, rises=True)
    assert undone.value.tolist() == [10.0, 4.0, 10.0, 5.0]
    assert undone.mark.tolist() == [0, 0, 0, 1]
    amounts = known((0.0, 0), (1.5, 0), (7.0, 0), (1.0, 0))
    assert after(SUM, amounts, rises=True).value.tolist() == [2.0, 3.5, 9.0, 1.0]
    assert after(RATIO, amounts, rises=False).value.tolist() == [-2.0, -2.5, 7.0, 1.0]
