"""Erasure of customers: who asked, whose later events are dropped, what it touched."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from experiments.db import Base


class Erasure(Base):
    """A request to erase one customer; it names the customer by its tombstones only."""

    __tablename__ = "erasure"

    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(String(10), index=True)
    requested_at: Mapped[datetime]
    requested_by: Mapped[str] = mapped_column(String(200))
    finished_at: Mapped[datetime | None]
    event_count: Mapped[int] = mapped_column(BigInteger, default=0)
    # Experiment -> variant, from when they are found until they are counted.
    exposures: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Tombstone(Base):
    """A pseudonym whose events are dropped on arrival, for ever."""

    __tablename__ = "tombstone"

    pseudonym: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    erasure_id: Mapped[int] = mapped_column(ForeignKey("erasure.id"), index=True)


class ErasureLink(Base):
    """An anonymous id that a dropped event came with: is it this customer's too?"""

    __tablename__ = "erasure_link"

    pseudonym: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    erasure_id: Mapped[int] = mapped_column(ForeignKey("erasure.id"), index=True)


class ErasedExposure(Base):
    """How many erased customers had seen a variant; nobody can tell which ones."""

    __tablename__ = "erased_exposure"

    experiment: Mapped[str] = mapped_column(String(64), primary_key=True)
    variant: Mapped[str] = mapped_column(String(64), primary_key=True)
    customer_count: Mapped[int]
    last_at: Mapped[datetime]


class ExpiredExposure(Base):
    """An experiment some of whose exposures were deleted for their age."""

    __tablename__ = "expired_exposure"

    experiment: Mapped[str] = mapped_column(String(64), primary_key=True)
    received_before: Mapped[datetime]
