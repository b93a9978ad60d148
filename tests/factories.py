# ruff: noqa: ANN401  # any field of a value can be overridden
"""Valid things of every kind, made through the services; override what matters.

Values (`definition`, `hypothesis_value`, `design_value`) need no database; the
others store one thing, and first what it names unless that is there already.
"""

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from experiments import (
    accounts,
    catalog,
    hypotheses,
    journey,
    lifecycle,
    metrics,
    segments,
)
from experiments.actors import SYSTEM, Actor
from experiments.design import Design
from experiments.design_parts import MetricChoice, VariantSpec
from experiments.errors import NotFound
from experiments.hypothesis import Forecast, Hypothesis
from experiments.metric_definition import MetricDefinition
from experiments.models import (
    Experiment,
    HypothesisRow,
    Metric,
    Person,
    Segment,
)
from experiments.vocabulary import (
    Action,
    AssignedBy,
    Direction,
    Evidence,
    Goal,
    MetricKind,
    MonitoringMode,
    PersonRole,
    Role,
    Unit,
)

NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)  # where tests.clock.FakeClock stands
PASSWORD = "a long walk by the sea"  # noqa: S105  # a password of tests
RETENTION, CSAT = "retention_d30", "csat"
SEGMENT, HYPOTHESIS, EXPERIMENT = "business", "annual-nudge", "annual-plan-nudge"


def definition(**changes: Any) -> MetricDefinition:
    """Day-30 retention by "App Opened"."""
    day_30 = MetricDefinition(
        kind=MetricKind.RETENTION,
        direction=Direction.INCREASE,
        events=("App Opened",),
        day=30,
    )
    return dataclasses.replace(day_30, **changes)


def csat_definition(**changes: Any) -> MetricDefinition:
    """Mean CSAT score, 1 to 5, in the 30 days after exposure."""
    mean = MetricDefinition(
        kind=MetricKind.CSAT_MEAN, direction=Direction.INCREASE, day=30
    )
    return dataclasses.replace(mean, **changes)


def hypothesis_value(**changes: Any) -> Hypothesis:
    """State a complete hypothesis about `RETENTION` in `SEGMENT`."""
    value = Hypothesis(
        key=HYPOTHESIS,
        title="Naming the yearly saving keeps business customers",
        evidence=Evidence.DATA_PATTERN,
        evidence_text="Customers who saw the yearly price stayed more often.",
        change="Show the yearly saving on the plan page.",
        segment=SEGMENT,
        metric=RETENTION,
        direction=Direction.INCREASE,
        expected_change=0.015,
        journey_stage="renewal",
        friction_point="The saving is hidden behind a link.",
        if_up="Show it to everybody.",
        if_flat="Take it out again.",
        if_down="Take it out and ask customers why.",
        forecast=Forecast(-0.01, 0.02, 0.05, 0.4),
    )
    return dataclasses.replace(value, **changes)


def design_value(**changes: Any) -> Design:
    """Design two variants, even split, retention first, CSAT as guardrail."""
    value = Design(
        key=EXPERIMENT,
        name="Annual plan nudge",
        hypothesis=HYPOTHESIS,
        goal=Goal.CHURN_REDUCTION,
        assigned_by=AssignedBy.ABIDE,
        unit=Unit.CUSTOMER,
        segment=SEGMENT,
        segment_version=1,
        variants=(
            variant("control", is_control=True, parameters={"headline": "Go yearly"}),
            variant("nudge", parameters={"headline": "Save two months"}),
        ),
        coverage=1.0,
        metrics=(
            choice(RETENTION, change_that_matters=0.01),
            choice(CSAT, Role.GUARDRAIL, change_that_matters=0.05, margin=0.05),
        ),
        monitoring_mode=MonitoringMode.FIXED_END,
        planned_units=2000,
        planned_end_at=NOW + timedelta(days=58),  # of them 31 to count
    )
    return dataclasses.replace(value, **changes)


def external_design(**changes: Any) -> Design:
    """Design an experiment that ran elsewhere in the last 60 days."""
    past = {
        "assigned_by": AssignedBy.EXTERNAL,
        "exposures_from": NOW - timedelta(days=60),
        "planned_end_at": NOW - timedelta(days=32),
    }
    return design_value(**{**past, **changes})


def variant(
    name: str,
    *,
    is_control: bool = False,
    share: float = 0.5,
    parameters: Mapping[str, Any] | None = None,
    **changes: Any,
) -> VariantSpec:
    """One variant with half of the split."""
    return VariantSpec(
        name=name,
        description=changes.pop("description", f"Customers see {name}."),
        is_control=is_control,
        share=share,
        parameters=parameters or {},
        **changes,
    )


def choice(metric: str, role: Role = Role.PRIMARY, **changes: Any) -> MetricChoice:
    """Choose a metric in version 1."""
    plain: dict[str, Any] = {"version": 1, "change_that_matters": 0.01}
    return MetricChoice(metric=metric, role=role, **{**plain, **changes})


def make_person(
    session: Session,
    name: str = "Ada",
    role: PersonRole = PersonRole.EDITOR,
    *,
    now: datetime = NOW,
    **changes: Any,
) -> Person:
    """Store a person without a password, with an address made from the name."""
    plain = {"email": f"{name.lower()}@example.com", "password": None}
    return accounts.create_person(
        session, name=name, role=role, actor=SYSTEM, now=now, **{**plain, **changes}
    )


def make_actor(
    session: Session, name: str = "Ada", role: PersonRole = PersonRole.EDITOR
) -> Actor:
    """Store a person and act as this person."""
    return accounts.actor_for(make_person(session, name, role))


def make_segment(
    session: Session, key: str = SEGMENT, *, now: datetime = NOW, **changes: Any
) -> Segment:
    """Store the segment of business customers."""
    plain = {
        "name": "Business customers",
        "description": "Everybody on the business plan.",
        "condition": {"plan": "business"},
        "actor": SYSTEM,
    }
    return segments.create(session, key=key, now=now, **{**plain, **changes})


def make_metric(
    session: Session, key: str = RETENTION, *, now: datetime = NOW, **changes: Any
) -> Metric:
    """Store day-30 retention; or the mean CSAT under its key."""
    is_csat = key == CSAT
    plain = {
        "name": "CSAT" if is_csat else "Day-30 retention",
        "description": "",
        "definition": csat_definition() if is_csat else definition(),
        "actor": SYSTEM,
    }
    asked = {**plain, **changes}
    said = {
        field.name: asked.pop(field.name)
        for field in dataclasses.fields(metrics.CatalogueEntry)
        if field.name in asked
    }
    entry = metrics.CatalogueEntry(**said)
    return metrics.create(session, key=key, entry=entry, now=now, **asked)


def make_hypothesis(
    session: Session, actor: Actor, *, now: datetime = NOW, **changes: Any
) -> HypothesisRow:
    """Store a hypothesis, with the segment, metric and journey it names."""
    value = hypothesis_value(**changes)
    journey.seed(session)
    _have_segment(session, value.segment, now)
    _have_metric(session, value.metric, now)
    return hypotheses.create(session, value, actor, now)


def make_experiment(
    session: Session,
    actor: Actor,
    design: Design | None = None,
    *,
    now: datetime = NOW,
    **changes: Any,
) -> Experiment:
    """Store a draft with all it names: `changes` are fields of `design_value`."""
    value = dataclasses.replace(design or design_value(), **changes)
    for metric in value.metrics:
        _have_metric(session, metric.metric, now)
    _have_segment(session, value.segment, now)
    primary = next(m.metric for m in value.metrics if m.role == Role.PRIMARY)
    try:
        hypotheses.get(session, value.hypothesis)
    except NotFound:
        make_hypothesis(session, actor, now=now, key=value.hypothesis, metric=primary)
    return catalog.draft(session, value, actor, now)


def _have_segment(session: Session, key: str, now: datetime) -> None:
    try:
        segments.get(session, key)
    except NotFound:
        make_segment(session, key, now=now)


def _have_metric(session: Session, key: str, now: datetime) -> None:
    try:
        metrics.get(session, key)
    except NotFound:
        make_metric(session, key, now=now)


def start_experiment(
    session: Session,
    actor: Actor,
    design: Design | None = None,
    *,
    now: datetime = NOW,
    **changes: Any,
) -> Experiment:
    """Store and start an experiment; approved by another where that is needed."""
    experiment = make_experiment(session, actor, design, now=now, **changes)
    if lifecycle.review_required(session, experiment):
        reviewer = make_actor(session, "Reviewer", PersonRole.APPROVER)
        lifecycle.transition(session, experiment.key, Action.SUBMIT, actor, now)
        lifecycle.transition(session, experiment.key, Action.APPROVE, reviewer, now)
    return lifecycle.transition(session, experiment.key, Action.START, actor, now)
