"""Analysis runs with their results, checks and charts; and the job leases."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from experiments.db import Base


class AnalysisRun(Base):
    """One analysis of one experiment: stored whole in one transaction, or not."""

    __tablename__ = "analysis_run"
    __table_args__ = (Index(None, "experiment_id", "started_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    experiment_id: Mapped[int] = mapped_column(ForeignKey("experiment.id"))
    state: Mapped[str] = mapped_column(String(10))
    phase: Mapped[str | None] = mapped_column(String(10))
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime]
    as_of: Mapped[datetime]
    data_cutoff: Mapped[datetime | None]
    due_at: Mapped[datetime | None]  # when an answer is expected
    plan_sha256: Mapped[str] = mapped_column(String(64))
    ruleset_revision: Mapped[int | None]
    store_version: Mapped[int | None]  # of the analytic store
    code_version: Mapped[str] = mapped_column(String(60))
    error: Mapped[str | None] = mapped_column(String(500))
    verdict: Mapped[str | None] = mapped_column(String(20))
    verdict_variant: Mapped[str | None] = mapped_column(String(64))
    clause: Mapped[str | None] = mapped_column(Text)  # what decided, in words
    answer: Mapped[str | None] = mapped_column(Text)  # the lead sentence
    counts: Mapped[dict[str, Any]]  # exposed, mature, planned, by variant
    summaries: Mapped[list[Any]]  # the summary tables the run was made from

    results: Mapped[list["Result"]] = relationship(
        order_by="Result.id", cascade="all, delete-orphan"
    )
    checks: Mapped[list["CheckResult"]] = relationship(
        order_by="CheckResult.id", cascade="all, delete-orphan"
    )
    look: Mapped["Look | None"] = relationship(cascade="all, delete-orphan")
    charts: Mapped[list["Chart"]] = relationship(
        order_by="Chart.id", cascade="all, delete-orphan"
    )


class Look(Base):
    """One look at the estimates that a plan allows: taken once, never written again."""

    __tablename__ = "look"
    __table_args__ = (UniqueConstraint("experiment_id", "plan_sha256", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    experiment_id: Mapped[int] = mapped_column(ForeignKey("experiment.id"))
    plan_sha256: Mapped[str] = mapped_column(String(64))
    number: Mapped[int]  # from 1
    run_id: Mapped[int] = mapped_column(ForeignKey("analysis_run.id"), index=True)
    as_of: Mapped[datetime]
    mature_units: Mapped[int]
    fraction: Mapped[float]  # of the planned size
    spent: Mapped[float]  # of the accepted false alarms, two-sided, by now
    ended: Mapped[bool]  # whether it was the last: the plan's end, or a boundary
    # What it keeps of each metric, variant and segment: analysis.looks.Trace.
    readings: Mapped[list[Any]]


class Result(Base):
    """One metric, one treatment, one segment ("" is everybody in the experiment)."""

    __tablename__ = "result"
    __table_args__ = (UniqueConstraint("run_id", "metric", "variant", "segment"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("analysis_run.id"))
    metric: Mapped[str] = mapped_column(String(64))
    metric_version: Mapped[int]
    role: Mapped[str] = mapped_column(String(10))
    variant: Mapped[str] = mapped_column(String(64))
    segment: Mapped[str] = mapped_column(String(64))
    sentence_case: Mapped[str] = mapped_column(String(20))
    sentence: Mapped[str] = mapped_column(Text)
    # stats.estimate as JSON: {"computable": bool, ...}
    outcome: Mapped[dict[str, Any]]
    details: Mapped[dict[str, Any]]  # further read-outs: log-rank, RMST, response


class CheckResult(Base):
    """How one trust check came out in one run."""

    __tablename__ = "check_result"
    __table_args__ = (UniqueConstraint("run_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("analysis_run.id"))
    name: Mapped[str] = mapped_column(String(30))
    state: Mapped[str] = mapped_column(String(20))
    sentence: Mapped[str] = mapped_column(Text)
    facts: Mapped[dict[str, Any]]


class Chart(Base):
    """A chart drawn when the result was stored, for the page and for print."""

    __tablename__ = "chart"
    __table_args__ = (UniqueConstraint("run_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("analysis_run.id"))
    name: Mapped[str] = mapped_column(String(80))
    title: Mapped[str] = mapped_column(Text)
    web_svg: Mapped[str] = mapped_column(Text)
    print_svg: Mapped[str] = mapped_column(Text)
    table: Mapped[dict[str, Any]]  # {"columns": [...], "rows": [[...]]}


class Lease(Base):
    """The right to do one job; `token` rises at each change of holder (fencing)."""

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    holder: Mapped[str] = mapped_column(String(120))
    token: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[datetime]


class JobRecord(Base):
    """How a scheduled job went last, for the health page."""

    __tablename__ = "job_record"

    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    last_started_at: Mapped[datetime | None]
    last_finished_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(String(500))
    failure_count: Mapped[int]  # in a row
