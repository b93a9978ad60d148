"""What compaction writes of surveys: who was asked and has answered, and comments.

Each write says what is so and not what to add, so that a batch which is read again
after a crash changes nothing.
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import select
from sqlalchemy.orm import Session

from analysis.duplicates import Findings
from analysis.event_table import Batch
from experiments.models import Survey, SurveyComment, SurveyReply
from experiments.parcels import CommentRow
from experiments.survey_kinds import ANSWERS, FACTS, REQUESTS
from experiments.vocabulary import SurveyKind

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KEYS_A_STATEMENT = 500
_COLUMNS = ["kind", "name", "environment", "customer", "occurred_at", "properties"]
# Survey, wave, environment, customer.
_Key = tuple[int, str, str, bytes]


@dataclass
class _Times:
    """When one customer was first asked, and first and last answered."""

    invited_at: datetime | None = None
    first_at: datetime | None = None
    last_at: datetime | None = None

    def asked(self, at: datetime) -> None:
        self.invited_at = min(self.invited_at or at, at)

    def answered(self, at: datetime) -> None:
        self.first_at = min(self.first_at or at, at)
        self.last_at = max(self.last_at or at, at)


def add_comments(session: Session, batch: Batch, erased: Container[bytes] = ()) -> None:
    """Write what customers wrote beside scores.

    Args:
        session: the transaction.
        batch: of contiguous groups.
        erased: customers about whom nothing is kept.
    """
    for comment, environment in _comments(batch):
        if comment.customer not in erased:
            _add_comment(session, comment, environment)


def _comments(batch: Batch) -> Iterable[tuple[CommentRow, str]]:
    for origin in batch.origins:
        for fields in origin.parcel.comments:
            yield CommentRow(*fields), origin.parcel.environment


def _add_comment(session: Session, comment: CommentRow, environment: str) -> None:
    written_at = _EPOCH + timedelta(microseconds=comment.written_us)
    key = (comment.survey, comment.wave, environment, comment.customer)
    row = session.get(SurveyComment, key)
    if not comment.text:
        if row is not None and row.written_at <= written_at:
            session.delete(row)
        return
    if row is None:
        row = SurveyComment(
            survey=comment.survey,
            wave=comment.wave,
            environment=environment,
            customer=comment.customer,
            written_at=written_at,
        )
        session.add(row)
    elif row.written_at > written_at:
        return
    row.text, row.written_at = comment.text, written_at


def add_replies(session: Session, batch: Batch, findings: Findings) -> None:
    """Write who was asked, and who has answered.

    Args:
        session: the transaction.
        batch: of contiguous groups.
        findings: what in it is not new.
    """
    kinds = pa.array([kind.value for kind in (*REQUESTS, *ANSWERS)])
    wanted = pc.and_(
        pc.is_in(batch.table["kind"], kinds), pa.array(findings.new, pa.bool_())
    )
    rows = batch.table.select(_COLUMNS).filter(wanted).to_pylist()
    if not rows:
        return
    surveys = {
        (row.key, facts.request.value if asks else facts.answer.value): row.id
        for row in session.scalars(select(Survey))
        for facts in (FACTS[SurveyKind(row.kind)],)
        for asks in (True, False)
    }
    told: dict[_Key, _Times] = {}
    for row in rows:
        survey = surveys.get((row["name"], row["kind"]))
        if survey is not None:
            key = (survey, _wave(row), row["environment"], row["customer"])
            times = told.setdefault(key, _Times())
            is_answer = row["kind"] in ANSWERS
            note = times.answered if is_answer else times.asked
            note(row["occurred_at"])
    _merge(session, told)


def _wave(row: Mapping[str, Any]) -> str:
    said = orjson.loads(row["properties"]) if row["properties"] else {}
    return str(said.get("wave", ""))


def _merge(session: Session, told: Mapping[_Key, _Times]) -> None:
    waiting = iter(told.items())
    while part := dict(islice(waiting, _KEYS_A_STATEMENT)):
        customers = [customer for _, _, _, customer in part]
        query = select(SurveyReply).where(SurveyReply.customer.in_(customers))
        there = {
            (row.survey_id, row.wave, row.environment, row.customer): row
            for row in session.scalars(query)
        }
        for key, times in part.items():
            row = there.get(key)
            if row is None:
                names = ("survey_id", "wave", "environment", "customer")
                row = SurveyReply(**dict(zip(names, key, strict=True)))
                session.add(row)
            row.invited_at = _least(row.invited_at, times.invited_at)
            row.first_at = _least(row.first_at, times.first_at)
            row.last_at = _most(row.last_at, times.last_at)


def _least(one: datetime | None, other: datetime | None) -> datetime | None:
    times = [moment for moment in (one, other) if moment is not None]
    return min(times, default=None)


def _most(one: datetime | None, other: datetime | None) -> datetime | None:
    times = [moment for moment in (one, other) if moment is not None]
    return max(times, default=None)
