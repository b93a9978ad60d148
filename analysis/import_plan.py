"""Registers an experiment that ran elsewhere, from what its file says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from sqlalchemy import select
from sqlalchemy.orm import Session

from analysis.import_outcomes import Outcome
from experiments import (
    accounts,
    audit,
    catalog,
    hypotheses,
    journey,
    lifecycle,
    metrics,
    segments,
)
from experiments.actors import Actor
from experiments.design import LEAST_UNITS, Design
from experiments.design_parts import MetricChoice, VariantSpec
from experiments.errors import Conflict, InvalidInput, NotFound
from experiments.hypothesis import Hypothesis
from experiments.models import Experiment, Person
from experiments.plan import Plan
from experiments.variant_checks import MAX_VARIANTS, MIN_VARIANTS
from experiments.vocabulary import (
    Action,
    AssignedBy,
    Evidence,
    Goal,
    MetricKind,
    MonitoringMode,
    PersonRole,
    Role,
    Status,
    Unit,
)

EVERYBODY = "everybody"  # segment of an experiment whose file names none
NOT_RECORDED = "Not recorded: the experiment was imported after it ran."
_MATTERS = {
    MetricKind.CSAT_MEAN: 0.1,
    MetricKind.CES_MEAN: 0.1,
    MetricKind.NPS: 3.0,
    MetricKind.TIME_TO_CHURN: 1.0,
    MetricKind.EVENT_COUNT: 0.1,
    MetricKind.VALUE_SUM: 1.0,
}


@dataclass(frozen=True, slots=True)
class Finished:
    """What a file says about the experiment that it is of.

    Attributes:
        variants: name -> customers.
        begins_at: the first exposure, or as declared.
        enrolled_until: from here on nobody was exposed; None when not known.
        ends_at: when the last data are from.
        file_name: of the file.
    """

    variants: Mapping[str, int]
    begins_at: datetime
    enrolled_until: datetime | None
    ends_at: datetime
    file_name: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What the person who imports says about the experiment.

    Attributes:
        key: of the experiment.
        name: as people read it; the key when empty.
        control: the variant that is control; found by its name when None.
        matters: the smallest change of the primary metric that matters, on its scale.
        outcomes: the metrics.
    """

    key: str
    name: str
    control: str | None
    matters: float | None
    outcomes: tuple[Outcome, ...]


def importing_actor(session: Session, email: str | None) -> Actor:
    """Find who imports: the named person, or the first active administrator.

    Args:
        session: any session.
        email: of the person; None for the administrator.

    Returns:
        The person as actor.

    Raises:
        NotFound: there is nobody like that.
    """
    if email is not None:
        return accounts.actor_for(accounts.person_by_email(session, email))
    person = session.scalar(
        select(Person)
        .where(Person.active.is_(True), Person.role == PersonRole.ADMIN.value)
        .order_by(Person.id)
        .limit(1)
    )
    if person is None:
        raise NotFound("There is no administrator yet. Run: abide user create")
    return accounts.actor_for(person)


def existing_plan(session: Session, key: str) -> Plan | None:
    """Find the plan of an experiment that a file is of.

    Args:
        session: any session.
        key: of the experiment.

    Returns:
        Its plan; None when there is no such experiment yet.

    Raises:
        Conflict: it is assigned by Abide, or has not started.
    """
    try:
        experiment = catalog.get(session, key)
    except NotFound:
        return None
    if experiment.assigned_by != AssignedBy.EXTERNAL.value:
        raise Conflict(
            f'"{key}" is assigned by Abide, so its data come from events, not a file.'
        )
    if experiment.status in {Status.DRAFT.value, Status.IN_REVIEW.value}:
        raise Conflict(f'Start "{key}" first, so that its plan is locked.')
    return lifecycle.locked_plan(session, experiment)[0]


def require_experiment(variants: Mapping[str, int], file_name: str) -> None:
    """Refuse a file that no experiment can be registered from, in its own words.

    Args:
        variants: name -> customers.
        file_name: of the file.

    Raises:
        InvalidInput: too few customers, or variants that cannot be compared.
    """
    names, total = sorted(variants), sum(variants.values())
    alike = [
        a
        for a, b in pairwise(sorted(names, key=str.casefold))
        if a.casefold() == b.casefold()
    ]
    sentence = None
    if not MIN_VARIANTS <= len(names) <= MAX_VARIANTS:
        shown = ", ".join(names[:MAX_VARIANTS])
        sentence = (
            f"An experiment has {MIN_VARIANTS} to {MAX_VARIANTS} variants; its rows"
            f" name {len(names)} ({shown})."
        )
    elif alike:
        sentence = f'Write "{alike[0]}" one way: in some rows its capitals differ.'
    elif total < LEAST_UNITS:
        sentence = f"It has {total} customers; a result takes at least {LEAST_UNITS}."
    if sentence is not None:
        raise InvalidInput(f"{file_name} cannot be imported. {sentence}")


def register(
    session: Session, wish: Wish, finished: Finished, actor: Actor, now: datetime
) -> Experiment:
    """Register a finished experiment with its hypothesis and metrics, and close it.

    Args:
        session: open transaction; all is registered in it, or nothing.
        wish: what the person says.
        finished: what the file says.
        actor: who imports.
        now: aware UTC.

    Returns:
        The experiment, stopped.
    """
    # Before looking what is there: two imports may begin at the same moment.
    audit.take_turn(session)
    _have_everybody(session, actor, now)
    choices = [
        _choose(session, wish, outcome, actor, now, is_primary=i == 0)
        for i, outcome in enumerate(wish.outcomes)
    ]
    _have_hypothesis(session, wish, choices[0], finished, actor, now)
    design = _design(wish, finished, choices)
    catalog.draft(session, design, actor, now)
    reason = f"Imported from {finished.file_name}."
    lifecycle.transition(session, wish.key, Action.START, actor, now, reason=reason)
    return lifecycle.transition(
        session, wish.key, Action.STOP, actor, now, reason=reason
    )


def _have_everybody(session: Session, actor: Actor, now: datetime) -> None:
    try:
        segments.get(session, EVERYBODY)
    except NotFound:
        segments.create(
            session,
            key=EVERYBODY,
            name="Everybody",
            description="All customers.",
            condition={},
            actor=actor,
            now=now,
        )


def _choose(
    session: Session,
    wish: Wish,
    outcome: Outcome,
    actor: Actor,
    now: datetime,
    *,
    is_primary: bool,
) -> MetricChoice:
    """Choose the metric of an outcome; one that means the same is used again."""
    usual = _MATTERS.get(outcome.definition.kind, 0.01)
    role = Role.PRIMARY if is_primary else Role.SECONDARY
    matters = (wish.matters if is_primary else None) or usual
    for key in (outcome.key, f"{wish.key[:31]}.{outcome.key[:32]}"):
        try:
            version = metrics.get(session, key).versions[-1]
        except NotFound:
            metrics.create(
                session,
                key=key,
                entry=metrics.CatalogueEntry(
                    outcome.title, f'"{outcome.name}" in an imported file.'
                ),
                definition=outcome.definition,
                actor=actor,
                now=now,
            )
            return MetricChoice(key, 1, role, matters)
        if metrics.definition_of(version) == outcome.definition:
            return MetricChoice(key, version.version, role, matters)
    raise Conflict(f'There are other metrics "{outcome.key}". Rename {outcome.name}.')


def _have_hypothesis(
    session: Session,
    wish: Wish,
    primary: MetricChoice,
    finished: Finished,
    actor: Actor,
    now: datetime,
) -> None:
    try:
        hypotheses.get(session, wish.key)
    except NotFound:
        first = wish.outcomes[0]
        hypothesis = Hypothesis(
            key=wish.key,
            title=wish.name or wish.key,
            evidence=Evidence.OPINION,
            evidence_text=NOT_RECORDED,
            change=f"{_joined(finished.variants)}, as in {finished.file_name}.",
            segment=EVERYBODY,
            metric=primary.metric,
            direction=first.definition.direction,
            expected_change=primary.change_that_matters,
            journey_stage=journey.stages(session)[0].key,
            friction_point=NOT_RECORDED,
            if_up=NOT_RECORDED,
            if_flat=NOT_RECORDED,
            if_down=NOT_RECORDED,
            forecast=None,
        )
        hypotheses.create(session, hypothesis, actor, now)


def _joined(names: Mapping[str, int]) -> str:
    return " against ".join(names)


def _design(wish: Wish, finished: Finished, choices: Sequence[MetricChoice]) -> Design:
    names = list(finished.variants)
    control = _control(wish, names)
    share = 1 / len(names)
    surveyed = wish.outcomes[0].definition.is_survey
    return Design(
        key=wish.key,
        name=wish.name or wish.key,
        hypothesis=wish.key,
        goal=Goal.SATISFACTION if surveyed else Goal.CHURN_REDUCTION,
        assigned_by=AssignedBy.EXTERNAL,
        unit=Unit.CUSTOMER,
        segment=EVERYBODY,
        segment_version=1,
        variants=tuple(
            VariantSpec(name, "", name == control, share, {})
            for name in sorted(names, key=lambda name: (name != control, name))
        ),
        coverage=1.0,
        metrics=tuple(choices),
        monitoring_mode=MonitoringMode.FIXED_END,
        planned_units=sum(finished.variants.values()),
        planned_end_at=finished.ends_at,
        exposures_from=finished.begins_at,
        enrolment_ends_at=finished.enrolled_until,
    )


def _control(wish: Wish, names: Sequence[str]) -> str:
    if wish.control is not None:
        if wish.control not in names:
            raise InvalidInput(
                f'No customer is in variant "{wish.control}"; the file has'
                f" {', '.join(sorted(names))}."
            )
        return wish.control
    named = [name for name in names if name.lower() in {"control", "baseline"}]
    if len(named) != 1:
        raise InvalidInput(
            f"Say which variant is control, as in --control {min(names, default='A')};"
            f" the file has {', '.join(sorted(names))}."
        )
    return named[0]
