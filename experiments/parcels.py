"""What one request brought in, as compact bytes on their way through the inbox."""

import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

# Names what doors note of previews; it is no app's key, and no source of its own.
PREVIEW_SOURCE = "preview"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ARRAY32 = 0xDD  # MessagePack: array with a 32-bit length


class EventRow(NamedTuple):
    """One event, pseudonymised; times are microseconds since 1970 (UTC)."""

    kind: str  # vocabulary.EventKind
    name: str  # of the activity or the survey
    occurred_us: int  # client's time, corrected by its clock's error
    original_us: int | None  # client's time as it was given
    customer: bytes  # 16 bytes; of the anonymous id when there is no other
    anonymous: bytes | None
    account: bytes | None
    experiment: str | None
    variant: str | None
    value: float | None
    scale: int | None
    properties: str | None  # JSON object, allow-listed
    message_id: bytes  # 16 bytes, keyed hash of (source, message id)
    payload_hash: int  # signed 64 bits


class QuarantineRow(NamedTuple):
    """One message that was set aside."""

    reason: str  # vocabulary.QuarantineReason
    detail: str  # what is wrong, in words, without any value of the message
    message: dict[str, Any]  # masked
    replay: dict[str, Any] | None = None  # what can be read again, without raw ids


class AssignedRow(NamedTuple):
    """What the doors of one process have assigned since they told of it last."""

    experiment: str
    phase: int
    variant: str
    source: str  # public id of the key that asked
    evaluation_count: int
    customers: bytes  # a packed `experiments.sketch`


class RefusedRow(NamedTuple):
    """Webhooks that one process has refused since it told of it last."""

    connector: str  # public id
    refused_count: int


class CommentRow(NamedTuple):
    """What a customer wrote beside a survey's score; it is kept apart from events."""

    survey: str  # its name
    wave: str
    customer: bytes  # 16 bytes
    text: str  # cleared of what names people; "" takes an earlier one back
    written_us: int


class Parcel(msgspec.Struct, array_like=True, frozen=True):
    """All that one request brought: stored whole or not at all.

    Attributes:
        source: public id of the key.
        environment: of the key.
        key_id: of the pseudonym key.
        received_us: arrival, microseconds since 1970 (UTC).
        rows: EventRow fields in order.
        quarantined: QuarantineRow fields in order.
        consent_refused: messages not stored for want of consent.
        unlisted_values: attribute values dropped, being on no allow-list.
        personal_values: attribute values refused as personal data.
        assigned: AssignedRow fields; a parcel that has them has nothing else.
        comments: CommentRow fields in order; each came with a row.
        refused: RefusedRow fields; a parcel that has them has nothing else.
    """

    source: str
    environment: str
    key_id: str
    received_us: int
    rows: Sequence[tuple[Any, ...]]
    quarantined: Sequence[tuple[Any, ...]]
    consent_refused: int = 0
    unlisted_values: int = 0
    personal_values: int = 0
    assigned: Sequence[tuple[Any, ...]] = ()
    comments: Sequence[tuple[Any, ...]] = ()
    refused: Sequence[tuple[Any, ...]] = ()

    @property
    def message_count(self) -> int:
        """How many rows of both kinds it holds."""
        return len(self.rows) + len(self.quarantined)

    @property
    def is_of_doors(self) -> bool:
        """Whether it holds what doors have counted, and comes from no source."""
        return bool(self.assigned or self.refused)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Parcel]).decode


def encode(parcel: Parcel) -> bytes:
    """Write a parcel, in the request's own thread."""
    return _encode(parcel)


def join(parcels: Sequence[bytes]) -> bytes:
    """Put encoded parcels into one group's body without touching them again."""
    return struct.pack(">BI", _ARRAY32, len(parcels)) + b"".join(parcels)


def decode(body: bytes) -> list[Parcel]:
    """Read a group's body back, in the order in which it was written."""
    return _decode(body)
