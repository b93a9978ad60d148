"""The customer journey, as editable rows."""

from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from experiments.db import Base


class JourneyStage(Base):
    """A stage of the customer journey, in order of `position`."""

    __tablename__ = "journey_stage"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(100))
    health_metrics: Mapped[list[Any]]  # metric keys
