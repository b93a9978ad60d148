"""People who sign in: accounts, passwords and the throttle."""

import re
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, sessionmaker

from experiments import audit, passwords, throttle
from experiments.actors import Actor
from experiments.db import transaction
from experiments.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    Unauthenticated,
)
from experiments.field_faults import Faults
from experiments.models import Person, SignInLink, SignInSession
from experiments.vocabulary import PersonRole, Signer

_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,189}")
_REFUSED = "The e-mail address or the password is not right."


def create_person(
    session: Session,
    *,
    email: str,
    name: str,
    role: PersonRole,
    password: str | None,
    actor: Actor,
    now: datetime,
) -> Person:
    """Let a person in.

    Args:
        session: open transaction.
        email: kept in lower case; nobody else may have it.
        name: shown beside what the person does.
        role: what the person may do.
        password: None for somebody who gets a one-time link.
        actor: an admin, or the system for the first person.
        now: aware UTC.

    Returns:
        The person.

    Raises:
        Conflict: the e-mail address is taken.
    """
    actor.require(PersonRole.ADMIN, "add people")
    email = email.strip().lower()
    _check_person(email, name, password)
    audit.take_turn(session)
    if _by_email(session, email) is not None:
        raise Conflict(
            "Somebody with this e-mail address is here already.",
            {"email": "This address is taken."},
        )
    person = Person(
        email=email,
        name=name.strip(),
        role=role.value,
        password_hash=None if password is None else passwords.hash_password(password),
        active=True,
        created_at=now,
    )
    session.add(person)
    session.flush()
    _record(session, actor, "person.create", person, None, now)
    return person


def check_email(faults: Faults, field: str, email: str) -> None:
    """Ask for something that looks like an e-mail address."""
    faults.text(field, email, 254, "an e-mail address")
    if not _EMAIL.fullmatch(email):
        faults.add(field, "Enter an e-mail address, as in ada@example.com.")


def _check_person(email: str, name: str, password: str | None) -> None:
    faults = Faults()
    check_email(faults, "email", email)
    faults.text("name", name, 200, "a name")
    if password is not None:
        fault = passwords.fault_in_password(password, email)
        if fault is not None:
            faults.add("password", fault)
    faults.raise_if_any("This account cannot be made yet.")


def set_password(
    session: Session, person_id: int, password: str, *, actor: Actor, now: datetime
) -> Person:
    """Give a person a new password and end all their sessions.

    Args:
        session: open transaction.
        person_id: whose.
        password: at least 12 characters.
        actor: the person, or an admin.
        now: aware UTC.

    Returns:
        The person.

    Raises:
        InvalidInput: the password is too short, too long or too common.
    """
    if actor.person_id != person_id:
        actor.require(PersonRole.ADMIN, "set the password of somebody else")
    person = get(session, person_id)
    fault = passwords.fault_in_password(password, person.email)
    if fault is not None:
        raise InvalidInput("This password cannot be used.", {"password": fault})
    audit.take_turn(session)
    person.password_hash = passwords.hash_password(password)
    _end_sessions(session, person)
    state = snapshot(person)
    _record(session, actor, "person.set_password", person, state, now)
    return person


def set_role(
    session: Session, person_id: int, role: PersonRole, *, actor: Actor, now: datetime
) -> Person:
    """Change what a person may do; sessions made with the old role end.

    Args:
        session: open transaction.
        person_id: whose.
        role: the new one.
        actor: an admin.
        now: aware UTC.

    Returns:
        The person.
    """
    actor.require(PersonRole.ADMIN, "change roles")
    audit.take_turn(session)
    person = get(session, person_id)
    before = snapshot(person)
    if role != PersonRole.ADMIN:
        _keep_an_admin(session, person)
    person.role = role.value
    _end_sessions(session, person)
    _record(session, actor, "person.set_role", person, before, now)
    return person


def set_signs_for(
    session: Session,
    person_id: int,
    signers: Sequence[Signer],
    *,
    actor: Actor,
    now: datetime,
) -> Person:
    """Say for what a person may sign plans, beside approving them.

    Args:
        session: open transaction.
        person_id: whose.
        signers: all of them; none takes the right away.
        actor: an admin.
        now: aware UTC.

    Returns:
        The person.
    """
    actor.require(PersonRole.ADMIN, "say who signs plans")
    audit.take_turn(session)
    person = get(session, person_id)
    before = snapshot(person)
    person.signs_for = [signer.value for signer in Signer if signer in signers]
    session.flush()
    _record(session, actor, "person.set_signs_for", person, before, now)
    return person


def set_active(
    session: Session, person_id: int, *, active: bool, actor: Actor, now: datetime
) -> Person:
    """Disable a person, which ends their sessions and links at once, or let back in.

    Args:
        session: open transaction.
        person_id: whose.
        active: False to disable.
        actor: an admin.
        now: aware UTC.

    Returns:
        The person.
    """
    actor.require(PersonRole.ADMIN, "disable people")
    audit.take_turn(session)
    person = get(session, person_id)
    before = snapshot(person)
    if not active:
        _keep_an_admin(session, person)
        _end_sessions(session, person)
    person.active = active
    action = "person.enable" if active else "person.disable"
    _record(session, actor, action, person, before, now)
    return person


def _keep_an_admin(session: Session, person: Person) -> None:
    others = select(func.count()).where(
        Person.role == PersonRole.ADMIN.value,
        Person.active.is_(True),
        Person.id != person.id,
    )
    is_admin = person.role == PersonRole.ADMIN.value and person.active
    if is_admin and not session.scalar(others):
        raise Conflict(
            f"{person.name} is the only active admin. Make somebody else admin first."
        )


def _end_sessions(session: Session, person: Person) -> None:
    for table in (SignInSession, SignInLink):
        session.execute(delete(table).where(table.person_id == person.id))


def verify_password(
    sessions: sessionmaker[Session],
    email: str,
    password: str,
    address: str,
    now: datetime,
    *,
    known_device: bool = False,
) -> Person:
    """Sign a person in by password.

    The try is counted before the password is looked at, in a transaction of its
    own: many tries at once cannot slip past the limit. An unknown address takes the
    same steps as a known one.

    Args:
        sessions: the way to the database.
        email: as typed.
        password: as typed.
        address: network address the try comes from.
        now: aware UTC.
        known_device: the browser carries this account's device mark; its tries are
            counted apart from those of strangers.

    Returns:
        The person.

    Raises:
        Unauthenticated: wrong; the words do not tell what was.
    """
    email = email.strip().lower()
    account = f"known:{email}" if known_device else f"any:{email}"
    try_id = throttle.count_try(sessions, account, address, now)
    with transaction(sessions) as session:
        person = _by_email(session, email)
    good = person is not None and person.active
    kept = person.password_hash if person is not None and good else None
    if not passwords.matches(kept, password) or person is None:
        raise Unauthenticated(_REFUSED)
    with transaction(sessions) as session:
        audit.take_turn(session)
        throttle.forget(session, try_id)
        person = session.get_one(Person, person.id)
        if not person.active or person.password_hash != kept:
            raise Unauthenticated(_REFUSED)
        if kept is not None and passwords.is_outdated(kept):
            person.password_hash = passwords.hash_password(password)
        _record(session, actor_for(person), "person.sign_in", person, None, now)
    return person


def people(session: Session) -> list[Person]:
    """List everybody, by name."""
    return list(session.scalars(select(Person).order_by(Person.name, Person.id)))


def active_count(session: Session) -> int:
    """Count the people who can sign in."""
    query = select(func.count()).where(Person.active.is_(True))
    return session.scalar(query) or 0


def get(session: Session, person_id: int) -> Person:
    """Find a person by number.

    Args:
        session: any session.
        person_id: as in `Actor.person_id`.

    Returns:
        The person.

    Raises:
        NotFound: there is none.
    """
    person = session.get(Person, person_id, populate_existing=True)
    if person is None:
        raise NotFound("There is no such person.")
    return person


def person_by_email(session: Session, email: str) -> Person:
    """Find a person by e-mail address, in any case.

    Args:
        session: any session.
        email: as typed.

    Returns:
        The person.

    Raises:
        NotFound: there is none.
    """
    person = _by_email(session, email.strip().lower())
    if person is None:
        raise NotFound("Nobody has this e-mail address.", {"email": "Unknown."})
    return person


def actor_for(person: Person) -> Actor:
    """Tell how a signed-in person acts."""
    label = f"person:{person.id} {person.email}"
    return Actor(label=label, role=PersonRole(person.role), person_id=person.id)


def _by_email(session: Session, email: str) -> Person | None:
    if not _EMAIL.fullmatch(email) or not email.isprintable():
        return None
    return session.scalar(select(Person).where(Person.email == email))


def snapshot(person: Person) -> dict[str, object]:
    """Write a person as the audit trail keeps them."""
    return {
        "email": person.email,
        "name": person.name,
        "role": person.role,
        "active": person.active,
        "signs_for": list(person.signs_for),
    }


def _record(
    session: Session,
    actor: Actor,
    action: str,
    person: Person,
    before: dict[str, object] | None,
    now: datetime,
) -> None:
    after = snapshot(person)
    audit.record(session, actor, action, "person", str(person.id), before, after, now)
