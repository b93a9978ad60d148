"""A file of events goes the way of all events: checked, pseudonymised, inbox, store."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from analysis.imported_rows import Row, RowFile, id_text, plain_value
from analysis.row_faults import RowFaults
from experiments.errors import InvalidInput, TooManyRequests
from experiments.event_rows import READ_PROPERTIES, wire_name
from experiments.events import Envelope, Sender, read_messages
from experiments.imported_sources import MOST_NAMES
from experiments.inbox import Inbox
from experiments.parcels import EPOCH, EventRow, Parcel, QuarantineRow
from experiments.privacy import Pseudonymiser
from experiments.vocabulary import EventKind, QuarantineReason

CHUNK = 1000  # rows that go together
WAIT_SECONDS = 0.5
# What a column may be called, written small and without spaces, _ and -.
_NAMES = {
    "userId": ("userid", "user", "customer", "customerid"),
    "anonymousId": ("anonymousid", "anonymous"),
    "event": ("event", "eventname", "name"),
    "timestamp": ("timestamp", "time", "occurredat"),
    "messageId": ("messageid",),
    "type": ("type",),
}


# Which part of a message has a fault; others are of the row.
_PART_OF = {
    QuarantineReason.NO_IDENTITY: "userId",
    QuarantineReason.INVALID_ID: "userId",
    QuarantineReason.INVALID_MESSAGE_ID: "messageId",
    QuarantineReason.INVALID_EVENT_NAME: "event",
    QuarantineReason.INVALID_TIME: "timestamp",
    QuarantineReason.IN_THE_FUTURE: "timestamp",
    QuarantineReason.UNKNOWN_TYPE: "type",
    QuarantineReason.INVALID_SCORE: "score",
}


@dataclass(frozen=True, slots=True)
class EventColumns:
    """Which column is which part of a message; the others are its properties."""

    parts: Mapping[str, str]  # part -> column
    others: Mapping[str, str]  # column -> property


def event_columns(file: RowFile) -> EventColumns:
    """Recognise the columns of a file of events.

    Args:
        file: with a header.

    Returns:
        Its columns.

    Raises:
        InvalidInput: there is no customer, event or time.
    """
    plain = {column: _plain(column) for column in file.columns}
    parts = {
        part: column
        for part, names in _NAMES.items()
        for column in file.columns
        if plain[column] in names
    }
    missing = [
        word
        for word, found in (
            ("a customer (user_id)", {"userId", "anonymousId"} & parts.keys()),
            ("an event's name (event)", {"event", "type"} & parts.keys()),
            ("a time (timestamp)", {"timestamp"} & parts.keys()),
        )
        if not found
    ]
    if missing:
        raise InvalidInput(
            f"{file.path.name} has no column for {', '.join(missing)}; it has"
            f" {', '.join(file.columns)}. For one row per customer say --variant."
        )
    others = [column for column in file.columns if column not in parts.values()]
    return EventColumns(parts, {column: _property(column, others) for column in others})


def _plain(name: str) -> str:
    """Write a name small and without spaces, _ and -."""
    return name.lower().translate({ord(c): None for c in " _-"})


_READ = {_plain(name): name for name in reversed(READ_PROPERTIES)}


def _property(column: str, columns: Collection[str]) -> str:
    """Name the property of a column; "Score" is score unless there is such a column."""
    read = column if column in READ_PROPERTIES else _READ.get(_plain(column), column)
    return column if read in columns else read


def message_of(row: Row, columns: EventColumns) -> dict[str, Any]:
    """Write a row as the message that a Segment client would have sent."""
    message: dict[str, Any] = {"type": "track"}
    for part, column in columns.parts.items():
        cell = row.cells[column]
        if cell is None:
            continue
        if part in {"userId", "anonymousId", "messageId"}:
            message[part] = id_text(cell) or ""
        else:
            message[part] = _time_text(cell) if part == "timestamp" else cell
    is_of_customer = message["type"] == "identify"  # its traits have names of their own
    said = {
        column if is_of_customer else name: plain_value(row.cells[column])
        for column, name in columns.others.items()
        if row.cells[column] is not None
    }
    if said:
        message["traits" if is_of_customer else "properties"] = said
    return message


def _time_text(cell: object) -> object:
    return cell.isoformat() if isinstance(cell, (date, datetime)) else cell


@dataclass
class Found:
    """What the events of a file say about an experiment, counted in the first pass.

    Attributes:
        variants: name -> customers exposed to it.
        first_exposed_us, last_exposed_us: exposures, microseconds since 1970.
        last_us: the latest event, likewise.
        count: of events.
        names: of events, as metrics name them.
        content: stands for all events in whatever order; "" when not known.
    """

    variants: Counter[str] = field(default_factory=Counter)
    first_exposed_us: int | None = None
    last_exposed_us: int | None = None
    last_us: int = 0
    count: int = 0
    names: set[str] = field(default_factory=set)
    content: str = ""
    _sum: int = 0
    _exposed: set[bytes] = field(default_factory=set)

    def note(self, parcel: Parcel, experiment: str | None) -> None:
        """Count the events of a parcel."""
        for fields in parcel.rows:
            row = EventRow(*fields)
            self.count += 1
            self.last_us = max(self.last_us, row.occurred_us)
            self.names.add(wire_name(row.kind, row.name))
            # A sum, since rows may come in another order, or as Parquet; each hash
            # is keyed and as good as random.
            self._sum = (self._sum + row.payload_hash) % 2**64
            if row.kind == EventKind.EXPOSURE.value and row.experiment == experiment:
                self._note_exposure(row)
        self.content = f"{self.count}-{self._sum:016x}"

    def to_json(self) -> dict[str, object]:
        """Write it down, for whoever stores the events later."""
        return {
            "variants": dict(self.variants),
            "first_exposed_us": self.first_exposed_us,
            "last_exposed_us": self.last_exposed_us,
            "last_us": self.last_us,
            "count": self.count,
            "names": sorted(self.names)[:MOST_NAMES],
            "content": self.content,
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> "Found":
        """Read what `to_json` wrote."""
        return cls(
            Counter(said["variants"]),
            said["first_exposed_us"],
            said["last_exposed_us"],
            said["last_us"],
            said["count"],
            # What waited while Abide was upgraded has neither.
            set(said.get("names", ())),
            said.get("content", ""),
        )

    def _note_exposure(self, row: EventRow) -> None:
        at = row.occurred_us
        if row.customer not in self._exposed:
            self._exposed.add(row.customer)
            self.variants[row.variant or ""] += 1
        first, last = self.first_exposed_us, self.last_exposed_us
        self.first_exposed_us = at if first is None else min(first, at)
        self.last_exposed_us = at if last is None else max(last, at)


def moment(microseconds: int) -> datetime:
    """Read microseconds since 1970."""
    return EPOCH + timedelta(microseconds=microseconds)


class EventImport:
    """Reads a file of events twice: to check it whole, then to send it."""

    def __init__(
        self,
        file: RowFile,
        sender: Sender,
        hide: Pseudonymiser,
        now: Callable[[], datetime],
    ) -> None:
        """Recognise the columns.

        Args:
            file: of events.
            sender: names the source they are stored under.
            hide: makes pseudonyms.
            now: when they are received.
        """
        self.columns = event_columns(file)
        self._file = file
        self._sender = sender
        self._hide = hide
        self._now = now

    def check(
        self,
        experiment: str | None,
        faults: RowFaults,
        advance: Callable[[int], None],
    ) -> Found:
        """Read all rows.

        Args:
            experiment: whose exposures are counted.
            faults: told of what is wrong.
            advance: told of rows done.

        Returns:
            What was found.

        Raises:
            InvalidInput: rows have faults; names the first.
        """
        found = Found()
        for row_count, parcel in self.good(faults):
            found.note(parcel, experiment)
            advance(row_count)
        faults.raise_if_any()
        return found

    def good(self, faults: RowFaults) -> Iterator[tuple[int, Parcel]]:
        """Read all rows, and keep those that have no fault.

        Args:
            faults: told of what is wrong.

        Yields:
            How many rows were read, and a parcel of the good ones among them.
        """
        for rows in self._chunks(faults):
            parcel = self._parcel(rows)
            if parcel.quarantined:
                self._find_faults(rows, faults)
            if self._require_times(rows, faults):
                column = self.columns.parts["timestamp"]
                timed = [row for row in rows if row.cells[column] is not None]
                parcel = self._parcel(timed)
            yield len(rows), msgspec.structs.replace(parcel, quarantined=())

    def send(self, inbox: Inbox, advance: Callable[[int], None]) -> None:
        """Put all events into the inbox; returns when they are durable.

        Args:
            inbox: of this process.
            advance: told of rows done.
        """
        for rows in self._chunks(RowFaults(self._file.path)):  # checked before
            append(inbox, self._parcel(rows))
            advance(len(rows))

    def _chunks(self, faults: RowFaults) -> Iterator[list[Row]]:
        chunk: list[Row] = []
        for row in self._file.rows(faults):
            chunk.append(row)
            if len(chunk) == CHUNK:
                yield chunk
                chunk = []
        if chunk:
            yield chunk

    def _parcel(self, rows: Iterable[Row]) -> Parcel:
        envelope = Envelope(received_at=self._now())
        messages = [message_of(row, self.columns) for row in rows]
        return read_messages(messages, self._sender, envelope, self._hide)

    def _require_times(self, rows: Iterable[Row], faults: RowFaults) -> bool:
        """Refuse rows without a time; a live event would get that of its arrival."""
        column = self.columns.parts["timestamp"]
        without = [row for row in rows if row.cells[column] is None]
        for row in without:
            faults.add(
                row.number,
                f"{column} must be a time.",
                column,
                customer=self._customer(row),
            )
        return bool(without)

    def _find_faults(self, rows: Iterable[Row], faults: RowFaults) -> None:
        for row in rows:
            parcel = self._parcel([row])
            for fields in parcel.quarantined:
                fault = QuarantineRow(*fields)
                column = self._column(fault)
                faults.add(
                    row.number,
                    fault.detail,
                    column,
                    row.cells.get(column),
                    self._customer(row),
                )

    def _column(self, fault: QuarantineRow) -> str:
        """Say in which column a fault is; "" where it is the row."""
        part = _PART_OF.get(QuarantineReason(fault.reason), "")
        if part not in self.columns.parts and part == "userId":
            part = "anonymousId"
        others = (c for c, name in self.columns.others.items() if name == part)
        return self.columns.parts.get(part, next(others, ""))

    def _customer(self, row: Row) -> bytes | None:
        """Say whose row it is, so that an erasure finds what is kept of it."""
        for part, hide in (
            ("userId", self._hide.customer),
            ("anonymousId", self._hide.anonymous),
        ):
            text = id_text(row.cells.get(self.columns.parts.get(part, "")))
            if text is not None:
                return hide(text)
        return None


def append(inbox: Inbox, parcel: Parcel) -> None:
    """Put a parcel into the inbox, however long that has to wait for a place."""
    while True:
        try:
            return inbox.append(parcel)
        except TooManyRequests:
            time.sleep(WAIT_SECONDS)
