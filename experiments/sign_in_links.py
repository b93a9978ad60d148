"""One-time links that sign in without a password."""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from experiments import accounts, audit
from experiments.actors import SYSTEM
from experiments.errors import Conflict, Unauthenticated
from experiments.models import Person, SignInLink
from experiments.vocabulary import PersonRole

LINK_LIFETIME = timedelta(minutes=30)
_REFUSED = (
    "This sign-in link has been used already, or is older than 30 minutes."
    " Ask for a new one."
)


def create(session: Session, person_id: int | None, now: datetime) -> str:
    """Make a link's token that signs in once, within 30 minutes.

    Args:
        session: open transaction.
        person_id: who signs in; None sets up the first person.
        now: aware UTC.

    Returns:
        The token: 256 random bits, of which only the SHA-256 is kept.

    Raises:
        Conflict: set-up was done already, or the person is disabled.
    """
    audit.take_turn(session)
    if person_id is None and accounts.people(session):
        raise Conflict("Abide is set up already. Make a link for a person instead.")
    if person_id is not None and not accounts.get(session, person_id).active:
        raise Conflict("This person is disabled.")
    token = secrets.token_urlsafe(32)
    session.execute(delete(SignInLink).where(SignInLink.expires_at < now))
    session.add(
        SignInLink(
            token_hash=_hash(token),
            person_id=person_id,
            created_at=now,
            expires_at=now + LINK_LIFETIME,
            used_at=None,
        )
    )
    whom = "first" if person_id is None else str(person_id)
    audit.record(session, SYSTEM, "sign_in_link.create", "person", whom, None, {}, now)
    return token


def create_to_get_in(session: Session, now: datetime) -> str:
    """Make a link for whoever started Abide: an active admin, else the first person.

    Looking who is there and making the link are one step, so that a person who is
    made in the meantime does not turn it into a refusal.

    Args:
        session: open transaction.
        now: aware UTC.

    Returns:
        The token, as from `create`.

    Raises:
        Conflict: people are there, but none of them is an active admin.
    """
    audit.take_turn(session)
    found = accounts.people(session)
    admins = [p for p in found if p.role == PersonRole.ADMIN.value and p.active]
    if found and not admins:
        raise Conflict(
            "No admin can sign in. Make one: abide user create EMAIL --name NAME"
            " --role admin"
        )
    return create(session, admins[0].id if admins else None, now)


def redeem(session: Session, token: str, now: datetime) -> Person | None:
    """Use a link up.

    Args:
        session: open transaction.
        token: what `create` gave.
        now: aware UTC.

    Returns:
        Who is signed in; None when the link sets up the first person.

    Raises:
        Unauthenticated: unknown, used, or too old.
    """
    audit.take_turn(session)
    link = session.get(SignInLink, _hash(token), populate_existing=True)
    if link is None or link.used_at is not None or now >= link.expires_at:
        raise Unauthenticated(_REFUSED)
    link.used_at = now
    if link.person_id is None:
        if accounts.people(session):
            raise Unauthenticated(_REFUSED)
        audit.record(
            session, SYSTEM, "sign_in_link.use", "person", "first", None, {}, now
        )
        return None
    person = accounts.get(session, link.person_id)
    if not person.active:
        raise Unauthenticated(_REFUSED)
    audit.record(
        session,
        accounts.actor_for(person),
        "sign_in_link.use",
        "person",
        str(person.id),
        None,
        accounts.snapshot(person),
        now,
    )
    return person


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()
