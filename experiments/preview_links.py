"""Preview links: made, listed, revoked; doors know within 2 s."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from experiments import audit, catalog, flags, previews, ruleset
from experiments.actors import Actor
from experiments.errors import Conflict, InvalidInput, NotFound
from experiments.lookups import Place, rows_at
from experiments.models import Experiment, PreviewLink
from experiments.vocabulary import AssignedBy, ParameterType, PersonRole, Status

MOST_DAYS = 30
MOST_LINKS = 100  # of one experiment that work at a time; they ride in the ruleset
_PREFIX = "abp_"
_TOKEN_BYTES = 24
_PREVIEWED = frozenset({Status.DRAFT, Status.IN_REVIEW, Status.RUNNING})


def may_preview(experiment: Experiment) -> bool:
    """Whether an experiment has anything to preview (any more)."""
    own = experiment.assigned_by == AssignedBy.ABIDE.value
    return own and Status(experiment.status) in _PREVIEWED


def make(
    session: Session,
    key: str,
    *,
    variant: str,
    days: int,
    actor: Actor,
    now: datetime,
) -> tuple[PreviewLink, str]:
    """Make a link to one variant.

    Args:
        session: open transaction.
        key: of an experiment that has not started yet, or runs.
        variant: its name.
        days: until it expires.
        actor: an editor.
        now: aware UTC.

    Returns:
        The row, and the token for the attribute `abide_preview`, which is shown once.

    Raises:
        Conflict: there is nothing to preview (any more), or there are too many links.
        InvalidInput: no such variant, or too many days.
    """
    actor.require(PersonRole.EDITOR, "make preview links")
    audit.take_turn(session)
    experiment = catalog.get(session, key)
    if not may_preview(experiment):
        raise Conflict(
            "Only an experiment that Abide assigns can be previewed, before its start"
            " and while it runs."
        )
    found = next((v for v in experiment.variants if v.name == variant), None)
    faults = {}
    if found is None:
        faults["variant"] = "Choose a variant of this experiment."
    if not 1 <= days <= MOST_DAYS:
        faults["days"] = f"Choose from 1 to {MOST_DAYS} days."
    if found is None or faults:
        raise InvalidInput("No link was made.", faults)
    working = select(PreviewLink.id).where(
        PreviewLink.experiment_id == experiment.id,
        PreviewLink.revoked_at.is_(None),
        PreviewLink.expires_at > now,
    )
    if len(session.scalars(working).all()) >= MOST_LINKS:
        raise Conflict(f"At most {MOST_LINKS} links can work at a time. Revoke some.")
    control = next(v for v in experiment.variants if v.is_control)
    types = {name: ParameterType(k) for name, k in experiment.parameter_types.items()}
    token = _PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)
    row = PreviewLink(
        experiment_id=experiment.id,
        variant=variant,
        digest=previews.digest(token),
        parameters=flags.typed(types, found.parameters, control.parameters),
        types={name: kind.value for name, kind in types.items()},
        created_at=now,
        created_by=actor.label,
        expires_at=now + timedelta(days=days),
    )
    session.add(row)
    session.flush()
    ruleset.publish(session, now)
    after = _snapshot(row)
    audit.record(
        session, actor, "experiment.make_preview", "experiment", key, None, after, now
    )
    return row, token


def revoke(
    session: Session, key: str, row_id: int, *, actor: Actor, now: datetime
) -> PreviewLink:
    """End a link; what was previewed with it stays out of the analysis.

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
    actor.require(PersonRole.EDITOR, "revoke preview links")
    audit.take_turn(session)
    experiment = catalog.get(session, key)
    row = session.get(PreviewLink, row_id)
    if row is None or row.experiment_id != experiment.id:
        raise NotFound("This experiment has no such preview link.")
    if row.revoked_at is not None:
        return row
    before = _snapshot(row)
    row.revoked_at, row.revoked_by = now, actor.label
    session.flush()
    ruleset.publish(session, now)
    audit.record(
        session,
        actor,
        "experiment.revoke_preview",
        "experiment",
        key,
        before,
        None,
        now,
    )
    return row


def listing(
    session: Session, experiment: Experiment, place: Place[int], limit: int
) -> Sequence[PreviewLink]:
    """List an experiment's links, also those that ended, in the order of `place`.

    Args:
        session: any session.
        experiment: whose links.
        place: where in the list.
        limit: rows at most, up to 200.

    Returns:
        The rows.
    """
    query = select(PreviewLink).where(PreviewLink.experiment_id == experiment.id)
    return rows_at(session, query, PreviewLink.id, limit, place)


def _snapshot(row: PreviewLink) -> dict[str, Any]:
    return {
        "link": row.id,
        "variant": row.variant,
        "expires_at": row.expires_at.isoformat(),
    }
