"""Raising the coverage, and parting from the customers of a phase."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from experiments import (
    allocation,
    catalog,
    holdouts,
    journey,
    layer_catalog,
    lifecycle,
    plan_lock,
)
from experiments.actors import Actor
from experiments.assignment import Assignment, assign
from experiments.db import transaction
from experiments.errors import Conflict, Forbidden, InvalidInput, SetsBehind
from experiments.models import Experiment, PlanRow, RulesetRow
from experiments.ruleset_values import Ruleset, parse
from experiments.vocabulary import Action, AssignedBy, PersonRole, Status
from tests import factories
from tests.factories import EXPERIMENT, NOW

Sessions = sessionmaker[Session]
CUSTOMERS = [f"customer-{i}" for i in range(1000)]
HOUR = timedelta(hours=1)


@pytest.fixture
def ada(sessions: Sessions) -> Actor:
    with transaction(sessions) as session:
        journey.seed(session)
        return factories.make_actor(session, "Ada", PersonRole.ADMIN)


class Ramp:
    """One experiment on its way, acted on one transaction at a time."""

    def __init__(self, sessions: Sessions, actor: Actor, **changes: Any) -> None:  # noqa: ANN401
        self.sessions, self.actor, self.now = sessions, actor, NOW
        with transaction(sessions) as session:
            factories.make_experiment(session, actor, **changes)
        self.do(Action.START)

    def do(self, action: Action, **given: Any) -> Experiment:  # noqa: ANN401
        self.now += HOUR
        with transaction(self.sessions) as session:
            return lifecycle.transition(
                session, EXPERIMENT, action, self.actor, self.now, **given
            )

    def edit(self, now: datetime | None = None, **changes: Any) -> Experiment:  # noqa: ANN401
        with transaction(self.sessions) as session:
            revision = catalog.get(session, EXPERIMENT).revision
            design = factories.design_value(**changes)
            return catalog.edit(session, design, revision, self.actor, now or self.now)

    def ruleset(self) -> Ruleset:
        with self.sessions() as session:
            newest = select(RulesetRow).order_by(RulesetRow.revision.desc()).limit(1)
            return parse(session.scalars(newest).one().body.encode())

    def answers(self) -> dict[str, Assignment]:
        design = self.ruleset().experiments[EXPERIMENT]
        given = (assign(design, who, {"plan": "business"}) for who in CUSTOMERS)
        return dict(zip(CUSTOMERS, given, strict=True))


def test_coverage__raised__adds_customers_moves_none_and_is_an_amendment(
    sessions: Sessions, ada: Actor
) -> None:
    ramp = Ramp(sessions, ada, coverage=0.2)
    first = ramp.answers()
    revision = ramp.ruleset().revision

    changed = ramp.do(Action.RAISE_COVERAGE, coverage=0.5, reason="No complaints.")

    assert (changed.coverage, changed.status) == (0.5, Status.RUNNING)
    second = ramp.answers()
    assert ramp.ruleset().revision == revision + 1
    inside = {who: a for who, a in first.items() if a.in_experiment}
    assert {who: second[who] for who in inside} == inside
    grown = sum(a.in_experiment for a in second.values())
    # 50 % of 1,000, within 5 standard deviations.
    assert abs(grown - 500) < 5 * (1000 * 0.25) ** 0.5
    with transaction(sessions) as session:
        row = plan_lock.amendments(session, catalog.get(session, EXPERIMENT))[0]
        plan, _ = plan_lock.locked_plan(session, catalog.get(session, EXPERIMENT))
    assert row.change == (
        "Coverage was raised from 20 % to 50 % on 2026-03-14 11:30 UTC."
    )
    assert row.reason == "No complaints."
    assert plan.design.coverage == 0.2  # the plan stays what was locked


@pytest.mark.parametrize(
    ("coverage", "words"),
    [
        (0.1, "Coverage is 20 % and can only be raised"),
        (0.2, "Coverage is 20 % already"),
    ],
)
def test_coverage__not_higher__is_refused_with_the_offer_of_a_new_phase(
    sessions: Sessions, ada: Actor, coverage: float, words: str
) -> None:
    ramp = Ramp(sessions, ada, coverage=0.2)
    before = ramp.answers()
    with pytest.raises(Conflict) as refusal:
        ramp.do(Action.RAISE_COVERAGE, coverage=coverage)
    assert refusal.value.message.startswith(words)
    assert ("new phase" in refusal.value.message) is (coverage < 0.2)
    assert ramp.answers() == before


@pytest.mark.parametrize("coverage", [None, 0.0, 1.1, float("nan")])
def test_coverage__no_share__is_refused_at_its_field(
    sessions: Sessions, ada: Actor, coverage: float | None
) -> None:
    ramp = Ramp(sessions, ada, coverage=0.2)
    with pytest.raises(InvalidInput) as refusal:
        ramp.do(Action.RAISE_COVERAGE, coverage=coverage)
    assert set(refusal.value.fields) == {"coverage"}


@pytest.mark.parametrize(
    "changes",
    [
        {"coverage": 0.1},
        {"coverage": 1.0},
        {"segment_version": 2},
        {
            "variants": (
                factories.variant("control", is_control=True, share=0.9),
                factories.variant("nudge", share=0.1),
            )
        },
    ],
)
def test_edit__of_a_running_experiment__is_refused_and_moves_nobody(
    sessions: Sessions, ada: Actor, changes: dict[str, Any]
) -> None:
    ramp = Ramp(sessions, ada, coverage=0.2)
    before = ramp.answers()
    with pytest.raises(Conflict) as refusal:
        ramp.edit(**changes)
    assert "begin a new phase" in refusal.value.message
    assert "Raise its coverage" in refusal.value.message
    assert ramp.answers() == before


def test_new_phase__planned_and_started__new_salt_own_plan_and_parts(
    sessions: Sessions, ada: Actor
) -> None:
    with transaction(sessions) as session:
        layer_catalog.create(
            session, key="one", name="One", description="", actor=ada, now=NOW
        )
    ramp = Ramp(sessions, ada, layer="one", layer_share=0.6)
    first = ramp.answers()
    ramp.do(Action.PAUSE)

    between = ramp.do(Action.NEW_PHASE, reason="The split was wrong.")

    assert (between.status, between.phase, between.salt) == (Status.DRAFT, 2, None)
    assert between.started_at is None
    # Nobody keeps a variant between two phases, and apps still get control.
    assert {a.variant for a in ramp.answers().values()} == {"control"}
    assert {a.reason for a in ramp.answers().values()} == {"not_started"}
    with transaction(sessions) as session:
        holdouts.create(
            session,
            key="all",
            name="All",
            share=0.1,
            journey_stage=None,
            actor=ada,
            now=NOW,
        )
    ramp.edit(layer="one", layer_share=0.9, coverage=0.8)
    for through in (None, ramp.now - HOUR):  # the phase ended an hour after this
        with pytest.raises(SetsBehind, match="earlier phase") as refusal:
            ramp.do(Action.START, enrolled_through=through)
        assert refusal.value.retry_after == 15
        ramp.now -= HOUR
    again = ramp.do(Action.START, enrolled_through=ramp.now)

    assert (again.status, again.phase) == (Status.RUNNING, 2)
    assert [holdout["key"] for holdout in again.holdouts] == ["all"]
    published = ramp.ruleset().experiments[EXPERIMENT]
    assert published.published["phase"] == 2
    buckets = published.published["layer"]["ranges"]
    assert sum(end - begin for begin, end in buckets) == 9000
    pairs = [(first[who].bucket, a.bucket) for who, a in ramp.answers().items()]
    both = [pair for pair in pairs if None not in pair]
    # Another salt: of several hundred, one in 10,000 has the same bucket by chance.
    assert len(both) > 200
    assert sum(one == two for one, two in both) < 5
    with transaction(sessions) as session:
        plans = session.scalars(select(PlanRow).order_by(PlanRow.phase)).all()
        amended = plan_lock.amendments(session, catalog.get(session, EXPERIMENT))
        layer = layer_catalog.get(session, "one")
        held = allocation.taken(layer, ramp.now)
    assert [plan.phase for plan in plans] == [1, 2]
    assert plans[0].sha256 != plans[1].sha256
    assert "Phase 1 ended" in amended[0].change
    assert sum(part.end_bucket - part.first_bucket for part in held) == 9000


def test_new_phase__by_whom_and_why__is_asked(sessions: Sessions, ada: Actor) -> None:
    ramp = Ramp(sessions, ada)
    with pytest.raises(InvalidInput):
        ramp.do(Action.NEW_PHASE)
    ramp.actor = Actor("person:9 v@example.com", PersonRole.VIEWER, 9)
    for action in (Action.NEW_PHASE, Action.RAISE_COVERAGE):
        with pytest.raises(Forbidden):
            ramp.do(action, reason="Because.", coverage=1.0)


def test_new_phase__who_is_hashed__cannot_change(
    sessions: Sessions, ada: Actor
) -> None:
    ramp = Ramp(sessions, ada)
    ramp.do(Action.NEW_PHASE, reason="Again.")
    with pytest.raises(InvalidInput) as refusal:
        ramp.edit(assigned_by=AssignedBy.EXTERNAL)
    assert set(refusal.value.fields) == {"assigned_by"}


def test_new_phase__of_an_external_experiment__is_done_elsewhere(
    sessions: Sessions, ada: Actor
) -> None:
    with transaction(sessions) as session:
        factories.make_experiment(session, ada, factories.external_design(coverage=0.5))
    with transaction(sessions) as session:
        lifecycle.transition(session, EXPERIMENT, Action.START, ada, NOW)
        for action in (Action.NEW_PHASE, Action.RAISE_COVERAGE):
            with pytest.raises(Conflict, match="Another system"):
                lifecycle.transition(
                    session, EXPERIMENT, action, ada, NOW, reason="x", coverage=1
                )
