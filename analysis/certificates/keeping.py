"""Which certificate is next, and how one ends that came to nothing: no statistics.

Whoever works one out holds the lease. One that is marked as running while nobody holds
it was left behind by a process that was killed, so it is as good as waiting.
"""

from sqlalchemy import select

from analysis import leases
from experiments.certificates import OPEN
from experiments.context import Context
from experiments.db import transaction
from experiments.models import Certificate
from experiments.vocabulary import CertificateState

LEASE = "certificate"
LONGEST_ERROR = 500


def next_open(context: Context) -> int | None:
    """Find the certificate that waits longest; one that was left behind waits too."""
    query = (
        select(Certificate.id)
        .where(Certificate.state.in_(OPEN))
        .order_by(Certificate.id)
        .limit(1)
    )
    with transaction(context.sessions) as session:
        return session.scalar(query)


def note_failure(context: Context, error: str) -> None:
    """Close the certificate whose process ended early each time.

    Args:
        context: settings, database and clock.
        error: what went wrong, in words.
    """
    with leases.held(context, LEASE) as token:
        number = next_open(context) if token is not None else None
        if token is not None and number is not None:
            fail(context, number, token, error)


def close_left_behind(context: Context, key: str, token: int) -> None:
    """Close what a killed process left of a metric, so that it can be asked anew.

    Args:
        context: settings, database and clock.
        key: of the metric.
        token: of the lease: nobody else is at work.
    """
    query = select(Certificate.id).where(
        Certificate.state == CertificateState.RUNNING.value,
        Certificate.metric.has(key=key),
    )
    with transaction(context.sessions) as session:
        left = list(session.scalars(query))
    for number in left:
        fail(context, number, token, "The process that worked this out was stopped.")


def fail(context: Context, number: int, token: int, error: str) -> None:
    """Store that a trial came to nothing.

    Args:
        context: settings, database and clock.
        number: of the certificate.
        token: of the lease.
        error: what went wrong, in words.
    """
    with transaction(context.sessions) as session:
        leases.check_token(session, LEASE, token)
        row = session.get_one(Certificate, number)
        row.state = CertificateState.FAILED.value
        row.finished_at = context.now()
        row.error = error[:LONGEST_ERROR]
