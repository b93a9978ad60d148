"""How often, and to about how many customers, the doors of a process assigned variants.

Counted in memory, since an assignment writes nothing, and handed to the inbox once a
minute: a crash may lose a minute of these counts, and only of these. A crash loses no
event.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog

from experiments import sketch
from experiments.assignment import Assignment, hashed_text, unit_text
from experiments.inbox import Inbox
from experiments.parcels import AssignedRow, Parcel
from experiments.ruleset_values import Ruleset
from experiments.vocabulary import Environment

if TYPE_CHECKING:
    from experiments.running import Special

RECORD_SECONDS = 60.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_Key = tuple[str, int, str, str]  # experiment, phase, variant, source

log = structlog.get_logger(__name__)


class _Count:
    """Of one variant from one key."""

    __slots__ = ("customers", "evaluations", "special")

    def __init__(self) -> None:
        self.evaluations = 0
        self.customers = sketch.new()
        self.special: Special | None = None  # says what is hashed but the id


class Tally:
    """The counts of one process, from any of its threads."""

    def __init__(self, inbox: Inbox, now: Callable[[], datetime], key_id: str) -> None:
        """Count nothing yet.

        Args:
            inbox: takes the counts once a minute.
            now: the clock.
            key_id: of the pseudonym key, which every parcel names.
        """
        self._inbox = inbox
        self._now = now
        self._key_id = key_id
        self._lock = threading.Lock()
        self._counts: dict[_Key, _Count] = {}
        self._ruleset: Ruleset | None = None
        self._near: dict[tuple[str, str | None, str], _Count] = {}
        self._waiting = False

    def note(
        self,
        source: str,
        ruleset: Ruleset,
        unit: object,
        attributes: Mapping[str, Any],
        given: Sequence[Assignment],
    ) -> None:
        """Count what one customer was assigned; who is in no experiment is not counted.

        Args:
            source: public id of the key that asked.
            ruleset: that it was assigned by.
            unit: the customer's id.
            attributes: of the customer.
            given: the assignments.
        """
        if len(given) == 1:  # as most apps ask
            inside = given if given[0].in_experiment else ()
        else:
            inside = [one for one in given if one.in_experiment]
        if not inside:
            return
        text = unit if type(unit) is str and unit else unit_text(unit)
        index, rank = (0, 0) if text is None else sketch.place_of(text)
        with self._lock:
            if ruleset is not self._ruleset:
                self._ruleset, self._near = ruleset, {}
            for one in inside:
                count = self._near.get((one.experiment, one.variant, source))
                if count is None:
                    count = self._find(ruleset, one, source)
                count.evaluations += 1
                if count.special is not None:
                    hashed = hashed_text(count.special, text, attributes)
                    if hashed is not None:
                        sketch.note(count.customers, *sketch.place_of(hashed))
                elif count.customers[index] < rank:
                    count.customers[index] = rank
            if self._waiting:
                return
            self._waiting = True
        # A thread only while there is something to hand over.
        threading.Thread(
            target=self._record_later, name="assigned-counts", daemon=True
        ).start()

    def _find(self, ruleset: Ruleset, one: Assignment, source: str) -> _Count:
        """Find or begin a count, and keep it at hand while this ruleset is in force."""
        design = ruleset.experiments[one.experiment]
        phase = design.published.get("phase", 1)
        place = (one.experiment, phase, one.variant or "", source)
        count = self._counts.setdefault(place, _Count())
        count.special = design.special
        self._near[one.experiment, one.variant, source] = count
        return count

    def record(self) -> None:
        """Hand over what was counted; what cannot be stored now waits for the next."""
        with self._lock:
            counts, self._counts, self._near = self._counts, {}, {}
            self._waiting = False
        if not counts:
            return
        rows = [
            AssignedRow(*place, count.evaluations, sketch.pack(count.customers))
            for place, count in counts.items()
        ]
        parcel = Parcel(
            source="",
            environment=Environment.PRODUCTION.value,
            key_id=self._key_id,
            received_us=(self._now() - _EPOCH) // timedelta(microseconds=1),
            rows=(),
            quarantined=(),
            assigned=rows,
        )
        try:
            self._inbox.append(parcel)
        except Exception as error:  # noqa: BLE001  # counts must not end the thread
            log.warning("assigned_counts_wait", reason=str(error)[:200])
            self._put_back(counts)

    def _record_later(self) -> None:
        time.sleep(RECORD_SECONDS)
        self.record()

    def _put_back(self, counts: Mapping[_Key, _Count]) -> None:
        with self._lock:
            for place, count in counts.items():
                held = self._counts.setdefault(place, _Count())
                held.evaluations += count.evaluations
                sketch.merge(held.customers, count.customers)
