"""Is the plan what it was, and did the experiment run by it?"""

from collections.abc import Sequence
from datetime import datetime

from analysis import wording
from analysis.health.check import Check
from experiments.plan import Plan
from experiments.vocabulary import AssignedBy, CheckState, HealthCheck


def plan_intact(is_intact: bool) -> Check:  # noqa: FBT001  # it is the whole question
    """Check that the plan still has the hash it was locked with."""
    name = HealthCheck.PLAN_INTACT
    if is_intact:
        return Check(name, CheckState.PASSED, "The plan is as it was locked.")
    return Check(
        name,
        CheckState.FAILED,
        "The stored plan was changed after it was locked, so nobody can tell what was"
        " planned. Restore it from a backup.",
    )


def breaks(pauses: Sequence[tuple[datetime, datetime | None]]) -> Check:
    """Tell when everybody got control."""
    name, count = HealthCheck.PAUSES, len(pauses)
    if not count:
        return Check(name, CheckState.PASSED, "The experiment ran without a break.")
    spans = [
        f"from {wording.date_time(begin)} to {wording.date_time(end)}"
        if end is not None
        else f"since {wording.date_time(begin)}"
        for begin, end in pauses
    ]
    sentence = (
        f"Everybody got control {wording.joined(spans)}; whoever was first exposed then"
        " is not analysed."
    )
    return Check(name, CheckState.NOTICE, sentence, {"pauses": count})


def pre_registered(plan: Plan) -> Check:
    """Tell whether the plan was locked before the first exposure."""
    name, locked = HealthCheck.NOT_PRE_REGISTERED, wording.date_time(plan.locked_at)
    if plan.pre_registered:
        sentence = f"The plan was locked on {locked}, before the first exposure."
        return Check(name, CheckState.PASSED, sentence)
    sentence = f"Not pre-registered: the plan was locked on {locked}, after exposures."
    return Check(name, CheckState.NOTICE, sentence)


def reviewed(plan: Plan) -> Check:
    """Tell whether a second person approved the plan."""
    name = HealthCheck.NOT_REVIEWED
    if plan.reviewed:
        return Check(name, CheckState.PASSED, "Another person approved the plan.")
    if plan.design.assigned_by == AssignedBy.EXTERNAL:
        sentence = "It ran elsewhere, so nobody was asked to review it here."
        return Check(name, CheckState.NOT_APPLICABLE, sentence)
    sentence = "Not reviewed: nobody but its author has approved the plan."
    return Check(name, CheckState.NOTICE, sentence)
