"""What links of an experiment have in common, whatever they show: listed, ended."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from experiments.actors import Actor
from experiments.errors import Conflict, NotFound
from experiments.lookups import Place, rows_at
from experiments.models import Experiment, PreviewLink, SummaryLink

MOST_LINKS = 100  # of one kind and experiment that work at a time
Link = TypeVar("Link", PreviewLink, SummaryLink)


def fault_in_days(days: int, most: int) -> dict[str, str]:
    """Say by field what is wrong with how long a link is to work; empty if nothing."""
    return {} if 1 <= days <= most else {"days": f"Choose from 1 to {most} days."}


def refuse_too_many(
    session: Session, kind: type[Link], experiment: Experiment, now: datetime
) -> None:
    """Refuse another link where as many work as may.

    Args:
        session: open transaction.
        kind: of link.
        experiment: whose links.
        now: aware UTC.

    Raises:
        Conflict: there are too many.
    """
    working = select(func.count(kind.id)).where(
        kind.experiment_id == experiment.id,
        kind.revoked_at.is_(None),
        kind.expires_at > now,
    )
    if session.scalars(working).one() >= MOST_LINKS:
        raise Conflict(f"At most {MOST_LINKS} links can work at a time. Revoke some.")


def find(
    session: Session, kind: type[Link], experiment: Experiment, row_id: int
) -> Link:
    """Find a link of an experiment by its number.

    Args:
        session: any session.
        kind: of link.
        experiment: whose link.
        row_id: its number.

    Returns:
        The row.

    Raises:
        NotFound: the experiment has no such link.
    """
    row = session.get(kind, row_id)
    if row is None or row.experiment_id != experiment.id:
        raise NotFound("This experiment has no such link.")
    return row


def end(session: Session, row: Link, actor: Actor, now: datetime) -> None:
    """Note by whom and when a link was revoked."""
    row.revoked_at, row.revoked_by = now, actor.label
    session.flush()


def listing(
    session: Session,
    kind: type[Link],
    experiment: Experiment,
    place: Place[int],
    limit: int,
) -> Sequence[Link]:
    """List an experiment's links, also those that ended, in the order of `place`.

    Args:
        session: any session.
        kind: of link.
        experiment: whose links.
        place: where in the list.
        limit: rows at most, up to 200.

    Returns:
        The rows.
    """
    query = select(kind).where(kind.experiment_id == experiment.id)
    return rows_at(session, query, kind.id, limit, place)
