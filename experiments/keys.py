"""API keys: made, shown once, revoked, recognised."""

import hmac
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from experiments import accounts, audit, key_format, ruleset
from experiments.actors import Actor
from experiments.errors import Conflict, Forbidden, NotFound
from experiments.field_faults import Faults
from experiments.lookups import owner_of
from experiments.models import ApiKey
from experiments.vocabulary import Environment, KeyKind, PersonRole

# Compared with when there is no such key, so that both take the same time.
_NO_HASH = "0" * 64


def create_key(
    session: Session,
    *,
    kind: KeyKind,
    environment: Environment,
    name: str,
    actor: Actor,
    now: datetime,
    may_read_rules: bool = False,
) -> tuple[ApiKey, str]:
    """Make a key that acts for the actor.

    Args:
        session: open transaction.
        kind: what it may do.
        environment: whose data it may touch.
        name: which application it is for.
        actor: an admin, who becomes its owner.
        now: aware UTC.
        may_read_rules: of a client key: its app may evaluate by itself, for which
            it reads the segment rules and splits of all experiments.

    Returns:
        The stored row, and the whole key, which nobody can read again.
    """
    actor.require(PersonRole.ADMIN, "make API keys")
    owner_id = owner_of(actor, "an API key")
    faults = Faults()
    faults.text("name", name, 100, "which application the key is for")
    if may_read_rules and kind != KeyKind.CLIENT:
        faults.add("may_read_rules", "Only a client key reads rules for an app.")
    faults.raise_if_any("This key cannot be made yet.")
    audit.take_turn(session)
    public_id, secret = key_format.make(kind, environment)
    key = ApiKey(
        public_id=public_id,
        kind=kind.value,
        environment=environment.value,
        name=name.strip(),
        secret_hash=key_format.digest(secret),
        may_read_rules=may_read_rules,
        owner_id=owner_id,
        created_at=now,
        revoked_at=None,
    )
    session.add(key)
    session.flush()
    ruleset.publish(session, now)
    after = _snapshot(key)
    audit.record(session, actor, "key.create", "api_key", public_id, None, after, now)
    return get(session, public_id), secret


def revoke(session: Session, public_id: str, *, actor: Actor, now: datetime) -> ApiKey:
    """End a key; every door refuses it within seconds.

    Args:
        session: open transaction.
        public_id: the readable part of the key.
        actor: an admin.
        now: aware UTC.

    Returns:
        The row.

    Raises:
        Conflict: it is revoked already.
    """
    actor.require(PersonRole.ADMIN, "revoke API keys")
    audit.take_turn(session)
    key = get(session, public_id)
    if key.revoked_at is not None:
        raise Conflict("This key is revoked already.")
    before = _snapshot(key)
    key.revoked_at = now
    session.flush()
    ruleset.publish(session, now)
    after = _snapshot(key)
    audit.record(session, actor, "key.revoke", "api_key", public_id, before, after, now)
    return key


def get(session: Session, public_id: str) -> ApiKey:
    """Find a key by its readable part.

    Args:
        session: any session.
        public_id: 12 letters and digits.

    Returns:
        The row with its owner.

    Raises:
        NotFound: there is none.
    """
    key = _find(session, public_id) if key_format.is_public_id(public_id) else None
    if key is None:
        raise NotFound("There is no such API key.")
    return key


def listing(session: Session) -> list[ApiKey]:
    """List all keys with their owners, newest first; their number stays small."""
    query = select(ApiKey).options(joinedload(ApiKey.owner)).order_by(ApiKey.id.desc())
    return list(session.scalars(query))


def authenticate(session: Session, text: str) -> ApiKey | None:
    """Recognise a key by its readable part, then by its whole text's hash.

    Args:
        session: any session.
        text: what the caller shows.

    Returns:
        The key in force; None when it is unknown, revoked, or its owner is disabled
        (public keys go on: they act for nobody).
    """
    public_id = key_format.parse(text)
    if public_id is None:
        return None
    key = _find(session, public_id)
    kept = _NO_HASH if key is None else key.secret_hash
    same = hmac.compare_digest(key_format.digest(text), kept)
    if key is None or not same or key.revoked_at is not None:
        return None
    if key.kind == KeyKind.ADMIN.value and not key.owner.active:
        return None
    return key


def actor_for_key(session: Session, key: ApiKey) -> Actor:
    """Tell how an admin key acts: for its owner, with the owner's role of today.

    Args:
        session: any session.
        key: what `authenticate` gave.

    Returns:
        The actor.

    Raises:
        Forbidden: the key is of another kind, which opens only its own doors.
    """
    if key.kind != KeyKind.ADMIN.value:
        raise Forbidden(f"A {key.kind} key cannot do this; it takes an admin key.")
    owner = accounts.get(session, key.owner_id)
    return Actor(
        label=f"key:{key.public_id} for person:{owner.id} {owner.email}",
        role=PersonRole(owner.role),
        person_id=owner.id,
    )


def _find(session: Session, public_id: str) -> ApiKey | None:
    return session.scalar(
        select(ApiKey)
        .where(ApiKey.public_id == public_id)
        .options(joinedload(ApiKey.owner))
        .execution_options(populate_existing=True)
    )


def _snapshot(key: ApiKey) -> dict[str, str | bool]:
    return {
        "name": key.name,
        "kind": key.kind,
        "environment": key.environment,
        "may_read_rules": key.may_read_rules,
        "revoked": key.revoked_at is not None,
    }
