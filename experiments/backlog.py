"""What is done with hypotheses of the backlog: ordered, parked, merged."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session, joinedload

from experiments import audit, hypotheses
from experiments.actors import Actor
from experiments.errors import Conflict, InvalidInput, NotFound
from experiments.field_faults import Faults
from experiments.models import Experiment, HypothesisRow, MergedHypothesis
from experiments.vocabulary import PersonRole, Status

LONGEST_REASON = 1000
MOST_PLACES = 2000
_KIND = "hypothesis"


def fix_place(
    session: Session, key: str, place: int, actor: Actor, now: datetime
) -> HypothesisRow:
    """Give a hypothesis a place by hand, whatever its score.

    Those that stand at the place or behind it by hand move on by one, as far as they
    have to.

    Args:
        session: open transaction.
        key: of the hypothesis.
        place: from 1.
        actor: an editor.
        now: aware UTC.

    Returns:
        The hypothesis.

    Raises:
        InvalidInput: there is no such place.
        Conflict: it is parked or merged.
    """
    row = _to_change(session, key, actor, "order the backlog")
    faults = Faults()
    faults.number("place", place, 1, MOST_PLACES)
    faults.raise_if_any("The order was not changed.")
    _require_open(row)
    before = row.place
    _make_room(session, row, place)
    row.place = place
    return _ordered(session, row, before, actor, now)


def _ordered(
    session: Session,
    row: HypothesisRow,
    before: int | None,
    actor: Actor,
    now: datetime,
) -> HypothesisRow:
    old, new = {"place": before}, {"place": row.place}
    return _noted(session, row, actor, now, "hypothesis.order", old, new)


def _make_room(session: Session, row: HypothesisRow, place: int) -> None:
    query = select(HypothesisRow).where(
        HypothesisRow.place >= place, HypothesisRow.id != row.id
    )
    taken = place
    for other in session.scalars(query.order_by(HypothesisRow.place, HypothesisRow.id)):
        if other.place != taken:
            return
        taken += 1
        other.place = taken


def free_place(
    session: Session, key: str, actor: Actor, now: datetime
) -> HypothesisRow:
    """Let the score decide again where a hypothesis stands."""
    row = _to_change(session, key, actor, "order the backlog")
    before, row.place = row.place, None
    return _ordered(session, row, before, actor, now)


def park(
    session: Session, key: str, reason: str, actor: Actor, now: datetime
) -> HypothesisRow:
    """Set a hypothesis aside, with the reason.

    Args:
        session: open transaction.
        key: of the hypothesis.
        reason: in words.
        actor: an editor.
        now: aware UTC.

    Returns:
        The hypothesis.

    Raises:
        InvalidInput: no reason.
        Conflict: it is parked or merged already.
    """
    row = _to_change(session, key, actor, "park hypotheses")
    faults = Faults()
    faults.text("reason", reason, LONGEST_REASON, "why it waits")
    faults.raise_if_any("The hypothesis was not parked.")
    _require_open(row)
    row.parked_at, row.parked_reason, row.place = now, reason.strip(), None
    after = {"parked": True, "reason": row.parked_reason}
    return _noted(session, row, actor, now, "hypothesis.park", {"parked": False}, after)


def take_up(session: Session, key: str, actor: Actor, now: datetime) -> HypothesisRow:
    """Put a parked hypothesis back among those that are ranked, or refuse."""
    row = _to_change(session, key, actor, "park hypotheses")
    if row.parked_at is None:
        raise Conflict("This hypothesis is not parked.")
    before = {"parked": True, "reason": row.parked_reason}
    row.parked_at, row.parked_reason = None, ""
    after = {"parked": False}
    return _noted(session, row, actor, now, "hypothesis.take_up", before, after)


def merge(
    session: Session, key: str, into_key: str, actor: Actor, now: datetime
) -> HypothesisRow:
    """Take a hypothesis for the same as another one, and follow that from now on.

    Drafts that test it test the other one; experiments whose plan is locked keep the
    words of their plan, and are listed with the other one.

    Args:
        session: open transaction.
        key: of the duplicate.
        into_key: of the one that stays.
        actor: an editor.
        now: aware UTC.

    Returns:
        The one that stays.

    Raises:
        InvalidInput: the two are not about the same metric, or there is no such one.
        Conflict: one is merged already, or a plan on the duplicate is in review.
    """
    row = _to_change(session, key, actor, "merge hypotheses")
    into = _other(session, row, into_key)
    _require_open(into)
    if row.merged is not None:
        raise Conflict(f'It is merged into "{row.merged.into.title}" already.')
    _refuse_reviewed(session, row)
    drafts = update(Experiment).where(
        Experiment.hypothesis_id == row.id, Experiment.status == Status.DRAFT.value
    )
    session.execute(drafts.values(hypothesis_id=into.id))
    followed = update(MergedHypothesis).where(MergedHypothesis.into_id == row.id)
    session.execute(followed.values(into_id=into.id))
    session.add(
        MergedHypothesis(hypothesis_id=row.id, into_id=into.id, by=actor.label, at=now)
    )
    row.place, row.parked_at, row.parked_reason = None, None, ""
    session.flush()
    session.expire(row, ["merged"])
    after = {"into": into.key}
    _noted(session, row, actor, now, "hypothesis.merge", {"into": None}, after)
    return hypotheses.get(session, into.key)


def _other(session: Session, row: HypothesisRow, into_key: str) -> HypothesisRow:
    """Find the one that stays, and refuse what is no duplicate."""
    message = "The hypotheses were not merged."
    try:
        into = hypotheses.get(session, into_key)
    except NotFound:
        raise InvalidInput(message, {"into": "Choose the one that stays."}) from None
    if into.id == row.id:
        raise InvalidInput(message, {"into": "Choose another hypothesis."})
    if (into.metric_id, into.direction) != (row.metric_id, row.direction):
        fault = (
            f'This one is about "{row.metric.name}", that one about'
            f' "{into.metric.name}": they are no duplicates.'
            if into.metric_id != row.metric_id
            else "One expects a rise and the other a fall: they are no duplicates."
        )
        raise InvalidInput(message, {"into": fault})
    return into


def _refuse_reviewed(session: Session, row: HypothesisRow) -> None:
    reviewed = session.scalar(
        select(Experiment.key).where(
            Experiment.hypothesis_id == row.id,
            Experiment.status == Status.IN_REVIEW.value,
        )
    )
    if reviewed is not None:
        raise Conflict(
            f'The experiment "{reviewed}" on this hypothesis is in review. Send it'
            " back first: what was reviewed must be what is started."
        )


def duplicates_of(session: Session, row: HypothesisRow) -> list[HypothesisRow]:
    """List the hypotheses that were merged into one, the latest last."""
    query = (
        select(HypothesisRow)
        .join(MergedHypothesis, MergedHypothesis.hypothesis_id == HypothesisRow.id)
        .where(MergedHypothesis.into_id == row.id)
        .order_by(MergedHypothesis.at, HypothesisRow.id)
    )
    return list(session.scalars(query))


def experiments_on(session: Session, row: HypothesisRow) -> list[Experiment]:
    """List the experiments on a hypothesis or on a duplicate of it, newest first."""
    same = select(MergedHypothesis.hypothesis_id).where(
        MergedHypothesis.into_id == row.id
    )
    query = (
        select(Experiment)
        .where(
            or_(Experiment.hypothesis_id == row.id, Experiment.hypothesis_id.in_(same))
        )
        .options(joinedload(Experiment.hypothesis))
        .order_by(Experiment.created_at.desc(), Experiment.id.desc())
    )
    return list(session.scalars(query))


def in_order(
    ranked: Sequence[HypothesisRow],
) -> list[HypothesisRow]:
    """Put those with a place by hand there, and let the others fill the rest.

    Args:
        ranked: by score, the best first.

    Returns:
        All of them; a place behind the last is the last.
    """
    fixed = sorted(
        (row for row in ranked if row.place is not None),
        key=lambda row: (row.place or 0, row.id),
    )
    order = [row for row in ranked if row.place is None]
    for row in fixed:
        order.insert(min((row.place or 1) - 1, len(order)), row)
    return order


def _to_change(session: Session, key: str, actor: Actor, to: str) -> HypothesisRow:
    actor.require(PersonRole.EDITOR, to)
    audit.take_turn(session)
    return hypotheses.get(session, key)


def _require_open(row: HypothesisRow) -> None:
    if row.merged is not None:
        raise Conflict(
            f'"{row.title}" is merged into "{row.merged.into.title}". Change that one.'
        )
    if row.parked_at is not None:
        raise Conflict(f'"{row.title}" is parked. Take it up again first.')


def _noted(
    session: Session,
    row: HypothesisRow,
    actor: Actor,
    now: datetime,
    action: str,
    before: dict[str, Any],
    after: dict[str, Any],
) -> HypothesisRow:
    session.flush()
    audit.record(session, actor, action, _KIND, row.key, before, after, now)
    return row
