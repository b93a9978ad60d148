"""Metrics: named measures whose definitions are append-only versions."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from experiments import audit
from experiments.actors import Actor
from experiments.errors import AbideError, Conflict, NotFound
from experiments.field_faults import Faults, check_key
from experiments.lookups import Place, known_key, rows_after, rows_at
from experiments.metric_definition import MetricDefinition
from experiments.models import Metric, MetricVersion
from experiments.plan import definition_from_json, definition_to_json
from experiments.vocabulary import PersonRole


def create(
    session: Session,
    *,
    key: str,
    name: str,
    description: str,
    definition: MetricDefinition,
    actor: Actor,
    now: datetime,
) -> Metric:
    """Define a metric, in its version 1.

    Args:
        session: open transaction.
        key: immutable.
        name: as sentences on pages call it, as in "Day-30 retention".
        description: what it means for the business; may be empty.
        definition: how events become one outcome.
        actor: an analyst.
        now: aware UTC.

    Returns:
        The metric with its version.

    Raises:
        Conflict: the key is taken.
    """
    actor.require(PersonRole.ANALYST, "define metrics")
    _check(key, name, description, definition)
    audit.take_turn(session)
    if session.scalar(select(Metric.id).where(Metric.key == key)) is not None:
        raise Conflict(
            f'There is a metric "{key}" already. Choose another key, or add a'
            " version to it.",
            {"key": "This key is taken."},
        )
    metric = Metric(key=key, name=name.strip(), description=description, created_at=now)
    session.add(metric)
    _append(metric, definition, actor, now)
    session.flush()
    audit.record(
        session, actor, "metric.create", "metric", key, None, _snapshot(metric), now
    )
    return metric


def add_version(
    session: Session,
    key: str,
    definition: MetricDefinition,
    *,
    actor: Actor,
    now: datetime,
) -> Metric:
    """Define a metric anew; experiments keep the version they were planned with.

    Args:
        session: open transaction.
        key: of the metric.
        definition: the new one.
        actor: an analyst.
        now: aware UTC.

    Returns:
        The metric with all versions.

    Raises:
        Conflict: it is defined like this already.
    """
    actor.require(PersonRole.ANALYST, "define metrics")
    definition.check()
    audit.take_turn(session)
    metric = get(session, key)
    before = _snapshot(metric)
    if definition_to_json(definition) == metric.versions[-1].definition:
        raise Conflict(f'"{metric.name}" is defined like this already.')
    _append(metric, definition, actor, now)
    session.flush()
    after = _snapshot(metric)
    audit.record(
        session, actor, "metric.add_version", "metric", key, before, after, now
    )
    return metric


def get(session: Session, key: str) -> Metric:
    """Find a metric with its versions.

    Args:
        session: any session.
        key: of the metric.

    Returns:
        The metric.

    Raises:
        NotFound: there is none.
    """
    metric = session.scalar(
        select(Metric)
        .where(Metric.key == known_key(key, "metric"))
        .options(selectinload(Metric.versions))
        .execution_options(populate_existing=True)
    )
    if metric is None:
        raise NotFound(f'There is no metric "{key}".')
    return metric


def listing(
    session: Session, *, after_key: str | None = None, limit: int = 50
) -> list[Metric]:
    """List metrics by key.

    Args:
        session: any session.
        after_key: continue after a page that ended with this key.
        limit: at most this many, up to 200.

    Returns:
        The metrics with their versions.
    """
    query = select(Metric).options(selectinload(Metric.versions))
    return rows_after(session, query, Metric.key, after_key, limit)


def page(
    session: Session,
    place: Place[str],
    limit: int,
) -> list[Metric]:
    """List metrics by key, next to a place in the list.

    Args:
        session: any session.
        place: given by their keys.
        limit: at most this many, up to 200.

    Returns:
        The metrics with their versions.
    """
    query = select(Metric).options(selectinload(Metric.versions))
    return rows_at(session, query, Metric.key, limit, place)


def definition_of(version: MetricVersion) -> MetricDefinition:
    """Read a stored version's definition."""
    return definition_from_json(version.definition)


def _check(key: str, name: str, description: str, definition: MetricDefinition) -> None:
    faults = Faults()
    check_key(faults, "key", key)
    faults.text("name", name, 200, "a name")
    faults.optional_text("description", description, 2000)
    try:
        definition.check()
    except AbideError as error:
        for field, sentence in error.fields.items():
            faults.add(field, sentence)
    faults.raise_if_any("This metric cannot be saved yet.")


def _append(
    metric: Metric, definition: MetricDefinition, actor: Actor, now: datetime
) -> None:
    version = MetricVersion(
        version=len(metric.versions) + 1,
        definition=definition_to_json(definition),
        created_at=now,
        created_by=actor.label,
    )
    metric.versions.append(version)


def _snapshot(metric: Metric) -> dict[str, Any]:
    latest = metric.versions[-1]
    return {
        "name": metric.name,
        "description": metric.description,
        "version": latest.version,
        "definition": latest.definition,
    }
