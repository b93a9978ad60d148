"""Locked plans and their dated amendments."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from experiments.db import Base


class PlanRow(Base):
    """A plan as it was locked: canonical JSON (RFC 8785) and its SHA-256."""

    __tablename__ = "plan"
    __table_args__ = (UniqueConstraint("experiment_id", "phase"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    experiment_id: Mapped[int] = mapped_column(ForeignKey("experiment.id"))
    phase: Mapped[int]
    body: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    locked_at: Mapped[datetime]
    locked_by: Mapped[str] = mapped_column(String(300))


class AmendmentRow(Base):
    """A change after the lock: never an edit of the plan, always shown beside it."""

    __tablename__ = "amendment"

    id: Mapped[int] = mapped_column(primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"), index=True)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(300))
    reason: Mapped[str] = mapped_column(String(2000))
    change: Mapped[str] = mapped_column(String(2000))
