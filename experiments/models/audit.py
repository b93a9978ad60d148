"""The append-only, hash-chained audit."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from experiments.db import Base


class AuditEntry(Base):
    """Who did what to which thing, and what changed.

    `entry_hash` covers the row and `previous_hash`, so that an edited or removed
    row breaks the chain.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (Index(None, "subject_kind", "subject_key"),)

    # Given by the writer, not by the database: the chain must have no gap.
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(300))  # "person:3", "key:...", "system"
    action: Mapped[str] = mapped_column(String(60))
    subject_kind: Mapped[str] = mapped_column(String(40))
    subject_key: Mapped[str] = mapped_column(String(200))
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    previous_hash: Mapped[str] = mapped_column(String(64))
    entry_hash: Mapped[str] = mapped_column(String(64))
