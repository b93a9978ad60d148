"""Who gets the weekly digest without an account, and which mails went out."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from experiments.db import Base


class DigestRecipient(Base):
    """A colleague's address; removing it removes all that is kept of them."""

    __tablename__ = "digest_recipient"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(300))

    mails: Mapped[list["DigestMail"]] = relationship(
        cascade="all, delete-orphan", order_by="DigestMail.id"
    )


class DigestMail(Base):
    """The mail of one week to one recipient, written down before it is sent."""

    __tablename__ = "digest_mail"
    __table_args__ = (UniqueConstraint("recipient_id", "week"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    recipient_id: Mapped[int] = mapped_column(ForeignKey("digest_recipient.id"))
    week: Mapped[str] = mapped_column(String(8))  # ISO 8601, as in 2026-W47
    state: Mapped[str] = mapped_column(String(10), index=True)  # a MailState
    try_count: Mapped[int]
    next_try_at: Mapped[datetime]
    tried_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(String(300))  # never an address
