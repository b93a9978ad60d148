"""Published rulesets: what the assignment doors serve from."""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from experiments.db import Base


class RulesetRow(Base):
    """One published snapshot; the highest revision is in force."""

    __tablename__ = "ruleset"

    # Counted by the publisher: ordered, and without a gap but after a restored backup.
    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    body: Mapped[str] = mapped_column(Text)
    checksum: Mapped[str] = mapped_column(String(64))
    published_at: Mapped[datetime]
