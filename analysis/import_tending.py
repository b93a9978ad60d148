"""Sees to uploads: stores those that somebody decided about, lets old ones go.

In a thread beside the scheduler's jobs, so that a person who waits for an import does
not wait for the analyses of the day; the work itself is done apart (`apart`).
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta

import structlog

from analysis import apart
from experiments import import_records, uploads
from experiments.context import Context
from experiments.db import transaction
from experiments.errors import AbideError
from experiments.vocabulary import ImportState

REST = timedelta(seconds=30)  # after one that could not be stored

log = structlog.get_logger(__name__)


class Tending:
    """Looks after uploads whenever it is asked to, one at a time."""

    def __init__(
        self, context: Context, store: Callable[[str], object] = apart.store_upload
    ) -> None:
        """Begin with nothing to do.

        Args:
            context: settings, database and clock.
            store: stores the upload of a number.
        """
        self._context = context
        self._store = store
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="imports")
        self._under_way: Future[None] | None = None
        self._rests_until: datetime | None = None

    def look(self) -> None:
        """Begin with what is due, unless something is under way."""
        now = self._context.now()
        if self._under_way is not None and not self._under_way.done():
            return
        if self._rests_until is not None and now < self._rests_until:
            return
        with transaction(self._context.sessions) as session:
            uploads.discard_old(session, self._context.settings.data_dir, now)
            waiting = uploads.under_way(session)
        if waiting:
            self._under_way = self._pool.submit(self.carry_out, waiting[0])

    def carry_out(self, public_id: str) -> None:
        """Store one upload; what fails is tried again after a while.

        Args:
            public_id: of the import.
        """
        try:
            self._store(public_id)
        except apart.HaltedError:
            log.info("import_given_up", number=public_id)  # it is due still
        except AbideError as error:
            log.warning("import_waits", number=public_id, reason=error.message)
            self._rests_until = self._context.now() + REST
            self._note_failure(public_id, error.message)

    def wait(self) -> None:
        """Wait for what is under way."""
        if self._under_way is not None:
            self._under_way.result()

    def close(self) -> None:
        """Wait for what is under way; `apart.halt` ends that soon."""
        self._pool.shutdown(wait=True)

    def _note_failure(self, public_id: str, error: str) -> None:
        try:
            with transaction(self._context.sessions) as session:
                record = import_records.get(session, public_id)
                record.note = error[: uploads.LONGEST_NOTE]
                if record.try_count >= uploads.MOST_TRIES:
                    said = f"It was tried {record.try_count} times. {error}"
                    data_dir = self._context.settings.data_dir
                    uploads.end(data_dir, record, ImportState.FAILED, said)
        except AbideError as fault:
            log.warning("import_not_noted", number=public_id, reason=fault.message)
