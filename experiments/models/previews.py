"""Links that show one variant of an experiment, and are never an exposure."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from experiments.db import Base


class PreviewLink(Base):
    """A link to one variant; of its token there is only the hash.

    Parameters and types are those of when the link was made: a draft is in no ruleset,
    and may change.
    """

    __tablename__ = "preview_link"

    id: Mapped[int] = mapped_column(primary_key=True)
    experiment_id: Mapped[int] = mapped_column(ForeignKey("experiment.id"), index=True)
    variant: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    parameters: Mapped[dict[str, Any]]
    types: Mapped[dict[str, Any]]  # name -> vocabulary.ParameterType
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(300))
    expires_at: Mapped[datetime] = mapped_column(index=True)
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str | None] = mapped_column(String(300))
