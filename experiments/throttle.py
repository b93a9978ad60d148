"""The throttle of sign-in tries, per account and per network address."""

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, sessionmaker

from experiments import audit
from experiments.db import transaction
from experiments.errors import TooManyRequests
from experiments.models import SignInTry

TRIES_PER_ACCOUNT = 10
TRIES_PER_ADDRESS = 30
TRY_WINDOW = timedelta(minutes=1)


def count_try(
    sessions: sessionmaker[Session], account: str, address: str, now: datetime
) -> int:
    """Count a try before it is made, in a transaction of its own.

    Args:
        sessions: the way to the database; without it nobody signs in.
        account: names the account, known or not.
        address: network address the try comes from.
        now: aware UTC.

    Returns:
        The try's number, for `forget`.

    Raises:
        TooManyRequests: the account or the address is over its limit.
    """
    account_hash, address_hash = _hash(account), _hash(address)
    limits = (
        (SignInTry.account_hash == account_hash, TRIES_PER_ACCOUNT),
        (SignInTry.address_hash == address_hash, TRIES_PER_ADDRESS),
    )
    with transaction(sessions) as session:
        audit.take_turn(session)
        session.execute(delete(SignInTry).where(SignInTry.tried_at <= now - TRY_WINDOW))
        for which, most in limits:
            newest_first = select(SignInTry.tried_at).order_by(SignInTry.id.desc())
            times = session.scalars(newest_first.where(which).limit(most)).all()
            if len(times) == most:
                left = times[-1] + TRY_WINDOW - now
                raise TooManyRequests(
                    "Too many tries to sign in. Wait a minute, then try again.",
                    retry_after=max(1, round(left.total_seconds())),
                )
        this = SignInTry(
            account_hash=account_hash, address_hash=address_hash, tried_at=now
        )
        session.add(this)
        session.flush()
        return this.id


def forget(session: Session, try_id: int) -> None:
    """Take back a try that turned out right."""
    session.execute(delete(SignInTry).where(SignInTry.id == try_id))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()
