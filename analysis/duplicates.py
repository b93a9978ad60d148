"""Which messages came before: exact, fast, and bounded in memory.

A message is known by (source, message id), which its 16-byte keyed hash stands for. It
is looked up among everything received in the last seven days, whatever day it happened
on, and beyond that among what happened on the same day. The recent ids are sorted
arrays, large ones in files that the kernel pages in and out; they are a mere copy of
the table, thrown away and built anew at each start.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from analysis.delta import StoredFile
from analysis.event_table import Batch, Keys, Numbers, as_keys

REMEMBERED = timedelta(days=7)
_IN_MEMORY_ROWS = 500_000
_COLUMNS = ("message_id", "payload_hash", "received_at")
_DAY_US = 86_400_000_000
_EPOCH = date(1970, 1, 1)
Flags = npt.NDArray[np.bool_]
Number = TypeVar("Number", np.uint64, np.int64)


@dataclass(frozen=True, slots=True)
class Findings:
    """What is not new in a batch; rows as positions in its table.

    Attributes:
        repeated: came before, with the same content.
        conflicting: came before with other content; the first one stays.
        erased: about a customer who was erased; neither repeated nor conflicting.
        declined: about a customer who opted out; none of the others.
    """

    repeated: Flags
    conflicting: Flags
    erased: Flags
    declined: Flags

    @property
    def new(self) -> Flags:
        """What is to be stored."""
        return ~(self.repeated | self.conflicting | self.erased | self.declined)


@dataclass(frozen=True, slots=True)
class _Segment:
    """Ids in order of their first half, with the hash of what came under each."""

    first: Keys
    second: Keys
    payload: Numbers

    def find(self, keys: Keys) -> tuple[Flags, Numbers]:
        """Look ids up.

        Args:
            keys: shape (n, 2).

        Returns:
            Which are here, and the payload hash that came first (0 when not).
        """
        place = np.searchsorted(self.first, keys[:, 0])
        found = np.zeros(len(keys), dtype=bool)
        payload = np.zeros(len(keys), dtype=np.int64)
        open_ = np.flatnonzero(place < len(self.first))
        while open_.size:
            at = place[open_]
            same_first = self.first[at] == keys[open_, 0]
            hit = same_first & (self.second[at] == keys[open_, 1])
            found[open_[hit]] = True
            payload[open_[hit]] = self.payload[at[hit]]
            # Two ids may share their first half: the next place is tried too.
            open_ = open_[same_first & ~hit]
            place[open_] += 1
            open_ = open_[place[open_] < len(self.first)]
        return found, payload


class RecentMessages:
    """The ids of all messages received in the last seven days."""

    def __init__(self, folder: Path, since: datetime) -> None:
        self._folder = folder
        self._since = since.date()
        self._days: dict[date, list[_Segment]] = {}

    @property
    def since(self) -> datetime:
        """Everything received from here on is known."""
        return datetime.combine(self._since, time(), UTC)

    def load(self, root: Path, files: Sequence[StoredFile]) -> None:
        """Learn what the table holds.

        Args:
            root: the table's folder.
            files: its active files.
        """
        for file in files:
            if file.ranges["received_at"][1] >= self.since:  # type: ignore[operator]
                self.learn(*_read(root / file.path))

    def learn(self, keys: Keys, payloads: Numbers, received_us: Numbers) -> None:
        """Remember messages.

        Args:
            keys: shape (n, 2).
            payloads: hash of what each says.
            received_us: arrival, microseconds since 1970.
        """
        days = received_us // _DAY_US
        for number in np.unique(days):
            day = _EPOCH + timedelta(days=int(number))
            if day >= self._since:
                there = days == number
                self._add(day, keys[there], payloads[there])

    def forget(self, now: datetime) -> None:
        """Drop whole days that are more than seven days ago."""
        self._since = max(self._since, (now - REMEMBERED).date())
        for day in [day for day in self._days if day < self._since]:
            del self._days[day]

    def find(self, keys: Keys) -> tuple[Flags, Numbers]:
        """Look ids up; see `_Segment.find`."""
        found = np.zeros(len(keys), dtype=bool)
        payload = np.zeros(len(keys), dtype=np.int64)
        for segments in self._days.values():
            for segment in segments:
                here, said = segment.find(keys)
                found |= here
                payload[here] = said[here]
        return found, payload

    def _add(self, day: date, keys: Keys, payloads: Numbers) -> None:
        segments = self._days.setdefault(day, [])
        new = _sorted(keys[:, 0], keys[:, 1], payloads)
        # Merging only what is not much larger keeps the segments of a day few, and
        # moves each id a logarithmic number of times.
        while segments and len(segments[-1].first) <= 2 * len(new.first):
            old = segments.pop()
            new = _sorted(
                np.concatenate((old.first, new.first)),
                np.concatenate((old.second, new.second)),
                np.concatenate((old.payload, new.payload)),
            )
        segments.append(self._kept(new))

    def _kept(self, segment: _Segment) -> _Segment:
        if len(segment.first) < _IN_MEMORY_ROWS:
            return segment
        return _Segment(
            first=self._on_disk(segment.first),
            second=self._on_disk(segment.second),
            payload=self._on_disk(segment.payload),
        )

    def _on_disk(self, values: npt.NDArray[Number]) -> npt.NDArray[Number]:
        # A file without a name: whatever ends this process, nothing is left behind.
        with tempfile.TemporaryFile(dir=self._folder) as file:
            values.tofile(file)
            file.flush()
            return np.memmap(file, dtype=values.dtype, mode="r")


def find_duplicates(
    batch: Batch,
    recent: RecentMessages,
    root: Path,
    files: Sequence[StoredFile],
    erased: Flags | None = None,
    declined: Flags | None = None,
) -> Findings:
    """Find what came before, in the table or earlier in the batch itself.

    Args:
        batch: in order of arrival.
        recent: what the table holds of the last seven days.
        root: the table's folder.
        files: its active files.
        erased: rows about erased customers; they are nothing else beside.
        declined: rows about customers who opted out, those that are erased aside.

    Returns:
        What is repeated and what conflicts.
    """
    known, payload = recent.find(batch.keys)
    _find_by_day(batch, recent.since, root, files, known, payload)
    first = _first_of_each(batch.keys)
    later = first != np.arange(len(first))
    payload = np.where(known, payload, batch.payloads[first])
    none = np.zeros(len(first), dtype=bool)
    erased = none if erased is None else erased
    declined = none if declined is None else declined & ~erased
    came_before = (known | later) & ~erased & ~declined
    same = payload == batch.payloads
    repeated, conflicting = came_before & same, came_before & ~same
    return Findings(repeated, conflicting, erased, declined)


def _find_by_day(
    batch: Batch,
    since: datetime,
    root: Path,
    files: Sequence[StoredFile],
    known: Flags,
    payload: Numbers,
) -> None:
    """Look among what happened on the same day and came more than seven days ago."""
    occurred = batch.table["occurred_at"].cast("int64").to_numpy()
    days = occurred // _DAY_US
    for number in np.unique(days):
        day = (_EPOCH + timedelta(days=int(number))).isoformat()
        for file in files:
            oldest = file.ranges["received_at"][0]
            if file.folders["day"] == day and oldest < since:  # type: ignore[operator]
                keys, payloads, _ = _read(root / file.path)
                rows = np.flatnonzero((days == number) & ~known)
                order = _sorted(keys[:, 0], keys[:, 1], payloads)
                found, said = order.find(batch.keys[rows])
                known[rows] = found
                payload[rows] = said


def _first_of_each(keys: Keys) -> Numbers:
    """For each row, the first row with the same id."""
    order = np.lexsort((np.arange(len(keys)), keys[:, 1], keys[:, 0]))
    ordered = keys[order]
    starts = np.ones(len(keys), dtype=bool)
    starts[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    first = np.empty(len(keys), dtype=np.int64)
    first[order] = order[starts][np.cumsum(starts) - 1]
    return first


def _sorted(first: Keys, second: Keys, payload: Numbers) -> _Segment:
    order = np.argsort(first, kind="stable")
    return _Segment(first[order], second[order], payload[order])


def _read(path: Path) -> tuple[Keys, Numbers, Numbers]:
    table = pq.read_table(path, columns=list(_COLUMNS)).combine_chunks()
    return (
        as_keys(table["message_id"].combine_chunks()),
        table["payload_hash"].to_numpy(),
        table["received_at"].cast("int64").to_numpy(),
    )
