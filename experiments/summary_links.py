"""Links to one summary for people without an account: made, listed, revoked.

A link reads the summary of its experiment and nothing else, for a number of days that
its maker chose. Of the token there is only the hash, so no list can give it away.
"""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from experiments import audit, catalog, plan_lock
from experiments.actors import Actor
from experiments.errors import Conflict, InvalidInput, NotFound
from experiments.lookups import Place, rows_at
from experiments.models import Experiment, SummaryLink
from experiments.vocabulary import PersonRole

MOST_DAYS = 90
MOST_LINKS = 100  # of one experiment that work at a time
LONGEST = 100  # characters of a token
_PREFIX = "abs_"
_TOKEN_BYTES = 24


def make(
    session: Session, key: str, *, days: int, actor: Actor, now: datetime
) -> tuple[SummaryLink, str]:
    """Make a link to a summary.

    Args:
        session: open transaction.
        key: of an experiment that has started.
        days: until it expires.
        actor: an editor.
        now: aware UTC.

    Returns:
        The row, and the token, which is shown once.

    Raises:
        InvalidInput: too many days.
        Conflict: there are too many links.
    """
    actor.require(PersonRole.EDITOR, "share summaries")
    audit.take_turn(session)
    experiment = catalog.get(session, key)
    plan_lock.locked_plan(session, experiment)  # before, there is nothing to sum up
    if not 1 <= days <= MOST_DAYS:
        raise InvalidInput(
            "No link was made.", {"days": f"Choose from 1 to {MOST_DAYS} days."}
        )
    working = select(func.count(SummaryLink.id)).where(
        SummaryLink.experiment_id == experiment.id,
        SummaryLink.revoked_at.is_(None),
        SummaryLink.expires_at > now,
    )
    if session.scalars(working).one() >= MOST_LINKS:
        raise Conflict(f"At most {MOST_LINKS} links can work at a time. Revoke some.")
    token = _PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)
    row = SummaryLink(
        experiment_id=experiment.id,
        digest=_digest(token),
        created_at=now,
        created_by=actor.label,
        expires_at=now + timedelta(days=days),
    )
    session.add(row)
    session.flush()
    action, after = "experiment.share_summary", _snapshot(row)
    audit.record(session, actor, action, "experiment", key, None, after, now)
    return row, token


def revoke(
    session: Session, key: str, row_id: int, *, actor: Actor, now: datetime
) -> SummaryLink:
    """End a link at once.

    Args:
        session: open transaction.
        key: of the experiment.
        row_id: number of the link.
        actor: an editor.
        now: aware UTC.

    Returns:
        The row; one that was revoked before stays as it is.

    Raises:
        NotFound: the experiment has no such link.
    """
    actor.require(PersonRole.EDITOR, "revoke links to summaries")
    audit.take_turn(session)
    experiment = catalog.get(session, key)
    row = session.get(SummaryLink, row_id)
    if row is None or row.experiment_id != experiment.id:
        raise NotFound("This experiment has no such link to its summary.")
    if row.revoked_at is not None:
        return row
    before = _snapshot(row)
    row.revoked_at, row.revoked_by = now, actor.label
    session.flush()
    action = "experiment.revoke_summary_link"
    audit.record(session, actor, action, "experiment", key, before, None, now)
    return row


def find(session: Session, token: str, now: datetime) -> Experiment | None:
    """Find what a token may read.

    Args:
        session: any session.
        token: as it stands in the address.
        now: aware UTC.

    Returns:
        The experiment; None for a link that ended, was revoked, or never was.
    """
    if not token.startswith(_PREFIX) or len(token) > LONGEST or not token.isascii():
        return None
    query = (
        select(Experiment)
        .join(SummaryLink, SummaryLink.experiment_id == Experiment.id)
        .where(
            SummaryLink.digest == _digest(token),
            SummaryLink.revoked_at.is_(None),
            SummaryLink.expires_at > now,
        )
    )
    return session.scalar(query)


def listing(
    session: Session, experiment: Experiment, place: Place[int], limit: int
) -> Sequence[SummaryLink]:
    """List an experiment's links, also those that ended, in the order of `place`.

    Args:
        session: any session.
        experiment: whose links.
        place: where in the list.
        limit: rows at most, up to 200.

    Returns:
        The rows.
    """
    query = select(SummaryLink).where(SummaryLink.experiment_id == experiment.id)
    return rows_at(session, query, SummaryLink.id, limit, place)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _snapshot(row: SummaryLink) -> dict[str, Any]:
    return {"link": row.id, "expires_at": row.expires_at.isoformat()}
