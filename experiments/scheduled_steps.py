"""Planned steps: a start, a higher coverage or a stop, done at its time.

A step needs the permission of the person who planned it, when it is planned and again
when it is done: who has lost the role by then does not act through a step of old.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from experiments import accounts, audit, catalog, lifecycle
from experiments.actors import SYSTEM, Actor
from experiments.errors import AbideError, Conflict, Forbidden, NotFound
from experiments.field_faults import Faults
from experiments.lookups import owner_of
from experiments.models import Experiment, ScheduledStep
from experiments.vocabulary import Action, Status, StepState

ACTIONS = (Action.START, Action.RAISE_COVERAGE, Action.STOP)
LATEST = timedelta(days=730)
LONGEST_OUTCOME = 500
MOST_PLANNED = 50  # of one experiment
_ENDED = frozenset({Status.STOPPED, Status.DECIDED})


def plan(
    session: Session,
    key: str,
    *,
    at: datetime,
    action: Action,
    coverage: float | None,
    actor: Actor,
    now: datetime,
) -> ScheduledStep:
    """Plan a step.

    Args:
        session: open transaction.
        key: of the experiment.
        at: when, aware; after now.
        action: one of `ACTIONS`.
        coverage: share of the segment to enrol from then on (raise coverage only).
        actor: a person, or a key acting for one, who may do it by hand.
        now: aware UTC.

    Returns:
        The step.

    Raises:
        Conflict: the experiment has ended, or can never take the step from where it
            stands.
    """
    lifecycle.require(action, actor)
    person_id = owner_of(actor, "a planned step")
    audit.take_turn(session)
    experiment = catalog.get(session, key)
    if Status(experiment.status) in _ENDED:
        raise Conflict("This experiment has ended. Begin a new phase to plan steps.")
    lifecycle.require_possible(experiment, action)
    _check(session, experiment, at, action, coverage, now)
    step = ScheduledStep(
        experiment_id=experiment.id,
        at=at,
        action=action.value,
        coverage=None if coverage is None else float(coverage),
        person_id=person_id,
        created_at=now,
        state=StepState.PLANNED.value,
    )
    session.add(step)
    session.flush()
    after = _snapshot(step)
    audit.record(
        session, actor, "experiment.plan_step", "experiment", key, None, after, now
    )
    return _get(session, experiment, step.id)


def possible(experiment: Experiment) -> list[Action]:
    """List the steps that may be planned for an experiment as it stands."""
    if Status(experiment.status) in _ENDED:
        return []
    return [each for each in ACTIONS if lifecycle.is_possible(experiment, each)]


def cancel(
    session: Session, key: str, step_id: int, *, actor: Actor, now: datetime
) -> ScheduledStep:
    """Take a planned step back.

    Args:
        session: open transaction.
        key: of the experiment.
        step_id: number of the step.
        actor: somebody who may do the step by hand.
        now: aware UTC.

    Returns:
        The step.

    Raises:
        Conflict: it was done, or taken back, already.
    """
    audit.take_turn(session)
    experiment = catalog.get(session, key)
    step = _get(session, experiment, step_id)
    lifecycle.require(Action(step.action), actor)
    if step.state != StepState.PLANNED.value:
        raise Conflict(f"This step is {step.state}: there is nothing to take back.")
    before = _snapshot(step)
    step.state, step.finished_at = StepState.CANCELLED.value, now
    session.flush()
    audit.record(
        session,
        actor,
        "experiment.cancel_step",
        "experiment",
        key,
        before,
        _snapshot(step),
        now,
    )
    return step


def listing(session: Session, experiment: Experiment) -> list[ScheduledStep]:
    """List all steps of an experiment, by their time."""
    query = (
        select(ScheduledStep)
        .where(ScheduledStep.experiment_id == experiment.id)
        .options(joinedload(ScheduledStep.person))
        .order_by(ScheduledStep.at, ScheduledStep.id)
        .execution_options(populate_existing=True)
    )
    return list(session.scalars(query))


def due(session: Session, now: datetime) -> list[int]:
    """Number the steps whose time has come, in the order they are to be done."""
    query = (
        select(ScheduledStep.id)
        .where(ScheduledStep.state == StepState.PLANNED.value, ScheduledStep.at <= now)
        .order_by(ScheduledStep.at, ScheduledStep.id)
    )
    return list(session.scalars(query))


def carry_out(
    session: Session,
    step_id: int,
    now: datetime,
    enrolled_through: datetime | None = None,
) -> None:
    """Do a step for the person who planned it, if it is still to be done.

    Args:
        session: open transaction; on a refusal it is rolled back, see `fail`.
        step_id: number of the step.
        now: aware UTC.
        enrolled_through: how far the enrolled sets reach.

    Raises:
        Forbidden: the person may not do it any more.
        SetsBehind: it can be done a little later.
    """
    audit.take_turn(session)
    step = session.get_one(ScheduledStep, step_id, populate_existing=True)
    if step.state != StepState.PLANNED.value:
        return
    person = accounts.get(session, step.person_id)
    if not person.active:
        raise Forbidden(f"{person.name}, who planned it, has no access any more.")
    experiment = session.get_one(Experiment, step.experiment_id)
    lifecycle.transition(
        session,
        experiment.key,
        Action(step.action),
        accounts.actor_for(person),
        now,
        reason=f"Planned on {step.created_at:%Y-%m-%d} for {_moment(step.at)}.",
        coverage=step.coverage,
        enrolled_through=enrolled_through,
    )
    step.state, step.finished_at = StepState.DONE.value, now


def fail(session: Session, step_id: int, error: AbideError, now: datetime) -> None:
    """Keep why a step could not be done, where its experiment's page shows it."""
    audit.take_turn(session)
    step = session.get_one(ScheduledStep, step_id, populate_existing=True)
    if step.state != StepState.PLANNED.value:
        return
    before = _snapshot(step)
    step.state, step.finished_at = StepState.FAILED.value, now
    step.outcome = error.message[:LONGEST_OUTCOME]
    experiment = session.get_one(Experiment, step.experiment_id)
    audit.record(
        session,
        SYSTEM,
        "experiment.fail_step",
        "experiment",
        experiment.key,
        before,
        _snapshot(step),
        now,
    )


def _get(session: Session, experiment: Experiment, step_id: int) -> ScheduledStep:
    step = next((s for s in listing(session, experiment) if s.id == step_id), None)
    if step is None:
        raise NotFound("This experiment has no such step.")
    return step


def _check(
    session: Session,
    experiment: Experiment,
    at: datetime,
    action: Action,
    coverage: float | None,
    now: datetime,
) -> None:
    planned = [
        step
        for step in listing(session, experiment)
        if step.state == StepState.PLANNED.value
    ]
    faults = Faults()
    if action not in ACTIONS:
        faults.add(
            "action", "Only a start, a higher coverage or a stop can be planned."
        )
    if not now < at <= now + LATEST:
        faults.add("at", "Choose a time after now, within two years.")
    if action == Action.RAISE_COVERAGE:
        before = [s.coverage or 0.0 for s in planned if s.at <= at]
        after = [s.coverage for s in planned if s.at > at and s.coverage is not None]
        lowest, highest = max([experiment.coverage, *before]), min([1.0, *after])
        if coverage is None or not lowest < coverage <= highest:
            faults.add(
                "coverage",
                f"Enter more than {lowest * 100:.4g} %, at most {highest * 100:.4g} %.",
            )
    elif coverage is not None:
        faults.add("coverage", "Only a higher coverage has one.")
    if len(planned) >= MOST_PLANNED:
        faults.add("at", f"Plan at most {MOST_PLANNED} steps.")
    faults.raise_if_any("This step cannot be planned.")


def _moment(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"


def _snapshot(step: ScheduledStep) -> dict[str, Any]:
    return {
        "step": step.id,
        "at": step.at.isoformat(),
        "action": step.action,
        "coverage": step.coverage,
        "person": step.person_id,
        "state": step.state,
        "outcome": step.outcome,
    }
