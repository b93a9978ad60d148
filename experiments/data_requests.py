"""What customers may ask for: that their data be erased, and a copy of them.

The tombstone is written in the transaction of the request, so that from then on events
of the customer are dropped; `analysis.erasing` removes what was stored before. Neither
the request nor the audit holds anything that names the customer but the tombstone.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from experiments import audit
from experiments.actors import Actor
from experiments.errors import InvalidInput, NotFound
from experiments.messages import MAX_ID
from experiments.models import (
    ErasedExposure,
    Erasure,
    ErasureLink,
    Tombstone,
)
from experiments.privacy import Pseudonymiser
from experiments.storable import fault_in_text
from experiments.vocabulary import ErasureState, IdKind, PersonRole, Unit

MOST_LISTED = 200


def pseudonym_of(
    hide: Pseudonymiser,
    customer_id: str,
    id_kind: IdKind,
    unit: Unit = Unit.CUSTOMER,
) -> bytes:
    """Find the pseudonym under which a customer's, or an account's, data are kept.

    Args:
        hide: makes pseudonyms.
        customer_id: as the apps send it.
        id_kind: whether they send it as userId or as anonymousId.
        unit: whose id it is; the kind counts for customers only.

    Returns:
        16 bytes.

    Raises:
        InvalidInput: no app can have sent such an id.
    """
    fits = 0 < len(customer_id) <= MAX_ID and not fault_in_text(customer_id)
    if not fits:
        rule = f"Enter the id as the apps send it, of 1 to {MAX_ID} characters."
        raise InvalidInput("This is not an id.", {"customer_id": rule})
    if unit == Unit.ACCOUNT:
        return hide.account(customer_id)
    make = hide.customer if id_kind == IdKind.CUSTOMER else hide.anonymous
    return make(customer_id)


def invited(hide: Pseudonymiser, customer_id: str, id_kind: IdKind) -> bytes:
    """Find the pseudonym of somebody who gets a link, as `pseudonym_of` does.

    Args:
        hide: makes pseudonyms.
        customer_id: as the apps send it.
        id_kind: whether they send it as userId or as anonymousId.

    Returns:
        16 bytes.

    Raises:
        InvalidInput: no app can have sent such an id, or nobody is meant by it.
    """
    if customer_id and not customer_id.strip():
        raise InvalidInput("This is not an id.", {"customer_id": "This id is blank."})
    return pseudonym_of(hide, customer_id, id_kind)


def request_erasure(
    session: Session,
    hide: Pseudonymiser,
    customer_id: str,
    id_kind: IdKind,
    *,
    actor: Actor,
    now: datetime,
) -> Erasure:
    """Ask that everything about one customer be erased, and drop what still comes.

    Args:
        session: open transaction; request and tombstone stand together or not at all.
        hide: makes pseudonyms.
        customer_id: as the apps send it; it is not kept.
        id_kind: which id it is.
        actor: an admin.
        now: aware UTC.

    Returns:
        The request; the one that waits already, when there is one.
    """
    actor.require(PersonRole.ADMIN, "erase a customer's data")
    pseudonym = pseudonym_of(hide, customer_id, id_kind)
    audit.take_turn(session)
    former = session.get(Tombstone, pseudonym)
    if former is not None:
        erasure = session.get_one(Erasure, former.erasure_id)
        if erasure.state == ErasureState.WAITING.value:
            return erasure
    erasure = Erasure(
        state=ErasureState.WAITING.value,
        requested_at=now,
        requested_by=actor.label[:200],  # as wide as its column
        finished_at=None,
        event_count=0,
        exposures={},
    )
    session.add(erasure)
    session.flush()
    session.merge(Tombstone(pseudonym=pseudonym, erasure_id=erasure.id))
    audit.record(
        session,
        actor,
        "erasure.request",
        "erasure",
        str(erasure.id),
        None,
        {"id_kind": id_kind.value},
        now,
    )
    return erasure


def note_export(
    session: Session, id_kind: IdKind, *, actor: Actor, now: datetime
) -> None:
    """Write down that somebody took a copy of one customer's data.

    Args:
        session: open transaction.
        id_kind: by which id the customer was named; the id is not kept.
        actor: an admin.
        now: aware UTC.
    """
    actor.require(PersonRole.ADMIN, "export a customer's data")
    after = {"id_kind": id_kind.value}
    audit.record(session, actor, "export.make", "export", "customer", None, after, now)


def get(session: Session, number: int) -> Erasure:
    """Find a request.

    Args:
        session: any session.
        number: of the request.

    Returns:
        The row.

    Raises:
        NotFound: there is none.
    """
    found = session.get(Erasure, number)
    if found is None:
        raise NotFound("There is no such erasure.")
    return found


def listing(
    session: Session, *, before_id: int | None = None, limit: int = MOST_LISTED
) -> list[Erasure]:
    """List requests, newest first.

    Args:
        session: any session.
        before_id: continue after a page that ended with this id.
        limit: rows at most, up to 200.

    Returns:
        At most `limit` rows.
    """
    query = select(Erasure).order_by(Erasure.id.desc())
    if before_id is not None:
        query = query.where(Erasure.id < before_id)
    return list(session.scalars(query.limit(max(1, min(limit, MOST_LISTED)))))


def is_erased(
    session: Session, hide: Pseudonymiser, customer_id: str, id_kind: IdKind
) -> bool:
    """Whether later events of this customer are dropped."""
    pseudonym = pseudonym_of(hide, customer_id, id_kind)
    return session.get(Tombstone, pseudonym) is not None


def waiting(session: Session) -> list[Erasure]:
    """List the requests that are still to be carried out, oldest first."""
    state = ErasureState.WAITING.value
    query = select(Erasure).where(Erasure.state == state).order_by(Erasure.id)
    return list(session.scalars(query))


def tombstones(session: Session) -> dict[bytes, int]:
    """Give every pseudonym whose events are dropped, with its erasure."""
    rows = session.execute(select(Tombstone.pseudonym, Tombstone.erasure_id))
    return {pseudonym: number for pseudonym, number in rows}  # noqa: C416  # rows


def ids_of(session: Session, erasure: Erasure) -> tuple[set[bytes], set[bytes]]:
    """Give what is known of an erased customer's ids.

    Args:
        session: any session.
        erasure: the request.

    Returns:
        Pseudonyms of the customer, and anonymous ones that may be the customer's.
    """
    own, linked = (
        set(session.scalars(select(table.pseudonym).where(table.erasure_id == number)))
        for table, number in ((Tombstone, erasure.id), (ErasureLink, erasure.id))
    )
    return own, linked


def add_links(session: Session, links: Mapping[bytes, int]) -> None:
    """Let erasures look at ids that dropped events came with, each once.

    Args:
        session: open transaction.
        links: anonymous pseudonym -> number of the erasure.
    """
    for pseudonym, number in links.items():
        if session.get(ErasureLink, pseudonym) is None:
            session.add(ErasureLink(pseudonym=pseudonym, erasure_id=number))
            erasure = session.get_one(Erasure, number)
            erasure.state = ErasureState.WAITING.value
    session.flush()


def found(
    session: Session,
    erasure_id: int,
    pseudonyms: Collection[bytes],
    exposures: Mapping[str, str],
) -> None:
    """Note what is about to be erased, so that a crash in between loses no count.

    Args:
        session: open transaction.
        erasure_id: of the request.
        pseudonyms: all of the customer's.
        exposures: experiment -> variant that the customer saw.
    """
    erasure = session.get_one(Erasure, erasure_id)
    erasure.exposures = {**exposures, **erasure.exposures}
    for pseudonym in pseudonyms:
        session.merge(Tombstone(pseudonym=pseudonym, erasure_id=erasure_id))
    answered = ErasureLink.pseudonym.in_(list(pseudonyms))
    session.execute(delete(ErasureLink).where(answered))


def count(session: Session, erasure_id: int, event_count: int, now: datetime) -> None:
    """Count what an erasure took away, by variant too.

    Args:
        session: open transaction, in which the rows are removed.
        erasure_id: of the request.
        event_count: rows that were removed.
        now: aware UTC.
    """
    erasure = session.get_one(Erasure, erasure_id)
    for experiment, variant in erasure.exposures.items():
        row = session.get(ErasedExposure, (experiment, variant))
        if row is None:
            row = ErasedExposure(
                experiment=experiment, variant=variant, customer_count=0, last_at=now
            )
            session.add(row)
        row.customer_count += 1
        row.last_at = now
    erasure.exposures = {}
    erasure.event_count += event_count


def finish(session: Session, erasure_id: int, now: datetime) -> None:
    """Note that a customer is erased, and that no file holds them any more.

    Args:
        session: open transaction.
        erasure_id: of the request.
        now: aware UTC.
    """
    erasure = session.get_one(Erasure, erasure_id)
    erasure.finished_at = now
    erasure.state = ErasureState.DONE.value


def erased_exposures(session: Session, experiment: str) -> Sequence[ErasedExposure]:
    """Count an experiment's erased customers by variant."""
    query = select(ErasedExposure).where(ErasedExposure.experiment == experiment)
    return session.scalars(query.order_by(ErasedExposure.variant)).all()
