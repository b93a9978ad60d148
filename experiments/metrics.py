"""Metrics: named measures whose definitions are append-only versions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from experiments import audit
from experiments.actors import Actor
from experiments.errors import AbideError, Conflict
from experiments.field_faults import Faults, check_key
from experiments.lookups import Place, row_by_key, rows_after, rows_at
from experiments.metric_definition import MetricDefinition
from experiments.models import Metric, MetricVersion
from experiments.plan import definition_from_json, definition_to_json
from experiments.vocabulary import PersonRole

LEAST_MARGIN, MOST_MARGIN = 1e-9, 1e9


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """What the catalogue says of a metric beside its definition; it has no versions.

    Attributes:
        name: as sentences on pages call it.
        description: what it means for the customer.
        owner: who answers for it; "" stands for whoever saves it.
        default_margin: largest harm that its guardrails usually accept, on its own
            scale; None says nothing.
    """

    name: str
    description: str = ""
    owner: str = ""
    default_margin: float | None = None


def create(
    session: Session,
    *,
    key: str,
    entry: CatalogueEntry,
    definition: MetricDefinition,
    actor: Actor,
    now: datetime,
) -> Metric:
    """Define a metric, in its version 1.

    Args:
        session: open transaction.
        key: immutable.
        entry: what the catalogue says of it.
        definition: how events become one outcome.
        actor: an analyst.
        now: aware UTC.

    Returns:
        The metric with its version.

    Raises:
        Conflict: the key is taken.
    """
    actor.require(PersonRole.ANALYST, "define metrics")
    _check(key, entry, definition)
    audit.take_turn(session)
    if session.scalar(select(Metric.id).where(Metric.key == key)) is not None:
        raise Conflict(
            f'There is a metric "{key}" already. Choose another key, or add a'
            " version to it.",
            {"key": "This key is taken."},
        )
    metric = Metric(key=key, created_at=now)
    _write(metric, entry, actor)
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


def describe(
    session: Session,
    key: str,
    entry: CatalogueEntry,
    *,
    actor: Actor,
    now: datetime,
) -> Metric:
    """Change what the catalogue says of a metric; its definition stays as it is.

    Args:
        session: open transaction.
        key: of the metric.
        entry: the new words; plans that are locked keep the old name.
        actor: an analyst.
        now: aware UTC.

    Returns:
        The metric with all versions.

    Raises:
        InvalidInput: with every fault by field.
        NotFound: there is no such metric.
    """
    actor.require(PersonRole.ANALYST, "define metrics")
    audit.take_turn(session)
    metric = get(session, key)
    faults = Faults()
    _check_entry(faults, entry, definition_of(metric.versions[-1]))
    faults.raise_if_any("This metric cannot be saved yet.")
    before = _snapshot(metric)
    _write(metric, entry, actor)
    session.flush()
    audit.record(
        session, actor, "metric.describe", "metric", key, before, _snapshot(metric), now
    )
    return metric


def entry_of(metric: Metric) -> CatalogueEntry:
    """Read what the catalogue says of a metric beside its definition."""
    return CatalogueEntry(
        metric.name, metric.description, metric.owner, metric.default_margin
    )


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
    query = select(Metric).options(selectinload(Metric.versions))
    return row_by_key(session, query, Metric.key, key, "metric")


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


def _check(key: str, entry: CatalogueEntry, definition: MetricDefinition) -> None:
    faults = Faults()
    check_key(faults, "key", key)
    _check_entry(faults, entry, definition)
    try:
        definition.check()
    except AbideError as error:
        for field, sentence in error.fields.items():
            faults.add(field, sentence)
    faults.raise_if_any("This metric cannot be saved yet.")


def _check_entry(
    faults: Faults, entry: CatalogueEntry, definition: MetricDefinition
) -> None:
    faults.text("name", entry.name, 200, "a name")
    faults.optional_text("description", entry.description, 2000)
    faults.optional_text("owner", entry.owner, 200)
    if entry.default_margin is not None:
        most = 1.0 if definition.is_share else MOST_MARGIN
        faults.number("default_margin", entry.default_margin, LEAST_MARGIN, most)


def _write(metric: Metric, entry: CatalogueEntry, actor: Actor) -> None:
    metric.name = entry.name.strip()
    metric.description = entry.description
    metric.owner = entry.owner.strip() or actor.label
    metric.default_margin = entry.default_margin


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
        "owner": metric.owner,
        "default_margin": metric.default_margin,
        "version": latest.version,
        "definition": latest.definition,
    }
