"""Strata and folds, from events to estimates; the expected numbers from single rows."""

import dataclasses
import random
from collections import defaultdict
from pathlib import Path
from statistics import mean

import numpy as np
import pytest

from analysis.bounds import Bounds
from analysis.cells import Summaries
from analysis.estimating import Estimated, estimate
from analysis.stats.estimate import Estimate
from analysis.warehouse import summarise_events
from experiments.metric_definition import MetricDefinition
from experiments.plan import Plan
from experiments.vocabulary import Direction, MetricKind
from tests.analysis.event_files import EventFile, at, csat, plan_of, retention

PRO = {"pro": {"plan": "pro"}}
SPENT = MetricDefinition(
    MetricKind.VALUE_SUM,
    Direction.INCREASE,
    events=("Paid",),
    day=0,
    window_days=7,
    covariate_days=14,
)
METRICS = {"retained": retention(), "csat": csat(), "spent": SPENT}


@dataclasses.dataclass(frozen=True)
class Customer:
    variant: str
    is_pro: bool
    came_back: bool
    answer: int | None
    before: float
    spent: float


def some_customers(n: int = 240) -> list[Customer]:
    """Pro customers stay, answer well and pay more; treatment has too many of them."""
    chance = random.Random(7)  # noqa: S311  # a fixed world, no secret
    found = []
    for _ in range(n):
        treated = chance.random() < 0.5
        is_pro = chance.random() < (0.7 if treated else 0.3)
        before = chance.randrange(8) / 4
        found.append(
            Customer(
                "treatment" if treated else "control",
                is_pro,
                chance.random() < (0.8 if is_pro else 0.3),
                chance.choice([4, 5, 5] if is_pro else [1, 2, 3]),
                before,
                before + chance.randrange(12) / 8 + (5 if is_pro else 0) + treated / 2,
            )
        )
    return found


def events_of(customers: list[Customer]) -> EventFile:
    events = EventFile()
    for i, each in enumerate(customers):
        who = f"customer {i}"
        events.traits(who, 15, plan="pro" if each.is_pro else "free")
        events.exposed(who, each.variant, at(20))
        events.active(who, 10, name="Paid", value=each.before)
        events.active(who, 22, name="Paid", value=each.spent)
        if each.came_back:
            events.active(who, 27.5)
        if each.answer is not None:
            events.asked(who, 21).answered(who, 21.5, each.answer)
    # So that the store reaches back to what is adjusted for.
    return events.active("nobody", 1)


def strata_plan(*, post_stratified: bool = True) -> Plan:
    plan = plan_of(METRICS, breakdowns=PRO)
    design = dataclasses.replace(plan.design, post_stratified=post_stratified)
    return dataclasses.replace(plan, design=design)


def summaries_of(plan: Plan, customers: list[Customer], folder: Path) -> Summaries:
    bounds = Bounds(as_of=at(1000), data_cutoff=at(100))
    path = events_of(customers).write(folder)
    found = summarise_events(plan, [path], bounds, folder / "scratch")
    assert not found.failed
    return found


def estimates(plan: Plan, summaries: Summaries) -> dict[str, Estimate]:
    found: list[Estimated] = estimate(plan, summaries, ())
    outcomes = {each.reading.metric: each.reading.outcome for each in found}
    return {k: one for k, one in outcomes.items() if isinstance(one, Estimate)}


def weighed(customers: list[Customer], value: str) -> tuple[float, float]:
    """Effect within pro and others, weighed by everybody; and without any strata."""
    values: dict[tuple[str, bool], list[float]] = defaultdict(list)
    for each in customers:
        values[each.variant, each.is_pro].append(float(getattr(each, value)))
    within = whole = 0.0
    for is_pro in (True, False):
        ours, theirs = values["control", is_pro], values["treatment", is_pro]
        share = (len(ours) + len(theirs)) / len(customers)
        within += share * (mean(theirs) - mean(ours))
    for variant, sign in (("control", -1), ("treatment", 1)):
        whole += sign * mean([*values[variant, True], *values[variant, False]])
    return within, whole


@pytest.mark.parametrize(
    ("metric", "value"), [("retained", "came_back"), ("csat", "answer")]
)
def test_strata__plan_names_them__compared_within_and_weighed_by_everybody(
    metric: str, value: str, tmp_path: Path
) -> None:
    customers = some_customers()
    plan = strata_plan()

    found = estimates(plan, summaries_of(plan, customers, tmp_path))[metric]

    within, whole = weighed(customers, value)
    assert found.method == "post_stratified"
    assert found.effect == pytest.approx(within, rel=1e-9)
    assert found.facts["unadjusted_effect"] == pytest.approx(whole, rel=1e-9)
    assert found.facts["strata"] == 2
    ratio = found.facts["variance_ratio"]
    assert isinstance(ratio, float)
    error, plain = (
        float(found.facts[name])
        for name in ("standard_error", "unadjusted_standard_error")
    )
    assert ratio == pytest.approx((error / plain) ** 2)
    assert ratio < (0.9 if metric == "csat" else 1.01)


def test_strata__with_covariates__regression_with_both_in_each_variant(
    tmp_path: Path,
) -> None:
    customers = some_customers()
    plan = strata_plan()

    found = estimates(plan, summaries_of(plan, customers, tmp_path))["spent"]

    rows = np.array([(1.0, each.is_pro, each.before) for each in customers])
    spent = np.array([each.spent for each in customers])
    treated = np.array([each.variant == "treatment" for each in customers])
    ours, theirs = (
        np.linalg.lstsq(rows[arm], spent[arm], rcond=None)[0]
        for arm in (~treated, treated)
    )
    assert found.method == "lin"
    assert found.effect == pytest.approx(
        float(rows.mean(axis=0) @ (theirs - ours)), rel=1e-9
    )
    assert found.facts["strata"] == 2
    assert found.facts["covariates"] == 2


def test_strata__not_asked_for__plain_and_the_folds_hold_everybody(
    tmp_path: Path,
) -> None:
    customers = some_customers()
    plan = strata_plan(post_stratified=False)

    found = summaries_of(plan, customers, tmp_path)

    assert estimates(plan, found)["retained"].method == "newcombe"
    cells = found.arms("retained")
    for name, cell in cells.items():
        assert cell.within == ()
        assert {part.fold for part in cell.folds} <= set(range(10))
        own = [each for each in customers if each.variant == name]
        assert sum(part.vector.n for part in cell.folds) == len(own)
        stayed = sum(part.vector.n * part.vector.mean[0] for part in cell.folds)
        assert stayed == pytest.approx(sum(each.came_back for each in own))
    # Only what decides has folds, and nothing where no split is declared.
    assert found.arms("csat")["control"].folds == ()
    alone = dataclasses.replace(plan, design=plan_of(METRICS).design)
    assert (
        summaries_of(alone, customers, tmp_path).arms("retained")["control"].folds == ()
    )
