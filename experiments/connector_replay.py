"""Bodies that wait for a better mapping: listed, tried, read again, thrown away."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, Select, delete, func, select
from sqlalchemy.orm import Session

from experiments import audit, connectors, quarantine
from experiments.actors import Actor
from experiments.body_mapping import BodyMapping
from experiments.config import Settings
from experiments.connector_bodies import Read, read
from experiments.errors import Conflict
from experiments.events import Sender
from experiments.held_bodies import body_of, delivery_of, is_held
from experiments.models import Attribute, Connector, QuarantinedMessage
from experiments.parcels import EventRow, Parcel
from experiments.privacy import Pseudonymiser, mask_text
from experiments.quarantine import EXAMPLES, MOST_AT_ONCE, Replayed
from experiments.sealing import Sealer
from experiments.vocabulary import Environment, PersonRole, QuarantineReason


@dataclass(frozen=True, slots=True)
class HeldGroup:
    """Bodies of one connector that wait for the same reason."""

    reason: QuarantineReason
    detail: str
    count: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class ShownFact:
    """A fact that a body would give, without the customer's id.

    Attributes:
        customer: its id, masked.
        score: of an answer; the value of an activity.
    """

    event: str
    customer: str
    score: float | None
    scale: int | None
    survey: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Tried:
    """What a body would give; `refusal` says why it would give nothing."""

    facts: list[ShownFact]
    refusal: str | None


def groups(session: Session, row: Connector) -> list[HeldGroup]:
    """Count a connector's waiting bodies by reason, most first.

    Args:
        session: any session.
        row: the connector.

    Returns:
        One group for each reason in words.
    """
    table = QuarantinedMessage
    reason = (table.reason, table.detail)
    query = select(*reason, func.count(), func.max(table.received_at))
    found = [
        HeldGroup(QuarantineReason(reason), detail, count, last_at)
        for reason, detail, count, last_at in session.execute(
            query.where(is_held(), table.source == row.public_id).group_by(*reason)
        )
    ]
    return sorted(found, key=lambda group: (-group.count, group.detail))


def examples(
    session: Session, row: Connector, limit: int = EXAMPLES
) -> Sequence[QuarantinedMessage]:
    """Read some waiting bodies, newest first: their fields, and nothing they say."""
    table = QuarantinedMessage
    order = (table.received_at.desc(), table.seq.desc(), table.position.desc())
    return session.scalars(_held(row).order_by(*order).limit(limit)).all()


def try_body(
    session: Session,
    row: Connector,
    body: bytes,
    mapping: BodyMapping | None,
    hide: Pseudonymiser,
    now: datetime,
) -> Tried:
    """Show which facts a body would give; nothing of it is stored.

    Args:
        session: any session.
        row: the connector.
        body: as its sender would send it.
        mapping: to read it by.
        hide: makes pseudonyms.
        now: aware UTC.

    Returns:
        Its facts, or why there are none.
    """
    found = read(body, mapping, _sender(session, row), now, hide)
    if found.reason is not None:
        return Tried([], found.detail)
    if not found.messages:
        return Tried([], "The mapping skips such a body: it holds no fact.")
    return Tried(list(_shown(found)), None)


def replay(
    session: Session,
    settings: Settings,
    hide: Pseudonymiser,
    sealer: Sealer,
    public_id: str,
    *,
    actor: Actor,
    now: datetime,
) -> Replayed:
    """Read a connector's waiting bodies by the mapping in force.

    Facts go the way of all events, durable before the bodies here are deleted; should
    that fail, they are read once more and known by their ids.

    Args:
        session: open transaction.
        settings: where the inbox is.
        hide: makes pseudonyms.
        sealer: opens the bodies.
        public_id: of the connector.
        actor: an editor.
        now: aware UTC.

    Returns:
        How many bodies are gone from here; 5,000 are read at once.

    Raises:
        Conflict: there is no mapping to read them by.
    """
    actor.require(PersonRole.EDITOR, "read bodies again")
    # Two at once would both read, store and count what waits.
    audit.take_turn(session)
    row = connectors.get(session, public_id)
    content = connectors.mapping_of(session, row)
    if content is None:
        raise Conflict("Save a mapping first: without one nothing can be read.")
    mapping, sender = connectors.check_mapping(content), _sender(session, row)
    table = QuarantinedMessage
    order = (table.received_at, table.seq, table.position)
    waiting = session.scalars(_held(row).order_by(*order).limit(MOST_AT_ONCE)).all()
    good: list[Parcel] = []
    refusal, refused = None, 0
    for held in waiting:
        body = body_of(sealer, held.replay or {})
        named = delivery_of(held.replay or {})
        found = read(body, mapping, sender, now, hide, held.received_at, named)
        if found.reason is None:
            good.append(found.parcel)
            session.delete(held)
        else:
            refusal, refused = found.detail, refused + 1
            held.reason, held.detail = found.reason.value, found.detail
    quarantine.store(settings, _together(good))
    stored = len(waiting) - refused
    after = {"stored": stored, "refused": refused, "mapping": row.mapping_version}
    audit.record(
        session, actor, "connector.replay", "connector", public_id, None, after, now
    )
    return Replayed(stored, refused, refusal)


def discard(session: Session, public_id: str, *, actor: Actor, now: datetime) -> int:
    """Throw a connector's waiting bodies away.

    Args:
        session: open transaction.
        public_id: of the connector.
        actor: an admin.
        now: aware UTC.

    Returns:
        How many there were.
    """
    actor.require(PersonRole.ADMIN, "throw waiting bodies away")
    row = connectors.get(session, public_id)
    table = QuarantinedMessage
    gone = session.execute(
        delete(table).where(is_held(), table.source == row.public_id)
    )
    count = gone.rowcount if isinstance(gone, CursorResult) else 0
    after = {"deleted": count}
    audit.record(
        session, actor, "connector.discard", "connector", public_id, None, after, now
    )
    return count


def _held(row: Connector) -> Select[QuarantinedMessage]:
    table = QuarantinedMessage
    return select(table).where(is_held(), table.source == row.public_id)


def _sender(session: Session, row: Connector) -> Sender:
    names = frozenset(session.scalars(select(Attribute.name)))
    return Sender(row.public_id, Environment(row.environment), names)


def _together(parcels: Sequence[Parcel]) -> Iterator[Parcel]:
    """Put parcels of one source into few: each is waited for."""
    for start in range(0, len(parcels), MOST_AT_ONCE):
        part = parcels[start : start + MOST_AT_ONCE]
        rows = [fields for parcel in part for fields in parcel.rows]
        if rows:
            first = part[0]
            yield Parcel(
                source=first.source,
                environment=first.environment,
                key_id=first.key_id,
                received_us=first.received_us,
                rows=rows,
                quarantined=[],
                comments=[one for parcel in part for one in parcel.comments],
            )


def _shown(found: Read) -> Iterator[ShownFact]:
    rows = (EventRow(*fields) for fields in found.parcel.rows)
    for message, row in zip(found.messages, rows, strict=True):
        given = message.get("userId", message.get("anonymousId"))
        occurred_at = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
        yield ShownFact(
            event=message["event"],
            customer=mask_text(str(given)),
            score=row.value,
            scale=row.scale,
            survey=str(message["properties"].get("survey", "")),
            occurred_at=occurred_at + timedelta(microseconds=row.occurred_us),
        )
