"""Layers with the ranges of their buckets, and holdouts."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from experiments.db import Base


class Layer(Base):
    """Experiments that exclude each other; `seed` gives each customer a bucket."""

    __tablename__ = "layer"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(String(2000))
    seed: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    ranges: Mapped[list["LayerRange"]] = relationship(order_by="LayerRange.id")


class LayerRange(Base):
    """Buckets that an experiment has, or that are reserved for later."""

    __tablename__ = "layer_range"

    id: Mapped[int] = mapped_column(primary_key=True)
    layer_id: Mapped[int] = mapped_column(ForeignKey("layer.id"), index=True)
    # Key of the experiment; None for a reservation that is for none in particular.
    experiment: Mapped[str | None] = mapped_column(String(64), index=True)
    note: Mapped[str] = mapped_column(String(500))
    first_bucket: Mapped[int]
    end_bucket: Mapped[int]  # the one after the last
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(300))
    in_use: Mapped[bool]  # customers are assigned by it; else it is reserved
    # Of an experiment that ended: until its customers' windows have passed.
    needed_until: Mapped[datetime | None]
    freed_at: Mapped[datetime | None]


class HoldoutRow(Base):
    """Customers who are kept out of every experiment that starts while it lasts."""

    __tablename__ = "holdout"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    share: Mapped[float]  # 0.01 to 0.10
    # Key of the journey stage whose experiments honour it; None is every one.
    journey_stage: Mapped[str | None] = mapped_column(String(64))
    seed: Mapped[str] = mapped_column(String(64))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    created_by: Mapped[str] = mapped_column(String(300))
