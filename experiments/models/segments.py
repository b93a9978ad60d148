"""Segments: named rules on customer attributes, in append-only versions."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from experiments.db import Base


class Attribute(Base):
    """A customer attribute that may be stored; all others are dropped at intake."""

    __tablename__ = "attribute"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    description: Mapped[str] = mapped_column(String(500))
    created_at: Mapped[datetime]


class Segment(Base):
    """A group of customers an experiment is for, or is broken down by."""

    __tablename__ = "segment"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(String(2000))
    created_at: Mapped[datetime]
    versions: Mapped[list["SegmentVersion"]] = relationship(
        order_by="SegmentVersion.version", back_populates="segment"
    )


class SegmentVersion(Base):
    """One state of a segment's rule; never changed."""

    __tablename__ = "segment_version"
    __table_args__ = (UniqueConstraint("segment_id", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    segment_id: Mapped[int] = mapped_column(ForeignKey("segment.id"))
    version: Mapped[int]
    condition: Mapped[dict[str, Any]]  # GrowthBook condition language, the safe subset
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(300))
    segment: Mapped[Segment] = relationship(back_populates="versions")


class SegmentSize(Base):
    """How many customers a version had when it was last counted."""

    __tablename__ = "segment_size"

    segment_version_id: Mapped[int] = mapped_column(
        ForeignKey("segment_version.id"), primary_key=True
    )
    measured_at: Mapped[datetime]
    store_version: Mapped[int]  # of the analytic store
    customers_count: Mapped[int]  # seen in the 91 days before, and in it
    everybody_count: Mapped[int]  # seen in the 91 days before
    known_count: Mapped[int]  # of those, whose attributes of the rule are known
    taken_count: Mapped[int]  # of its customers, seen in a running experiment
    # [{"experiment", "shared_count", "seen_count"}], one for each that ran.
    overlaps: Mapped[list[Any]]
    chart: Mapped[dict[str, Any] | None]  # like models.Chart


class SegmentCount(Base):
    """How many customers a version had at the end of a past week."""

    __tablename__ = "segment_count"

    segment_version_id: Mapped[int] = mapped_column(
        ForeignKey("segment_version.id"), primary_key=True
    )
    at: Mapped[datetime] = mapped_column(primary_key=True)
    measured_at: Mapped[datetime]
    customers_count: Mapped[int]
    everybody_count: Mapped[int]
    known_count: Mapped[int]
