"""The parts of a wire message, each checked: ids, times, names, numbers.

A part that does not hold raises `Rejected`, and the message is set aside with that
reason: one bad message never fails the batch it came with.
"""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from experiments.vocabulary import QuarantineReason

MAX_MESSAGE_ID = 100
MAX_ID = 512
MAX_NAME = 200
MAX_LABEL = 100
MAX_DEPTH = 64
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_US = 86_400_000_000
_SECOND_US = 1_000_000
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SHORTEST_TELLING_ID = 8
_SHORTEST_MIXED_ID = 5  # of letters and digits, as a word of its own


class Rejected(Exception):  # noqa: N818  # a finding, not a failure
    """Why a message is set aside; the detail never quotes the message."""

    def __init__(self, reason: QuarantineReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def identifier(value: object, field: str) -> str | None:
    """Read an id: text of 1 to 512 characters, or a whole number.

    Args:
        value: what the client gave.
        field: its name, such as "userId".

    Returns:
        The id as text; None when it is absent, null or empty.

    Raises:
        Rejected: it is of another type, or too long.
    """
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or len(value) > MAX_ID:
        raise Rejected(
            QuarantineReason.INVALID_ID,
            f"{field} must be text of 1 to {MAX_ID} characters.",
        )
    return value


def message_id(message: Mapping[str, Any]) -> str | None:
    """Read the message id.

    Args:
        message: the wire message.

    Returns:
        Text of at most 100 characters; None when the client gave none.

    Raises:
        Rejected: it is something else.
    """
    value = message.get("messageId")
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > MAX_MESSAGE_ID:
        raise Rejected(
            QuarantineReason.INVALID_MESSAGE_ID,
            f"messageId must be text of at most {MAX_MESSAGE_ID} characters.",
        )
    return value


def microseconds(value: object, field: str) -> int | None:
    """Read an ISO 8601 time; without an offset it is UTC.

    Args:
        value: what the client gave.
        field: its name, for the words.

    Returns:
        Microseconds since 1970; None when it is absent.

    Raises:
        Rejected: it is no such time, or before 1970.
    """
    if value is None or value == "":
        return None
    result = _microseconds(value) if isinstance(value, str) else None
    if result is None or result < 0:
        raise Rejected(
            QuarantineReason.INVALID_TIME,
            f"{field} must be an ISO 8601 time from 1970 on,"
            " as in 2026-03-14T09:30:00Z.",
        )
    return result


def _microseconds(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    since = moment - _EPOCH
    return since.days * _DAY_US + since.seconds * _SECOND_US + since.microseconds


def name_of(value: object, field: str) -> str:
    """Read an event's name.

    Args:
        value: what the client gave.
        field: its name, for the words.

    Returns:
        The name, of 1 to 200 characters.

    Raises:
        Rejected: it is absent, too long, or holds control characters.
    """
    if not isinstance(value, str) or not _is_name(value):
        raise Rejected(
            QuarantineReason.INVALID_EVENT_NAME,
            f"{field} must be a name of 1 to {MAX_NAME} characters.",
        )
    return value


@lru_cache(10_000)
def _is_name(text: str) -> bool:
    return len(text.strip()) > 0 and len(text) <= MAX_NAME and not _CONTROL.search(text)


def label(value: object) -> str | None:
    """Read a short name or number, as in `variation_id: 1`; None when it is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    fits = isinstance(value, str) and 0 < len(value.strip()) <= MAX_LABEL
    return str(value) if fits and not _CONTROL.search(str(value)) else None


def number(value: object) -> float | None:
    """Read a finite number; None when it is anything else, a truth value too."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        result = float(value)
    except OverflowError:
        return None
    return result if math.isfinite(result) else None


def members(message: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    """Read an object such as `properties`.

    Args:
        message: the wire message.
        field: the object's name.

    Returns:
        The object; absent or null is empty.

    Raises:
        Rejected: it is something else.
    """
    value = message.get(field)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Rejected(
            QuarantineReason.INVALID_PROPERTIES, f"{field} must be a JSON object."
        )
    return value


def refuse_id_inside(text: str, identifiers: tuple[str | None, ...]) -> None:
    """Refuse a name that carries the customer's own id, which would be stored raw.

    Args:
        text: a name that is kept as it is.
        identifiers: the message's ids; short ones, as "1", prove nothing.

    Raises:
        Rejected: an id stands in it.
    """
    for one in identifiers:
        if one is not None and _tells(one, text):
            raise Rejected(
                QuarantineReason.INVALID_TEXT,
                "A name holds the customer's id, which is never stored;"
                " put it into userId only.",
            )


def _tells(one: str, text: str) -> bool:
    """Whether an id stands in a name, and not by chance, as "1" or "plan" may."""
    if one.lower() not in text.lower():
        return False
    if len(one) >= _SHORTEST_TELLING_ID:
        return True
    mixed = any(map(str.isdigit, one)) and any(map(str.isalpha, one))
    if len(one) < _SHORTEST_MIXED_ID or not mixed:
        return False
    whole = rf"(?<!\w){re.escape(one)}(?!\w)"
    return re.search(whole, text, re.IGNORECASE) is not None


def refuse_too_deep(message: object) -> None:
    """Refuse deep nesting, level by level and so without recursion.

    Args:
        message: an object or a list.

    Raises:
        Rejected: it has more than 64 levels.
    """
    level: list[Any] = [message]
    for _ in range(MAX_DEPTH):
        level = [
            item
            for holder in level
            for item in (holder.values() if type(holder) is dict else holder)
            if type(item) is dict or type(item) is list
        ]
        if not level:
            return
    raise Rejected(QuarantineReason.TOO_DEEP, f"Nest at most {MAX_DEPTH} levels deep.")


def refuse_unstorable(message: object) -> None:
    """Refuse NUL, half surrogate pairs, and numbers that are not JSON, at any depth.

    Args:
        message: of any shape; `Rejected` says what is wrong with it.
    """
    waiting: list[Any] = [message]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting.extend(item)
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, str):
            _refuse_text(item)
        elif item is not None and not isinstance(item, bool):
            _refuse_number(item)


def _refuse_text(text: str) -> None:
    if "\x00" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise Rejected(
            QuarantineReason.INVALID_TEXT,
            "Text must not hold NUL or half of a surrogate pair.",
        )


def _refuse_number(value: object) -> None:
    # 64 bits is what the canonical form can hold.
    if number(value) is None or abs(number(value) or 0) >= 2.0**63:
        raise Rejected(
            QuarantineReason.INVALID_PROPERTIES,
            "Numbers must be finite and fit into 64 bits.",
        )
