"""Segments: named groups of customers whose rules are append-only versions."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from experiments import audit, conditions, ruleset
from experiments.actors import Actor
from experiments.errors import Conflict, InvalidInput
from experiments.field_faults import Faults, check_key
from experiments.lookups import Place, row_by_key, rows_after, rows_at
from experiments.models import Attribute, Experiment, Segment, SegmentVersion
from experiments.plan import PlannedSegment
from experiments.vocabulary import PersonRole


def create(
    session: Session,
    *,
    key: str,
    name: str,
    description: str,
    condition: Mapping[str, Any],
    actor: Actor,
    now: datetime,
) -> Segment:
    """Describe a segment, in its version 1.

    The attributes its rule names may be stored from now on.

    Args:
        session: open transaction.
        key: immutable.
        name: as people read it.
        description: who these customers are; may be empty.
        condition: rule on customer attributes; `{}` is everybody.
        actor: an analyst.
        now: aware UTC.

    Returns:
        The segment with its version.

    Raises:
        Conflict: the key is taken.
    """
    actor.require(PersonRole.ANALYST, "define segments")
    _check(key, name, description, condition)
    audit.take_turn(session)
    if session.scalar(select(Segment.id).where(Segment.key == key)) is not None:
        raise Conflict(
            f'There is a segment "{key}" already. Choose another key, or add a'
            " version to it.",
            {"key": "This key is taken."},
        )
    segment = Segment(
        key=key, name=name.strip(), description=description, created_at=now
    )
    session.add(segment)
    _append(session, segment, condition, actor, now)
    after = _snapshot(segment)
    audit.record(session, actor, "segment.create", "segment", key, None, after, now)
    return segment


def add_version(
    session: Session,
    key: str,
    condition: Mapping[str, Any],
    *,
    actor: Actor,
    now: datetime,
) -> Segment:
    """Give a segment a new rule; experiments keep the one they were planned with.

    Args:
        session: open transaction.
        key: of the segment.
        condition: the new rule.
        actor: an analyst.
        now: aware UTC.

    Returns:
        The segment with all versions.

    Raises:
        Conflict: its rule is this one already.
    """
    actor.require(PersonRole.ANALYST, "define segments")
    conditions.check(condition)
    audit.take_turn(session)
    segment = get(session, key)
    before = _snapshot(segment)
    if before["condition"] == condition:
        raise Conflict(f'"{segment.name}" has this rule already.')
    _append(session, segment, condition, actor, now)
    after = _snapshot(segment)
    audit.record(
        session, actor, "segment.add_version", "segment", key, before, after, now
    )
    return segment


def get(session: Session, key: str) -> Segment:
    """Find a segment with its versions.

    Args:
        session: any session.
        key: of the segment.

    Returns:
        The segment.

    Raises:
        NotFound: there is none.
    """
    query = select(Segment).options(selectinload(Segment.versions))
    return row_by_key(session, query, Segment.key, key, "segment")


def listing(
    session: Session, *, after_key: str | None = None, limit: int = 50
) -> list[Segment]:
    """List segments by key.

    Args:
        session: any session.
        after_key: continue after a page that ended with this key.
        limit: at most this many, up to 200.

    Returns:
        The segments with their versions.
    """
    query = select(Segment).options(selectinload(Segment.versions))
    return rows_after(session, query, Segment.key, after_key, limit)


def page(
    session: Session,
    place: Place[str],
    limit: int,
) -> list[Segment]:
    """List segments by key, next to a place in the list.

    Args:
        session: any session.
        place: given by their keys.
        limit: at most this many, up to 200.

    Returns:
        The segments with their versions.
    """
    query = select(Segment).options(selectinload(Segment.versions))
    return rows_at(session, query, Segment.key, limit, place)


def most_used(
    session: Session, without: Collection[str], most: int
) -> list[PlannedSegment]:
    """Find the segments that most experiments are for, in their newest versions.

    Args:
        session: any session.
        without: keys of segments that are not wanted.
        most: at most this many.

    Returns:
        The most used first; those used alike by key.
    """
    query = (
        select(Segment)
        .outerjoin(Segment.versions)
        .outerjoin(Experiment, Experiment.segment_version_id == SegmentVersion.id)
        .where(Segment.key.not_in(without))
        .group_by(Segment.id)
        .order_by(func.count(Experiment.id).desc(), Segment.key)
        .limit(most)
        .options(selectinload(Segment.versions))
    )
    newest = ((row, row.versions[-1]) for row in session.scalars(query))
    return [
        PlannedSegment(row.key, version.version, row.name, version.condition)
        for row, version in newest
    ]


def _check(key: str, name: str, description: str, condition: Mapping[str, Any]) -> None:
    faults = Faults()
    check_key(faults, "key", key)
    faults.text("name", name, 200, "a name")
    faults.optional_text("description", description, 2000)
    try:
        conditions.check(condition)
    except InvalidInput as error:
        for field, sentence in error.fields.items():
            faults.add(field, sentence)
    faults.raise_if_any("This segment cannot be saved yet.")


def _append(
    session: Session,
    segment: Segment,
    condition: Mapping[str, Any],
    actor: Actor,
    now: datetime,
) -> None:
    version = SegmentVersion(
        version=len(segment.versions) + 1,
        condition=dict(condition),
        created_at=now,
        created_by=actor.label,
    )
    segment.versions.append(version)
    names = conditions.attributes_of(condition)
    known = set(session.scalars(select(Attribute.name)))
    new = sorted(names - known)
    for name in new:
        session.add(Attribute(name=name, description="", created_at=now))
    session.flush()
    if new:
        # The list of attributes that intake may store rides in the ruleset.
        ruleset.publish(session, now)


def _snapshot(segment: Segment) -> dict[str, Any]:
    latest = segment.versions[-1]
    return {
        "name": segment.name,
        "description": segment.description,
        "version": latest.version,
        "condition": latest.condition,
    }
