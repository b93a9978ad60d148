"""What is planned for an experiment, and who gets a variant by hand."""

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from experiments.db import Base
from experiments.models.accounts import Person


class ScheduledStep(Base):
    """A start, a higher coverage or a stop, to be done at its time for a person."""

    __tablename__ = "scheduled_step"

    id: Mapped[int] = mapped_column(primary_key=True)
    experiment_id: Mapped[int] = mapped_column(ForeignKey("experiment.id"), index=True)
    at: Mapped[datetime] = mapped_column(index=True)
    action: Mapped[str] = mapped_column(String(20))
    coverage: Mapped[float | None]  # share of the segment to enrol, 0 to 1
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(10), index=True)
    outcome: Mapped[str | None] = mapped_column(String(500))  # why it failed
    finished_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship()


class ListedUnit(Base):
    """A customer who gets a variant by hand, or takes no part; never analysed.

    A row stays when its customer is taken off the list: what was seen until then was
    not the hash's choice either.
    """

    __tablename__ = "listed_unit"

    id: Mapped[int] = mapped_column(primary_key=True)
    experiment_id: Mapped[int] = mapped_column(ForeignKey("experiment.id"), index=True)
    pseudonym: Mapped[bytes] = mapped_column(LargeBinary(16))
    variant: Mapped[str | None] = mapped_column(String(64))  # None: takes no part
    note: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(300))
    removed_at: Mapped[datetime | None]
