"""The mails of each week's digest: written down before they are sent, sent once.

What is begun is never begun again unless the server said that it took nothing: a
reader who gets one mail too few can open the page; one who gets two stops reading.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.orm import Session

from experiments.config import Settings
from experiments.models import DigestMail, DigestRecipient
from experiments.vocabulary import MailState

# After each try that the server refused for now; then it is given up.
WAITS = (
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=8),
)
LATEST = timedelta(days=2)  # a digest that is older is left out
KEPT = timedelta(days=182)
MOST_AT_ONCE = 20
UNTOLD = "The connection broke while it was sent. It may have arrived."


@dataclass(frozen=True, slots=True)
class Unsent:
    """What became of the mails of a week that did not go out."""

    count: int
    error: str


def last_due(settings: Settings, now: datetime) -> datetime:
    """Find when the digest was due last.

    Args:
        settings: with its day and hour.
        now: aware UTC.

    Returns:
        The latest such time, not after `now`.
    """
    today = now.astimezone(UTC).replace(
        hour=settings.digest_hour, minute=0, second=0, microsecond=0
    )
    due = today - timedelta(days=(today.weekday() - settings.digest_weekday) % 7)
    return due if due <= now else due - timedelta(days=7)


def week_of(due: datetime) -> str:
    """Name the week of a digest, as in 2026-W47."""
    year, week, _ = due.isocalendar()
    return f"{year}-W{week:02d}"


def plan(session: Session, settings: Settings, now: datetime) -> list[int]:
    """Write down the mails of this week, and give those to be sent now.

    Args:
        session: open transaction.
        settings: when the digest is due.
        now: aware UTC.

    Returns:
        Numbers of mails, at most 20; the next minute has the next ones.
    """
    _settle(session)
    due = last_due(settings, now)
    week = week_of(due)
    if now - due <= LATEST:
        there = select(DigestMail.recipient_id).where(DigestMail.week == week)
        missing = select(DigestRecipient.id).where(
            DigestRecipient.created_at <= due, DigestRecipient.id.not_in(there)
        )
        for number in session.scalars(missing).all():
            session.add(_new(number, week, now))
        session.flush()
    query = (
        select(DigestMail.id)
        .where(
            DigestMail.week == week,
            DigestMail.state == MailState.WAITING.value,
            DigestMail.next_try_at <= now,
        )
        .order_by(DigestMail.id)
        .limit(MOST_AT_ONCE)
    )
    oldest = week_of(now - KEPT)
    session.execute(delete(DigestMail).where(DigestMail.week < oldest))
    return list(session.scalars(query))


def _new(recipient: int, week: str, now: datetime) -> DigestMail:
    return DigestMail(
        recipient_id=recipient,
        week=week,
        state=MailState.WAITING.value,
        try_count=0,
        next_try_at=now,
    )


def _settle(session: Session) -> None:
    """Give up what a process began and did not live to end."""
    begun = update(DigestMail).where(DigestMail.state == MailState.SENDING.value)
    session.execute(begun.values(state=MailState.UNKNOWN.value, error=UNTOLD))


def claim(session: Session, number: int, now: datetime) -> DigestMail | None:
    """Begin a mail, in a transaction that ends before it is sent.

    Args:
        session: open transaction.
        number: of the mail.
        now: aware UTC.

    Returns:
        The mail with its recipient; None when it was begun or removed meanwhile.
    """
    begin = (
        update(DigestMail)
        .where(DigestMail.id == number, DigestMail.state == MailState.WAITING.value)
        .values(
            state=MailState.SENDING.value,
            try_count=DigestMail.try_count + 1,
            tried_at=now,
        )
    )
    done = session.execute(begin)
    if not isinstance(done, CursorResult) or done.rowcount != 1:
        return None
    return session.get(DigestMail, number, populate_existing=True)


def recipient_of(session: Session, mail: DigestMail) -> DigestRecipient:
    """Give whom a mail is for."""
    return session.get_one(DigestRecipient, mail.recipient_id)


def note(
    session: Session, number: int, state: MailState, error: str | None, now: datetime
) -> None:
    """Write down how sending a mail went.

    Args:
        session: open transaction.
        number: of the mail, which may be gone with its recipient by now.
        state: WAITING is tried again later, as long as there are tries left.
        error: in words without an address.
        now: aware UTC.
    """
    mail = session.get(DigestMail, number)
    if mail is None:
        return
    mail.error = error
    if state == MailState.WAITING and mail.try_count > len(WAITS):
        state = MailState.FAILED
    if state == MailState.WAITING:
        mail.next_try_at = now + WAITS[mail.try_count - 1]
    mail.state = state.value


def unsent(session: Session) -> Unsent | None:
    """Say what became of the last week's mails that did not go out, or None."""
    newest = select(DigestMail.week).order_by(DigestMail.week.desc()).limit(1)
    week = session.scalar(newest)
    query = select(DigestMail).where(
        DigestMail.week == week, DigestMail.error.is_not(None)
    )
    rows = session.scalars(query.order_by(DigestMail.id)).all()
    return Unsent(len(rows), rows[-1].error or "") if rows else None
