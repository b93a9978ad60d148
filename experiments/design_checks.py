"""All that must hold of a design before it is saved: its own rules, times, references.

A page of a draft saves the answer to one task: then only that task's fields may refuse
it, and what is wrong elsewhere is shown where it is asked.
"""

from datetime import UTC, datetime, time, timedelta

from sqlalchemy.orm import Session

from experiments import allocation, references
from experiments.actors import Actor
from experiments.design import Design
from experiments.errors import InvalidInput
from experiments.field_faults import Faults
from experiments.metric_definition import MetricDefinition
from experiments.plan_tasks import faults_of
from experiments.references import References
from experiments.vocabulary import AssignedBy, PersonRole, PlanTask

NOT_YET = "This experiment cannot be saved yet."
PASSED = "This time has passed. Choose a later one."
TIMES = ("planned_end_at", "exposures_from", "enrolment_ends_at")


def check_itself(design: Design, task: PlanTask | None) -> None:
    """Refuse what is wrong with a design by itself.

    Args:
        design: as planned.
        task: the one that was answered; None for the whole plan.

    Raises:
        InvalidInput: with the faults by field.
    """
    _refuse(design.faults(), task)


def check_times(
    design: Design, actor: Actor, now: datetime, task: PlanTask | None
) -> None:
    """Refuse times that could not be started with; what ran elsewhere is history."""
    faults = Faults()
    _add_times(faults, design, actor, now)
    _refuse(faults, task)


def check_references(
    session: Session, design: Design, now: datetime, task: PlanTask | None
) -> References:
    """Find what a design names, and refuse what does not exist or fit.

    Args:
        session: any session.
        design: as planned.
        now: aware UTC.
        task: the one that was answered; None for the whole plan.

    Returns:
        The database numbers of what it names.

    Raises:
        InvalidInput: with the faults by field.
    """
    faults = Faults()
    found = references.resolve(session, design, faults)
    _refuse(faults, task)
    add_early_end(faults, design, found.primary, now)
    _add_layer(faults, session, design, now)
    _refuse(faults, task)
    return found


def faults_in(
    session: Session, design: Design, actor: Actor, now: datetime
) -> dict[str, str]:
    """Find everything that is wrong with a stored draft, by field."""
    faults = design.faults()
    _add_times(faults, design, actor, now)
    found = references.resolve(session, design, faults)
    add_early_end(faults, design, found.primary, now)
    _add_layer(faults, session, design, now)
    return faults.fields


def add_early_end(
    faults: Faults, design: Design, primary: MetricDefinition | None, now: datetime
) -> None:
    """Refuse an end by which whoever comes last could not have been counted.

    Args:
        faults: takes what is wrong, under "planned_end_at".
        design: as planned; what ran elsewhere is history and is left alone.
        primary: how the metric that decides is measured; None where it is not known.
        now: aware UTC; the start, unless exposures count from another time.
    """
    unreadable = not faults.fields.keys().isdisjoint(TIMES)
    if unreadable or primary is None or design.assigned_by == AssignedBy.EXTERNAL:
        return
    last = design.enrolment_ends_at or design.exposures_from or now
    if design.planned_end_at >= last + primary.maturity:
        return
    days = "a day" if primary.maturity.days == 1 else f"{primary.maturity.days} days"
    known = f"the primary metric is known {days} after a customer's first exposure"
    if design.enrolment_ends_at is not None:
        known = f"enrolment ends on {_day(last)}, and {known}"
    earliest = _whole_day(last + primary.maturity)
    faults.add(
        "planned_end_at",
        f"Too early: {known}. The earliest day is {_day(earliest)}.",
    )


def _whole_day(at: datetime) -> datetime:
    """Give the first midnight that is not before a time; dates are typed so."""
    midnight = datetime.combine(at.astimezone(UTC).date(), time(), UTC)
    return midnight if midnight == at else midnight + timedelta(days=1)


def _day(at: datetime) -> str:
    """Write a day as pages do, as "14 Mar 2026"."""
    at = at.astimezone(UTC)
    return f"{at.day} {at:%b %Y}"


def _refuse(faults: Faults, task: PlanTask | None) -> None:
    found = faults.fields if task is None else faults_of(task, faults.fields)
    if found:
        raise InvalidInput(NOT_YET, found)


def _add_times(faults: Faults, design: Design, actor: Actor, now: datetime) -> None:
    if design.assigned_by == AssignedBy.EXTERNAL:
        return
    begins = design.exposures_from
    if begins is not None and begins < now and not actor.may(PersonRole.ADMIN):
        faults.add(
            "exposures_from",
            "Only an admin may count exposures from before the start. Leave it empty"
            " to count from the start.",
        )
    for name in ("planned_end_at", "enrolment_ends_at"):
        ends = getattr(design, name)
        if ends is not None and ends <= now:
            faults.add(name, PASSED)


def _add_layer(faults: Faults, session: Session, design: Design, now: datetime) -> None:
    if "layer" in faults.fields:  # there may be none to ask about
        return
    try:
        allocation.refuse_mixed(session, design, now)
    except InvalidInput as error:
        for name, said in error.fields.items():
            faults.add(name, said)
