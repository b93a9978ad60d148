"""Messages that were set aside and may be read again, kept without any id.

Ids become pseudonyms before the message is kept, and of what it says only the fields
that an exposure or a survey answer consists of stay, when they do not look personal.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from typing_extensions import override

from experiments import messages as wire
from experiments.event_rows import Desk, Message
from experiments.event_times import times_of
from experiments.messages import Rejected
from experiments.parcels import EventRow
from experiments.privacy import Pseudonymiser, looks_personal
from experiments.vocabulary import QuarantineReason

# The others say what no later reading can mend.
REPLAYABLE = frozenset(
    {
        QuarantineReason.IN_THE_FUTURE,
        QuarantineReason.INVALID_EXPOSURE,
        QuarantineReason.INVALID_SCORE,
    }
)
_NAMES = frozenset(
    {
        *("experimentId", "experiment_id", "experiment"),
        *("variation_key", "variationId", "variation_id", "variant"),
        *("survey", "surveyId", "survey_id", "score", "scale", "value"),
    }
)
_HEX_ID = 32  # characters of 16 bytes
_MOST_DIGITS = 6  # more could be a phone number, or somebody's id
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Form = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Mending:
    """What puts right the messages that are read again.

    Attributes:
        values: as the app sent it -> as it should have, of experiment, variant, score.
        at_arrival: they happened when they came, whatever their clock said.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    at_arrival: bool = False


def form_of(
    desk: Desk, item: object, kind: str | None, reason: QuarantineReason
) -> Form | None:
    """Keep of a message what can be read again.

    Args:
        desk: of its request.
        item: the message.
        kind: its type, where the request's path names it.
        reason: why it is set aside.

    Returns:
        A wire message whose ids are pseudonyms; None when nothing can be read again.
    """
    if reason not in REPLAYABLE or not isinstance(item, dict):
        return None
    try:
        return _form(desk, item, kind)
    except (Rejected, OverflowError):  # a time after the year 9999 cannot be written
        return None


def _form(desk: Desk, item: Mapping[str, Any], kind: str | None) -> Form | None:
    hide = desk.hide
    user_id = wire.identifier(item.get("userId"), "userId")
    anonymous_id = wire.identifier(item.get("anonymousId"), "anonymousId")
    raw = (user_id, anonymous_id)
    event = item.get("event")
    if (kind or item.get("type")) != "track" or not isinstance(event, str):
        return None
    wire.refuse_id_inside(wire.name_of(event, "event"), raw)
    form: Form = {"type": "track", "event": event}
    if user_id is not None:
        form["userId"] = hide.customer(user_id).hex()
    if anonymous_id is not None:
        form["anonymousId"] = hide.anonymous(anonymous_id).hex()
    _, occurred_us = times_of(item, desk.received_us, desk.clock_error_us)
    form["timestamp"] = _text(occurred_us)
    form["properties"] = {
        name: value
        for name, value in wire.members(item, "properties").items()
        if name in _NAMES and _is_harmless(value, raw)
    }
    given = wire.message_id(item)
    identity = b"\x1freplay\x1f" + orjson.dumps([form, desk.received_us])
    message_id = identity if given is None else given.encode()
    form["messageId"] = hide.message(desk.source, message_id).hex()
    return None if looks_personal(event) else form


def _is_harmless(value: object, raw: tuple[str | None, ...]) -> bool:
    text = wire.label(value)
    if wire.number(value) is None and not isinstance(value, str):
        return False
    shown = str(value) if text is None else text
    if len(shown) > wire.MAX_LABEL or "@" in shown or looks_personal(shown):
        return False
    if sum(letter.isdigit() for letter in shown) > _MOST_DIGITS:
        return False
    return not any(one and one in shown for one in raw)


def _text(microseconds: int) -> str:
    return (_EPOCH + timedelta(microseconds=microseconds)).isoformat()


class _Hidden(Pseudonymiser):
    """Takes ids that are pseudonyms already for what they are."""

    def __init__(self, hide: Pseudonymiser) -> None:
        self._hide = hide
        self.key_id = hide.key_id
        self.customer = bytes.fromhex
        self.anonymous = bytes.fromhex
        self.account = bytes.fromhex

    @override
    def message(self, source: str, message_id: bytes) -> bytes:
        if len(message_id) == _HEX_ID:
            return bytes.fromhex(message_id.decode())
        return self._hide.message(source, message_id)

    @override
    def payload(self, content: bytes) -> int:
        return self._hide.payload(content)


def read_again(
    form: Form, desk: Desk, arrived_at: datetime, mending: Mending
) -> list[EventRow]:
    """Read a kept message by today's rules, or raise `Rejected` with why not.

    Args:
        form: from `form_of`.
        desk: of now.
        arrived_at: when the message came first.
        mending: what puts it right.

    Returns:
        Its rows.
    """
    given = dict(form)
    if mending.at_arrival:
        given["timestamp"] = arrived_at.isoformat()
    said = form.get("properties", {})
    given["properties"] = {name: _mended(v, mending) for name, v in said.items()}
    hidden = replace(desk, hide=_Hidden(desk.hide), clock_error_us=0)
    return Message(hidden, given, None).rows()


def _mended(value: object, mending: Mending) -> object:
    better = mending.values.get(str(value))
    if better is None:
        return value
    try:
        return float(better)
    except ValueError:
        return better
