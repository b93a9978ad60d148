"""API keys and the answers kept for repeated requests."""

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from experiments.db import Base
from experiments.models.accounts import Person


class ApiKey(Base):
    """A key of an application; only its SHA-256 is kept."""

    __tablename__ = "api_key"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    kind: Mapped[str] = mapped_column(String(10))
    environment: Mapped[str] = mapped_column(String(12))
    name: Mapped[str] = mapped_column(String(100))
    secret_hash: Mapped[str] = mapped_column(String(64))
    # Of a client key: whether its app may evaluate by itself, with all rules.
    may_read_rules: Mapped[bool] = mapped_column(server_default=false())
    owner_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    owner: Mapped[Person] = relationship()


class IdempotentAnswer(Base):
    """The answer to a creation, given again when the same request is repeated."""

    __tablename__ = "idempotent_answer"
    __table_args__ = (UniqueConstraint("caller", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    caller: Mapped[str] = mapped_column(String(64))  # who asked: key or person
    key: Mapped[str] = mapped_column(String(255))
    request_hash: Mapped[str] = mapped_column(String(64))
    status: Mapped[int]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(index=True)
