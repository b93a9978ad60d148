"""What was learned from experiments that were decided."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from experiments.db import Base
from experiments.models.experiments import Experiment
from experiments.models.hypotheses import HypothesisRow


class Learning(Base):
    """One decided experiment, as it stands in the library; written at its decision."""

    __tablename__ = "learning"

    id: Mapped[int] = mapped_column(primary_key=True)
    experiment_id: Mapped[int] = mapped_column(ForeignKey("experiment.id"), unique=True)
    # What was known then: later events may move a result, not what was decided on.
    run_id: Mapped[int | None] = mapped_column(
        ForeignKey("analysis_run.id"), index=True
    )
    verdict: Mapped[str | None] = mapped_column(String(20))
    answer: Mapped[str] = mapped_column(Text)
    held: Mapped[str | None] = mapped_column(String(10))  # a HypothesisHeld
    surprise: Mapped[str] = mapped_column(String(2000))
    next_step: Mapped[str] = mapped_column(String(2000))
    next_hypothesis_id: Mapped[int | None] = mapped_column(
        ForeignKey("hypothesis.id"), index=True
    )
    follow_up_at: Mapped[datetime | None]
    searchable: Mapped[str] = mapped_column(Text)  # lessons.searchable of it all

    experiment: Mapped[Experiment] = relationship()
    next_hypothesis: Mapped[HypothesisRow | None] = relationship()
    links: Mapped[list["LearningLink"]] = relationship(
        foreign_keys="LearningLink.learning_id", order_by="LearningLink.id"
    )
    notes: Mapped[list["LearningNote"]] = relationship(order_by="LearningNote.id")


class LearningLink(Base):
    """That a later experiment found the same again, or the opposite."""

    __tablename__ = "learning_link"
    __table_args__ = (UniqueConstraint("learning_id", "later_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    learning_id: Mapped[int] = mapped_column(ForeignKey("learning.id"))
    later_id: Mapped[int] = mapped_column(ForeignKey("learning.id"), index=True)
    relation: Mapped[str] = mapped_column(String(20))  # a LearningRelation
    note: Mapped[str] = mapped_column(String(1000))
    by: Mapped[str] = mapped_column(String(300))
    at: Mapped[datetime]

    later: Mapped[Learning] = relationship(foreign_keys=[later_id])


class LearningNote(Base):
    """What was learned after the decision; added and never changed."""

    __tablename__ = "learning_note"

    id: Mapped[int] = mapped_column(primary_key=True)
    learning_id: Mapped[int] = mapped_column(ForeignKey("learning.id"), index=True)
    text: Mapped[str] = mapped_column(String(2000))
    held: Mapped[str | None] = mapped_column(String(10))  # a HypothesisHeld, as of now
    by: Mapped[str] = mapped_column(String(300))
    at: Mapped[datetime]


class Citation(Base):
    """On what was learned a hypothesis builds."""

    __tablename__ = "citation"

    hypothesis_id: Mapped[int] = mapped_column(
        ForeignKey("hypothesis.id"), primary_key=True
    )
    learning_id: Mapped[int] = mapped_column(ForeignKey("learning.id"), index=True)

    hypothesis: Mapped[HypothesisRow] = relationship()
    learning: Mapped[Learning] = relationship()
