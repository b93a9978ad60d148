"""The durable inbox: what is acknowledged survives the death of every process.

One writer thread per process puts all that waits into one group and commits it once
(group commit), so that a slow disk costs time per group and not per request. Callers
wait for their group. The queue is bounded: what does not fit is refused in words and
never dropped, and when the store does not answer everybody is told within seconds.
"""

import threading
import time
from collections.abc import Callable

import structlog

from experiments import parcels
from experiments.config import Settings
from experiments.errors import AbideError, StorageFull, TooManyRequests, Unavailable
from experiments.inbox_slots import Slot, open_slot
from experiments.parcels import Parcel

MAX_WAITING_BYTES = 64 * 1024 * 1024
MAX_GROUP_BYTES = 8 * 1024 * 1024
DEADLINE_SECONDS = 4.0
PROBE_SECONDS = 0.5

log = structlog.get_logger(__name__)


class _Entry:
    """One caller that waits."""

    __slots__ = ("body", "done", "fault", "message_count", "received_us")

    def __init__(self, parcel: Parcel) -> None:
        self.body = parcels.encode(parcel)
        self.message_count = parcel.message_count
        self.received_us = parcel.received_us
        # Held until the parcel's fate is known; a bare lock is the cheapest signal.
        self.done = threading.Lock()
        self.done.acquire()
        self.fault: AbideError | None = None


class Inbox:
    """Takes parcels from many threads; each call returns when its parcel is durable."""

    def __init__(self, open_new_slot: Callable[[], Slot]) -> None:
        self._open = open_new_slot
        self._changed = threading.Condition()
        self._waiting: list[_Entry] = []
        self._waiting_bytes = 0
        self._thread: threading.Thread | None = None
        self._slot: Slot | None = None
        self._down: AbideError | None = None
        self._closing = False

    @classmethod
    def for_settings(cls, settings: Settings) -> "Inbox":
        """Make the inbox of this process; nothing is opened before the first event."""
        return cls(lambda: open_slot(settings))

    def append(self, parcel: Parcel) -> None:
        """Store a parcel, or raise why it could not be acknowledged.

        `TooManyRequests`: too much waits already. `StorageFull`: nothing was stored.
        `Unavailable`: the store does not answer; what was sent may have been stored
        or not, and sending it again stores it once.

        Args:
            parcel: what one request brought.
        """
        entry = _Entry(parcel)
        with self._changed:
            self._refuse_if_needed(len(entry.body))
            self._start()
            self._waiting.append(entry)
            self._waiting_bytes += len(entry.body)
            self._changed.notify()
        if not entry.done.acquire(timeout=DEADLINE_SECONDS):
            self._give_up()
            entry.fault = Unavailable(
                "The events could not be stored in time. Send them again soon.", 2
            )
        _raise(entry.fault)

    def close(self) -> None:
        """Store what waits, and let the slot go."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(DEADLINE_SECONDS)

    def _refuse_if_needed(self, size: int) -> None:
        if self._closing:
            raise Unavailable("This process is shutting down. Send the events again.")
        if self._down is not None:
            _raise(_copy(self._down))
        if self._waiting_bytes + size > MAX_WAITING_BYTES:
            raise TooManyRequests("Too many events are waiting. Slow down a little.")

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._run, name="inbox-writer", daemon=True
            )
            self._thread.start()

    def _give_up(self) -> None:
        """Let everybody else be refused at once, and free the writer."""
        with self._changed:
            self._down = self._down or Unavailable(
                "The events cannot be stored right now. Send them again soon.", 2
            )
            slot = self._slot
            self._changed.notify()
        log.warning("inbox_stalled")
        if slot is not None:
            slot.interrupt()

    def _run(self) -> None:
        while True:
            group = self._take()
            if group is None:
                break
            self._finish(group, self._store(group))
        if self._slot is not None:
            self._slot.close()

    def _take(self) -> list[_Entry] | None:
        """Wait for work: entries to store, none while a lost store is tried again."""
        with self._changed:
            while not self._waiting:
                if self._closing:
                    return None
                if self._down is not None:
                    self._changed.wait(PROBE_SECONDS)
                    break
                self._changed.wait()
            size, count = 0, 0
            for entry in self._waiting:
                size += len(entry.body)
                if count and size > MAX_GROUP_BYTES:
                    break
                count += 1
            group, self._waiting = self._waiting[:count], self._waiting[count:]
            self._waiting_bytes -= sum(len(entry.body) for entry in group)
            return group

    def _store(self, group: list[_Entry]) -> AbideError | None:
        try:
            if self._slot is None:
                self._slot = self._open()
                log.info("inbox_opened", slot=self._slot.name)
            if group:
                self._slot.write(
                    min(entry.received_us for entry in group),
                    sum(entry.message_count for entry in group),
                    parcels.join([entry.body for entry in group]),
                )
        except StorageFull as fault:
            return fault
        except AbideError as fault:
            self._lose_slot(fault)
            return fault
        except Exception:
            # Whatever it is, callers must hear of it and the next group gets a try.
            log.exception("inbox_failed")
            unknown = Unavailable("The events could not be stored. Send them again.")
            self._lose_slot(unknown)
            return unknown
        return None

    def _lose_slot(self, fault: AbideError) -> None:
        if self._slot is not None:
            log.warning("inbox_lost", slot=self._slot.name, reason=fault.message)
            self._slot.close()
            self._slot = None

    def _finish(self, group: list[_Entry], fault: AbideError | None) -> None:
        with self._changed:
            # A full disk is tried again by the next caller; a lost store by us alone.
            lost = fault is not None and not isinstance(fault, StorageFull)
            self._down = fault if lost else None
            if lost:
                group = group + self._waiting
                self._waiting, self._waiting_bytes = [], 0
        for entry in group:
            entry.fault = None if fault is None else _copy(fault)
            entry.done.release()
        if fault is not None and not group:
            time.sleep(PROBE_SECONDS)


def _raise(fault: AbideError | None) -> None:
    if fault is not None:
        raise fault


def _copy(fault: AbideError) -> AbideError:
    """Make an error of one's own: a raised one carries its caller's traceback."""
    return type(fault)(fault.message)
