"""Small steps that all services with keys, pages and owners share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from experiments.actors import Actor
from experiments.errors import Conflict, InvalidInput, NotFound
from experiments.field_faults import KEY_PATTERN

PAGE_LIMIT = 200
KEY_LENGTH = 64
Row = TypeVar("Row")
Mark = TypeVar("Mark", int, str)


@dataclass(frozen=True, slots=True)
class Place(Generic[Mark]):
    """A place in a list: what follows one row, what precedes one, or its beginning.

    Attributes:
        after: of the row before the wanted ones.
        before: of the row behind them; then `after` is not asked.
        falling: whether the list goes from the highest to the lowest.
    """

    after: Mark | None = None
    before: Mark | None = None
    falling: bool = False


def known_key(key: str, what: str) -> str:
    """Pass a well-formed key on; any other cannot be the key of anything.

    Asking a database for it could fail instead (NUL, half a surrogate pair).

    Args:
        key: as it arrived.
        what: the thing, as in "experiment".

    Returns:
        The same key.

    Raises:
        NotFound: it is not written like a key.
    """
    if not KEY_PATTERN.fullmatch(key):
        raise NotFound(f"There is no such {what}.")
    return key


def row_by_key(
    session: Session,
    query: Select[Row],
    column: InstrumentedAttribute[str],
    key: str,
    what: str,
) -> Row:
    """Read one row as it is stored now, whatever this session has read before.

    Args:
        session: any session.
        query: all rows, with what is to be loaded beside each.
        column: of the key.
        key: as it arrived.
        what: the thing, as in "experiment".

    Returns:
        The row.

    Raises:
        NotFound: there is none.
    """
    asked = query.where(column == known_key(key, what))
    row = session.scalar(asked.execution_options(populate_existing=True))
    if row is None:
        raise NotFound(f'There is no {what} "{key}".')
    return row


def page_size(limit: int) -> int:
    """Keep a page between 1 and 200 rows."""
    return max(1, min(limit, PAGE_LIMIT))


def rows_at(
    session: Session,
    query: Select[Row],
    column: InstrumentedAttribute[Mark],
    limit: int,
    place: Place[Mark],
) -> list[Row]:
    """Read the rows that stand next to a place in a list, in the list's order.

    Args:
        session: any session.
        query: the whole list, in no order.
        column: unique, and what the list goes by.
        limit: at most this many, up to 200.
        place: where.

    Returns:
        The rows.
    """
    backwards = place.before is not None
    rising = backwards == place.falling
    end = place.before if backwards else place.after
    if end is not None:
        query = query.where(column > end if rising else column < end)
    query = query.order_by(column.asc() if rising else column.desc())
    rows = list(session.scalars(query.limit(page_size(limit))))
    return rows[::-1] if backwards else rows


def rows_after(
    session: Session,
    query: Select[Row],
    column: InstrumentedAttribute[str],
    after_key: str | None,
    limit: int,
) -> list[Row]:
    """Read the next rows of a list that goes by key.

    Args:
        session: any session.
        query: the whole list, in no order.
        column: of the key.
        after_key: continue after a page that ended with this key, as it arrived.
        limit: at most this many, up to 200.

    Returns:
        The rows.
    """
    after = None if after_key is None else known_key(after_key, "page")
    return rows_at(session, query, column, limit, Place(after=after))


def free_key(session: Session, column: InstrumentedAttribute[str], wanted: str) -> str:
    """Find a key that nothing has: the wanted one, or it with the next free number.

    Args:
        session: any session.
        column: of the keys.
        wanted: well-formed.

    Returns:
        Such as "guided-set-up-2".
    """
    key, number = wanted, 1
    while session.scalar(select(column).where(column == key)) is not None:
        number += 1
        tail = f"-{number}"
        key = wanted[: KEY_LENGTH - len(tail)] + tail
    return key


def owner_of(actor: Actor, what: str) -> int:
    """Tell which person owns what this actor makes.

    Args:
        actor: a person, or a key acting for one.
        what: the thing, as in "an experiment".

    Returns:
        The person's number.

    Raises:
        InvalidInput: the system itself acts, which owns nothing.
    """
    if actor.person_id is None:
        raise InvalidInput(f"{what.capitalize()} needs a person as its owner.")
    return actor.person_id


def check_revision(what: str, seen: int, current: int) -> None:
    """Refuse a save that saw an older revision than the stored one.

    Args:
        what: the thing, as in "experiment".
        seen: the revision that was edited.
        current: the revision that is stored.

    Raises:
        Conflict: names both.
    """
    if seen != current:
        raise Conflict(
            f"Somebody saved this {what} since you opened it: you edited revision"
            f" {seen}, revision {current} is stored. Load it again and repeat your"
            " change.",
            {"revision": f"You edited {seen}; {current} is stored."},
        )


def changes(
    before: Mapping[str, object], after: Mapping[str, object]
) -> tuple[dict[str, object], dict[str, object]]:
    """Keep the entries in which two states differ, for the audit."""
    names = [name for name in after if before.get(name) != after[name]]
    return {n: before.get(n) for n in names}, {n: after[n] for n in names}
