"""The file of who opted out, beside the ruleset: doors read it without the database.

It has the form of an enrolled set. Any number of processes may keep it up to date: each
reads the database while it holds the folder's lock, so that none puts an older state in
the place of a newer one.
"""

import fcntl
from pathlib import Path

import structlog
from sqlalchemy.orm import Session

from experiments import opt_outs
from experiments.enrolled import (
    OPTED_OUT,
    PREFIX_BYTES,
    Mark,
    mark_of,
    read_set,
    write_set,
)

log = structlog.get_logger(__name__)

_LOCK = "opted-out.lock"


class OptOutFile:
    """Follows the database into the folder of the ruleset."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / OPTED_OUT
        # Revision and file as they were after the last look.
        self._seen: tuple[int, Mark | None] | None = None

    def follow(self, session: Session) -> None:
        """Write the file anew when somebody chose, or when it is gone.

        Args:
            session: that has read nothing yet.
        """
        newest = opt_outs.revision(session)
        if (newest, mark_of(self.path)) == self._seen:
            return
        if newest == 0 and not self.path.exists():
            return  # nobody ever chose
        session.rollback()  # what is read under the lock is read anew
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The kernel drops the lock with the process, so that kill -9 leaves none.
        with (self.path.parent / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            newest = opt_outs.revision(session)
            ids = opt_outs.opted_out(session)
            prefixes = sorted({who[:PREFIX_BYTES] for who in ids})
            # Another process may have written it: to do so again would have that one
            # find a changed file, and so on for ever.
            is_news = read_set(self.path) != b"".join(prefixes)
            if is_news:
                write_set(self.path, prefixes)
            self._seen = (newest, mark_of(self.path))
        if is_news:
            log.info("opt-outs in force", customers=len(ids))
