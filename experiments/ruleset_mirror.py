"""Carries what is published from the database to the files doors serve from."""

import threading
import time
from collections.abc import Callable

import structlog
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from experiments.db import database_refusal
from experiments.errors import NotMigrated
from experiments.models import RulesetRow
from experiments.opt_out_file import OptOutFile
from experiments.ruleset_files import Mark, RulesetFolder, checksum
from experiments.ruleset_values import RulesetRefusedError, parse
from experiments.waiting_bodies import WaitingFile

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.5


class RulesetMirror:
    """Follows the database; any number of processes may run one on one folder."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        folder: RulesetFolder,
        then: Callable[[], None] = lambda: None,
    ) -> None:
        """Copy nothing yet.

        Args:
            sessions: the way to the database.
            folder: where the file lies.
            then: called after each ruleset that was copied.
        """
        # Why the newest ruleset is not on disk, None when it is. A database that is
        # gone is a fault too: doors go on with the file.
        self.fault: str | None = None
        self._sessions = sessions
        self._folder = folder
        self._opt_outs = OptOutFile(folder.path)
        self._waiting = WaitingFile(folder.path)
        self._then = then
        # Revision, checksum and file as of the last look, and what was wrong.
        self._seen: tuple[int, str, Mark | None] | None = None
        self._seen_fault: str | None = None
        self._confirmed: float | None = None
        self._looked = threading.Event()
        self._hurry = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Copy what is published, and follow the database from now on."""
        self._thread = threading.Thread(
            target=self._follow, name="ruleset-mirror", daemon=True
        )
        self._thread.start()

    def wait(self, seconds: float) -> None:
        """Wait for the first look at the database, whatever it found."""
        self._looked.wait(seconds)

    def confirmed_seconds(self) -> float | None:
        """Tell how long ago the database said that the file is the newest, if ever."""
        confirmed = self._confirmed
        return None if confirmed is None else time.monotonic() - confirmed

    def hurry(self) -> None:
        """Look at the database at once, for it was published."""
        self._hurry.set()

    def stop(self) -> None:
        """Stop following the database."""
        self._stopping = True
        self._hurry.set()
        if self._thread is not None:
            self._thread.join()

    def copy(self) -> None:
        """Bring the file up to date once; a fault is kept, logged, never raised."""
        try:
            fault = self._copy()
        except SQLAlchemyError as error:
            fault = _said(error)
        except (OSError, RulesetRefusedError) as error:
            fault = f"The ruleset cannot be written: {error}"
        if fault is not None and fault != self.fault:
            log.warning("ruleset not copied", fault=fault)
        self.fault = fault
        if fault is None:
            self._confirmed = time.monotonic()
        self._looked.set()

    def _follow(self) -> None:
        while not self._stopping:
            self._hurry.clear()
            try:
                self.copy()
            except Exception:  # a dead thread would leave old rules in force for ever
                log.exception("ruleset not copied")
            self._hurry.wait(POLL_SECONDS)

    def _copy(self) -> str | None:
        with self._sessions() as session:
            self._opt_outs.follow(session)
            self._waiting.follow(session)
            query = (
                select(RulesetRow.revision, RulesetRow.checksum)
                .order_by(RulesetRow.revision.desc())
                .limit(1)
            )
            row = session.execute(query).first()
            if row is None:
                return None
            newest, promised = row
            if (newest, promised, self._folder.mark()) == self._seen:
                return self._seen_fault
            body = session.get_one(RulesetRow, newest).body.encode()
        if checksum(body) != promised:
            return f"Ruleset {newest} is damaged in the database."
        if self._folder.write(parse(body), body):
            log.info("ruleset copied", revision=newest)
            self._then()
        self._seen_fault = self._compare(newest, promised)
        self._seen = (newest, promised, self._folder.mark())
        return self._seen_fault

    def _compare(self, newest: int, promised: str) -> str | None:
        held = self._folder.held()
        if held is None or held.revision < newest or held == (newest, promised):
            return None
        if held.revision > newest:
            differs = (
                f"The file holds ruleset {held.revision}, the database only {newest}."
            )
        else:
            differs = f"Ruleset {newest} of the file is not that of the database."
        return (
            f"{differs} Doors serve the file. If the database was restored from a"
            " backup, restart Abide, and what pages say comes into force. If it is the"
            " wrong database, set DATABASE_URL to the right one."
        )


def _said(error: SQLAlchemyError) -> str:
    refusal = database_refusal(error) if isinstance(error, DBAPIError) else None
    if isinstance(refusal, NotMigrated):
        return refusal.message
    return f"The database does not answer ({type(error).__name__})."
