"""Webhooks that were refused: counted, so that a wrong secret is seen, and never read.

Whoever finds the address can send what they like, so a refusal writes nothing by
itself: a process counts in memory, and hands the counts to the inbox some seconds
later, one row a connector. Only registered connectors are counted.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from experiments.inbox import Inbox
from experiments.models import RefusedHookDay
from experiments.parcels import EPOCH, Parcel, RefusedRow

RECORD_SECONDS = 10.0
SHOWN = timedelta(days=7)

log = structlog.get_logger(__name__)


class Refusals:
    """The counts of one process, from any of its threads."""

    def __init__(self, inbox: Inbox, now: Callable[[], datetime], key_id: str) -> None:
        """Count nothing yet.

        Args:
            inbox: takes the counts.
            now: the clock.
            key_id: of the pseudonym key, which every parcel names.
        """
        self._inbox, self._now, self._key_id = inbox, now, key_id
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._waiting = False

    def note(self, connector: str) -> None:
        """Count one refusal of a registered connector."""
        with self._lock:
            self._counts[connector] += 1
            if self._waiting:
                return
            self._waiting = True
        # A thread only while there is something to hand over.
        threading.Thread(
            target=self._record_later, name="refused-hooks", daemon=True
        ).start()

    def record(self) -> None:
        """Hand over what was counted; what cannot be stored now waits for the next."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
            self._waiting = False
        if not counts:
            return
        parcel = Parcel(
            source="",
            environment="",
            key_id=self._key_id,
            received_us=(self._now() - EPOCH) // timedelta(microseconds=1),
            rows=(),
            quarantined=(),
            refused=[RefusedRow(*pair) for pair in counts.items()],
        )
        try:
            self._inbox.append(parcel)
        except Exception as error:  # noqa: BLE001  # counts must not end the thread
            log.warning("refused_hooks_wait", reason=str(error)[:200])
            with self._lock:
                self._counts.update(counts)

    def _record_later(self) -> None:
        time.sleep(RECORD_SECONDS)
        self.record()


@dataclass(frozen=True, slots=True)
class Refused:
    """How many webhooks of a connector were refused within seven days."""

    count: int = 0
    last_at: datetime | None = None


def lately(
    session: Session, connectors: Collection[str], now: datetime
) -> dict[str, Refused]:
    """Count what was refused of some connectors.

    Args:
        session: any session.
        connectors: their public ids.
        now: aware UTC.

    Returns:
        Public id -> how many; none where nothing was.
    """
    table = RefusedHookDay
    query = select(
        table.connector, func.sum(table.refused_count), func.max(table.last_at)
    ).where(table.connector.in_(list(connectors)), table.day_at >= now - SHOWN)
    return {
        connector: Refused(int(count), last_at)
        for connector, count, last_at in session.execute(
            query.group_by(table.connector)
        )
    }


def of(session: Session, connector: str, now: datetime) -> Refused:
    """Count what was refused of one connector, by its public id."""
    return lately(session, [connector], now).get(connector, Refused())
