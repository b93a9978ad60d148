"""Which published ruleset each process of this machine serves.

A process that follows the ruleset keeps a place: a small file with the revision in it,
and a lock that the kernel drops with the process, however it ends. So whoever published
can wait until all have it, and a server knows when all of its processes are there.
"""

import fcntl
import os
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction, sessionmaker

FOLDER = "serving"  # in the folder `run` of an installation's data
LOOK_SECONDS = 0.01
IN_FORCE_SECONDS = 2.0  # how long a publisher waits for the slowest process
# How long a process that has started waits for its fellows before it says that it is
# ready without them: one that cannot start must not keep the others from work.
FELLOWS_SECONDS = 20.0
_PUBLISHED, _COMMITTED = "published revision", "committed revision"


@dataclass(frozen=True, slots=True)
class Serving:
    """What one living process serves."""

    server: str
    revision: int  # 0 as long as it has none


class Place:
    """What one process says; the process keeps it until it ends."""

    def __init__(self, path: Path, lock: int) -> None:
        self._path = path
        self._lock = lock

    def say(self, revision: int) -> None:
        """Tell which revision this process serves from now on."""
        os.pwrite(self._lock, b"%020d" % revision, 0)

    def leave(self) -> None:
        """Give the place up."""
        self._path.unlink(missing_ok=True)
        os.close(self._lock)


class ServingBoard:
    """The places of all processes that work with one data folder."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / "run" / FOLDER

    def join(self, server: str) -> Place:
        """Take a place for this process; OSError when the disk gives none.

        Args:
            server: name of the server that the process belongs to.

        Returns:
            The place; it says that nothing is served yet.
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            path = self.path / f"{server}-{secrets.token_hex(6)}"
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX)
            # Somebody may have taken it for a dead one's before it was locked.
            if path.exists():
                place = Place(path, lock)
                place.say(0)
                return place
            os.close(lock)

    def read(self) -> list[Serving]:
        """List what the living processes serve; places of dead ones are removed."""
        try:
            paths = sorted(self.path.iterdir())
        except OSError:  # nobody ever had a place
            return []
        return [found for path in paths if (found := _read(path)) is not None]

    def wait_for(self, revision: int, seconds: float = IN_FORCE_SECONDS) -> bool:
        """Wait until every process serves a revision, or a newer one.

        Args:
            revision: what was published.
            seconds: the longest wait.

        Returns:
            Whether all of them do; true where no process serves.
        """
        deadline = time.monotonic() + seconds
        while any(place.revision < revision for place in self.read()):
            if time.monotonic() >= deadline:
                return False
            time.sleep(LOOK_SECONDS)
        return True


class Fellows:
    """The processes of one server, as one of them sees them after its start."""

    def __init__(
        self,
        board: ServingBoard,
        server: str,
        count: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin to wait for the others.

        Args:
            board: where they say what they serve.
            server: its name.
            count: of its processes, this one included.
            clock: seconds that never go back.
        """
        self._board = board
        self._server = server
        self._count = count
        self._clock = clock
        self._until = clock() + FELLOWS_SECONDS
        self._complete = count <= 1

    def missing(self) -> str:
        """Say who has to come yet, or nothing ("") once all were there.

        A process that dies later is no reason to send customers elsewhere: the others
        serve, and it is started again.
        """
        if self._complete or self._clock() >= self._until:
            return ""
        mine = [p.revision for p in self._board.read() if p.server == self._server]
        ready = sum(revision == max(mine) > 0 for revision in mine)
        self._complete = ready >= self._count
        if self._complete:
            return ""
        return f"{ready} of {self._count} processes of this server are ready."


def note_published(session: Session, revision: int) -> None:
    """Remember what a transaction publishes, for `wait_when_published`."""
    session.info[_PUBLISHED] = revision


def wait_when_published(
    sessions: sessionmaker[Session],
    board: ServingBoard,
    hurry: Callable[[], None],
) -> None:
    """Let every transaction that publishes return only when its ruleset is in force.

    So whoever was told "started" or "revoked" meets it at the next request, whichever
    process answers. The wait has an end (`IN_FORCE_SECONDS`): what is committed stays.

    Args:
        sessions: all that are made from now on behave so.
        board: says who serves what.
        hurry: makes this process fetch the ruleset at once.
    """

    def committed(session: Session) -> None:
        session.info[_COMMITTED] = session.info.pop(_PUBLISHED, None)

    def ended(session: Session, transaction: SessionTransaction) -> None:
        # Here its connection is back in the pool: nobody waits for it meanwhile.
        if transaction.parent is not None:
            return
        session.info.pop(_PUBLISHED, None)  # rolled back
        revision = session.info.pop(_COMMITTED, None)
        if revision is not None:
            hurry()
            board.wait_for(revision)

    event.listen(sessions, "after_commit", committed)
    event.listen(sessions, "after_transaction_end", ended)


def _read(path: Path) -> Serving | None:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:  # gone meanwhile
        return None
    try:
        with suppress(BlockingIOError):
            # Shared, so that two who look at once do not take each other for its owner.
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
            return None
        said = os.pread(descriptor, 20, 0)
    finally:
        os.close(descriptor)
    server = path.name.rpartition("-")[0]
    return Serving(server, int(said) if said else 0)
