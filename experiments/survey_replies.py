"""Who was asked, who has answered, and what was written beside: reading and erasing.

The compactor writes these rows as the facts arrive (`analysis.survey_records`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, func, select
from sqlalchemy.orm import Session

from experiments.models import Survey, SurveyComment, SurveyReply, Tombstone
from experiments.survey_kinds import CHANGE_DAYS
from experiments.survey_links import SurveyLink
from experiments.vocabulary import Environment

MOST_COMMENTS = 100


@dataclass(frozen=True, slots=True)
class WaveCounts:
    """How many customers a wave asked, and how many of them said something.

    Attributes:
        wave: of the survey.
        invited_count: customers that were asked.
        answered_count: of those, who answered.
        unasked_count: answered, and no invitation is known.
        last_at: the latest answer; None before the first.
    """

    wave: str
    invited_count: int
    answered_count: int
    unasked_count: int
    last_at: datetime | None

    @property
    def response_share(self) -> float | None:
        """Answered among invited, 0 to 1; None when nobody was."""
        return self.answered_count / self.invited_count if self.invited_count else None


def waves(session: Session, survey: Survey) -> list[WaveCounts]:
    """Count a survey's customers by wave, the latest wave first; real ones only."""
    row = SurveyReply
    found = session.execute(
        select(
            row.wave,
            func.count(row.invited_at),
            func.count(row.first_at).filter(row.invited_at.is_not(None)),
            func.count(row.first_at).filter(row.invited_at.is_(None)),
            func.max(row.last_at),
            func.max(func.coalesce(row.last_at, row.invited_at)).label("newest"),
        )
        .where(
            row.survey_id == survey.id,
            row.environment == Environment.PRODUCTION.value,
        )
        .group_by(row.wave)
        .order_by(func.max(func.coalesce(row.last_at, row.invited_at)).desc(), row.wave)
    )
    return [WaveCounts(*counts[:5]) for counts in found]


def answer_until(session: Session, link: SurveyLink) -> datetime | None:
    """Tell until when a customer may change the answer; None before the first."""
    key = (link.survey_id, link.wave, link.environment.value, link.customer)
    reply = session.get(SurveyReply, key)
    if reply is None or reply.first_at is None:
        return None
    return reply.first_at + timedelta(days=CHANGE_DAYS)


def is_erased(session: Session, customer: bytes) -> bool:
    """Whether nothing of this customer is taken any more."""
    return session.get(Tombstone, customer) is not None


def erased(session: Session, customers: Collection[bytes]) -> set[bytes]:
    """Find those of some customers who were erased."""
    stones = Tombstone.pseudonym
    return set(session.scalars(select(stones).where(stones.in_(list(customers)))))


def comments(session: Session, survey: Survey) -> Sequence[SurveyComment]:
    """List the latest comments of real customers to a survey."""
    row = SurveyComment
    query = select(row).where(
        row.survey == survey.key, row.environment == Environment.PRODUCTION.value
    )
    ordered = query.order_by(row.written_at.desc(), row.customer)
    return session.scalars(ordered.limit(MOST_COMMENTS)).all()


@dataclass(frozen=True, slots=True)
class OtherSurvey:
    """A survey of another tool to which customers wrote something."""

    name: str
    count: int
    last_at: datetime


def other_surveys(session: Session) -> list[OtherSurvey]:
    """List the surveys that are not Abide's and have comments, the latest first.

    Args:
        session: any session.

    Returns:
        One each; comments of real customers alone.
    """
    row = SurveyComment
    last = func.max(row.written_at)
    found = session.execute(
        select(row.survey, func.count(), last)
        .where(_is_other())
        .group_by(row.survey)
        .order_by(last.desc(), row.survey)
        .limit(MOST_COMMENTS)
    )
    return [OtherSurvey(*counts) for counts in found]


def other_comments(session: Session, name: str) -> Sequence[SurveyComment]:
    """List the latest comments of real customers to a survey that is not Abide's."""
    row = SurveyComment
    ordered = (
        select(row)
        .where(_is_other(), row.survey == name)
        .order_by(row.written_at.desc(), row.customer)
    )
    return session.scalars(ordered.limit(MOST_COMMENTS)).all()


def _is_other() -> ColumnElement[bool]:
    row = SurveyComment
    real = row.environment == Environment.PRODUCTION.value
    return and_(real, row.survey.not_in(select(Survey.key)))


def of_customer(session: Session, ids: Collection[bytes]) -> list[Mapping[str, object]]:
    """Read what is kept of one customer beside the events.

    Args:
        session: any session.
        ids: every pseudonym of the customer.

    Returns:
        Comments and replies as plain values, in order of time.
    """
    wrote = session.scalars(
        select(SurveyComment)
        .where(SurveyComment.customer.in_(list(ids)))
        .order_by(SurveyComment.written_at)
    )
    asked = session.execute(
        select(SurveyReply, Survey.key)
        .join(Survey, Survey.id == SurveyReply.survey_id)
        .where(SurveyReply.customer.in_(list(ids)))
        .order_by(Survey.key, SurveyReply.wave)
    )
    return [
        *(
            {
                "survey": row.survey,
                "wave": row.wave,
                "comment": row.text,
                "written_at": row.written_at,
            }
            for row in wrote
        ),
        *(
            {
                "survey": key,
                "wave": row.wave,
                "invited_at": row.invited_at,
                "first_answer_at": row.first_at,
                "last_answer_at": row.last_at,
            }
            for row, key in asked
        ),
    ]


def erase(session: Session, ids: Collection[bytes]) -> int:
    """Remove all of one customer.

    Args:
        session: open transaction.
        ids: every pseudonym of the customer.

    Returns:
        How many rows there were.
    """
    before = len(of_customer(session, ids))
    for table in (SurveyComment, SurveyReply):
        session.execute(delete(table).where(table.customer.in_(list(ids))))
    return before


def delete_older(session: Session, before: datetime) -> None:
    """Remove what was written, asked and answered before a time."""
    session.execute(delete(SurveyComment).where(SurveyComment.written_at < before))
    row = SurveyReply
    last = func.coalesce(row.last_at, row.invited_at)
    session.execute(delete(row).where(last < before))
