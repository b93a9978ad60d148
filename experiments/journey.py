"""The stages of the customer journey."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from experiments import audit
from experiments.actors import Actor
from experiments.errors import Conflict, NotFound
from experiments.field_faults import Faults, check_key
from experiments.lookups import known_key
from experiments.models import HypothesisRow, JourneyStage, Metric
from experiments.vocabulary import PersonRole

SEEDS = (
    ("discovery", "Discovery"),
    ("onboarding", "Onboarding"),
    ("first_success", "First success"),
    ("renewal", "Renewal"),
    ("advocacy", "Advocacy"),
)
MAX_POSITION = 1000
MAX_HEALTH_METRICS = 20


def seed(session: Session) -> None:
    """Fill an empty journey with five usual stages; belongs to the installation."""
    audit.take_turn(session)
    if session.scalar(select(JourneyStage.id).limit(1)) is not None:
        return
    for position, (key, name) in enumerate(SEEDS):
        stage = JourneyStage(key=key, position=position, name=name, health_metrics=[])
        session.add(stage)
    session.flush()


def stages(session: Session) -> list[JourneyStage]:
    """List the stages in the order of the journey."""
    order = (JourneyStage.position, JourneyStage.id)
    return list(session.scalars(select(JourneyStage).order_by(*order)))


def get(session: Session, key: str) -> JourneyStage:
    """Find a stage.

    Args:
        session: any session.
        key: its key.

    Returns:
        The stage.

    Raises:
        NotFound: there is none.
    """
    query = select(JourneyStage).where(JourneyStage.key == known_key(key, "stage"))
    stage = session.scalar(query)
    if stage is None:
        raise NotFound(f'There is no journey stage "{key}".')
    return stage


def save_stage(
    session: Session,
    *,
    key: str,
    name: str,
    position: int,
    health_metrics: Sequence[str] = (),
    actor: Actor,
    now: datetime,
) -> JourneyStage:
    """Add a stage, or change the one of this key.

    Args:
        session: open transaction.
        key: immutable.
        name: as people read it.
        position: lower comes earlier; equal ones keep the order they were made in.
        health_metrics: keys of the metrics that tell how this stage does.
        actor: an editor.
        now: aware UTC.

    Returns:
        The stage.
    """
    actor.require(PersonRole.EDITOR, "change the customer journey")
    audit.take_turn(session)
    _check(session, key, name, position, health_metrics)
    stage = session.scalar(
        select(JourneyStage)
        .where(JourneyStage.key == key)
        .execution_options(populate_existing=True)
    )
    before = None if stage is None else _snapshot(stage)
    if stage is None:
        stage = JourneyStage(key=key)
        session.add(stage)
    stage.name = name.strip()
    stage.position = position
    stage.health_metrics = list(health_metrics)
    session.flush()
    audit.record(
        session,
        actor,
        "journey.save_stage",
        "journey_stage",
        key,
        before,
        _snapshot(stage),
        now,
    )
    return stage


def remove_stage(session: Session, key: str, *, actor: Actor, now: datetime) -> None:
    """Take a stage out of the journey.

    Args:
        session: open transaction.
        key: its key.
        actor: an editor.
        now: aware UTC.

    Raises:
        Conflict: hypotheses belong to it.
    """
    actor.require(PersonRole.EDITOR, "change the customer journey")
    audit.take_turn(session)
    stage = get(session, key)
    in_use = select(HypothesisRow.title).where(
        HypothesisRow.journey_stage_id == stage.id
    )
    title = session.scalar(in_use.limit(1))
    if title is not None:
        raise Conflict(f'"{stage.name}" still has hypotheses, as "{title}".')
    before = _snapshot(stage)
    session.delete(stage)
    session.flush()
    audit.record(
        session,
        actor,
        "journey.remove_stage",
        "journey_stage",
        key,
        before,
        None,
        now,
    )


def _check(
    session: Session, key: str, name: str, position: int, metrics: Sequence[str]
) -> None:
    faults = Faults()
    check_key(faults, "key", key)
    faults.text("name", name, 100, "a name")
    faults.number("position", position, 0, MAX_POSITION)
    if len(metrics) > MAX_HEALTH_METRICS:
        faults.add("health_metrics", f"Choose at most {MAX_HEALTH_METRICS} metrics.")
    else:
        found = set(session.scalars(select(Metric.key)))
        for index, metric in enumerate(metrics):
            if metric not in found:
                faults.add(f"health_metrics.{index}", "There is no such metric.")
    faults.raise_if_any("This stage cannot be saved yet.")


def _snapshot(stage: JourneyStage) -> dict[str, Any]:
    return {
        "name": stage.name,
        "position": stage.position,
        "health_metrics": list(stage.health_metrics),
    }
