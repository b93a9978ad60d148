"""One body of a connector becomes facts, or waits until a mapping fits it.

A body's facts are stored together or not at all: a body that is read again later must
not find half of itself. Their ids come from what the sender calls its message, so that
a repeated delivery, and a replay, are known again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from msgspec.structs import replace

from experiments.body_mapping import BodyMapping, Unmapped
from experiments.events import Envelope, Sender, read_messages
from experiments.held_bodies import hold
from experiments.messages import Rejected, refuse_too_deep
from experiments.parcels import CommentRow, EventRow, Parcel, QuarantineRow
from experiments.privacy import Pseudonymiser, names_somebody
from experiments.sealing import Sealer
from experiments.storable import BYTE_ORDER_MARK
from experiments.vocabulary import QuarantineReason

MAX_BODY = 256 * 1024
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NO_MAPPING = "This connector has no mapping yet."


@dataclass(frozen=True, slots=True)
class Read:
    """What a body gives.

    Attributes:
        parcel: its facts; without any when `reason` says why.
        messages: what the mapping made of it.
        reason: why it gives no facts; None when it gives some, or is skipped.
        detail: the same in words.
        document: the body as JSON; None when it is no object of it.
    """

    parcel: Parcel
    messages: list[dict[str, Any]]
    reason: QuarantineReason | None
    detail: str
    document: Mapping[str, Any] | None


def take(
    body: bytes,
    mapping: BodyMapping | None,
    sender: Sender,
    received_at: datetime,
    hide: Pseudonymiser,
    sealer: Sealer,
    delivery: str | None = None,
) -> Parcel:
    """Read a body that has just come.

    Args:
        body: as it came, its signature checked.
        mapping: of the connector.
        sender: the connector.
        received_at: aware UTC.
        hide: makes pseudonyms.
        sealer: hides what has to wait.
        delivery: fingerprint of what its sender calls it; None where it does not.

    Returns:
        What is to be stored: its facts, or the body itself, sealed.
    """
    found = read(body, mapping, sender, received_at, hide, delivery=delivery)
    if found.reason is None:
        return found.parcel
    held = hold(sealer, body, found.document, found.reason, found.detail, delivery)
    return replace(found.parcel, quarantined=[held])


def read(
    body: bytes,
    mapping: BodyMapping | None,
    sender: Sender,
    received_at: datetime,
    hide: Pseudonymiser,
    arrived_at: datetime | None = None,
    delivery: str | None = None,
) -> Read:
    """Read a body by a mapping, and store nothing.

    Args:
        body: as it came.
        mapping: which facts it holds; None for one that nobody has mapped yet.
        sender: the connector.
        received_at: aware UTC.
        hide: makes pseudonyms.
        arrived_at: when the body came first, for one that is read again.
        delivery: fingerprint of what its sender calls it; None where it does not.

    Returns:
        Its facts, or why there are none.
    """
    messages: list[dict[str, Any]] = []
    reason: QuarantineReason | None = None
    detail, document = "", None
    try:
        document = _document(body)
        messages = _messages(mapping, document, body, delivery)
    except Unmapped as fault:
        reason, detail = QuarantineReason.UNMAPPED, fault.detail
    except Rejected as fault:
        reason, detail = fault.reason, fault.detail
    envelope = Envelope(received_at=received_at, kind="track")
    parcel = read_messages(messages, sender, envelope, hide)
    if parcel.quarantined:
        first = QuarantineRow(*parcel.quarantined[0])
        reason, detail = QuarantineReason(first.reason), first.detail
        parcel = replace(parcel, rows=[], quarantined=[], comments=[])
    elif arrived_at is not None:
        parcel = _at_arrival(parcel, arrived_at)
    return Read(parcel, messages, reason, detail, document)


def _messages(
    mapping: BodyMapping | None, document: object, body: bytes, delivery: str | None
) -> list[dict[str, Any]]:
    if mapping is None:
        raise Unmapped(NO_MAPPING)
    messages = mapping.messages(document, body, delivery)
    if any(names_somebody(one["properties"].get("survey", "")) for one in messages):
        raise Unmapped("survey: what stands there looks like personal data.")
    return messages


def _at_arrival(parcel: Parcel, arrived_at: datetime) -> Parcel:
    """Let facts without a time of their own have happened when the body came first."""
    arrived_us = (arrived_at - _EPOCH) // timedelta(microseconds=1)
    rows = [EventRow(*fields) for fields in parcel.rows]
    comments = [CommentRow(*fields) for fields in parcel.comments]
    now_us = parcel.received_us  # what a fact without a time was given
    return replace(
        parcel,
        rows=[
            row._replace(occurred_us=arrived_us) if row.original_us is None else row
            for row in rows
        ],
        comments=[
            one._replace(written_us=arrived_us) if one.written_us == now_us else one
            for one in comments
        ],
    )


def _document(body: bytes) -> Mapping[str, Any]:
    try:
        document = orjson.loads(body.removeprefix(BYTE_ORDER_MARK))
    except orjson.JSONDecodeError:
        raise Rejected(
            QuarantineReason.NOT_AN_OBJECT, "The body is not valid JSON."
        ) from None
    if not isinstance(document, dict):
        raise Rejected(
            QuarantineReason.NOT_AN_OBJECT, "The body must be a JSON object."
        )
    refuse_too_deep(document)
    return document
