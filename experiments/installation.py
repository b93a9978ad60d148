"""What a command in a second terminal has to know of the Abide that runs here."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from experiments.config import DEFAULT_BASE_URL, Settings
from experiments.context import Context
from experiments.db import transaction
from experiments.errors import ConfigurationFault
from experiments.models import RulesetRow
from experiments.serving import ServingBoard

IN_FORCE_SECONDS = 3.0
FORMER_SECONDS = 40.0  # that an `abide up` may take to stop


def require_set_up(settings: Settings) -> None:
    """Refuse a data folder that holds nothing, before anything is made in it.

    Args:
        settings: of the command.

    Raises:
        ConfigurationFault: says where it looked, and what to do.
    """
    if settings.is_sqlite and not (settings.data_dir / "abide.db").exists():
        raise ConfigurationFault(
            f"Nothing is set up in the folder {settings.data_dir}. If Abide's data lies"
            " elsewhere, say where: ABIDE_DATA_DIR=/path/to/folder. To begin anew, run:"
            " abide up"
        )


@contextmanager
def alone_here(settings: Settings) -> Iterator[None]:
    """Hold the data folder for this `abide up`, and let a former one end first.

    Two would undo each other's notes: the address, the sums behind `/metrics`.

    Args:
        settings: name the folder.

    Yields:
        Once no other one runs on the folder.

    Raises:
        ConfigurationFault: another one runs, and does not end.
    """
    path = settings.data_dir / "run" / "up.lock"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("w") as file:  # the lock ends with the process, however it ends
        deadline = time.monotonic() + FORMER_SECONDS
        while not _locked(file):
            if time.monotonic() > deadline:
                raise ConfigurationFault(
                    f"Another Abide runs on the folder {settings.data_dir}. Stop it, or"
                    " give this one a folder of its own: ABIDE_DATA_DIR=/path/to/folder"
                )
            time.sleep(0.1)
        yield


def _locked(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def address_noted(settings: Settings) -> Iterator[None]:
    """Keep the address of the running server in the data folder, until it stops."""
    path = _address(settings)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_text(settings.base_url)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def address_of(settings: Settings) -> str:
    """Tell where people reach the pages.

    Args:
        settings: of the command; what they say of the address counts first.

    Returns:
        The base URL: that of the running server when the settings say nothing.
    """
    path = _address(settings)
    if settings.base_url == DEFAULT_BASE_URL and path.exists():
        return path.read_text()
    return settings.base_url


def wait_in_force(context: Context) -> None:
    """Wait until the doors serve what was published last, if there are any.

    Args:
        context: of the command that published.
    """
    with transaction(context.sessions) as session:
        newest = _newest(session)
    ServingBoard(context.settings.data_dir).wait_for(newest, IN_FORCE_SECONDS)


def _newest(session: Session) -> int:
    return session.scalar(select(func.max(RulesetRow.revision))) or 0


def _address(settings: Settings) -> Path:
    return settings.data_dir / "run" / "address"
