"""Who gets the weekly digest without an account: added by an administrator.

Their addresses stand in one table and nowhere else: not in the audit, not in a log.
Each mail holds a sealed link with which its reader ends it, without signing in.
"""

import base64
import binascii
import struct
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from experiments import accounts, audit
from experiments.actors import SYSTEM, Actor
from experiments.errors import ConfigurationFault, Conflict, NotFound
from experiments.field_faults import Faults
from experiments.models import DigestRecipient
from experiments.sealing import Sealer
from experiments.vocabulary import PersonRole

MOST = 200
LONGEST = 200  # characters of a token
PURPOSE = "digest link"
_BODY = struct.Struct(">BIQ")  # form, recipient, when it was added in microseconds
_FORM = 1
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def add(
    session: Session, email: str, *, actor: Actor, now: datetime
) -> DigestRecipient:
    """Let an address get the digest.

    Args:
        session: open transaction.
        email: kept in lower case.
        actor: an administrator.
        now: aware UTC.

    Returns:
        The row.

    Raises:
        Conflict: it gets the digest already, or there are too many.
    """
    actor.require(PersonRole.ADMIN, "choose who gets the digest")
    email, faults = email.strip().lower(), Faults()
    accounts.check_email(faults, "email", email)
    faults.raise_if_any("This address cannot be added.")
    audit.take_turn(session)
    if session.scalar(select(DigestRecipient).where(DigestRecipient.email == email)):
        raise Conflict(
            "This address gets the digest already.", {"email": "It is there already."}
        )
    if session.scalars(select(func.count(DigestRecipient.id))).one() >= MOST:
        raise Conflict(f"At most {MOST} addresses get the digest. Remove some.")
    row = DigestRecipient(email=email, created_at=now, created_by=actor.label)
    session.add(row)
    session.flush()
    _note(session, actor, "digest.add_recipient", row, now, is_there=True)
    return row


def remove(session: Session, number: int, *, actor: Actor, now: datetime) -> None:
    """Forget an address, and all mails to it.

    Args:
        session: open transaction.
        number: of the row.
        actor: an administrator.
        now: aware UTC.

    Raises:
        NotFound: there is none.
    """
    actor.require(PersonRole.ADMIN, "choose who gets the digest")
    audit.take_turn(session)
    row = session.get(DigestRecipient, number)
    if row is None:
        raise NotFound("This address does not get the digest.")
    _note(session, actor, "digest.remove_recipient", row, now, is_there=False)
    session.delete(row)
    session.flush()


def unsubscribe(session: Session, token: str, sealer: Sealer, now: datetime) -> bool:
    """Forget an address for who holds a link of a mail to it.

    Args:
        session: open transaction.
        token: as it stands in the address.
        sealer: of the installation.
        now: aware UTC.

    Returns:
        Whether the link is one of ours; it may have been used before.
    """
    read = _read(token, sealer)
    if read is None:
        return False
    audit.take_turn(session)
    number, added_at = read
    row = session.get(DigestRecipient, number)
    # Numbers of rows that are gone may come again, with another time.
    if row is not None and _microseconds(row.created_at) == added_at:
        _note(session, SYSTEM, "digest.unsubscribe", row, now, is_there=False)
        session.delete(row)
        session.flush()
    return True


def token_of(row: DigestRecipient, sealer: Sealer) -> str:
    """Write the token that ends the digest of a recipient: about 80 characters."""
    body = _BODY.pack(_FORM, row.id, _microseconds(row.created_at))
    sealed = sealer.seal(body, PURPOSE)
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def is_ours(token: str, sealer: Sealer) -> bool:
    """Whether a token is one that this installation wrote."""
    return _read(token, sealer) is not None


def listing(session: Session) -> Sequence[DigestRecipient]:
    """List everybody, oldest first, with the mails to each."""
    query = select(DigestRecipient).options(selectinload(DigestRecipient.mails))
    return session.scalars(query.order_by(DigestRecipient.id)).all()


def _read(token: str, sealer: Sealer) -> tuple[int, int] | None:
    if len(token) > LONGEST or not token.isascii():
        return None
    try:
        padded = token + "=" * (-len(token) % 4)
        sealed = base64.b64decode(padded, altchars=b"-_", validate=True)
        form, number, added_at = _BODY.unpack(sealer.open(sealed, PURPOSE))
    except (binascii.Error, ValueError, ConfigurationFault, struct.error):
        return None
    return (number, added_at) if form == _FORM else None


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _note(  # what an entry says, each by name
    session: Session,
    actor: Actor,
    action: str,
    row: DigestRecipient,
    now: datetime,
    *,
    is_there: bool,
) -> None:
    """Write the audit: who and when, never the address, which must be forgotten."""
    entry = {"recipient": row.id}
    before, after = (None, entry) if is_there else (entry, None)
    subject = f"recipient-{row.id}"
    audit.record(
        session, actor, action, "digest_recipient", subject, before, after, now
    )
