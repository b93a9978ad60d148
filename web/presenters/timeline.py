"""The life of an experiment as a line of steps, with what is known of each."""

from dataclasses import dataclass
from datetime import datetime

from experiments.models import Experiment
from experiments.vocabulary import AssignedBy, Decision, Status
from web.presenters.formats import day
from web.presenters.runs import Run, is_final

IDEA, PLAN, REVIEW, RUNNING, COUNTING, RESULT, DECIDED, AFTER = range(8)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an experiment's life."""

    name: str
    when: str  # a date, or what is known; "" when nothing is
    state: str  # "done", "current" or "ahead"


def timeline(experiment: Experiment, run: Run | None, now: datetime) -> list[Step]:
    """List the steps from idea to what customers get, and mark where it stands.

    Args:
        experiment: as read.
        run: its last good run.
        now: aware UTC.

    Returns:
        Eight steps, one of them current.
    """
    position = _position(experiment, run, now)
    names = _names(experiment)
    notes = _notes(experiment, run, position)
    return [
        Step(name, note, _state(index, position))
        for index, (name, note) in enumerate(zip(names, notes, strict=True))
    ]


def _position(experiment: Experiment, run: Run | None, now: datetime) -> int:
    past_end = now >= experiment.planned_end_at
    own = experiment.assigned_by == AssignedBy.ABIDE.value
    return {
        Status.DRAFT: PLAN,
        Status.IN_REVIEW: REVIEW,
        Status.RUNNING: RESULT if is_final(run) else COUNTING if past_end else RUNNING,
        Status.PAUSED: RUNNING,
        Status.STOPPED: RESULT if is_final(run) else COUNTING,
        # Here the doors give what was decided at once; elsewhere nobody can tell.
        Status.DECIDED: AFTER if own else DECIDED,
    }[Status(experiment.status)]


def _names(experiment: Experiment) -> tuple[str, ...]:
    running = {Status.PAUSED.value: "Paused", Status.STOPPED.value: "Stopped"}
    after = "Shipped or not"
    if experiment.decision is not None:
        shipped = experiment.decision == Decision.SHIP.value
        after = "Shipped" if shipped else "Not shipped"
    return (
        "Idea",
        "Plan",
        "Review",
        running.get(experiment.status, "Running"),
        "Counting",
        "Result",
        "Decided",
        after,
    )


def _notes(experiment: Experiment, run: Run | None, position: int) -> tuple[str, ...]:
    started, ended = experiment.started_at, experiment.stopped_at
    reviewer = experiment.reviewed_by
    running = f"since {day(started)}" if started else ""
    paused = next((p.paused_at for p in experiment.pauses if not p.resumed_at), None)
    if experiment.status == Status.PAUSED.value and paused:
        running = f"since {day(paused)}"
    if ended and position >= COUNTING:
        running = f"until {day(ended)}"
    return (
        day(experiment.hypothesis.created_at),
        day(experiment.created_at),
        f"by {reviewer.name}"
        if reviewer
        else ""
        if position <= REVIEW
        else "not reviewed",
        running,
        f"until about {day(run.due_at)}" if run and run.due_at else "",
        "ready" if is_final(run) else f"planned {day(experiment.planned_end_at)}",
        day(experiment.decided_at) if experiment.decided_at else "",
        f"since {day(experiment.decided_at)}" if position == AFTER else "",
    )


def _state(index: int, position: int) -> str:
    if index == position:
        return "current"
    return "done" if index < position else "ahead"
