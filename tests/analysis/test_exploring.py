"""Splits that nobody declared: tried, adjusted, withheld and pulled together."""

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest
from statsmodels.stats.multitest import multipletests

from analysis.cells import Cell, Summaries
from analysis.exploring import Explored, explored, explored_to_json
from analysis.exposure_counts import ExposureCounts
from analysis.stats.estimate import Estimate, NotComputable
from analysis.stats.proportions import two_proportions
from analysis.stats.summary import Successes
from experiments.plan import Plan, PlannedSegment
from experiments.vocabulary import EVERYBODY, Reason
from tests.analysis.event_files import plan_of, retention

Counts = Mapping[str, tuple[tuple[int, int], tuple[int, int]]]
# By segment: (customers, stayed) of control and treatment; of everybody 900 each.
COUNTS: Counts = {
    EVERYBODY: ((900, 450), (900, 500)),
    "north": ((400, 200), (400, 252)),
    "south": ((300, 150), (300, 156)),
    "few": ((9, 5), (12, 6)),
    "nobody": ((0, 0), (0, 0)),
    "nearly-all": ((895, 448), (897, 498)),
}
TRIED = tuple(PlannedSegment(key, 1, key.title(), {}) for key in COUNTS if key)


def measured(counts: Counts) -> Summaries:
    cells = [
        Cell("stays", name, segment, Successes(n, stayed), 0)
        for segment, arms in counts.items()
        for name, (n, stayed) in zip(("control", "treatment"), arms, strict=True)
    ]
    exposures = ExposureCounts(analysed={"control": 900, "treatment": 900}, mature={})
    return Summaries(tuple(cells), exposures)


def found() -> dict[str, Explored]:
    plan = plan_of({"stays": retention(), "guard": retention()})
    (splits,) = explored(plan, TRIED, lambda _: measured(COUNTS)).values()
    return {each.segment.key: each for each in splits}


def test_explored__asks_for_the_metric_that_decides_alone() -> None:
    asked: list[Plan] = []

    def measure(plan: Plan) -> Summaries:
        asked.append(plan)
        return measured(COUNTS)

    plan = plan_of({"stays": retention(), "guard": retention()}, breakdowns={"pro": {}})
    explored(plan, TRIED, measure)
    (wide,) = asked
    assert [metric.choice.metric for metric in wide.metrics] == ["stays"]
    assert [ref.segment for ref in wide.design.breakdowns] == [s.key for s in TRIED]
    assert wide.segments[0] == plan.segments[0]
    # Who is in, and what counts, is as in the plan.
    assert replace(wide.design, breakdowns=(), metrics=()) == replace(
        plan.design, breakdowns=(), metrics=()
    )


def test_explored__splits_that_are_none__are_left_out_and_few_are_withheld() -> None:
    splits = found()
    # "nearly-all" would tell of the 5 and 3 customers who are not in it.
    assert set(splits) == {"north", "south", "few"}
    assert splits["few"].outcome == NotComputable(Reason.TOO_FEW_UNITS)
    assert splits["few"].pulled is None


def test_explored__is_adjusted_over_all_splits_by_benjamini_and_hochberg() -> None:
    splits = found()
    plain = {
        key: two_proportions(Successes(*COUNTS[key][0]), Successes(*COUNTS[key][1]))
        for key in ("north", "south")
    }
    p_values = [each.p_value for each in plain.values() if isinstance(each, Estimate)]
    # "few" has no p-value and still counts: 1 is what it could at most be.
    expected = multipletests([*p_values, 1.0], method="fdr_bh")[1]
    for key, p_value in zip(("north", "south"), expected, strict=False):
        each = splits[key]
        assert each.p_value == pytest.approx(p_value, rel=1e-12)
        assert isinstance(each.outcome, Estimate)
        # One discovery among three: 1 - 0.05 * 1 / 3 (Benjamini and Yekutieli 2005).
        assert each.outcome.interval.level == pytest.approx(1 - 0.05 / 3)
        assert each.outcome.effect == pytest.approx(
            COUNTS[key][1][1] / COUNTS[key][1][0] - 0.5
        )


def test_explored__changes__are_pulled_towards_each_other() -> None:
    splits = found()
    # Alone they show 0.13 and 0.02.
    pulled = [splits[key].pulled for key in ("north", "south")]
    assert all(each is not None for each in pulled)
    north, south = (each.value for each in pulled if each is not None)
    assert 0.02 < south < north < 0.13


def test_explored__that_raises__leaves_the_plan_s_own_answer_alone() -> None:
    def fail(_: Plan) -> Summaries:
        raise ValueError("the disk is full")

    assert explored(plan_of({"stays": retention()}), TRIED, fail) == {}


def test_explored__nothing_to_try__measures_nothing() -> None:
    def fail(_: Plan) -> Summaries:
        raise AssertionError

    assert explored(plan_of({"stays": retention()}), (), fail) == {}


def test_json__withheld__says_no_number_of_anybody() -> None:
    body = json.loads(json.dumps(explored_to_json(list(found().values()))))
    by_segment = {each["segment"]: each for each in body}
    assert by_segment["few"] == {
        "segment": "few",
        "version": 1,
        "name": "Few",
        "outcome": {"computable": False, "reason": "too_few_units", "facts": {}},
        "pulled": None,
    }
    assert by_segment["north"]["outcome"]["p_value"] == found()["north"].p_value
    assert set(by_segment["north"]["pulled"]) == {"value", "standard_error", "interval"}
