"""Links to one summary for people without an account: made, listed, revoked.

A link reads the summary of its experiment and nothing else, for a number of days that
its maker chose. Of the token there is only the hash, so no list can give it away.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from experiments import audit, catalog, experiment_links, plan_lock, previews
from experiments.actors import Actor
from experiments.errors import InvalidInput
from experiments.lookups import Place
from experiments.models import Experiment, SummaryLink
from experiments.vocabulary import PersonRole

MOST_DAYS = 90
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
    faults = experiment_links.fault_in_days(days, MOST_DAYS)
    if faults:
        raise InvalidInput("No link was made.", faults)
    experiment_links.refuse_too_many(session, SummaryLink, experiment, now)
    token = _PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)
    row = SummaryLink(
        experiment_id=experiment.id,
        digest=previews.digest(token),
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
    row = experiment_links.find(session, SummaryLink, experiment, row_id)
    if row.revoked_at is not None:
        return row
    before = _snapshot(row)
    experiment_links.end(session, row, actor, now)
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
            SummaryLink.digest == previews.digest(token),
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
    return experiment_links.listing(session, SummaryLink, experiment, place, limit)


def _snapshot(row: SummaryLink) -> dict[str, Any]:
    return {"link": row.id, "expires_at": row.expires_at.isoformat()}
