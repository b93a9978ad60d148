"""Where an experiment stands: one table of transitions, one function that walks it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from experiments import accounts, audit, catalog, decisions, plan_lock, ruleset
from experiments.actors import Actor
from experiments.decisions import Proposal, Recommendation
from experiments.errors import AbideError, Conflict, Forbidden
from experiments.field_faults import Faults
from experiments.models import Experiment, Pause
from experiments.plan import Plan
from experiments.vocabulary import (
    Action,
    AssignedBy,
    Decision,
    PersonRole,
    Status,
)

TRANSITIONS: Mapping[tuple[Status, Action], Status] = {
    (Status.DRAFT, Action.SUBMIT): Status.IN_REVIEW,
    (Status.IN_REVIEW, Action.SEND_BACK): Status.DRAFT,
    (Status.IN_REVIEW, Action.APPROVE): Status.IN_REVIEW,
    (Status.DRAFT, Action.START): Status.RUNNING,
    (Status.IN_REVIEW, Action.START): Status.RUNNING,
    (Status.RUNNING, Action.PAUSE): Status.PAUSED,
    (Status.PAUSED, Action.RESUME): Status.RUNNING,
    (Status.RUNNING, Action.STOP_ENROLMENT): Status.RUNNING,
    (Status.RUNNING, Action.STOP): Status.STOPPED,
    (Status.PAUSED, Action.STOP): Status.STOPPED,
    (Status.RUNNING, Action.DECIDE): Status.DECIDED,
    (Status.STOPPED, Action.DECIDE): Status.DECIDED,
    (Status.RUNNING, Action.CONFIRM_DECISION): Status.DECIDED,
    (Status.STOPPED, Action.CONFIRM_DECISION): Status.DECIDED,
}
# The weakest role for each action, and how a refusal names it.
_ROLES: Mapping[Action, tuple[PersonRole, str]] = {
    Action.SUBMIT: (PersonRole.EDITOR, "ask for a review"),
    Action.SEND_BACK: (PersonRole.EDITOR, "send a plan back"),
    Action.APPROVE: (PersonRole.APPROVER, "approve a plan"),
    Action.START: (PersonRole.EDITOR, "start an experiment"),
    Action.PAUSE: (PersonRole.EDITOR, "pause an experiment"),
    Action.RESUME: (PersonRole.EDITOR, "resume an experiment"),
    Action.STOP_ENROLMENT: (PersonRole.EDITOR, "stop enrolment"),
    Action.STOP: (PersonRole.EDITOR, "stop an experiment"),
    Action.DECIDE: (PersonRole.EDITOR, "decide on an experiment"),
    Action.CONFIRM_DECISION: (PersonRole.APPROVER, "confirm a decision"),
}
_NEEDS_REASON = frozenset({Action.SEND_BACK, Action.STOP_ENROLMENT})
_CHANGES_NOTHING_SERVED = frozenset({Action.SUBMIT, Action.SEND_BACK, Action.APPROVE})


@dataclass(frozen=True, slots=True)
class ActionView:
    """An action that this state knows, and whether this actor may do it now."""

    action: Action
    allowed: bool
    why_not: str | None  # a sentence when it is not allowed


@dataclass(frozen=True, slots=True)
class _Step:
    """One transition on its way: what the caller gave."""

    session: Session
    experiment: Experiment
    action: Action
    actor: Actor
    now: datetime
    reason: str | None
    variant: str | None
    decision: Decision | None
    recommendation: Recommendation | None


def transition(  # noqa: PLR0913  # what an action can need, each by name
    session: Session,
    key: str,
    action: Action,
    actor: Actor,
    now: datetime,
    *,
    reason: str | None = None,
    variant: str | None = None,
    decision: Decision | None = None,
    recommendation: Recommendation | None = None,
) -> Experiment:
    """Do an action: check it, carry it out, publish and audit it.

    Args:
        session: open transaction; all of the action happens in it, or nothing.
        key: of the experiment.
        action: one that `TRANSITIONS` knows for where the experiment stands.
        actor: who does it.
        now: aware UTC.
        reason: needed to send back, to stop enrolment, to decide, and to start with
            exposures from the past; kept with every action.
        variant: the treatment to ship (decide).
        decision: what was decided (decide).
        recommendation: what the latest result's verdict says (decide); without one,
            shipping counts as against it.

    Returns:
        The experiment as it is now. A decision against the recommendation leaves it
        where it stands, with `decision_proposal`, until a second person confirms.

    Raises:
        Conflict: the experiment does not stand where this action begins.
    """
    audit.take_turn(session)
    experiment = catalog.get(session, key)
    status = Status(experiment.status)
    target = TRANSITIONS.get((status, action))
    if target is None:
        raise Conflict(
            f"This experiment is {_words(status)}; you cannot {_words(action)} it."
        )
    _check_reason(action, reason)
    _check(session, experiment, action, actor)
    before = _snapshot(experiment)
    step = _Step(
        session,
        experiment,
        action,
        actor,
        now,
        reason,
        variant,
        decision,
        recommendation,
    )
    experiment.status = _EFFECTS[action](step, target).value
    experiment.revision += 1
    experiment.updated_at = now
    session.flush()
    if action not in _CHANGES_NOTHING_SERVED:
        ruleset.publish(session, now)
    after = _snapshot(experiment) | ({"reason": reason} if reason else {})
    audit.record(
        session, actor, f"experiment.{action}", "experiment", key, before, after, now
    )
    return catalog.get(session, key)


def allowed_actions(
    session: Session, experiment: Experiment, actor: Actor
) -> list[ActionView]:
    """List what can be done with an experiment where it stands.

    Args:
        session: any session.
        experiment: as read.
        actor: who asks.

    Returns:
        Each action the table knows for this state, with the reason when this actor
        may not do it now. A decision is confirmed only where one waits.
    """
    views = []
    for status, action in TRANSITIONS:
        if status != experiment.status:
            continue
        if action == Action.CONFIRM_DECISION and not experiment.decision_proposal:
            continue
        try:
            _check(session, experiment, action, actor)
        except AbideError as error:
            views.append(ActionView(action, allowed=False, why_not=error.message))
        else:
            views.append(ActionView(action, allowed=True, why_not=None))
    return views


def review_required(session: Session, experiment: Experiment) -> bool:
    """Whether another person must approve: when there is one, and Abide assigns."""
    if experiment.assigned_by == AssignedBy.EXTERNAL.value:
        return False
    return accounts.active_count(session) > 1


def locked_plan(session: Session, experiment: Experiment) -> tuple[Plan, str]:
    """Read the plan in force and the SHA-256 it was locked with, or raise NotFound."""
    return plan_lock.locked_plan(session, experiment)


def _check_reason(action: Action, reason: str | None) -> None:
    faults = Faults()
    if action in _NEEDS_REASON:
        faults.text("reason", reason or "", decisions.MAX_REASON, "a reason")
    elif reason is not None:
        faults.optional_text("reason", reason, decisions.MAX_REASON)
    faults.raise_if_any(f"You cannot {_words(action)} without a good reason.")


# What must hold, beside the table, before an action


def _check(
    session: Session, experiment: Experiment, action: Action, actor: Actor
) -> None:
    least, words = _ROLES[action]
    actor.require(least, words)
    check = _CHECKS.get(action)
    if check is not None:
        check(session, experiment, actor)


def _check_approve(_session: Session, experiment: Experiment, actor: Actor) -> None:
    if experiment.reviewed_by is not None:
        raise Conflict(f"{experiment.reviewed_by.name} has approved this plan already.")
    wrote = {*experiment.author_ids, experiment.owner_id, experiment.submitted_by_id}
    if actor.person_id is None or actor.person_id in wrote:
        raise Forbidden(
            "Nobody approves their own plan. Ask somebody who did not write it."
        )


def _check_start(session: Session, experiment: Experiment, _actor: Actor) -> None:
    if experiment.reviewed_by_id is None and review_required(session, experiment):
        asked = experiment.status == Status.IN_REVIEW.value
        raise Conflict(
            "Another person has to approve the plan before it starts."
            + ("" if asked else " Ask for a review.")
        )


def _check_assigned_here(
    _session: Session, experiment: Experiment, _actor: Actor
) -> None:
    if experiment.assigned_by == AssignedBy.EXTERNAL.value:
        raise Conflict("Another system assigns the variants. Pause it there.")


def _check_confirm(_session: Session, experiment: Experiment, actor: Actor) -> None:
    if not experiment.decision_proposal:
        raise Conflict("No decision waits to be confirmed.")
    proposal = Proposal.from_json(experiment.decision_proposal)
    if actor.person_id in {None, proposal.person_id}:
        raise Forbidden("A second person has to confirm this decision.")


_CHECKS: Mapping[Action, Callable[[Session, Experiment, Actor], None]] = {
    Action.APPROVE: _check_approve,
    Action.START: _check_start,
    Action.PAUSE: _check_assigned_here,
    Action.RESUME: _check_assigned_here,
    Action.CONFIRM_DECISION: _check_confirm,
}


# What an action does; each tells where the experiment stands afterwards


def _submit(step: _Step, target: Status) -> Status:
    step.experiment.submitted_by_id = step.actor.person_id
    return target


def _send_back(step: _Step, target: Status) -> Status:
    step.experiment.reviewed_by_id = None
    step.experiment.submitted_by_id = None
    return target


def _approve(step: _Step, target: Status) -> Status:
    step.experiment.reviewed_by_id = step.actor.person_id
    return target


def _start(step: _Step, target: Status) -> Status:
    plan_lock.lock(
        step.session, step.experiment, step.actor, step.now, reason=step.reason
    )
    step.experiment.started_at = step.now
    return target


def _pause(step: _Step, target: Status) -> Status:
    pause = Pause(paused_at=step.now, resumed_at=None)
    step.experiment.pauses.append(pause)
    return target


def _resume(step: _Step, target: Status) -> Status:
    for pause in step.experiment.pauses:
        if pause.resumed_at is None:
            pause.resumed_at = step.now
    return target


def _stop_enrolment(step: _Step, target: Status) -> Status:
    ends = step.experiment.enrolment_ends_at
    if ends is not None and ends <= step.now:
        raise Conflict(f"Enrolment ended already, on {_date(ends)}.")
    step.experiment.enrolment_ends_at = step.now
    _amend(step, f"Enrolment was stopped on {_date(step.now)}.")
    return target


def _stop(step: _Step, target: Status) -> Status:
    _resume(step, target)
    step.experiment.stopped_at = step.now
    if step.now < step.experiment.planned_end_at:
        _amend(step, f"Stopped on {_date(step.now)}, before the planned end.")
    return target


def _decide(step: _Step, target: Status) -> Status:
    proposal = decisions.propose(
        catalog.to_design(step.experiment),
        step.actor,
        decision=step.decision,
        variant=step.variant,
        reason=step.reason,
        recommendation=step.recommendation,
    )
    if decisions.needs_second_person(step.session, proposal, step.recommendation):
        step.experiment.decision_proposal = proposal.to_json()
        return Status(step.experiment.status)
    return _close(step, target, proposal)


def _confirm_decision(step: _Step, target: Status) -> Status:
    body = step.experiment.decision_proposal
    if body is None:
        raise Conflict("No decision waits to be confirmed.")
    return _close(step, target, Proposal.from_json(body))


def _close(step: _Step, target: Status, proposal: Proposal) -> Status:
    if step.experiment.stopped_at is None:
        _stop(step, target)
    step.experiment.decided_at = step.now
    step.experiment.decision = proposal.decision.value
    step.experiment.decided_variant = proposal.variant
    step.experiment.decision_reason = proposal.reason
    step.experiment.decision_proposal = None
    return target


def _amend(step: _Step, change: str) -> None:
    plan_lock.amend(
        step.session,
        step.experiment,
        step.actor,
        step.now,
        change=change,
        reason=step.reason,
    )


_EFFECTS: Mapping[Action, Callable[[_Step, Status], Status]] = {
    Action.SUBMIT: _submit,
    Action.SEND_BACK: _send_back,
    Action.APPROVE: _approve,
    Action.START: _start,
    Action.PAUSE: _pause,
    Action.RESUME: _resume,
    Action.STOP_ENROLMENT: _stop_enrolment,
    Action.STOP: _stop,
    Action.DECIDE: _decide,
    Action.CONFIRM_DECISION: _confirm_decision,
}


def _snapshot(experiment: Experiment) -> dict[str, Any]:
    ends = experiment.enrolment_ends_at
    return {
        "status": experiment.status,
        "revision": experiment.revision,
        "reviewed_by": experiment.reviewed_by_id,
        "enrolment_ends_at": None if ends is None else ends.astimezone(UTC).isoformat(),
        "decision": experiment.decision,
        "decided_variant": experiment.decided_variant,
        "decision_proposal": experiment.decision_proposal,
    }


def _words(name: Status | Action) -> str:
    return name.replace("_", " ")


def _date(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
