"""Connectors: who sends signed webhooks here, and what their bodies mean."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from experiments.db import Base


class Connector(Base):
    """One sender of webhooks, with an address of its own."""

    __tablename__ = "connector"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    kind: Mapped[str] = mapped_column(String(16))
    environment: Mapped[str] = mapped_column(String(12))
    name: Mapped[str] = mapped_column(String(100))
    signature: Mapped[dict[str, Any]]  # how it signs: fields of signatures.Scheme
    # Sealed: signatures can be checked with them, and nobody reads them again.
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    old_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    old_secret_until: Mapped[datetime | None]
    mapping_version: Mapped[int]  # in force; 0 while there is none
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class RefusedHookDay(Base):
    """How many webhooks of one connector did not fit their signature on one day."""

    __tablename__ = "refused_hook_day"

    connector: Mapped[str] = mapped_column(String(32), primary_key=True)
    day_at: Mapped[datetime] = mapped_column(primary_key=True)
    refused_count: Mapped[int] = mapped_column(BigInteger)
    last_at: Mapped[datetime]


class ConnectorMapping(Base):
    """A version of a connector's mapping; versions are only added."""

    __tablename__ = "connector_mapping"
    __table_args__ = (UniqueConstraint("connector_id", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    connector_id: Mapped[int] = mapped_column(ForeignKey("connector.id"), index=True)
    version: Mapped[int]
    content: Mapped[dict[str, Any]]
    saved_by: Mapped[str] = mapped_column(String(300))
    saved_at: Mapped[datetime]
