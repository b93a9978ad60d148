"""Locking a plan: everything decided before the first result, written once."""

import secrets
from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from experiments import catalog, design_checks, hypotheses
from experiments.actors import Actor
from experiments.design import Design
from experiments.design_parts import SegmentRef
from experiments.errors import NotFound
from experiments.field_faults import Faults
from experiments.metric_definition import MetricDefinition
from experiments.models import (
    AmendmentRow,
    Experiment,
    PlanRow,
    Segment,
    SegmentVersion,
)
from experiments.plan import (
    Plan,
    PlannedMetric,
    PlannedSegment,
    definition_from_json,
    plan_from_json,
    sha256_of,
)
from experiments.rule_words import rule_in_words
from experiments.vocabulary import AssignedBy, PersonRole, Role

SALT_BYTES = 16


def lock(
    session: Session,
    experiment: Experiment,
    actor: Actor,
    now: datetime,
    *,
    reason: str | None,
) -> PlanRow:
    """Write the plan of an experiment that starts now.

    Args:
        session: open transaction.
        experiment: with a design that `Design.check` accepts; gets its salt.
        actor: who starts it.
        now: the lock's true time.
        reason: why exposures from before the lock count; needed only then.

    Returns:
        The plan's row.
    """
    design = catalog.to_design(experiment)
    design.check()
    exposures_from = design.exposures_from or now
    metrics = tuple(
        PlannedMetric(
            name=row.metric_version.metric.name,
            choice=choice,
            definition=definition_from_json(row.metric_version.definition),
        )
        for row, choice in zip(experiment.metrics, design.metrics, strict=True)
    )
    primary = next(m.definition for m in metrics if m.choice.role == Role.PRIMARY)
    _check_times(design, primary, actor, now, reason)
    experiment.salt = secrets.token_hex(SALT_BYTES)
    experiment.pre_registered = exposures_from >= now
    plan = Plan(
        design=design,
        hypothesis=hypotheses.to_value(experiment.hypothesis),
        metrics=metrics,
        segments=tuple(_segments(session, design)),
        salt=experiment.salt,
        phase=experiment.phase,
        exposures_from=exposures_from,
        locked_at=now,
        pre_registered=experiment.pre_registered,
        reviewed=experiment.reviewed_by_id is not None,
        decision_rule=rule_in_words(design, metrics),
    )
    body = plan.canonical_json()
    row = PlanRow(
        experiment_id=experiment.id,
        phase=experiment.phase,
        body=body,
        sha256=sha256_of(body),
        locked_at=now,
        locked_by=actor.label,
    )
    session.add(row)
    session.flush()
    return row


def _check_times(
    design: Design,
    primary: MetricDefinition,
    actor: Actor,
    now: datetime,
    reason: str | None,
) -> None:
    faults = Faults()
    exposures_from = design.exposures_from or now
    ran_elsewhere = design.assigned_by == AssignedBy.EXTERNAL
    if exposures_from < now and not ran_elsewhere:
        if not actor.may(PersonRole.ADMIN):
            faults.add(
                "exposures_from",
                "This time has passed. Only an admin may count exposures from before"
                " the start; leave it empty to count from the start.",
            )
        elif not (reason or "").strip():
            faults.add("reason", "Say why exposures from before the start count.")
    if design.planned_end_at <= exposures_from:
        faults.add("planned_end_at", "The end must come after the first exposures.")
    elif design.planned_end_at <= now and not ran_elsewhere:
        faults.add("planned_end_at", design_checks.PASSED)
    ends = design.enrolment_ends_at
    if ends is not None and ends <= exposures_from:
        faults.add("enrolment_ends_at", "Enrolment must end after it begins.")
    design_checks.add_early_end(faults, design, primary, now)
    faults.raise_if_any("This experiment cannot start as planned.")


def _segments(session: Session, design: Design) -> Iterator[PlannedSegment]:
    target = SegmentRef(design.segment, design.segment_version)
    rules = [rule for v in design.variants for rule in v.personalisation]
    personalised = [SegmentRef(rule.segment, rule.version) for rule in rules]
    for ref in dict.fromkeys((target, *design.breakdowns, *personalised)):
        name, condition = session.execute(
            select(Segment.name, SegmentVersion.condition)
            .join(SegmentVersion.segment)
            .where(Segment.key == ref.segment, SegmentVersion.version == ref.version)
        ).one()
        yield PlannedSegment(ref.segment, ref.version, name, condition)


def plan_row(session: Session, experiment: Experiment) -> PlanRow | None:
    """Find the plan of the present phase, or None before its start."""
    return session.scalar(
        select(PlanRow)
        .where(
            PlanRow.experiment_id == experiment.id, PlanRow.phase == experiment.phase
        )
        .execution_options(populate_existing=True)
    )


def locked_plan(session: Session, experiment: Experiment) -> tuple[Plan, str]:
    """Read the plan in force.

    Args:
        session: any session.
        experiment: one that was started.

    Returns:
        The plan, and the SHA-256 that was stored when it was locked.

    Raises:
        NotFound: the experiment was not started yet.
    """
    row = plan_row(session, experiment)
    if row is None:
        raise NotFound("This experiment has no locked plan yet: it was not started.")
    return plan_from_json(row.body), row.sha256


def amend(
    session: Session,
    experiment: Experiment,
    actor: Actor,
    now: datetime,
    *,
    change: str,
    reason: str | None,
) -> None:
    """Write a change after the lock beside the plan, where results show it."""
    row = plan_row(session, experiment)
    if row is None:
        return
    amendment = AmendmentRow(
        plan_id=row.id,
        at=now,
        by=actor.label,
        reason=(reason or "").strip() or "No reason was given.",
        change=change,
    )
    session.add(amendment)


def last_amended(session: Session, experiment: Experiment) -> datetime | None:
    """Tell when a plan of this experiment was last amended; a phase ends with that."""
    newest = amendments(session, experiment)[-1:]
    return newest[0].at if newest else None


def amendments(session: Session, experiment: Experiment) -> list[AmendmentRow]:
    """List what was changed after the lock, oldest first."""
    return list(
        session.scalars(
            select(AmendmentRow)
            .join(PlanRow, PlanRow.id == AmendmentRow.plan_id)
            .where(PlanRow.experiment_id == experiment.id)
            .order_by(AmendmentRow.id)
        )
    )
