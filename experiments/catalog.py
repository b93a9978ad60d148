"""Experiments as designed: draft, edit, find, list."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session, defer, joinedload, selectinload

from experiments import audit, design_checks, ruleset
from experiments.actors import Actor
from experiments.decision_rule import rule_from_json
from experiments.design import Design
from experiments.design_parts import (
    MetricChoice,
    SegmentParameters,
    SegmentRef,
    VariantSpec,
)
from experiments.errors import Conflict, InvalidInput, NotFound
from experiments.lookups import (
    changes,
    check_revision,
    known_key,
    owner_of,
    page_size,
)
from experiments.models import (
    Experiment,
    ExperimentMetric,
    HypothesisRow,
    MetricVersion,
    SegmentVersion,
    Variant,
)
from experiments.plan import parameter_types, to_plain
from experiments.vocabulary import (
    AssignedBy,
    Goal,
    MonitoringMode,
    PersonRole,
    PlanTask,
    Risk,
    Role,
    Status,
    Unit,
)

_hypothesis = joinedload(Experiment.hypothesis)
WHOLE = (
    _hypothesis.joinedload(HypothesisRow.segment),
    _hypothesis.joinedload(HypothesisRow.metric),
    _hypothesis.joinedload(HypothesisRow.journey_stage),
    _hypothesis.joinedload(HypothesisRow.owner),
    joinedload(Experiment.owner),
    joinedload(Experiment.reviewed_by),
    joinedload(Experiment.segment_version).joinedload(SegmentVersion.segment),
    selectinload(Experiment.variants),
    selectinload(Experiment.metrics)
    .joinedload(ExperimentMetric.metric_version)
    .joinedload(MetricVersion.metric),
    selectinload(Experiment.pauses),
)
# For many at once: what they share is read, and its JSON parsed, once for all of them.
_of_hypothesis = selectinload(Experiment.hypothesis)
_STANDING = (
    _of_hypothesis.selectinload(HypothesisRow.segment),
    _of_hypothesis.selectinload(HypothesisRow.journey_stage),
    selectinload(Experiment.owner),
    selectinload(Experiment.reviewed_by),
    selectinload(Experiment.segment_version).selectinload(SegmentVersion.segment),
    defer(Experiment.looks),
    defer(Experiment.breakdowns),
    defer(Experiment.parameter_types),
    defer(Experiment.decision_rule),
    defer(Experiment.risks),
    defer(Experiment.holdouts),
    defer(Experiment.open_tasks),
    defer(Experiment.approvals),
    defer(Experiment.author_ids),
)
# Columns that are the design's own plain values.
_PLAIN = (
    "name",
    "goal",
    "assigned_by",
    "unit",
    "coverage",
    "alpha",
    "monitoring_mode",
    "planned_units",
    "planned_end_at",
    "exposures_from",
    "enrolment_ends_at",
    "layer",
    "layer_share",
    "hash_attribute",
    "fallback_attribute",
    "exposure_point",
    "post_stratified",
)


def draft(
    session: Session,
    design: Design,
    actor: Actor,
    now: datetime,
    *,
    task: PlanTask | None = None,
) -> Experiment:
    """Store a new experiment as a draft; the actor becomes its owner.

    Args:
        session: open transaction.
        design: complete; with a task, what other tasks ask for are placeholders.
        actor: an editor.
        now: aware UTC.
        task: the only one that has been answered; None when all have.

    Returns:
        The experiment, revision 1.

    Raises:
        Conflict: the key is taken.
    """
    actor.require(PersonRole.EDITOR, "draft experiments")
    owner_id = owner_of(actor, "an experiment")
    design_checks.check_itself(design, task)
    design = design.typed()
    design_checks.check_times(design, actor, now, task)
    audit.take_turn(session)
    taken = select(Experiment.id).where(Experiment.key == design.key)
    if session.scalar(taken) is not None:
        raise Conflict(
            f'There is an experiment "{design.key}" already. Choose another key.',
            {"key": "This key is taken."},
        )
    experiment = Experiment(
        key=design.key,
        owner_id=owner_id,
        author_ids=[],
        open_tasks=[] if task is None else [each.value for each in PlanTask],
        created_at=now,
        revision=0,
        status=Status.DRAFT.value,
        phase=1,
        pre_registered=False,
    )
    _write(session, experiment, design, actor, now, task)
    session.add(experiment)
    session.flush()
    # From now on doors know the key, and say that it has not started.
    ruleset.publish(session, now)
    after = to_plain(design)
    audit.record(
        session, actor, "experiment.draft", "experiment", design.key, None, after, now
    )
    return get(session, design.key)


def edit(  # the answer to one task, or to all of them
    session: Session,
    design: Design,
    revision: int,
    actor: Actor,
    now: datetime,
    *,
    task: PlanTask | None = None,
) -> Experiment:
    """Save a changed draft.

    Args:
        session: open transaction.
        design: with the key of the experiment to change.
        revision: the one that was edited.
        actor: an editor.
        now: aware UTC.
        task: the one that was answered; faults of others do not refuse it. None for
            a whole plan.

    Returns:
        The experiment, one revision further.

    Raises:
        Conflict: it is no draft any more, or somebody saved it meanwhile.
    """
    actor.require(PersonRole.EDITOR, "edit experiments")
    audit.take_turn(session)
    experiment = get(session, design.key)
    if experiment.status != Status.DRAFT.value:
        raise Conflict(_why_fixed(Status(experiment.status)))
    check_revision("experiment", revision, experiment.revision)
    design_checks.check_itself(design, task)
    _check_phase(experiment, design)
    design = design.typed()
    design_checks.check_times(design, actor, now, task)
    before = to_plain(to_design(experiment))
    # Old rows must be gone before rows with the same names arrive.
    experiment.variants.clear()
    experiment.metrics.clear()
    session.flush()
    _write(session, experiment, design, actor, now, task)
    session.flush()
    old, new = changes(before, to_plain(design))
    audit.record(
        session, actor, "experiment.edit", "experiment", design.key, old, new, now
    )
    return get(session, design.key)


def _why_fixed(status: Status) -> str:
    if status == Status.IN_REVIEW:
        return "This experiment is in review. Send it back first to edit it."
    fixed = f"Only a draft can be edited; this experiment is {status.value}."
    if status == Status.DECIDED:
        return fixed
    return (
        f"{fixed} Another split, segment or salt would move customers between variants."
        " Raise its coverage, or begin a new phase, which leaves its customers out."
    )


def _check_phase(experiment: Experiment, design: Design) -> None:
    """Refuse what would keep customers of earlier phases from being known again."""
    if experiment.phase == 1:
        return
    faults = {
        name: "This cannot change between phases. Draft a new experiment instead."
        for name in ("assigned_by", "unit", "hash_attribute", "fallback_attribute")
        if getattr(experiment, name) != getattr(design, name)
    }
    if faults:
        raise InvalidInput("This experiment cannot be saved yet.", faults)


def get(session: Session, key: str) -> Experiment:
    """Find an experiment with all it names, as it is now in the database.

    Args:
        session: any session.
        key: of the experiment.

    Returns:
        The experiment; it can be read after the session is closed.

    Raises:
        NotFound: there is none.
    """
    experiment = session.scalar(
        select(Experiment)
        .where(Experiment.key == known_key(key, "experiment"))
        .options(*WHOLE)
        .execution_options(populate_existing=True)
    )
    if experiment is None:
        raise NotFound(f'There is no experiment "{key}".')
    return experiment


def listing(
    session: Session,
    *,
    status: Status | None = None,
    after_key: str | None = None,
    limit: int = 50,
) -> list[Experiment]:
    """List experiments by key.

    Args:
        session: any session.
        status: only those that stand there.
        after_key: continue after a page that ended with this key.
        limit: at most this many, up to 200.

    Returns:
        The experiments with all they name.
    """
    query = select(Experiment).options(*WHOLE).order_by(Experiment.key)
    if status is not None:
        query = query.where(Experiment.status == status.value)
    if after_key is not None:
        query = query.where(Experiment.key > known_key(after_key, "page"))
    return list(session.scalars(query.limit(page_size(limit))))


def portfolio(session: Session, most: int) -> list[Experiment]:
    """List experiments by key, with what tells where they stand.

    Args:
        session: any session, open while they are read.
        most: at most this many.

    Returns:
        The experiments; their variants, metrics and settings are read when asked for.
    """
    query = select(Experiment).options(*_STANDING).order_by(Experiment.key)
    return list(session.scalars(query.limit(most)))


def to_design(experiment: Experiment) -> Design:
    """Read an experiment as the value that form, API and plan share."""
    return Design(
        key=experiment.key,
        name=experiment.name,
        hypothesis=experiment.hypothesis.key,
        goal=Goal(experiment.goal),
        assigned_by=AssignedBy(experiment.assigned_by),
        unit=Unit(experiment.unit),
        segment=experiment.segment_version.segment.key,
        segment_version=experiment.segment_version.version,
        variants=tuple(_variant_spec(v) for v in experiment.variants),
        coverage=experiment.coverage,
        metrics=tuple(_metric_choice(m) for m in experiment.metrics),
        monitoring_mode=MonitoringMode(experiment.monitoring_mode),
        planned_units=experiment.planned_units,
        planned_end_at=experiment.planned_end_at,
        alpha=experiment.alpha,
        exposures_from=experiment.exposures_from,
        enrolment_ends_at=experiment.enrolment_ends_at,
        breakdowns=tuple(SegmentRef(**ref) for ref in experiment.breakdowns),
        parameter_types=parameter_types(experiment.parameter_types),
        layer=experiment.layer,
        layer_share=experiment.layer_share,
        hash_attribute=experiment.hash_attribute,
        fallback_attribute=experiment.fallback_attribute,
        decision_rule=rule_from_json(experiment.decision_rule),
        looks=tuple(experiment.looks),
        exposure_point=experiment.exposure_point,
        risks=tuple(Risk(risk) for risk in experiment.risks),
        post_stratified=experiment.post_stratified,
    )


def _variant_spec(row: Variant) -> VariantSpec:
    return VariantSpec(
        name=row.name,
        description=row.description,
        is_control=row.is_control,
        share=row.share,
        parameters=row.parameters,
        personalisation=tuple(SegmentParameters(**r) for r in row.personalisation),
    )


def _metric_choice(row: ExperimentMetric) -> MetricChoice:
    return MetricChoice(
        metric=row.metric_version.metric.key,
        version=row.metric_version.version,
        role=Role(row.role),
        change_that_matters=row.change_that_matters,
        margin=row.margin,
    )


def _write(  # as its callers
    session: Session,
    row: Experiment,
    design: Design,
    actor: Actor,
    now: datetime,
    task: PlanTask | None,
) -> None:
    found = design_checks.check_references(session, design, now, task)
    plain = to_plain(design)
    for name in _PLAIN:
        value = getattr(design, name)
        setattr(row, name, value.value if isinstance(value, StrEnum) else value)
    row.coverage, row.alpha = float(design.coverage), float(design.alpha)
    row.hypothesis_id = found.hypothesis_id
    row.segment_version_id = found.segment_version_id
    row.breakdowns = plain["breakdowns"]
    row.decision_rule = plain["decision_rule"]
    row.parameter_types = plain["parameter_types"]
    row.looks = [float(look) for look in design.looks]
    row.risks = [risk.value for risk in design.risks]
    answered = {each.value for each in PlanTask} if task is None else {task.value}
    row.open_tasks = [each for each in row.open_tasks if each not in answered]
    row.variants = [
        Variant(position=position, **{**variant, "share": float(variant["share"])})
        for position, variant in enumerate(plain["variants"])
    ]
    row.metrics = [
        ExperimentMetric(
            position=position,
            metric_version_id=number,
            role=choice.role.value,
            change_that_matters=float(choice.change_that_matters),
            margin=None if choice.margin is None else float(choice.margin),
        )
        for position, (choice, number) in enumerate(
            zip(design.metrics, found.metric_version_ids, strict=True)
        )
    ]
    row.author_ids = sorted({*row.author_ids, owner_of(actor, "an experiment")})
    row.updated_at = now
    row.revision += 1
