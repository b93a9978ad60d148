from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from experiments import audit, catalog, lifecycle, metrics, plan_lock, segments
from experiments.actors import SYSTEM, Actor
from experiments.db import transaction
from experiments.design_parts import SegmentParameters, SegmentRef
from experiments.errors import InvalidInput, NotFound
from experiments.models import Experiment
from experiments.vocabulary import Action, PersonRole
from tests import factories
from tests.factories import EXPERIMENT, NOW, RETENTION, variant

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
DAY = timedelta(days=1)


@pytest.fixture
def ada(sessions: sessionmaker[Session]) -> Actor:
    """Alone, so that nothing needs a review."""
    with transaction(sessions) as session:
        return factories.make_actor(session)


def start(
    session: Session, actor: Actor, now: datetime = NOW, reason: str | None = None
) -> Experiment:
    return lifecycle.transition(
        session, EXPERIMENT, Action.START, actor, now, reason=reason
    )


def test_lock__pins_versions_and_wording__whatever_changes_later(
    sessions: sessionmaker[Session], ada: Actor
) -> None:
    variants = (
        variant("control", is_control=True, parameters={"a": 0}),
        variant("b", personalisation=(SegmentParameters("newcomers", 1, {"a": 1}),)),
    )
    with transaction(sessions) as session:
        factories.make_segment(session, "newcomers", condition={"lifecycle": "new"})
        factories.make_experiment(
            session,
            ada,
            variants=variants,
            breakdowns=(SegmentRef("newcomers", 1), SegmentRef(factories.SEGMENT, 1)),
        )
        experiment = start(session, ada)
        before = lifecycle.locked_plan(session, experiment)
        metrics.add_version(
            session, RETENTION, factories.definition(day=1), actor=SYSTEM, now=NOW
        )
        segments.add_version(
            session, "newcomers", {"lifecycle": "old"}, actor=SYSTEM, now=NOW
        )
    with sessions() as session:
        plan, sha256 = lifecycle.locked_plan(session, experiment)
    assert (plan, sha256) == before
    assert plan.primary.definition.day == 30
    assert [(s.key, s.version) for s in plan.segments] == [
        (factories.SEGMENT, 1),
        ("newcomers", 1),
    ]
    assert plan.segment("newcomers", 1).condition == {"lifecycle": "new"}
    assert plan.hypothesis == factories.hypothesis_value()


def test_lock__each_start__has_its_own_salt(
    sessions: sessionmaker[Session], ada: Actor
) -> None:
    with transaction(sessions) as session:
        salts = {
            factories.start_experiment(session, ada, key=f"e{n}").salt for n in range(3)
        }
    assert len(salts) == 3
    assert all(salt is not None and len(salt) == 32 for salt in salts)


def test_lock__external_past__is_not_pre_registered_and_keeps_the_true_time(
    sessions: sessionmaker[Session], ada: Actor
) -> None:
    with transaction(sessions) as session:
        factories.make_experiment(session, ada, factories.external_design())
        experiment = start(session, ada)
        plan, _ = lifecycle.locked_plan(session, experiment)
    assert not plan.pre_registered
    assert not experiment.pre_registered
    assert plan.locked_at == NOW
    assert plan.exposures_from == NOW - 60 * DAY


def test_lock__future_exposures__is_pre_registered(
    sessions: sessionmaker[Session], ada: Actor
) -> None:
    with transaction(sessions) as session:
        factories.make_experiment(session, ada, exposures_from=NOW + DAY)
        plan, _ = lifecycle.locked_plan(session, start(session, ada))
    assert plan.pre_registered
    assert plan.exposures_from == NOW + DAY


def test_lock__admin_with_past_exposures__needs_a_reason_that_is_audited(
    sessions: sessionmaker[Session],
) -> None:
    with transaction(sessions) as session:
        root = factories.make_actor(session, "Root", PersonRole.ADMIN)
        factories.make_experiment(session, root, exposures_from=NOW - DAY)
    with pytest.raises(InvalidInput) as refusal, transaction(sessions) as session:
        start(session, root)
    assert list(refusal.value.fields) == ["reason"]
    with transaction(sessions) as session:
        experiment = start(session, root, reason="The app began a day early.")
        entry = audit.entries(session, subject_kind="experiment")[0]
    assert not experiment.pre_registered
    assert entry.after is not None
    assert entry.after["reason"] == "The app began a day early."


@SQLITE
def test_lock__drafted_start_has_passed__editor_is_refused(
    sessions: sessionmaker[Session], ada: Actor
) -> None:
    with transaction(sessions) as session:
        factories.make_experiment(session, ada, exposures_from=NOW + DAY)
        with pytest.raises(InvalidInput) as refusal:
            start(session, ada, NOW + 2 * DAY, "I was late.")
    assert list(refusal.value.fields) == ["exposures_from"]


@SQLITE
@pytest.mark.parametrize(
    ("changes", "days", "field"),
    [
        ({}, 29, "planned_end_at"),  # who came last would not be counted by then
        ({}, 59, "planned_end_at"),
        ({"enrolment_ends_at": NOW + DAY}, 2, "enrolment_ends_at"),
    ],
)
def test_lock__planned_times_have_passed__is_refused(
    sessions: sessionmaker[Session],
    ada: Actor,
    changes: dict[str, Any],
    days: int,
    field: str,
) -> None:
    with transaction(sessions) as session:
        factories.make_experiment(session, ada, **changes)
        with pytest.raises(InvalidInput) as refusal:
            start(session, ada, NOW + days * DAY)
    assert list(refusal.value.fields) == [field]


@SQLITE
def test_lock__external_end_before_its_start__is_refused(
    sessions: sessionmaker[Session], ada: Actor
) -> None:
    external = factories.external_design(exposures_from=None)
    with transaction(sessions) as session:
        factories.make_experiment(session, ada, external)
        with pytest.raises(InvalidInput) as refusal:
            start(session, ada)
    assert list(refusal.value.fields) == ["planned_end_at"]


def test_locked_plan__draft__is_not_found(
    sessions: sessionmaker[Session], ada: Actor
) -> None:
    with transaction(sessions) as session:
        experiment = factories.make_experiment(session, ada)
        with pytest.raises(NotFound, match="not started"):
            lifecycle.locked_plan(session, experiment)
        assert plan_lock.amendments(session, experiment) == []


def test_locked_plan__experiment_row_edited_behind_its_back__stays(
    sessions: sessionmaker[Session], ada: Actor
) -> None:
    with transaction(sessions) as session:
        experiment = factories.start_experiment(session, ada)
        session.execute(update(Experiment).values(alpha=0.2, planned_units=21))
    with sessions() as session:
        plan, _ = lifecycle.locked_plan(session, experiment)
        assert catalog.get(session, EXPERIMENT).alpha == 0.2
    assert plan.design.alpha == 0.05


# The rule in words
