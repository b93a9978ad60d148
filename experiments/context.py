"""What every room of one running process shares, built once at the front door."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.orm import Session, sessionmaker

from experiments.config import Settings


@dataclass(frozen=True, slots=True)
class Context:
    """Settings, the way to the database, and the clock."""

    settings: Settings
    sessions: sessionmaker[Session]
    now: Callable[[], datetime]  # aware, UTC


def utc_now() -> datetime:
    """Read the real clock; everything else gets it passed in."""
    return datetime.now(UTC)
