"""What every room of one running process shares, built once at the front door."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.orm import Session, sessionmaker

from experiments.config import Settings
from experiments.db import make_engine, make_sessions
from experiments.errors import ConfigurationFault


@dataclass(frozen=True, slots=True)
class Context:
    """Settings, the way to the database, and the clock."""

    settings: Settings
    sessions: sessionmaker[Session]
    now: Callable[[], datetime]  # aware, UTC

    def close(self) -> None:
        """Give the database its connections back."""
        self.sessions.kw["bind"].dispose()


def utc_now() -> datetime:
    """Read the real clock; everything else gets it passed in."""
    return datetime.now(UTC)


def open_context(
    environ: Mapping[str, str] = os.environ,
    now: Callable[[], datetime] = utc_now,
) -> Context:
    """Read the settings, make the data folder and prepare the database's engine.

    The database itself is not asked: a server must start while it is down.

    Args:
        environ: the environment to read the settings from.
        now: the clock.

    Returns:
        The context of this process.

    Raises:
        ConfigurationFault: a setting is wrong, or the data folder cannot be used.
    """
    settings = Settings.from_environ(environ)
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationFault(
            f"The data folder {settings.data_dir} cannot be made: {error.strerror}."
        ) from error
    if not os.access(settings.data_dir, os.W_OK):
        raise ConfigurationFault(
            f"The data folder {settings.data_dir} cannot be written to."
        )
    engine = make_engine(settings.database_url)
    return Context(settings, make_sessions(engine, settings.data_dir), now)
