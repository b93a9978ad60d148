"""What was set aside: counted, shown masked, and read again once it is mended."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from experiments import audit, parcels
from experiments.actors import Actor
from experiments.allow_list import AllowList
from experiments.config import Settings
from experiments.event_rows import Desk
from experiments.inbox import Inbox
from experiments.messages import Rejected
from experiments.models import QuarantinedMessage
from experiments.parcels import EventRow
from experiments.privacy import Pseudonymiser
from experiments.replay import Mending, read_again
from experiments.vocabulary import PersonRole, QuarantineReason

MOST_AT_ONCE = 5000
EXAMPLES = 5
MOST_CAUSES = 20
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass(frozen=True, slots=True)
class Pile:
    """Messages of one source that were set aside for one reason."""

    source: str  # public id of the key
    environment: str
    reason: QuarantineReason


@dataclass(frozen=True, slots=True)
class Group:
    """How many messages lie in a pile.

    Attributes:
        replayable_count: how many of them can be read again.
        detail: what is wrong with the newest.
        example: the newest, masked.
        causes: what is wrong with how many, most first.
    """

    pile: Pile
    count: int
    replayable_count: int
    last_at: datetime
    detail: str
    example: dict[str, object]
    causes: list["Cause"]


@dataclass(frozen=True, slots=True)
class Cause:
    """How many messages of a pile have one thing wrong, in words."""

    detail: str
    count: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Replayed:
    """What reading again did; `refusal` says why one is still set aside."""

    stored_count: int
    refused_count: int
    refusal: str | None


def groups(session: Session) -> list[Group]:
    """Count what is set aside, most first.

    Args:
        session: any session.

    Returns:
        One group for each source and reason.
    """
    table = QuarantinedMessage
    counted = session.execute(
        select(
            table.source,
            table.environment,
            table.reason,
            func.count(),
            func.count(table.customer),
            func.max(table.received_at),
        ).group_by(table.source, table.environment, table.reason)
    ).all()
    found = []
    for source, environment, reason, count, replayable, last_at in counted:
        pile = Pile(source, environment, QuarantineReason(reason))
        newest = examples(session, pile, limit=1)[0]
        found.append(
            Group(
                pile,
                count,
                replayable,
                last_at,
                newest.detail,
                newest.message,
                causes(session, pile),
            )
        )
    return sorted(
        found, key=lambda group: (-group.count, group.pile.source, group.pile.reason)
    )


def examples(
    session: Session, pile: Pile, limit: int = EXAMPLES
) -> Sequence[QuarantinedMessage]:
    """Read some messages of a pile, newest first; they hold no value of an app's.

    Args:
        session: any session.
        pile: which.
        limit: how many at most.

    Returns:
        The rows.
    """
    table = QuarantinedMessage
    order = (table.received_at.desc(), table.seq.desc(), table.position.desc())
    return session.scalars(_of(pile).order_by(*order).limit(limit)).all()


def causes(session: Session, pile: Pile) -> list[Cause]:
    """Count what is wrong with the messages of a pile, most first.

    Args:
        session: any session.
        pile: which.

    Returns:
        At most 20.
    """
    table = QuarantinedMessage
    detail, last = table.detail, func.max(table.received_at)
    counted = _of(pile).with_only_columns(detail, func.count(), last).group_by(detail)
    ordered = counted.order_by(func.count().desc(), detail).limit(MOST_CAUSES)
    return [Cause(*row) for row in session.execute(ordered)]


def _of(pile: Pile) -> Select[QuarantinedMessage]:
    table = QuarantinedMessage
    return select(table).where(
        table.source == pile.source,
        table.environment == pile.environment,
        table.reason == pile.reason.value,
    )


def replay(
    session: Session,
    settings: Settings,
    hide: Pseudonymiser,
    pile: Pile,
    mending: Mending,
    *,
    actor: Actor,
    now: datetime,
) -> Replayed:
    """Read a pile's messages again, and store those that are good now.

    They go the way of all events, durable before their rows here are deleted; should
    that fail, they are read once more and known by their ids.

    Args:
        session: open transaction.
        settings: where the inbox is.
        hide: makes pseudonyms.
        pile: which messages.
        mending: what puts them right.
        actor: an editor.
        now: aware UTC.

    Returns:
        How many are stored; 5,000 are read at once.
    """
    actor.require(PersonRole.EDITOR, "read messages again")
    # Two at once would both read, store and count what waits.
    audit.take_turn(session)
    table = QuarantinedMessage
    waiting = session.scalars(
        _of(pile)
        .where(table.customer.is_not(None))
        .order_by(table.received_at, table.seq, table.position)
        .limit(MOST_AT_ONCE)
    ).all()
    if not waiting:
        # Nothing is done, so nothing is on record: nobody's words for a source that
        # there may not be come into an audit that is never rewritten.
        return Replayed(0, 0, None)
    received_us = (now - _EPOCH) // timedelta(microseconds=1)
    desk = Desk(pile.source, hide, AllowList(frozenset()), received_us, 0)
    rows: list[EventRow] = []
    refusal, refused = None, 0
    for row in waiting:
        try:
            rows += read_again(row.replay or {}, desk, row.received_at, mending)
        except Rejected as found:
            refusal, refused = found.detail, refused + 1
            row.reason, row.detail = found.reason.value, found.detail
        else:
            session.delete(row)
    store(settings, _parcels(desk, pile.environment, rows))
    stored = len(waiting) - refused
    after = {"reason": pile.reason.value, "stored": stored, "refused": refused}
    audit.record(
        session, actor, "quarantine.replay", "source", pile.source, None, after, now
    )
    return Replayed(stored, refused, refusal)


def _parcels(
    desk: Desk, environment: str, rows: Sequence[EventRow]
) -> Iterable[parcels.Parcel]:
    for start in range(0, len(rows), MOST_AT_ONCE):
        yield parcels.Parcel(
            source=desk.source,
            environment=environment,
            key_id=desk.hide.key_id,
            received_us=desk.received_us,
            rows=rows[start : start + MOST_AT_ONCE],
            quarantined=[],
        )


def store(settings: Settings, brought: Iterable[parcels.Parcel]) -> None:
    """Make what was read again durable, as if it had just come.

    Args:
        settings: where the inbox is.
        brought: parcels; when this returns, all are stored.
    """
    inbox = Inbox.for_settings(settings)
    try:
        for parcel in brought:
            inbox.append(parcel)
    finally:
        inbox.close()
