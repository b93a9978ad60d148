"""Many demo companies: what is true is found, and what is not true is not claimed.

Each world is drawn anew and judged by the product's own estimators and rule. The
summaries are counted here from the drawn lives, straight from the definitions; that the
warehouse counts the same is tested in tests/analysis.

Bounds: the clear win is shipped in 90 % of worlds, no unmoved metric called better
in more than 5 %. The quick run has 40 worlds, `make proof` 200.
"""

import os
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from analysis import demo, demo_company
from analysis.cells import Cell, Summaries
from analysis.estimating import estimate
from analysis.exposure_counts import ExposureCounts
from analysis.readings import CheckView, Judgement, Progress
from analysis.simulation import Life, lives
from analysis.stats.srm import sample_ratio
from analysis.stats.summary import Histogram, Successes
from analysis.verdict import judge
from experiments.plan import Plan, PlannedMetric
from experiments.vocabulary import (
    CheckState,
    HealthCheck,
    MetricKind,
    ResultPhase,
    Role,
    SentenceCase,
    Verdict,
)
from tests.analysis.reading_examples import plan_of, planned_metric

NOW = datetime(2026, 11, 21, tzinfo=UTC)
WORLDS = 200 if os.environ.get("ABIDE_PROOF") else 40
INTENDED = {
    "guided-set-up": Verdict.SHIP,
    "renewal-reminder": Verdict.DO_NOT_SHIP,
    "call-back-offer": Verdict.UNDECIDED,
    "win-back-discount": Verdict.DO_NOT_USE,
}

pytestmark = pytest.mark.simulation
Note = Callable[[str, object], None]


def test_demo_company__fixed_seed__gives_the_intended_verdicts() -> None:
    found = {
        item["key"]: judged(item, demo.SEED).verdict
        for item in demo_company.past_experiments()
    }
    assert found == INTENDED


def test_clear_win__over_many_worlds__is_shipped(record_property: Note) -> None:
    item = demo_company.past_experiments()[0]
    verdicts = Counter(judged(item, seed).verdict for seed in range(WORLDS))
    share = verdicts[Verdict.SHIP] / WORLDS
    record_property("worlds", WORLDS)
    record_property("clear win shipped", share)
    assert share >= 0.9, verdicts


def test_unmoved_metrics__over_many_worlds__are_rarely_called_better(
    record_property: Note,
) -> None:
    # A call back moves nobody's satisfaction: shift 0 in both arms.
    item = demo_company.past_experiments()[2]
    called: Counter[str] = Counter()
    for seed in range(WORLDS):
        for (metric, _, _), (case, _) in judged(item, seed).cases.items():
            called[metric] += case == SentenceCase.BETTER
    for metric in ("csat", "satisfied"):
        record_property(f"{metric} called better", called[metric] / WORLDS)
        assert called[metric] <= 0.05 * WORLDS, called


def judged(item: dict[str, Any], seed: int) -> Judgement:
    """Draw one experiment's customers, estimate and judge."""
    arms: dict[str, list[Life]] = {"control": [], item["treatment"]: []}
    for life in lives(item["truth"], seed, NOW):
        arms[life.variant].append(life)
    plan = plan_for(item["treatment"])
    summaries = Summaries(
        cells=tuple(
            Cell(metric.choice.metric, name, "", summary(metric, group), 0)
            for metric in plan.metrics
            for name, group in arms.items()
        ),
        exposures=ExposureCounts({n: len(g) for n, g in arms.items()}, {}),
    )
    readings = [each.reading for each in estimate(plan, summaries, ())]
    return judge(plan, readings, [split_check(arms)], finished(item))


def plan_for(treatment: str) -> Plan:
    retention = planned_metric(
        MetricKind.RETENTION,
        key="week-4-retention",
        target=0.02,
        day=28,
        window_days=7,
    )
    csat = planned_metric(
        MetricKind.CSAT_MEAN, Role.GUARDRAIL, 0.2, key="csat", target=0.1
    )
    satisfied = planned_metric(
        MetricKind.CSAT_SHARE, Role.SECONDARY, key="satisfied", target=0.03
    )
    return plan_of(retention, csat, satisfied, treatments=(treatment,))


def summary(metric: PlannedMetric, group: list[Life]) -> Successes | Histogram:
    if metric.definition.kind == MetricKind.RETENTION:
        retained = sum(
            any(28 <= day < 35 for day in life.active_days) for life in group
        )
        return Successes(len(group), retained)
    scores = Counter(float(life.score) for life in group if life.score is not None)
    return Histogram(
        tuple(sorted(scores.items())),
        n_exposed=len(group),
        n_invited=sum(life.invited for life in group),
    )


def split_check(arms: dict[str, list[Life]]) -> CheckView:
    counts = {name: len(group) for name, group in arms.items()}
    state = sample_ratio(counts, dict.fromkeys(arms, 0.5)).state
    return CheckView(HealthCheck.SAMPLE_RATIO, CheckState(state), "The split.")


def finished(item: dict[str, Any]) -> Progress:
    size = item["truth"].size
    return Progress(size, size, size, NOW, ResultPhase.FINAL)
