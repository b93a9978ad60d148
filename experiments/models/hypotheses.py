"""The backlog of hypotheses."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from experiments.db import Base
from experiments.models.accounts import Person
from experiments.models.journey import JourneyStage
from experiments.models.metrics import Metric
from experiments.models.segments import Segment


class HypothesisRow(Base):
    """hypothesis.Hypothesis as columns, so that the backlog can be sorted and asked."""

    __tablename__ = "hypothesis"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    evidence: Mapped[str] = mapped_column(String(30))
    evidence_text: Mapped[str] = mapped_column(String(2000))
    change: Mapped[str] = mapped_column(String(2000))
    segment_id: Mapped[int] = mapped_column(ForeignKey("segment.id"), index=True)
    metric_id: Mapped[int] = mapped_column(ForeignKey("metric.id"), index=True)
    direction: Mapped[str] = mapped_column(String(10))
    expected_change: Mapped[float]  # absolute, on the metric's scale (0.015 = 1.5 pt)
    journey_stage_id: Mapped[int] = mapped_column(
        ForeignKey("journey_stage.id"), index=True
    )
    friction_point: Mapped[str] = mapped_column(String(500))
    lever: Mapped[str] = mapped_column(String(20), server_default="other")
    owner_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    if_up: Mapped[str] = mapped_column(String(1000))
    if_flat: Mapped[str] = mapped_column(String(1000))
    if_down: Mapped[str] = mapped_column(String(1000))
    wrong_if: Mapped[str] = mapped_column(String(1000), server_default="")
    # All four, or none where nobody made a forecast.
    forecast_lift_low: Mapped[float | None]  # 10 % quantile of the relative lift
    forecast_lift_mid: Mapped[float | None]
    forecast_lift_high: Mapped[float | None]
    forecast_ship_probability: Mapped[float | None]  # 0 to 1
    # What its place in the backlog is made of; no plan holds any of it.
    effort_weeks: Mapped[float | None]
    stated_reach: Mapped[int | None]  # customers a quarter; None: as measured
    stated_baseline: Mapped[float | None]  # of the metric; None: as measured
    place: Mapped[int | None]  # in the order of the backlog, fixed by hand, from 1
    parked_at: Mapped[datetime | None]
    parked_reason: Mapped[str] = mapped_column(String(1000), server_default="")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    revision: Mapped[int]  # a save that saw an older revision is refused

    segment: Mapped[Segment] = relationship()
    metric: Mapped[Metric] = relationship()
    journey_stage: Mapped[JourneyStage] = relationship()
    owner: Mapped[Person] = relationship()
    merged: Mapped["MergedHypothesis | None"] = relationship(
        foreign_keys="MergedHypothesis.hypothesis_id", back_populates="hypothesis"
    )

    @property
    def is_open(self) -> bool:
        """Whether it may still be taken up: neither parked nor merged."""
        return self.parked_at is None and self.merged is None


class MergedHypothesis(Base):
    """That a hypothesis was a duplicate; its experiments belong to the other."""

    __tablename__ = "merged_hypothesis"

    hypothesis_id: Mapped[int] = mapped_column(
        ForeignKey("hypothesis.id"), primary_key=True
    )
    into_id: Mapped[int] = mapped_column(ForeignKey("hypothesis.id"), index=True)
    by: Mapped[str] = mapped_column(String(300))
    at: Mapped[datetime]

    hypothesis: Mapped[HypothesisRow] = relationship(
        foreign_keys=[hypothesis_id], back_populates="merged"
    )
    into: Mapped[HypothesisRow] = relationship(foreign_keys=[into_id])
