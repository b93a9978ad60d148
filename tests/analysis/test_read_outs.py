"""What stands beside a result, and where its prior comes from."""

import dataclasses

import pytest
from sqlalchemy.orm import Session, sessionmaker

from analysis.history import finished_changes
from analysis.looks import Trace
from analysis.read_outs import (
    are_apart,
    beliefs_at_look,
    read_out_to_json,
    read_outs,
)
from analysis.readings import MetricReading
from analysis.stats.bayes import Belief
from analysis.stats.estimate import NotComputable
from analysis.stats.heterogeneity import Heterogeneity
from analysis.stats.no_segment_worse import NoSegmentWorse
from experiments import accounts, plan_lock
from experiments.db import transaction
from experiments.design_parts import SegmentRef
from experiments.models import Experiment, Person
from experiments.plan import Plan, PlannedSegment
from experiments.vocabulary import MetricKind, Reason, ResultPhase
from tests.analysis.reading_examples import (
    estimate_of,
    plan_of,
    planned_metric,
    reading_of,
)
from tests.analysis.run_examples import BAD_SPLIT, finish
from tests.factories import NOW, RETENTION, make_person, start_experiment

RETAINED, CHURNED = planned_metric(), planned_metric(MetricKind.CHURN)
SIX = 1.959964 * 0.006  # half a 95 % interval whose error is 0.006


def split_by(**conditions: dict[str, object]) -> Plan:
    """Plan with declared segments."""
    segments = tuple(
        PlannedSegment(name, 1, name.title(), rule) for name, rule in conditions.items()
    )
    plan = plan_of(RETAINED, segments=segments)
    refs = tuple(SegmentRef(name, 1) for name in conditions)
    return dataclasses.replace(
        plan, design=dataclasses.replace(plan.design, breakdowns=refs)
    )


def reading(effect: float, segment: str = "", n: int = 900) -> MetricReading:
    outcome = estimate_of(effect, effect - SIX, effect + SIX, n=n)
    return reading_of(RETAINED, outcome, segment=segment)


def test_belief__at_one_of_many_looks__of_the_estimate_and_its_own_error() -> None:
    # The look shows +-0.03, five errors wide; the estimate's own error is 0.006.
    trace = Trace(0.006**-2, 0.02 / 0.006, 5.0, 0.02, -0.01, 0.05, crossed=False)
    looked = {
        ("retention", "guided", ""): trace,
        ("retention", "guided", "pro"): trace,  # of a segment: none is asked
    }

    [(key, beside)] = beliefs_at_look(plan_of(RETAINED), looked, {}).items()

    once = read_outs(plan_of(RETAINED), [reading(0.02)], {})[key]
    assert isinstance(beside.belief, Belief)
    assert isinstance(once.belief, Belief)
    # .02 / (1 + (.006 / .01)^2), by hand; as one look would say.
    assert beside.belief.mean == pytest.approx(0.02 / 1.36, rel=1e-9)
    assert beside.belief.better == pytest.approx(once.belief.better, rel=1e-6)
    assert read_out_to_json(beside).keys() == {"belief"}


def test_belief__less_is_better__turned_at_a_look_as_at_the_end() -> None:
    trace = Trace(0.006**-2, -2.0, 5.0, -0.012, -0.04, 0.02, crossed=False)
    plan = plan_of(CHURNED)
    [found] = beliefs_at_look(
        plan, {(plan.metrics[0].choice.metric, "guided", ""): trace}, {}
    ).values()
    assert isinstance(found.belief, Belief)
    assert found.belief.mean == pytest.approx(0.012 / 1.36, rel=1e-9)


def test_belief__no_history__prior_is_the_change_that_matters() -> None:
    found = read_outs(plan_of(RETAINED), [reading(0.02)], {})

    beside = found["retention", "guided"]
    assert isinstance(beside.belief, Belief)
    assert (beside.prior_sd, beside.experiments) == (0.01, 0)
    # .02 / (1 + (.006 / .01)^2), by hand.
    assert beside.belief.mean == pytest.approx(0.02 / 1.36, rel=1e-6)
    assert beside.between is None


def test_belief__metric_that_should_fall__better_is_below_zero() -> None:
    outcome = estimate_of(-0.02, -0.02 - SIX, -0.02 + SIX, control=0.3)

    found = read_outs(plan_of(CHURNED), [reading_of(CHURNED, outcome)], {})

    belief = found["churn", "guided"].belief
    assert isinstance(belief, Belief)
    assert belief.mean > 0
    assert belief.better > 0.99
    assert belief.loss_of_shipping < belief.loss_of_keeping


def test_belief__enough_history__prior_is_learned_from_it() -> None:
    past = [(effect, 0.001) for effect in (0.03, -0.03, 0.03, -0.03, 0.03)]

    found = read_outs(plan_of(RETAINED), [reading(0.02)], {"retention": past})

    beside = found["retention", "guided"]
    assert beside.experiments == 5
    # Their mean square is .0009, and their errors explain .000001 of it.
    assert beside.prior_sd == pytest.approx(0.000899**0.5, rel=1e-3)


def test_segments__apart_and_different__interaction_and_the_harmed_one() -> None:
    plan = split_by(free={"plan": "free"}, team={"plan": {"$in": ["team", "pro"]}})
    readings = [reading(0.005), reading(0.04, "free"), reading(-0.03, "team")]

    beside = read_outs(plan, readings, {})["retention", "guided"]

    assert isinstance(beside.between, Heterogeneity)
    # ((.04 + .03) / (.006 sqrt 2))^2 = 68.06, by hand.
    assert beside.between.q == pytest.approx(68.06, rel=1e-3)
    assert isinstance(beside.no_worse, NoSegmentWorse)
    assert not beside.no_worse.holds
    assert beside.no_worse.worst.segment == "team"
    body = read_out_to_json(beside)
    assert body["segments"]["margin"] == 0.01
    assert [each["segment"] for each in body["segments"]["no_worse"]["bounds"]] == [
        "free",
        "team",
    ]


def test_segments__that_may_overlap__are_not_compared_with_each_other() -> None:
    plan = split_by(free={"plan": "free"}, young={"tenure": {"$lt": 30}})
    readings = [reading(0.02), reading(0.02, "free"), reading(0.02, "young")]

    beside = read_outs(plan, readings, {})["retention", "guided"]

    assert isinstance(beside.between, NotComputable)
    assert beside.between.reason is Reason.SEGMENTS_OVERLAP
    assert isinstance(beside.no_worse, NoSegmentWorse)
    assert beside.no_worse.holds
    assert read_out_to_json(beside)["segments"]["between"]["computable"] is False


def test_segments__one_without_a_number_or_too_small__nothing_is_claimed_of_all() -> (
    None
):
    plan = split_by(free={"plan": "free"}, team={"plan": "team"})
    missing = reading_of(RETAINED, NotComputable(Reason.EMPTY_ARM), segment="team")

    for other in (missing, reading(0.02, "team", n=9)):
        found = read_outs(plan, [reading(0.02), reading(0.02, "free"), other], {})
        beside = found["retention", "guided"]
        assert isinstance(beside.no_worse, NotComputable)
        assert isinstance(beside.between, NotComputable)
        assert beside.between.reason is Reason.TOO_FEW_SEGMENTS


@pytest.mark.parametrize(
    ("one", "two", "apart"),
    [
        ({"plan": "a"}, {"plan": "b"}, True),
        ({"plan": {"$in": ["a", "b"]}}, {"plan": {"$eq": "c"}}, True),
        ({"plan": "a", "country": "FR"}, {"plan": "a", "country": "DE"}, True),
        ({"plan": {"$in": ["a", "b"]}}, {"plan": "b"}, False),
        ({"plan": "a"}, {"country": "FR"}, False),
        ({"age": {"$lt": 3}}, {"age": {"$gte": 3}}, False),
        ({}, {"plan": "a"}, False),
    ],
)
def test_are_apart__two_rules__only_what_they_prove(
    one: dict[str, object], two: dict[str, object], *, apart: bool
) -> None:
    assert are_apart(split_by(one=one, two=two)) is apart


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_history__other_experiments__last_usable_run_of_each(
    sessions: sessionmaker[Session],
) -> None:
    with transaction(sessions) as session:
        make_person(session, "Ada")
        owner = accounts.actor_for(session.get_one(Person, 1))

        def made(key: str) -> Experiment:
            return start_experiment(session, owner, key=key)

        mine, first, second, broken, counting = map(
            made, ("mine", "first", "second", "broken", "counting")
        )
        for experiment in (mine, first, first, second):
            finish(session, experiment, at=NOW)
        finish(session, broken, at=NOW, checks=(BAD_SPLIT,))
        finish(session, counting, at=NOW, phase=ResultPhase.COUNTING)
        plan, _ = plan_lock.locked_plan(session, mine)

        found = finished_changes(session, plan, mine.id, NOW)

        # 95 % of +-.013: an error of .013 / 1.96.
        assert [each for each, _ in found[RETENTION]] == [0.019, 0.019]
        assert found[RETENTION][0][1] == pytest.approx(0.013 / 1.959964, rel=1e-6)
        early = NOW.replace(year=NOW.year - 1)
        assert finished_changes(session, plan, mine.id, early) == {}
