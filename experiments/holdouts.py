"""Holdouts: customers who are kept out of every experiment that starts after."""

import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from experiments import audit, journey
from experiments.actors import Actor
from experiments.errors import Conflict
from experiments.field_faults import Faults, check_key
from experiments.lookups import row_by_key, rows_after
from experiments.models import Experiment, HoldoutRow
from experiments.vocabulary import PersonRole

SEED_BYTES = 16
LEAST_SHARE, MOST_SHARE = 0.01, 0.10


def create(
    session: Session,
    *,
    key: str,
    name: str,
    share: float,
    journey_stage: str | None,
    actor: Actor,
    now: datetime,
) -> HoldoutRow:
    """Begin a holdout; experiments that run already are left as they are.

    Args:
        session: open transaction.
        key: immutable.
        name: as people read it.
        share: of all customers, 0.01 to 0.10.
        journey_stage: key of the stage whose experiments honour it; None is all.
        actor: an approver.
        now: aware UTC.

    Returns:
        The holdout.

    Raises:
        Conflict: the key is taken.
    """
    actor.require(PersonRole.APPROVER, "begin a holdout")
    faults = Faults()
    check_key(faults, "key", key)
    faults.text("name", name, 200, "a name")
    if not LEAST_SHARE <= share <= MOST_SHARE:
        faults.add("share", "Hold out 1 % to 10 % of the customers.")
    audit.take_turn(session)
    if journey_stage is not None and journey_stage not in {
        stage.key for stage in journey.stages(session)
    }:
        faults.add("journey_stage", "There is no such journey stage.")
    faults.raise_if_any("This holdout cannot begin yet.")
    if session.scalar(select(HoldoutRow.id).where(HoldoutRow.key == key)) is not None:
        raise Conflict(
            f'There is a holdout "{key}" already. Choose another key.',
            {"key": "This key is taken."},
        )
    row = HoldoutRow(
        key=key,
        name=name.strip(),
        share=float(share),
        journey_stage=journey_stage,
        seed=secrets.token_hex(SEED_BYTES),
        started_at=now,
        ended_at=None,
        created_by=actor.label,
    )
    session.add(row)
    session.flush()
    after = _snapshot(row)
    audit.record(session, actor, "holdout.create", "holdout", key, None, after, now)
    return row


def end(session: Session, key: str, *, actor: Actor, now: datetime) -> HoldoutRow:
    """End a holdout: experiments that start from now on enrol its customers too.

    Those that started while it lasted keep them out, so that nobody comes into a
    running experiment who was not meant for it.

    Args:
        session: open transaction.
        key: of the holdout.
        actor: an approver.
        now: aware UTC.

    Returns:
        The holdout.

    Raises:
        Conflict: it has ended already.
    """
    actor.require(PersonRole.APPROVER, "end a holdout")
    audit.take_turn(session)
    row = get(session, key)
    if row.ended_at is not None:
        raise Conflict(f'The holdout "{row.name}" has ended already.')
    before = _snapshot(row)
    row.ended_at = now
    session.flush()
    after = _snapshot(row)
    audit.record(session, actor, "holdout.end", "holdout", key, before, after, now)
    return row


def get(session: Session, key: str) -> HoldoutRow:
    """Find a holdout.

    Args:
        session: any session.
        key: of the holdout.

    Returns:
        The holdout.

    Raises:
        NotFound: there is none.
    """
    query = select(HoldoutRow)
    return row_by_key(session, query, HoldoutRow.key, key, "holdout")


def listing(
    session: Session, *, after_key: str | None = None, limit: int = 50
) -> list[HoldoutRow]:
    """List holdouts by key, ended ones too.

    Args:
        session: any session.
        after_key: continue after a page that ended with this key.
        limit: at most this many, up to 200.

    Returns:
        The holdouts.
    """
    return rows_after(session, select(HoldoutRow), HoldoutRow.key, after_key, limit)


def freeze(session: Session, experiment: Experiment, now: datetime) -> None:
    """Write down which holdouts an experiment that starts now honours for good."""
    query = select(HoldoutRow).where(
        HoldoutRow.started_at <= now,
        or_(HoldoutRow.ended_at.is_(None), HoldoutRow.ended_at > now),
    )
    stage = experiment.hypothesis.journey_stage.key
    experiment.holdouts = [
        {"key": row.key, "seed": row.seed, "share": row.share}
        for row in session.scalars(query.order_by(HoldoutRow.key))
        if row.journey_stage in {None, stage}
    ]


def _snapshot(row: HoldoutRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "share": row.share,
        "journey_stage": row.journey_stage,
        "ended": row.ended_at is not None,
    }
