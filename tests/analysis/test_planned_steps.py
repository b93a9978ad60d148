"""Steps planned for later: done in order, with the planner's permission of then."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session, sessionmaker

from analysis import leases
from analysis.planned_steps import carry_out_due
from analysis.scheduler import LEASE
from experiments import accounts, audit, catalog, journey, lifecycle, scheduled_steps
from experiments.actors import SYSTEM, Actor
from experiments.context import Context
from experiments.db import transaction
from experiments.enrolled import FOLDER, write_through
from experiments.errors import Conflict, Forbidden, InvalidInput, NotFound
from experiments.models import Experiment, ScheduledStep
from experiments.vocabulary import Action, PersonRole, Status, StepState
from tests import factories
from tests.clock import FakeClock
from tests.factories import EXPERIMENT, NOW

Sessions = sessionmaker[Session]
HOUR = timedelta(hours=1)


@pytest.fixture
def ada(sessions: Sessions) -> Actor:
    with transaction(sessions) as session:
        journey.seed(session)
        actor = factories.make_actor(session, "Ada", PersonRole.EDITOR)
        factories.make_experiment(session, actor, coverage=0.1)
        return actor


def plan(
    sessions: Sessions,
    actor: Actor,
    what: Action,
    hours: float,
    coverage: float | None = None,
    **changes: Any,  # noqa: ANN401
) -> ScheduledStep:
    with transaction(sessions) as session:
        return scheduled_steps.plan(
            session,
            EXPERIMENT,
            **{
                "at": NOW + hours * HOUR,
                "action": what,
                "coverage": coverage,
                "actor": actor,
                "now": NOW,
                **changes,
            },
        )


def work(context: Context) -> int:
    """Let a scheduler look once."""
    with leases.held(context, LEASE) as token:
        assert token is not None
        return carry_out_due(context, LEASE, token)


def state(sessions: Sessions) -> tuple[Experiment, list[tuple[str, str | None]]]:
    with transaction(sessions) as session:
        experiment = catalog.get(session, EXPERIMENT)
        steps = scheduled_steps.listing(session, experiment)
    return experiment, [(step.state, step.outcome) for step in steps]


def test_steps__after_a_standstill__are_done_in_their_order(
    context: Context, sessions: Sessions, now: FakeClock, ada: Actor
) -> None:
    plan(sessions, ada, Action.STOP, 72)
    plan(sessions, ada, Action.START, 1)
    plan(sessions, ada, Action.RAISE_COVERAGE, 48, 0.5)
    plan(sessions, ada, Action.RAISE_COVERAGE, 24, 0.2)
    assert work(context) == 0  # nothing is due

    now.advance(hours=50)  # nobody worked for two days
    assert work(context) == 3
    experiment, found = state(sessions)
    assert (experiment.status, experiment.coverage) == (Status.RUNNING, 0.5)
    assert [one for one, _ in found] == ["done", "done", "done", "planned"]

    now.advance(hours=30)
    assert (work(context), work(context)) == (1, 0)
    experiment, found = state(sessions)
    assert experiment.status == Status.STOPPED
    with transaction(sessions) as session:
        rows = audit.entries(session, subject_key=EXPERIMENT, subject_kind="experiment")
    assert [row.action for row in rows][:4] == [
        "experiment.stop",
        "experiment.raise_coverage",
        "experiment.raise_coverage",
        "experiment.start",
    ]
    assert all("ada@example.com" in row.actor for row in rows[:4])


def test_step__of_who_lost_the_role__fails_and_says_so(
    context: Context, sessions: Sessions, now: FakeClock, ada: Actor
) -> None:
    with transaction(sessions) as session:
        root = factories.make_person(session, "Root", PersonRole.ADMIN)
    plan(sessions, ada, Action.START, 1)
    plan(sessions, accounts.actor_for(root), Action.START, 2)
    with transaction(sessions) as session:
        assert ada.person_id is not None
        accounts.set_role(
            session, ada.person_id, PersonRole.VIEWER, actor=SYSTEM, now=NOW
        )
    now.advance(hours=3)
    assert work(context) == 2
    experiment, found = state(sessions)
    assert found[0] == (
        "failed",
        "Only editors and above may start an experiment; your role is viewer.",
    )
    # Two people are there, so the plan needs a review: that is checked then too.
    assert found[1][0] == "failed"
    assert "approve the plan" in str(found[1][1])
    assert experiment.status == Status.DRAFT


def test_step__of_who_has_left__fails(
    context: Context, sessions: Sessions, now: FakeClock, ada: Actor
) -> None:
    plan(sessions, ada, Action.START, 1)
    with transaction(sessions) as session:
        factories.make_person(session, "Root", PersonRole.ADMIN)
        assert ada.person_id is not None
        accounts.set_active(session, ada.person_id, active=False, actor=SYSTEM, now=NOW)
    now.advance(hours=1)
    work(context)
    assert state(sessions)[1] == [
        ("failed", "Ada, who planned it, has no access any more.")
    ]


def test_step__that_can_never_be_done__is_refused_at_once(
    sessions: Sessions, now: FakeClock, ada: Actor
) -> None:
    with transaction(sessions) as session:
        lifecycle.transition(session, EXPERIMENT, Action.START, ada, now())
    with pytest.raises(Conflict, match="already running; you cannot start it"):
        plan(sessions, ada, Action.START, 1)
    with transaction(sessions) as session:
        lifecycle.transition(
            session, EXPERIMENT, Action.RAISE_COVERAGE, ada, now(), coverage=1
        )
    with pytest.raises(Conflict, match="All of the segment is enrolled already"):
        plan(sessions, ada, Action.RAISE_COVERAGE, 1, 1.0)
    with transaction(sessions) as session:
        lifecycle.transition(session, EXPERIMENT, Action.PAUSE, ada, now())
    with pytest.raises(Conflict, match="is paused; you cannot start it"):
        plan(sessions, ada, Action.START, 1)
    assert state(sessions)[1] == []
    assert plan(sessions, ada, Action.STOP, 1).state == StepState.PLANNED


def test_step__taken_back__is_not_done(
    context: Context, sessions: Sessions, now: FakeClock, ada: Actor
) -> None:
    step = plan(sessions, ada, Action.START, 1)
    with transaction(sessions) as session:
        scheduled_steps.cancel(session, EXPERIMENT, step.id, actor=ada, now=NOW)
        with pytest.raises(Conflict, match="nothing to take back"):
            scheduled_steps.cancel(session, EXPERIMENT, step.id, actor=ada, now=NOW)
        with pytest.raises(NotFound):
            scheduled_steps.cancel(session, EXPERIMENT, 99, actor=ada, now=NOW)
        scheduled_steps.carry_out(session, step.id, NOW)  # a late worker
        scheduled_steps.fail(session, step.id, Conflict("x"), NOW)
    now.advance(hours=2)
    assert work(context) == 0
    experiment, found = state(sessions)
    assert (experiment.status, found) == (Status.DRAFT, [(StepState.CANCELLED, None)])


def test_worker__replaced_meanwhile__does_nothing(
    context: Context, sessions: Sessions, now: FakeClock, ada: Actor
) -> None:
    plan(sessions, ada, Action.START, 1)
    now.advance(hours=1)
    with leases.held(context, LEASE) as token:
        assert token is not None
        with pytest.raises(leases.LeaseLost):
            carry_out_due(context, LEASE, token - 1)
    assert state(sessions)[1] == [(StepState.PLANNED, None)]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"at": NOW}, "at"),
        ({"at": NOW + timedelta(days=800)}, "at"),
        ({"action": Action.PAUSE}, "action"),
        ({"coverage": 0.5}, "coverage"),
        ({"action": Action.RAISE_COVERAGE}, "coverage"),
        ({"action": Action.RAISE_COVERAGE, "coverage": 0.1}, "coverage"),
        ({"action": Action.RAISE_COVERAGE, "coverage": 1.1}, "coverage"),
    ],
)
def test_plan__step_at_fault__is_named(
    sessions: Sessions, ada: Actor, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        plan(sessions, ada, Action.START, 1, **changes)
    assert set(refusal.value.fields) == {field}


def test_plan__ramp__only_goes_up(sessions: Sessions, ada: Actor) -> None:
    plan(sessions, ada, Action.RAISE_COVERAGE, 10, 0.5)
    with pytest.raises(InvalidInput) as refusal:
        plan(sessions, ada, Action.RAISE_COVERAGE, 20, 0.4)
    assert refusal.value.fields == {"coverage": "Enter more than 50 %, at most 100 %."}
    with pytest.raises(InvalidInput) as refusal:
        plan(sessions, ada, Action.RAISE_COVERAGE, 5, 0.6)
    assert refusal.value.fields == {"coverage": "Enter more than 10 %, at most 50 %."}


def test_plan__without_the_role_or_after_the_end__is_refused(
    sessions: Sessions, ada: Actor
) -> None:
    viewer = Actor("person:9 v@example.com", PersonRole.VIEWER, 9)
    with pytest.raises(Forbidden):
        plan(sessions, viewer, Action.START, 1)
    with pytest.raises(InvalidInput, match="person"):
        plan(sessions, SYSTEM, Action.START, 1)
    with transaction(sessions) as session:
        lifecycle.transition(session, EXPERIMENT, Action.START, ada, NOW)
        lifecycle.transition(
            session, EXPERIMENT, Action.STOP, ada, NOW, reason="Enough."
        )
    with pytest.raises(Conflict, match="has ended"):
        plan(sessions, ada, Action.STOP, 1)


def test_step__start_of_a_later_phase__waits_until_the_sets_reach_past_the_earlier(
    context: Context, sessions: Sessions, now: FakeClock, ada: Actor
) -> None:
    for action in (Action.START, Action.NEW_PHASE):
        with transaction(sessions) as session:
            lifecycle.transition(
                session, EXPERIMENT, action, ada, NOW, reason="Another split."
            )
    plan(sessions, ada, Action.START, 1)
    now.advance(seconds=3600)
    work(context)
    assert state(sessions)[1] == [(StepState.PLANNED, None)]

    write_through(context.settings.data_dir / "ruleset" / FOLDER, NOW)
    work(context)
    experiment, steps = state(sessions)
    assert (experiment.status, experiment.phase) == (Status.RUNNING, 2)
    assert steps == [(StepState.DONE, None)]
