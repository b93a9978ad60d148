# ruff: noqa: ANN401  # any part of a message or envelope can be given
"""Messages as Segment's clients send them, read as the door reads them."""

from datetime import UTC, datetime
from typing import Any

from experiments import parcels
from experiments.events import Envelope, Sender, read_messages
from experiments.parcels import EventRow, Parcel, QuarantineRow
from experiments.privacy import Pseudonymiser
from experiments.vocabulary import Environment

HIDE = Pseudonymiser(b"k" * 32)
NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
NOW_US = 1_773_480_600_000_000  # date -u -d 2026-03-14T09:30:00Z +%s, and six zeros
SENDER = Sender("src1", Environment.PRODUCTION, frozenset({"plan", "seats", "email"}))


def read(*items: object, **envelope: Any) -> Parcel:
    given_ = {"received_at": NOW, **envelope}
    parcel = read_messages(items, SENDER, Envelope(**given_), HIDE)
    # Through the bytes in which it waits in the inbox, as in truth.
    return parcels.decode(parcels.join([parcels.encode(parcel)]))[0]


def rows(*items: object, **envelope: Any) -> list[EventRow]:
    parcel = read(*items, **envelope)
    assert not parcel.quarantined, parcel.quarantined
    return [EventRow(*fields) for fields in parcel.rows]


def row(item: object, **envelope: Any) -> EventRow:
    (only,) = rows(item, **envelope)
    return only


def aside(item: object, **envelope: Any) -> QuarantineRow:
    parcel = read(item, **envelope)
    assert not parcel.rows
    (only,) = parcel.quarantined
    return QuarantineRow(*only)


def track(event: str = "App Opened", **changes: Any) -> dict[str, Any]:
    return {
        "type": "track",
        "messageId": "m1",
        "userId": "u1",
        "event": event,
        **changes,
    }
