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
    owner: Mapped[str] = mapped_column(String(300), server_default="")
    default_margin: Mapped[float | None]  # on the metric's own scale
    created_at: Mapped[datetime]
    versions: Mapped[list["MetricVersion"]] = relationship(
        order_by="MetricVersion.version", back_populates="metric"
    )


class MetricBaseline(Base):
    """What a version was over customers of late, as it was read last."""

    __tablename__ = "metric_baseline"

    metric_version_id: Mapped[int] = mapped_column(
        ForeignKey("metric_version.id"), primary_key=True
    )
    measured_at: Mapped[datetime]
    store_version: Mapped[int]  # of the analytic store
    # Key of a segment, "" for everybody -> analysis.baselines; empty where nothing is
    # known yet.
    found: Mapped[dict[str, Any]]


class MetricWeek(Base):
    """What a version was over the customers seen in one week, measured once for all.

    Without a value where too few were seen, or all were alike. Of a segment there is
    one row a week: another version of its rule takes the place of the old one's.
    """

    __tablename__ = "metric_week"

    metric_version_id: Mapped[int] = mapped_column(
        ForeignKey("metric_version.id"), primary_key=True
    )
    # Key, "" for everybody.
    segment: Mapped[str] = mapped_column(
        String(64), primary_key=True, server_default=""
    )
    starts_at: Mapped[datetime] = mapped_column(primary_key=True)  # a Monday
    segment_version: Mapped[int] = mapped_column(server_default="0")  # 0: everybody
    measured_at: Mapped[datetime]
    store_version: Mapped[int]  # of the analytic store
    customers: Mapped[int | None]
    value: Mapped[float | None]
    standard_error: Mapped[float | None]


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
