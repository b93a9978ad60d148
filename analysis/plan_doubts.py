"""What is to be doubted of a plan's size and dates, by how customers come."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from analysis import wording
from analysis.baselines import known_baseline
from analysis.stats.arrivals import Arrivals
from experiments import catalog
from experiments.models import Experiment
from experiments.plan import definition_from_json
from experiments.vocabulary import AssignedBy, Role, Unit

WEEK = timedelta(weeks=1)
NEARLY = 0.95  # of the planned size: no forecast of a flow is closer than that


@dataclass(frozen=True, slots=True)
class Timetable:
    """When a plan enrols and ends, and for how many.

    Attributes:
        begins_at: when enrolment begins.
        enrolment_ends_at: when it ends; None where it is open until the planned end.
        planned_end_at: by when the answer is wanted.
        maturity: how long after exposure a customer's outcome is known.
        units: planned size, all variants together.
        unit: of what.
    """

    begins_at: datetime
    enrolment_ends_at: datetime | None
    planned_end_at: datetime
    maturity: timedelta
    units: int
    unit: Unit = Unit.CUSTOMER

    @property
    def last_counted_at(self) -> datetime:
        """After this, nobody who comes is counted by the planned end."""
        return self.enrolment_ends_at or self.planned_end_at - self.maturity


def doubts(planned: Timetable, arrivals: Arrivals | None) -> list[str]:
    """Say what is to be doubted.

    Args:
        planned: dates that a design's check accepts.
        arrivals: who is enrolled, week by week; None where it is not known.

    Returns:
        Sentences; none where size and dates fit.
    """
    found = []
    last = planned.last_counted_at
    if planned.enrolment_ends_at is None and planned.maturity:
        days = planned.maturity.days
        found.append(
            f"Who comes in the last {'day' if days == 1 else f'{days} days'} before the"
            f" planned end is not counted by then. Let enrolment end by"
            f" {wording.date(last)}."
        )
    if arrivals is None or last <= planned.begins_at:
        return found
    come = arrivals.by((last - planned.begins_at) / WEEK)
    if come < NEARLY * planned.units:
        many = f"{wording.about(come)} {wording.units(planned.unit)} come"
        if arrivals.is_steady:
            many = f"At {wording.about(arrivals.later)} a week, {many}"
        found.append(
            "The planned size will hardly be reached."
            f" {many[0].upper()}{many[1:]} until {wording.date(last)}; the plan asks"
            f" for {wording.count(planned.units)}. Choose a later end, or another size."
        )
    return found


def doubts_of(session: Session, experiment: Experiment, now: datetime) -> list[str]:
    """Say what is to be doubted of a plan before it starts, by the project's own data.

    Args:
        session: any session.
        experiment: with all it names; its plan is whole.
        now: when it would start.

    Returns:
        Sentences; none of what ran elsewhere, which is history.
    """
    design = catalog.to_design(experiment)
    if design.assigned_by == AssignedBy.EXTERNAL:
        return []
    version = next(
        row.metric_version
        for row in experiment.metrics
        if row.role == Role.PRIMARY.value
    )
    known = known_baseline(session, version, design.segment, design.segment_version)
    arrivals = None if known is None else known.arrivals_of(design.unit)
    planned = Timetable(
        begins_at=design.exposures_from or now,
        enrolment_ends_at=design.enrolment_ends_at,
        planned_end_at=design.planned_end_at,
        maturity=definition_from_json(version.definition).maturity,
        units=design.planned_units,
        unit=design.unit,
    )
    return doubts(planned, arrivals and arrivals.times(design.coverage))
