"""The right to do one job, so that two processes never do it at once.

A lease is a row: who holds it, until when, and a token that rises at each change of
holder. Time alone cannot guard a job: a holder that was stopped for a minute wakes up
and writes. So the token is checked inside the transaction that writes (fencing,
Kleppmann 2016, "How to do distributed locking"), and a late holder is refused.
"""

import os
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from experiments.context import Context
from experiments.db import transaction
from experiments.errors import AbideError, Conflict
from experiments.models import Lease

TTL = timedelta(seconds=30)  # a killed holder is replaced after at most this
RENEWALS = 3  # within one TTL
ANALYSIS = "analysis"  # held by whoever reads the store for long

log = structlog.get_logger(__name__)


class LeaseLost(Conflict):
    """Somebody else holds the lease now; nothing was written."""


def new_holder() -> str:
    """Name this process and moment, so that no two holders share a name."""
    return f"{socket.gethostname()[:60]}:{os.getpid()}:{uuid.uuid4().hex[:12]}"


def acquire(
    sessions: sessionmaker[Session],
    name: str,
    holder: str,
    ttl: timedelta,
    now: datetime,
) -> int | None:
    """Take the lease if nobody holds it.

    Args:
        sessions: the way to the database.
        name: of the job, at most 60 characters.
        holder: who asks, see `new_holder`.
        ttl: for how long, if it is not renewed.
        now: the time.

    Returns:
        The token to write with, higher than any before; None when it is held.
    """
    free = (
        update(Lease)
        .where(Lease.name == name, Lease.expires_at <= now)
        .values(holder=holder, token=Lease.token + 1, expires_at=now + ttl)
        .returning(Lease.token)
        .execution_options(synchronize_session=False)
    )
    with transaction(sessions) as session:
        token = session.scalar(free)
        if token is not None:
            return token
        if session.scalar(select(Lease.name).where(Lease.name == name)):
            return None
    return _first(sessions, Lease(name=name, holder=holder, token=1), now + ttl)


def _first(
    sessions: sessionmaker[Session], lease: Lease, expires_at: datetime
) -> int | None:
    lease.expires_at = expires_at
    try:
        with transaction(sessions) as session:
            session.add(lease)
    except IntegrityError:
        return None  # another process was first by a moment
    return 1


def renew(
    sessions: sessionmaker[Session],
    name: str,
    token: int,
    ttl: timedelta,
    now: datetime,
) -> bool:
    """Hold the lease for longer.

    Args:
        sessions: the way to the database.
        name: of the job.
        token: what `acquire` gave.
        ttl: from now on.
        now: the time.

    Returns:
        Whether the lease is still this holder's; after False nothing may be written.
    """
    return _touch(sessions, name, token, now + ttl)


def release(
    sessions: sessionmaker[Session], name: str, token: int, now: datetime
) -> None:
    """Let the lease go, unless somebody else holds it already."""
    _touch(sessions, name, token, now)


def _touch(
    sessions: sessionmaker[Session], name: str, token: int, expires_at: datetime
) -> bool:
    with transaction(sessions) as session:
        return _write_if_held(session, name, token, {Lease.expires_at: expires_at})


def check_token(session: Session, name: str, token: int) -> None:
    """Refuse to write for a lease that has passed to somebody else.

    It writes the row, not only reads it: from here to the end of the transaction
    nobody can take the lease, on SQLite as on PostgreSQL.

    Args:
        session: the transaction that is about to write.
        name: of the job.
        token: what `acquire` gave.

    Raises:
        LeaseLost: the token is no longer the highest.
    """
    if not _write_if_held(session, name, token, {Lease.token: token}):
        raise LeaseLost(
            f'The lease "{name}" has passed to another process,'
            " so what this one worked out was not stored."
        )


def _write_if_held(
    session: Session, name: str, token: int, values: dict[Any, object]
) -> bool:
    written = session.scalar(
        update(Lease)
        .where(Lease.name == name, Lease.token == token)
        .values(values)
        .returning(Lease.token)
        .execution_options(synchronize_session=False)
    )
    return written is not None


@contextmanager
def held(context: Context, name: str, ttl: timedelta = TTL) -> Iterator[int | None]:
    """Hold a lease while the block runs, renewed from a thread of its own.

    Args:
        context: the way to the database, and the clock.
        name: of the job.
        ttl: how soon others may take over when this process dies.

    Yields:
        The token, or None when another process holds the lease.
    """
    token = acquire(context.sessions, name, new_holder(), ttl, context.now())
    if token is None:
        yield None
        return
    done = threading.Event()
    beat = threading.Thread(
        target=_keep, args=(context, name, token, ttl, done), daemon=True
    )
    beat.start()
    try:
        yield token
    finally:
        done.set()
        beat.join()
        with _logging_refusals("lease_not_released", name):
            release(context.sessions, name, token, context.now())


def _keep(
    context: Context, name: str, token: int, ttl: timedelta, done: threading.Event
) -> None:
    while not done.wait(ttl.total_seconds() / RENEWALS):
        # The database may be back before the lease runs out; the token decides.
        with _logging_refusals("lease_not_renewed", name):
            if not renew(context.sessions, name, token, ttl, context.now()):
                log.warning("lease_lost", lease=name)
                return


@contextmanager
def _logging_refusals(event: str, name: str) -> Iterator[None]:
    try:
        yield
    except AbideError as error:
        log.warning(event, lease=name, reason=error.message)
