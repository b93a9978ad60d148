"""Certificates: what comparisons of equal groups said of a metric."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from experiments.db import Base
from experiments.models.metrics import Metric


class Certificate(Base):
    """One trial of one definition; what it found is written once, at its end."""

    __tablename__ = "certificate"
    __table_args__ = (Index(None, "metric_id", "asked_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    metric_id: Mapped[int] = mapped_column(ForeignKey("metric.id"))
    version: Mapped[int]  # of the definition
    definition_sha256: Mapped[str] = mapped_column(String(64))
    statistics_version: Mapped[int]
    state: Mapped[str] = mapped_column(String(10))
    asked_at: Mapped[datetime]
    asked_by: Mapped[str] = mapped_column(String(300))
    comparisons: Mapped[int]  # of equal groups, asked for
    simulate: Mapped[bool]  # invented customers were asked for
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    done_count: Mapped[int]  # comparisons so far, those with a difference too
    error: Mapped[str | None] = mapped_column(String(500))
    code_version: Mapped[str | None] = mapped_column(String(60))
    is_certified: Mapped[bool | None]
    is_simulated: Mapped[bool | None]
    customer_count: Mapped[int | None]
    entered_from: Mapped[datetime | None]  # when the first customer came in
    entered_to: Mapped[datetime | None]
    findings: Mapped[dict[str, Any] | None]  # analysis.certificates.findings as JSON
    sentences: Mapped[str | None] = mapped_column(Text)  # what they say, in words

    metric: Mapped[Metric] = relationship()
