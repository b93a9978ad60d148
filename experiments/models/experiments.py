"""Experiments with their variants, metrics and pauses."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from experiments.db import Base
from experiments.models.accounts import Person
from experiments.models.hypotheses import HypothesisRow
from experiments.models.metrics import MetricVersion
from experiments.models.segments import SegmentVersion


class Experiment(Base):
    """design.Design as columns, with where it stands. Frozen parts live in Plan."""

    __tablename__ = "experiment"
    __table_args__ = (Index(None, "status"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    hypothesis_id: Mapped[int] = mapped_column(ForeignKey("hypothesis.id"), index=True)
    goal: Mapped[str] = mapped_column(String(20))
    assigned_by: Mapped[str] = mapped_column(String(10))
    unit: Mapped[str] = mapped_column(String(10))
    segment_version_id: Mapped[int] = mapped_column(
        ForeignKey("segment_version.id"), index=True
    )
    coverage: Mapped[float]  # share of the segment enrolled, 0 to 1
    alpha: Mapped[float]
    monitoring_mode: Mapped[str] = mapped_column(String(20))
    # Shares of the planned size; empty for the usual ones.
    looks: Mapped[list[Any]] = mapped_column(server_default="[]", default=list)
    planned_units: Mapped[int]  # all variants together
    planned_end_at: Mapped[datetime]
    exposures_from: Mapped[datetime | None]
    enrolment_ends_at: Mapped[datetime | None]
    breakdowns: Mapped[list[Any]]  # [{"segment", "version"}] declared splits
    # Name -> vocabulary.ParameterType.
    parameter_types: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    # Attributes whose value is hashed; "id" is the unit that an app asks for.
    hash_attribute: Mapped[str] = mapped_column(String(64), server_default="id")
    fallback_attribute: Mapped[str | None] = mapped_column(String(64))
    # A decision_rule.DecisionRule; what has none has the usual one.
    decision_rule: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    # When a customer first sees a difference, in words; "" where nobody said.
    exposure_point: Mapped[str] = mapped_column(String(1000), server_default="")
    # vocabulary.Risk that it touches.
    risks: Mapped[list[Any]] = mapped_column(server_default="[]", default=list)
    # Whether means and shares are compared within the declared splits, then added up.
    post_stratified: Mapped[bool] = mapped_column(server_default=false(), default=False)
    layer: Mapped[str | None] = mapped_column(String(64))  # key of a Layer
    layer_share: Mapped[float | None]  # of the layer's customers, 0 to 1
    owner_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    revision: Mapped[int]  # a save that saw an older revision is refused

    status: Mapped[str] = mapped_column(String(12))
    salt: Mapped[str | None] = mapped_column(String(64))  # set at start, then frozen
    phase: Mapped[int]
    # [{"key", "seed", "share"}] that had begun at the start, frozen then.
    holdouts: Mapped[list[Any]] = mapped_column(server_default="[]", default=list)
    pre_registered: Mapped[bool]
    reviewed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    submitted_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    # vocabulary.PlanTask that nobody has answered: what the draft says about them is
    # a placeholder. Plans that came whole have none.
    open_tasks: Mapped[list[Any]] = mapped_column(server_default="[]", default=list)
    # [{"person_id", "name", "signs_for": [vocabulary.Signer]}] of this review.
    approvals: Mapped[list[Any]] = mapped_column(server_default="[]", default=list)
    # {"person_id", "name", "reason", "at", "revision"} of a plan that was sent back,
    # until its review is asked for again; the revision is the one it came back with.
    sent_back: Mapped[dict[str, Any] | None]
    # Everybody who wrote the plan: none of them may approve it.
    author_ids: Mapped[list[Any]] = mapped_column(default=list)
    started_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    decision: Mapped[str | None] = mapped_column(String(20))
    decided_variant: Mapped[str | None] = mapped_column(String(64))
    decision_reason: Mapped[str | None] = mapped_column(String(2000))
    # {"verdict", "person_id", "name"} of a decision against the rule: what the rule
    # said, None before it said anything, and who confirmed; nobody where there was
    # one person only.
    decided_against: Mapped[dict[str, Any] | None]
    # A decision against the recommendation, until a second person confirms it:
    # a decisions.Proposal as JSON.
    decision_proposal: Mapped[dict[str, Any] | None]
    # {"person_id", "name", "reason", "at", "proposal"} of one that was not confirmed,
    # until somebody decides again; the proposal is as it waited.
    decision_declined: Mapped[dict[str, Any] | None]

    hypothesis: Mapped[HypothesisRow] = relationship()
    owner: Mapped[Person] = relationship(foreign_keys=[owner_id])
    reviewed_by: Mapped[Person | None] = relationship(foreign_keys=[reviewed_by_id])
    segment_version: Mapped[SegmentVersion] = relationship()
    variants: Mapped[list["Variant"]] = relationship(
        order_by="Variant.position", cascade="all, delete-orphan"
    )
    metrics: Mapped[list["ExperimentMetric"]] = relationship(
        order_by="ExperimentMetric.position", cascade="all, delete-orphan"
    )
    pauses: Mapped[list["Pause"]] = relationship(order_by="Pause.paused_at")


class Variant(Base):
    """One version of the experience; its name is its key at every door."""

    __tablename__ = "variant"
    __table_args__ = (UniqueConstraint("experiment_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    experiment_id: Mapped[int] = mapped_column(ForeignKey("experiment.id"))
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(64))
    description: Mapped[str] = mapped_column(String(2000))
    is_control: Mapped[bool]
    share: Mapped[float]  # of the split, all variants add to 1
    parameters: Mapped[dict[str, Any]]
    # Ordered [{"segment", "version", "parameters"}]; empty when not personalised.
    personalisation: Mapped[list[Any]]


class ExperimentMetric(Base):
    """A metric's part in one experiment."""

    __tablename__ = "experiment_metric"
    __table_args__ = (UniqueConstraint("experiment_id", "metric_version_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    experiment_id: Mapped[int] = mapped_column(ForeignKey("experiment.id"))
    position: Mapped[int]
    metric_version_id: Mapped[int] = mapped_column(
        ForeignKey("metric_version.id"), index=True
    )
    role: Mapped[str] = mapped_column(String(10))
    margin: Mapped[float | None]  # absolute; a guardrail's agreed limit of harm
    change_that_matters: Mapped[float]  # absolute, positive
    metric_version: Mapped[MetricVersion] = relationship()


class Pause(Base):
    """A time in which everybody got control; results show it as a break."""

    __tablename__ = "pause"

    id: Mapped[int] = mapped_column(primary_key=True)
    experiment_id: Mapped[int] = mapped_column(ForeignKey("experiment.id"), index=True)
    paused_at: Mapped[datetime]
    resumed_at: Mapped[datetime | None]
