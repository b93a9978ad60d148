"""Intake of Segment messages: what is good becomes event rows, the rest is set aside.

Nothing here fails a batch: each message is read for itself, and one that cannot be
stored goes, masked and with its reason, the same durable way as the others.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from experiments import messages as wire
from experiments import parcels, replay
from experiments.allow_list import AllowList
from experiments.consent import message_refuses
from experiments.event_rows import Desk, Message
from experiments.event_times import clock_error
from experiments.exposure_messages import Check
from experiments.messages import Rejected
from experiments.parcels import EventRow, QuarantineRow
from experiments.privacy import Pseudonymiser, mask
from experiments.vocabulary import Environment, QuarantineReason

MAX_MESSAGE_BYTES = 32 * 1024
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose messages they are, and what may be kept of them.

    Attributes:
        source: public id of the key.
        environment: of the key.
        attributes: names on the allow-list.
    """

    source: str
    environment: Environment
    attributes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a request says about all of its messages.

    The last four say which checks its bytes have not already made needless.

    Attributes:
        received_at: arrival, aware.
        kind: the messages' type, where the path names it; None in a batch.
        sent_at: the client's clock when it sent them, as it wrote it.
        context: merged under each message's own.
        doubtful: text or numbers may not be storable.
        large: a message may be over its byte cap.
        deep: a message may be nested too deep.
        consent: something may be said about consent.
    """

    received_at: datetime
    kind: str | None = None
    sent_at: object = None
    context: Mapping[str, Any] = field(default_factory=dict)
    doubtful: bool = True
    large: bool = True
    deep: bool = True
    consent: bool = True


def read_messages(
    items: Iterable[object],
    sender: Sender,
    envelope: Envelope,
    pseudonymiser: Pseudonymiser,
    check: Check | None = None,
) -> parcels.Parcel:
    """Turn the messages of one request into rows.

    Args:
        items: as JSON gave them.
        sender: whose they are.
        envelope: what the request says about all of them.
        pseudonymiser: hides ids.
        check: compares exposures with their assignment; None where nobody can.

    Returns:
        Rows of the good messages and of those set aside, in order, with what was
        dropped on purpose counted.
    """
    received_us = (envelope.received_at - _EPOCH) // _MICROSECOND
    desk = Desk(
        source=sender.source,
        hide=pseudonymiser,
        allow_list=AllowList(sender.attributes),
        received_us=received_us,
        clock_error_us=clock_error(envelope.sent_at, received_us),
        check=check,
    )
    rows: list[EventRow] = []
    aside: list[QuarantineRow] = []
    refused = 0
    for item in items:
        try:
            fields = _checked(item, envelope)
            if envelope.consent and message_refuses(fields, envelope.context):
                refused += 1
            else:
                rows += Message(desk, fields, envelope.kind).rows()
        except Rejected as found:
            form = replay.form_of(desk, item, envelope.kind, found.reason)
            reason = found.reason.value
            aside.append(QuarantineRow(reason, found.detail, mask(item), form))
    return parcels.Parcel(
        source=sender.source,
        environment=sender.environment.value,
        key_id=pseudonymiser.key_id,
        received_us=received_us,
        rows=rows,
        quarantined=aside,
        consent_refused=refused,
        unlisted_values=desk.allow_list.unlisted_values,
        personal_values=desk.allow_list.personal_values,
        comments=desk.comments,
    )


def _checked(item: object, envelope: Envelope) -> Mapping[str, Any]:
    if not isinstance(item, dict):
        raise Rejected(
            QuarantineReason.NOT_AN_OBJECT, "A message must be a JSON object."
        )
    if envelope.deep:
        wire.refuse_too_deep(item)
    if envelope.doubtful:
        wire.refuse_unstorable(item)
    if envelope.large and len(orjson.dumps(item)) > MAX_MESSAGE_BYTES:
        raise Rejected(
            QuarantineReason.TOO_LARGE,
            f"A message must not be larger than {MAX_MESSAGE_BYTES // 1024} KB.",
        )
    return item
