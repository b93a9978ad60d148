"""Customers who take part in no experiment, and what customers read about one."""

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from experiments.db import Base


class OptOut(Base):
    """A time in which a customer takes no part; one without an end lasts."""

    __tablename__ = "opt_out"

    id: Mapped[int] = mapped_column(primary_key=True)
    pseudonym: Mapped[bytes] = mapped_column(LargeBinary(16), index=True)
    opted_out_at: Mapped[datetime] = mapped_column(index=True)
    opted_in_at: Mapped[datetime | None] = mapped_column(index=True)
    # Whether the store was searched for the customer's other ids.
    is_searched: Mapped[bool]


class OptOutLink(Base):
    """Another id of such a customer, or one that may be the customer's."""

    __tablename__ = "opt_out_link"

    opt_out_id: Mapped[int] = mapped_column(ForeignKey("opt_out.id"), primary_key=True)
    pseudonym: Mapped[bytes] = mapped_column(
        LargeBinary(16), primary_key=True, index=True
    )
    is_own: Mapped[bool]


class OptOutRevision(Base):
    """One row that counts changes, so that what doors read is known to be new."""

    __tablename__ = "opt_out_revision"

    id: Mapped[int] = mapped_column(primary_key=True)
    revision: Mapped[int]


class CustomerWords(Base):
    """What customers read about an experiment."""

    __tablename__ = "customer_words"

    experiment_id: Mapped[int] = mapped_column(
        ForeignKey("experiment.id"), primary_key=True
    )
    name: Mapped[str] = mapped_column(String(120))
    difference: Mapped[str] = mapped_column(String(500))
    written_at: Mapped[datetime]
