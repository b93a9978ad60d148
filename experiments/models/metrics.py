"""Metrics: definitions in append-only versions."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from experiments.db import Base


class Metric(Base):
    """A named measure; what it means stands in its versions."""

    __tablename__ = "metric"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(String(2000))
    created_at: Mapped[datetime]
    versions: Mapped[list["MetricVersion"]] = relationship(
        order_by="MetricVersion.version", back_populates="metric"
    )


class MetricVersion(Base):
    """One state of a metric's definition; a new one never rewrites old results."""

    __tablename__ = "metric_version"
    __table_args__ = (UniqueConstraint("metric_id", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    metric_id: Mapped[int] = mapped_column(ForeignKey("metric.id"))
    version: Mapped[int]
    definition: Mapped[dict[str, Any]]  # metric_definition.MetricDefinition as JSON
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(300))
    metric: Mapped[Metric] = relationship(back_populates="versions")
