"""Hosted surveys, who was asked and has answered, and what people wrote beside it."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from experiments.db import Base


class Survey(Base):
    """One question that Abide asks on a page of its own."""

    __tablename__ = "survey"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(10))  # vocabulary.SurveyKind
    low: Mapped[int]  # the scale's ends
    top: Mapped[int]
    wave: Mapped[str] = mapped_column(String(64))  # of links that are made now
    language: Mapped[str] = mapped_column(String(10))  # where a customer's has no texts
    texts: Mapped[dict[str, Any]]  # language -> surveys.Texts as JSON
    is_open: Mapped[bool]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(300))


class SurveyReply(Base):
    """That a customer was asked, and has answered; what the answer was is an event."""

    __tablename__ = "survey_reply"

    survey_id: Mapped[int] = mapped_column(ForeignKey("survey.id"), primary_key=True)
    wave: Mapped[str] = mapped_column(String(100), primary_key=True)
    environment: Mapped[str] = mapped_column(String(20), primary_key=True)
    # Erasure asks by the customer alone.
    customer: Mapped[bytes] = mapped_column(
        LargeBinary(16), primary_key=True, index=True
    )
    invited_at: Mapped[datetime | None]
    first_at: Mapped[datetime | None]  # answers
    last_at: Mapped[datetime | None]


class SurveyComment(Base):
    """What a customer wrote beside a score; free text stands nowhere else."""

    __tablename__ = "survey_comment"

    survey: Mapped[str] = mapped_column(String(100), primary_key=True)  # its name
    wave: Mapped[str] = mapped_column(String(100), primary_key=True)
    environment: Mapped[str] = mapped_column(String(20), primary_key=True)
    customer: Mapped[bytes] = mapped_column(
        LargeBinary(16), primary_key=True, index=True
    )
    text: Mapped[str] = mapped_column(Text)
    written_at: Mapped[datetime]
