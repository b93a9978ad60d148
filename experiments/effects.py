"""What each action of the lifecycle does, and where it leaves the experiment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from experiments import (
    accounts,
    allocation,
    catalog,
    decisions,
    holdouts,
    learnings,
    plan_lock,
    signing,
)
from experiments.actors import Actor
from experiments.decisions import Proposal, Recommendation
from experiments.design import LEAST_COVERAGE
from experiments.errors import Conflict, InvalidInput, SetsBehind
from experiments.lessons import Lessons
from experiments.models import Experiment, Pause
from experiments.vocabulary import Action, Decision, Status

NEW_PHASE_OFFER = (
    "Begin a new phase instead: it has a new salt and may have another split, segment"
    " or coverage, and customers of this phase are left out of it."
)

# What an exposure may be in flight, and the pause between two publications.
EARLIER_KNOWN_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Step:
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
    coverage: float | None = None
    enrolled_through: datetime | None = None
    lessons: Lessons | None = None


def _submit(step: Step, target: Status) -> Status:
    step.experiment.submitted_by_id = step.actor.person_id
    step.experiment.sent_back = None
    return target


def _send_back(step: Step, target: Status) -> Status:
    """Give the plan back to who wrote it, with the reason for them to read."""
    experiment = step.experiment
    experiment.reviewed_by_id = None
    experiment.approvals = []
    experiment.submitted_by_id = None
    experiment.sent_back = {
        **_refusal(step),
        "revision": experiment.revision + 1,  # as it is once this is done
    }
    return target


def _refusal(step: Step) -> dict[str, Any]:
    """Say who refused, why and when, as a column keeps it for the author to read."""
    return {
        "person_id": step.actor.person_id,
        "name": _name_of(step),
        "reason": step.reason,
        "at": step.now.astimezone(UTC).isoformat(),
    }


def _name_of(step: Step) -> str:
    if step.actor.person_id is None:
        return "Abide"
    return accounts.get(step.session, step.actor.person_id).name


def _approve(step: Step, target: Status) -> Status:
    """Note who signs for what; the plan is approved when nobody is missing."""
    experiment = step.experiment
    person = accounts.get(step.session, step.actor.person_id or 0)
    missing = signing.missing(experiment.risks, experiment.approvals)
    signs = [each.value for each in missing if each.value in person.signs_for]
    signed = {"person_id": person.id, "name": person.name, "signs_for": signs}
    experiment.approvals = [*experiment.approvals, signed]
    if not signing.missing(experiment.risks, experiment.approvals):
        experiment.reviewed_by_id = person.id
    return target


def _start(step: Step, target: Status) -> Status:
    _wait_for_earlier_phases(step)
    plan_lock.lock(
        step.session, step.experiment, step.actor, step.now, reason=step.reason
    )
    step.experiment.started_at = step.now
    step.experiment.sent_back = None
    holdouts.freeze(step.session, step.experiment, step.now)
    allocation.occupy(step.session, step.experiment, step.actor, step.now)
    return target


def _wait_for_earlier_phases(step: Step) -> None:
    """Refuse while doors could draw again somebody whom an earlier phase has seen."""
    if step.experiment.phase == 1:
        return
    ended = plan_lock.last_amended(step.session, step.experiment)
    through = step.enrolled_through
    if through is None or (ended is not None and through < ended):
        raise SetsBehind(
            "The customers of the earlier phase are not all known yet, and could get"
            " another variant. This takes about 15 seconds: try again then. If it takes"
            " longer, ask whoever runs Abide whether `abide compact` works.",
            retry_after=EARLIER_KNOWN_SECONDS,
        )


def _pause(step: Step, target: Status) -> Status:
    pause = Pause(paused_at=step.now, resumed_at=None)
    step.experiment.pauses.append(pause)
    return target


def _resume(step: Step, target: Status) -> Status:
    for pause in step.experiment.pauses:
        if pause.resumed_at is None:
            pause.resumed_at = step.now
    return target


def _raise_coverage(step: Step, target: Status) -> Status:
    experiment, wanted = step.experiment, step.coverage
    if wanted is None or not LEAST_COVERAGE <= wanted <= 1:
        raise InvalidInput(
            "The coverage was not raised.",
            {"coverage": "Enrol more of the segment: at most 100 %."},
        )
    now = f"{experiment.coverage * 100:.4g} %"
    if wanted == experiment.coverage:
        raise Conflict(f"Coverage is {now} already.")
    if wanted < experiment.coverage:
        raise Conflict(
            f"Coverage is {now} and can only be raised: with less, customers would lose"
            f" the variant they have seen. {NEW_PHASE_OFFER}",
            {"coverage": f"Enter more than {now}."},
        )
    experiment.coverage = float(wanted)
    _amend(
        step,
        f"Coverage was raised from {now} to {wanted * 100:.4g} % on {_date(step.now)}.",
    )
    return target


def _new_phase(step: Step, target: Status) -> Status:
    """Part from the customers so far; what follows is planned and started anew."""
    experiment = step.experiment
    _resume(step, target)
    _amend(
        step,
        f"Phase {experiment.phase} ended on {_date(step.now)}. The next one has a new"
        " salt and leaves the customers of this one out.",
    )
    allocation.release(step.session, experiment, step.now)
    experiment.phase += 1
    experiment.salt = None
    experiment.approvals = []
    experiment.pre_registered = False
    for name in (
        "started_at",
        "stopped_at",
        "exposures_from",
        "enrolment_ends_at",
        "reviewed_by_id",
        "submitted_by_id",
        "decision_proposal",
        "decision_declined",
    ):
        setattr(experiment, name, None)
    return target


def _stop_enrolment(step: Step, target: Status) -> Status:
    ends = step.experiment.enrolment_ends_at
    if ends is not None and ends <= step.now:
        raise Conflict(f"Enrolment ended already, on {_date(ends)}.")
    step.experiment.enrolment_ends_at = step.now
    _amend(step, f"Enrolment was stopped on {_date(step.now)}.")
    return target


def _stop(step: Step, target: Status) -> Status:
    _resume(step, target)
    step.experiment.stopped_at = step.now
    allocation.release(step.session, step.experiment, step.now)
    if step.now < step.experiment.planned_end_at:
        _amend(step, f"Stopped on {_date(step.now)}, before the planned end.")
    return target


def _decide(step: Step, target: Status) -> Status:
    proposal = decisions.propose(
        catalog.to_design(step.experiment),
        step.actor,
        step.now,
        decision=step.decision,
        variant=step.variant,
        reason=step.reason,
        recommendation=step.recommendation,
        lessons=step.lessons,
    )
    step.experiment.decision_declined = None
    if decisions.needs_second_person(step.session, proposal, step.recommendation):
        step.experiment.decision_proposal = proposal.to_json()
        return Status(step.experiment.status)
    return _close(step, target, proposal)


def _confirm_decision(step: Step, target: Status) -> Status:
    proposal = decisions.waiting(step.experiment)
    return _close(step, target, proposal, is_confirmed=True)


def _decline_decision(step: Step, target: Status) -> Status:
    """Let a decision wait no longer, with the reason for its author to read."""
    experiment = step.experiment
    proposal = decisions.waiting(experiment)
    experiment.decision_declined = {**_refusal(step), "proposal": proposal.to_json()}
    experiment.decision_proposal = None
    return target


def _close(
    step: Step, target: Status, proposal: Proposal, *, is_confirmed: bool = False
) -> Status:
    if step.experiment.stopped_at is None:
        _stop(step, target)
    step.experiment.decided_at = step.now
    step.experiment.decision = proposal.decision.value
    step.experiment.decided_variant = proposal.variant
    step.experiment.decision_reason = proposal.reason
    step.experiment.decision_proposal = None
    if proposal.is_against:
        verdict = proposal.verdict
        step.experiment.decided_against = {
            "verdict": None if verdict is None else verdict.value,
            "person_id": step.actor.person_id if is_confirmed else None,
            "name": _name_of(step) if is_confirmed else None,
        }
    learnings.record(step.session, step.experiment, proposal, step.actor, step.now)
    return target


def _amend(step: Step, change: str) -> None:
    plan_lock.amend(
        step.session,
        step.experiment,
        step.actor,
        step.now,
        change=change,
        reason=step.reason,
    )


def _date(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


EFFECTS: Mapping[Action, Callable[[Step, Status], Status]] = {
    Action.SUBMIT: _submit,
    Action.SEND_BACK: _send_back,
    Action.APPROVE: _approve,
    Action.START: _start,
    Action.PAUSE: _pause,
    Action.RESUME: _resume,
    Action.STOP_ENROLMENT: _stop_enrolment,
    Action.RAISE_COVERAGE: _raise_coverage,
    Action.NEW_PHASE: _new_phase,
    Action.STOP: _stop,
    Action.DECIDE: _decide,
    Action.CONFIRM_DECISION: _confirm_decision,
    Action.DECLINE_DECISION: _decline_decision,
}
