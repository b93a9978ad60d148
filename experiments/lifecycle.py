"""Where an experiment stands: one table of transitions, one function that walks it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from experiments import (
    accounts,
    audit,
    catalog,
    decisions,
    plan_lock,
    plan_tasks,
    ruleset,
    signing,
)
from experiments.actors import Actor
from experiments.decisions import Recommendation
from experiments.effects import EFFECTS, Step
from experiments.errors import AbideError, Conflict, Forbidden
from experiments.field_faults import Faults
from experiments.lessons import Lessons
from experiments.models import Experiment
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
    (Status.RUNNING, Action.RAISE_COVERAGE): Status.RUNNING,
    (Status.RUNNING, Action.NEW_PHASE): Status.DRAFT,
    (Status.PAUSED, Action.NEW_PHASE): Status.DRAFT,
    (Status.STOPPED, Action.NEW_PHASE): Status.DRAFT,
    (Status.RUNNING, Action.STOP): Status.STOPPED,
    (Status.PAUSED, Action.STOP): Status.STOPPED,
    (Status.RUNNING, Action.DECIDE): Status.DECIDED,
    (Status.STOPPED, Action.DECIDE): Status.DECIDED,
    (Status.RUNNING, Action.CONFIRM_DECISION): Status.DECIDED,
    (Status.STOPPED, Action.CONFIRM_DECISION): Status.DECIDED,
    (Status.RUNNING, Action.DECLINE_DECISION): Status.RUNNING,
    (Status.PAUSED, Action.DECLINE_DECISION): Status.PAUSED,
    (Status.STOPPED, Action.DECLINE_DECISION): Status.STOPPED,
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
    Action.RAISE_COVERAGE: (PersonRole.EDITOR, "raise the coverage"),
    Action.NEW_PHASE: (PersonRole.EDITOR, "begin a new phase"),
    Action.STOP: (PersonRole.EDITOR, "stop an experiment"),
    Action.DECIDE: (PersonRole.EDITOR, "decide on an experiment"),
    Action.CONFIRM_DECISION: (PersonRole.APPROVER, "confirm a decision"),
    # Whoever decided may take it back; anybody else has to be an approver.
    Action.DECLINE_DECISION: (PersonRole.EDITOR, "decline a decision"),
}
_NEEDS_REASON = frozenset(
    {
        Action.SEND_BACK,
        Action.STOP_ENROLMENT,
        Action.STOP,
        Action.NEW_PHASE,
        Action.DECLINE_DECISION,
    }
)
_CHANGES_NOTHING_SERVED = frozenset(
    {Action.SUBMIT, Action.SEND_BACK, Action.APPROVE, Action.DECLINE_DECISION}
)
# What is done with a decision that waits.
_OF_WAITING = frozenset({Action.CONFIRM_DECISION, Action.DECLINE_DECISION})


@dataclass(frozen=True, slots=True)
class ActionView:
    """An action that this state knows, and whether this actor may do it now."""

    action: Action
    allowed: bool
    why_not: str | None  # a sentence when it is not allowed


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
    coverage: float | None = None,
    enrolled_through: datetime | None = None,
    lessons: Lessons | None = None,
) -> Experiment:
    """Do an action: check it, carry it out, publish and audit it.

    Args:
        session: open transaction; all of the action happens in it, or nothing.
        key: of the experiment.
        action: one that `TRANSITIONS` knows for where the experiment stands.
        actor: who does it.
        now: aware UTC.
        reason: needed to send back, to stop or stop enrolment, for a new phase, to
            decide or decline a decision, and to start with exposures from the past;
            kept with every action.
        variant: the treatment to ship (decide).
        decision: what was decided (decide).
        recommendation: what the latest result's verdict says (decide); without one,
            shipping counts as against it.
        coverage: the higher share of the segment to enrol (raise coverage).
        enrolled_through: how far the enrolled sets reach (start of a later phase).
        lessons: what was learned (decide).

    Returns:
        The experiment as it is now. A decision against the recommendation leaves it
        where it stands, with `decision_proposal`, until a second person confirms or
        declines it.

    Raises:
        Conflict: the experiment does not stand where this action begins.
        SetsBehind: customers of the earlier phase may still be unknown (start).
    """
    audit.take_turn(session)
    experiment = catalog.get(session, key)
    status = Status(experiment.status)
    target = TRANSITIONS.get((status, action))
    if target is None:
        raise _cannot(status, action)
    _check_reason(action, reason)
    _check(session, experiment, action, actor)
    before = _snapshot(experiment)
    step = Step(
        session,
        experiment,
        action,
        actor,
        now,
        reason,
        variant,
        decision,
        recommendation,
        coverage,
        enrolled_through,
        lessons,
    )
    experiment.status = EFFECTS[action](step, target).value
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
        may not do it now. A decision is confirmed or declined only where one waits.
    """
    views = []
    for status, action in TRANSITIONS:
        if status != experiment.status:
            continue
        if action in _OF_WAITING and not experiment.decision_proposal:
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


def require(action: Action, actor: Actor) -> None:
    """Refuse (Forbidden) an actor whose role may not do this action at all."""
    least, words = _ROLES[action]
    actor.require(least, words)


def require_possible(experiment: Experiment, action: Action) -> None:
    """Refuse an action for later that cannot be done then either.

    Args:
        experiment: as it stands now.
        action: to be done later, when an experiment that waits may have started.

    Raises:
        Conflict: it says why.
    """
    status = Status(experiment.status)
    waits = (status, Action.START) in TRANSITIONS
    if not waits and (status, action) not in TRANSITIONS:
        raise _cannot(status, action)
    if action == Action.RAISE_COVERAGE:
        _check_may_rise(experiment)


def is_possible(experiment: Experiment, action: Action) -> bool:
    """Whether an action may be planned for later."""
    try:
        require_possible(experiment, action)
    except Conflict:
        return False
    return True


def _cannot(status: Status, action: Action) -> Conflict:
    return Conflict(
        f"This experiment is {_STANDING[status]}; you cannot {_words(action)}."
    )


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
    require(action, actor)
    check = _CHECKS.get(action)
    if check is not None:
        check(session, experiment, actor)


def _check_whole(_session: Session, experiment: Experiment, _actor: Actor) -> None:
    if experiment.open_tasks:
        raise Conflict(
            "This plan is not whole yet. Open:"
            f" {plan_tasks.names_of(experiment.open_tasks)}."
        )
    faults = catalog.to_design(experiment).faults().fields
    if faults:
        wrong = {plan_tasks.task_of(name).value for name in faults}
        raise Conflict(f"This plan needs a change first: {plan_tasks.names_of(wrong)}.")


def _check_approve(session: Session, experiment: Experiment, actor: Actor) -> None:
    if experiment.reviewed_by is not None:
        raise Conflict(f"{experiment.reviewed_by.name} has approved this plan already.")
    needed = signing.missing(experiment.risks, experiment.approvals)
    wrote = {*experiment.author_ids, experiment.owner_id, experiment.submitted_by_id}
    if actor.person_id is None or actor.person_id in wrote:
        raise Forbidden(
            "Nobody approves their own plan. Ask somebody who did not write it."
        )
    signs = accounts.get(session, actor.person_id).signs_for
    if needed and not {signer.value for signer in needed}.intersection(signs):
        raise Forbidden(
            f"Somebody who signs for {signing.named(needed)} has to approve this plan:"
            " it touches what they answer for. An administrator names them under"
            " Settings, People."
        )


def _check_start(session: Session, experiment: Experiment, actor: Actor) -> None:
    _check_whole(session, experiment, actor)
    if experiment.reviewed_by_id is None and review_required(session, experiment):
        asked = experiment.status == Status.IN_REVIEW.value
        raise Conflict(
            "Another person has to approve the plan before it starts."
            + ("" if asked else " Ask for a review.")
        )


def _check_assigned_here(
    _session: Session, experiment: Experiment, _actor: Actor
) -> None:
    _require_assigned_here(experiment)


def _require_assigned_here(experiment: Experiment) -> None:
    if experiment.assigned_by == AssignedBy.EXTERNAL.value:
        raise Conflict("Another system assigns the variants. Do this there.")


def _check_raise(_session: Session, experiment: Experiment, _actor: Actor) -> None:
    _check_may_rise(experiment)


def _check_may_rise(experiment: Experiment) -> None:
    _require_assigned_here(experiment)
    if experiment.coverage >= 1:
        raise Conflict("All of the segment is enrolled already.")


_CHECKS: Mapping[Action, Callable[[Session, Experiment, Actor], None]] = {
    Action.SUBMIT: _check_whole,
    Action.APPROVE: _check_approve,
    Action.START: _check_start,
    Action.PAUSE: _check_assigned_here,
    Action.RESUME: _check_assigned_here,
    Action.RAISE_COVERAGE: _check_raise,
    Action.NEW_PHASE: _check_assigned_here,
    Action.DECIDE: decisions.check_none_waits,
    Action.CONFIRM_DECISION: decisions.check_confirm,
    Action.DECLINE_DECISION: decisions.check_decline,
}


def _snapshot(experiment: Experiment) -> dict[str, Any]:
    ends = experiment.enrolment_ends_at
    return {
        "status": experiment.status,
        "phase": experiment.phase,
        "coverage": experiment.coverage,
        "revision": experiment.revision,
        "reviewed_by": experiment.reviewed_by_id,
        "approvals": experiment.approvals,
        "enrolment_ends_at": None if ends is None else ends.astimezone(UTC).isoformat(),
        "decision": experiment.decision,
        "decided_variant": experiment.decided_variant,
        "decision_proposal": experiment.decision_proposal,
    }


_STANDING = {
    Status.DRAFT: "a draft",
    Status.IN_REVIEW: "in review",
    Status.RUNNING: "already running",
    Status.PAUSED: "paused",
    Status.STOPPED: "stopped",
    Status.DECIDED: "decided",
}


def _words(name: Action) -> str:
    words = _ROLES[name][1] if name in _ROLES else f"{name} it"
    return words.replace("an experiment", "it").replace("a plan", "it")
