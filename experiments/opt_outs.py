"""Who takes part in no experiment, by their own choice, and since when.

A choice counts from when it is stored: doors learn it from a file beside the ruleset
(`experiments.opt_out_file`), the compactor keeps later events out of the store, and
analysis leaves the customer out with everything that was stored before. Rows name
customers by their pseudonyms alone, the audit not at all.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from experiments import audit
from experiments.actors import Actor
from experiments.models import OptOut, OptOutLink, OptOutRevision
from experiments.vocabulary import PersonRole

CUSTOMER = Actor(label="customer", role=PersonRole.VIEWER, person_id=None)
DAYS_SHOWN = 28
_REVISION_ROW = 1


@dataclass(frozen=True, slots=True)
class OptOutDay:
    """What customers chose on one day, in UTC."""

    day: date
    opted_out_count: int
    opted_in_count: int


def opt_out(session: Session, pseudonym: bytes, *, now: datetime) -> bool:
    """Let a customer take part in nothing from now on.

    Args:
        session: open transaction; the choice counts once it is committed.
        pseudonym: of the customer, from a signed link.
        now: aware UTC.

    Returns:
        Whether that changed anything.
    """
    audit.take_turn(session)
    if _open_rows(session, pseudonym):
        return False
    row = OptOut(
        pseudonym=pseudonym, opted_out_at=now, opted_in_at=None, is_searched=False
    )
    session.add(row)
    session.flush()
    for other in _all_known(session, pseudonym) - {pseudonym}:
        session.add(OptOutLink(opt_out_id=row.id, pseudonym=other, is_own=True))
    _changed(session)
    _note(session, "opt_out.begin", row, now)
    return True


def opt_in(session: Session, pseudonym: bytes, *, now: datetime) -> bool:
    """Let a customer take part again, from now on.

    Experiments in which the customer took no part for a while stay without them: the
    control of that time was not the hash's choice (`set_aside`).

    Args:
        session: open transaction.
        pseudonym: any id of the customer.
        now: aware UTC.

    Returns:
        Whether that changed anything.
    """
    audit.take_turn(session)
    rows = _open_rows(session, pseudonym)
    for row in rows:
        row.opted_in_at = now
        session.flush()
        _note(session, "opt_out.end", row, now)
    if rows:
        _changed(session)
    return bool(rows)


def out_since(session: Session, pseudonym: bytes) -> datetime | None:
    """Tell since when a customer takes no part; None for who does."""
    rows = _open_rows(session, pseudonym)
    return min((row.opted_out_at for row in rows), default=None)


def times_out(
    session: Session, ids: Collection[bytes]
) -> list[tuple[datetime, datetime | None]]:
    """List when a customer took no part, as (from, to).

    Args:
        session: any session.
        ids: all pseudonyms of the customer.

    Returns:
        In order of time; a time that lasts has no end.
    """
    rows = session.scalars(
        select(OptOut).where(_is_of(list(ids))).order_by(OptOut.opted_out_at, OptOut.id)
    )
    return [(row.opted_out_at, row.opted_in_at) for row in rows]


def opted_out(session: Session) -> dict[bytes, int]:
    """Give every id whose events are not stored now, with the row that says so."""
    return _ids_where(session, OptOut.opted_in_at.is_(None))


def among(session: Session, ids: Collection[bytes]) -> set[bytes]:
    """Find those of some customers who take part in nothing now."""
    lasting, wanted = OptOut.opted_in_at.is_(None), list(ids)
    own = select(OptOut.pseudonym).where(lasting, OptOut.pseudonym.in_(wanted))
    linked = (
        select(OptOutLink.pseudonym)
        .join(OptOut, OptOut.id == OptOutLink.opt_out_id)
        .where(lasting, OptOutLink.is_own, OptOutLink.pseudonym.in_(wanted))
    )
    return {*session.scalars(own), *session.scalars(linked)}


def set_aside(session: Session, since: datetime) -> tuple[bytes, ...]:
    """Give the ids that the analysis of an experiment leaves out.

    Args:
        session: any session.
        since: from when on customers could be in the experiment.

    Returns:
        Ids of who takes no part now, and of who took none for a time after `since`;
        sorted.
    """
    lasting = OptOut.opted_in_at.is_(None)
    return tuple(sorted(_ids_where(session, or_(lasting, OptOut.opted_in_at > since))))


def revision(session: Session) -> int:
    """Tell how often anything here has changed."""
    row = session.get(OptOutRevision, _REVISION_ROW, populate_existing=True)
    return 0 if row is None else row.revision


def count(session: Session) -> int:
    """Count the customers who take part in nothing now."""
    lasting = select(func.count(OptOut.id)).where(OptOut.opted_in_at.is_(None))
    return session.scalar(lasting) or 0


def by_day(session: Session, now: datetime, days: int = DAYS_SHOWN) -> list[OptOutDay]:
    """Count choices by day, the latest day first; days without any are left out.

    Args:
        session: any session.
        now: aware UTC.
        days: how far back.

    Returns:
        At most `days` + 1 rows.
    """
    since = now - timedelta(days=days)
    counts = []
    for column in (OptOut.opted_out_at, OptOut.opted_in_at):
        times = session.scalars(select(column).where(column >= since))
        counts.append(Counter(at.date() for at in times if at is not None))
    out, back = counts
    named = sorted(out.keys() | back.keys(), reverse=True)
    return [OptOutDay(day, out[day], back[day]) for day in named]


# Other ids of the same customers


def ids_with(session: Session, ids: Collection[bytes]) -> tuple[set[bytes], set[bytes]]:
    """Give the other ids that opting out has told of customers.

    No event may say it: what tied them together came after the choice and was dropped.

    Args:
        session: any session.
        ids: pseudonyms of the customers, whether they are out now or were once.

    Returns:
        Ids that are theirs, and ids that may be: came with theirs, and are yet to be
        looked for.
    """
    own, maybe = set[bytes](), set[bytes]()
    rows = set(session.scalars(select(OptOut.id).where(_is_of(list(ids)))))
    own |= set(session.scalars(select(OptOut.pseudonym).where(OptOut.id.in_(rows))))
    links = select(OptOutLink).where(OptOutLink.opt_out_id.in_(rows))
    for link in session.scalars(links):
        (own if link.is_own else maybe).add(link.pseudonym)
    return own, maybe - own


def unsearched(session: Session) -> dict[bytes, int]:
    """Give the ids of customers whose other ids were not looked for yet."""
    new = and_(OptOut.opted_in_at.is_(None), OptOut.is_searched.is_(False))
    return _ids_where(session, new)


def maybe_theirs(session: Session, rows: Iterable[int]) -> dict[bytes, int]:
    """Give ids that came with dropped events: are they these customers' too?"""
    query = select(OptOutLink.pseudonym, OptOutLink.opt_out_id).where(
        OptOutLink.opt_out_id.in_(list(rows)), OptOutLink.is_own.is_(False)
    )
    return {pseudonym: number for pseudonym, number in session.execute(query)}  # noqa: C416  # rows


def visitors(session: Session) -> dict[bytes, int]:
    """Give who opted out now, and is known by that one id alone, with their row."""
    linked = select(OptOutLink.opt_out_id).where(OptOutLink.is_own)
    alone = and_(OptOut.opted_in_at.is_(None), OptOut.id.not_in(linked))
    rows = session.execute(select(OptOut.pseudonym, OptOut.id).where(alone))
    return {pseudonym: number for pseudonym, number in rows}  # noqa: C416  # rows


def search_again(session: Session, rows: Iterable[int]) -> None:
    """Have other ids of customers looked for once more."""
    for number in rows:
        session.get_one(OptOut, number).is_searched = False
    session.flush()


def add_links(session: Session, links: Mapping[bytes, int]) -> None:
    """Remember ids that dropped events came with, each once.

    Args:
        session: open transaction.
        links: anonymous pseudonym -> row of the customer.
    """
    for pseudonym, number in links.items():
        if session.get(OptOutLink, (number, pseudonym)) is None:
            session.add(
                OptOutLink(opt_out_id=number, pseudonym=pseudonym, is_own=False)
            )
            session.get_one(OptOut, number).is_searched = False
    session.flush()


def found(
    session: Session, searched: Collection[int], own: Mapping[bytes, int]
) -> None:
    """Write down the other ids of customers.

    Args:
        session: open transaction.
        searched: rows whose other ids were looked for.
        own: id -> row of the customer.
    """
    audit.take_turn(session)
    for number in searched:
        session.get_one(OptOut, number).is_searched = True
    first = {number: session.get_one(OptOut, number).pseudonym for number in searched}
    for pseudonym, number in own.items():
        if pseudonym != first.get(number):
            link = OptOutLink(opt_out_id=number, pseudonym=pseudonym, is_own=True)
            session.merge(link)
    session.flush()
    _changed(session)


# Inside


def _is_of(ids: Collection[bytes]) -> ColumnElement[bool]:
    linked = select(OptOutLink.opt_out_id).where(
        OptOutLink.is_own, OptOutLink.pseudonym.in_(ids)
    )
    return or_(OptOut.pseudonym.in_(ids), OptOut.id.in_(linked))


def _open_rows(session: Session, pseudonym: bytes) -> list[OptOut]:
    """Find what holds for a customer, also what they chose under another id."""
    ids = _all_known(session, pseudonym)
    query = select(OptOut).where(_is_of(list(ids)), OptOut.opted_in_at.is_(None))
    return list(session.scalars(query.execution_options(populate_existing=True)))


def _all_known(session: Session, pseudonym: bytes) -> set[bytes]:
    """Give the ids that opting out, now or once, has told of a customer."""
    ids, own = set[bytes](), {pseudonym}
    while not own <= ids:
        ids |= own
        own, _ = ids_with(session, ids)
    return ids


def _ids_where(session: Session, wanted: ColumnElement[bool]) -> dict[bytes, int]:
    own = select(OptOut.pseudonym, OptOut.id).where(wanted)
    linked = (
        select(OptOutLink.pseudonym, OptOut.id)
        .join(OptOut, OptOut.id == OptOutLink.opt_out_id)
        .where(OptOutLink.is_own, wanted)
    )
    ids: dict[bytes, int] = {}
    for query in (linked, own):  # who chose themselves comes before who is linked
        ids |= {pseudonym: number for pseudonym, number in session.execute(query)}  # noqa: C416  # rows
    return ids


def _changed(session: Session) -> None:
    row = session.get(OptOutRevision, _REVISION_ROW, with_for_update=True)
    if row is None:
        session.add(OptOutRevision(id=_REVISION_ROW, revision=1))
    else:
        row.revision += 1
    session.flush()


def _note(session: Session, action: str, row: OptOut, now: datetime) -> None:
    audit.record(
        session, CUSTOMER, action, "opt_out", str(row.id), None, {"row": row.id}, now
    )
