"""Lists by hand: who gets a variant for a test, and who takes no part.

Customers stand on them by their pseudonyms, and never enter the analysis: also not
after they were taken off, for what they saw was not the hash's choice.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from experiments import audit, catalog, ruleset
from experiments.actors import Actor
from experiments.errors import Conflict, NotFound
from experiments.field_faults import Faults
from experiments.lookups import Place, rows_at
from experiments.models import Experiment, ListedUnit
from experiments.vocabulary import PersonRole

MOST_LISTED = 1000  # of one experiment; they ride in the ruleset


def put(
    session: Session,
    key: str,
    pseudonym: bytes,
    *,
    variant: str | None,
    note: str,
    actor: Actor,
    now: datetime,
) -> ListedUnit:
    """Put a customer on a list of an experiment; doors know within 2 s.

    Args:
        session: open transaction.
        key: of the experiment.
        pseudonym: of the customer.
        variant: what the customer gets; None: control, and no part in it.
        note: who it is for people, such as "Ada's phone"; never an id.
        actor: an editor.
        now: aware UTC.

    Returns:
        The row.

    Raises:
        Conflict: the customer is on a list already, or the lists are full.
    """
    actor.require(PersonRole.EDITOR, "change the lists of an experiment")
    audit.take_turn(session)
    experiment = catalog.get(session, key)
    faults = Faults()
    faults.text("note", note, 200, "a note, such as whose device it is")
    if variant is not None and variant not in {v.name for v in experiment.variants}:
        faults.add("variant", "There is no such variant.")
    faults.raise_if_any("Nobody was put on the list.")
    held = listing(session, experiment)
    if any(row.pseudonym == pseudonym for row in held):
        raise Conflict("This customer is on a list already. Take them off first.")
    if len(held) >= MOST_LISTED:
        raise Conflict(f"At most {MOST_LISTED} customers can be on these lists.")
    row = ListedUnit(
        experiment_id=experiment.id,
        pseudonym=pseudonym,
        variant=variant,
        note=note.strip(),
        created_at=now,
        created_by=actor.label,
    )
    session.add(row)
    session.flush()
    ruleset.publish(session, now)
    after = _snapshot(row)
    audit.record(
        session, actor, "experiment.list_customer", "experiment", key, None, after, now
    )
    return row


def remove(
    session: Session, key: str, row_id: int, *, actor: Actor, now: datetime
) -> ListedUnit:
    """Take a customer off a list.

    Args:
        session: open transaction.
        key: of the experiment.
        row_id: number of the row.
        actor: an editor.
        now: aware UTC.

    Returns:
        The row, which stays for the analysis to know.

    Raises:
        NotFound: there is no such row.
    """
    actor.require(PersonRole.EDITOR, "change the lists of an experiment")
    audit.take_turn(session)
    experiment = catalog.get(session, key)
    row = next((r for r in listing(session, experiment) if r.id == row_id), None)
    if row is None:
        raise NotFound("Nobody with this number is on a list.")
    row.removed_at = now
    session.flush()
    ruleset.publish(session, now)
    before = _snapshot(row)
    audit.record(
        session,
        actor,
        "experiment.unlist_customer",
        "experiment",
        key,
        before,
        None,
        now,
    )
    return row


def listing(session: Session, experiment: Experiment) -> list[ListedUnit]:
    """List who stands on the lists of an experiment now, oldest first."""
    query = select(ListedUnit).where(
        ListedUnit.experiment_id == experiment.id, ListedUnit.removed_at.is_(None)
    )
    return list(session.scalars(query.order_by(ListedUnit.id)))


def listing_at(
    session: Session, experiment: Experiment, place: Place[int], limit: int
) -> Sequence[ListedUnit]:
    """List who stands on the lists now, next to a place in the list.

    Args:
        session: any session.
        experiment: whose lists.
        place: where.
        limit: rows at most, up to 200.

    Returns:
        The rows.
    """
    query = select(ListedUnit).where(
        ListedUnit.experiment_id == experiment.id, ListedUnit.removed_at.is_(None)
    )
    return rows_at(session, query, ListedUnit.id, limit, place)


def left_out_count(session: Session, experiment: Experiment) -> int:
    """Count who was ever on a list: all of them are left out of the analysis."""
    customers = func.count(ListedUnit.pseudonym.distinct())
    query = select(customers).where(ListedUnit.experiment_id == experiment.id)
    return session.scalar(query) or 0


def _snapshot(row: ListedUnit) -> dict[str, Any]:
    # The audit is kept for ever, so it names nobody.
    return {"row": row.id, "variant": row.variant, "note": row.note}
