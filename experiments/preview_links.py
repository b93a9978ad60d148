"""Preview links: made, listed, revoked; doors know within 2 s."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from experiments import audit, catalog, experiment_links, flags, previews, ruleset
from experiments.actors import Actor
from experiments.errors import Conflict, InvalidInput
from experiments.lookups import Place
from experiments.models import Experiment, PreviewLink
from experiments.vocabulary import AssignedBy, ParameterType, PersonRole, Status

MOST_DAYS = 30
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
    faults: dict[str, str] = {}
    if found is None:
        faults["variant"] = "Choose a variant of this experiment."
    faults |= experiment_links.fault_in_days(days, MOST_DAYS)
    if found is None or faults:
        raise InvalidInput("No link was made.", faults)
    experiment_links.refuse_too_many(session, PreviewLink, experiment, now)
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
    row = experiment_links.find(session, PreviewLink, experiment, row_id)
    if row.revoked_at is not None:
        return row
    before = _snapshot(row)
    experiment_links.end(session, row, actor, now)
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
    return experiment_links.listing(session, PreviewLink, experiment, place, limit)


def _snapshot(row: PreviewLink) -> dict[str, Any]:
    return {
        "link": row.id,
        "variant": row.variant,
        "expires_at": row.expires_at.isoformat(),
    }
