"""JSON bodies read strictly: what is ambiguous is refused, never guessed.

Python's own decoder keeps the last of two equal keys, takes NaN, turns 1e999 into
infinity and dies on deep nesting; each of these would store something the sender
did not say, or end in an error of ours.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, islice
from typing import Any, NoReturn

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from experiments.errors import AbideError, InvalidInput, TooLarge
from experiments.storable import BYTE_ORDER_MARK, MAX_SAFE_NUMBER, fault_in_text

MAX_BYTES = 1_000_000
MAX_DEPTH = 64
MAX_DIGITS = 400
MAX_FAULTS = 20  # named in one refusal
MAX_SHOWN = 200  # characters of a name from the body
# A string that never ends runs to the end of the body; possessive, so that no text
# makes the search go back.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.?)*+"?', re.DOTALL)
_BRACKETS = b"[]{}"
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in _BRACKETS)
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_SURROGATE = re.compile("[\ud800-\udfff]")


class MalformedJson(InvalidInput):
    """The body is not JSON as RFC 8259 and RFC 7493 have it."""


class UnsupportedMediaType(AbideError):  # noqa: N818  # the code says it is an error
    """The body is of a kind that this door does not read."""

    code = "unsupported_media_type"


def read_object(request: Request) -> dict[str, Any]:
    """Read a request's body as one JSON object; no body is an empty object.

    Refused are more than `MAX_BYTES` (also when no length is given), anything but
    plain UTF-8 JSON, and what `decode_object` refuses.

    Args:
        request: not read yet; at most `MAX_BYTES` and one more of it will be.

    Returns:
        The object.
    """
    raw = _read_bytes(request)
    if not raw.strip():
        return {}
    _check_media_type(request)
    return decode_object(raw)


def decode_object(raw: bytes) -> dict[str, Any]:
    """Decode the bytes of one JSON object.

    Args:
        raw: UTF-8; a byte order mark at its head is passed over.

    Returns:
        The object.

    Raises:
        MalformedJson: not JSON, or JSON that could be read in two ways.
        InvalidInput: JSON, but not an object of storable strings.
    """
    raw = raw.removeprefix(BYTE_ORDER_MARK)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedJson(
            f"The body is not UTF-8 text: byte {error.start} does not fit."
        ) from error
    _check_depth(raw)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique_pairs,
            parse_int=_whole_number,
            parse_float=_number,
            parse_constant=_no_constant,
        )
    except json.JSONDecodeError as error:
        raise MalformedJson(
            f"The body is not valid JSON: {error.msg}"
            f" (line {error.lineno}, column {error.colno})."
        ) from error
    if not isinstance(value, dict):
        raise InvalidInput("Send one JSON object, in braces.")
    # Written as they are, neither NUL nor half a pair would have come this far.
    if b"\\u" in raw:
        _check_strings(value)
    return value


def _read_bytes(request: Request) -> bytes:
    # One more than allowed: the stream refuses at its limit, even when the body
    # ends right there.
    request.max_content_length = MAX_BYTES + 1
    too_large = TooLarge(f"Send at most {MAX_BYTES:,} bytes.")
    try:
        raw = request.get_data()
    except RequestEntityTooLarge as error:
        raise too_large from error
    if len(raw) > MAX_BYTES:
        raise too_large
    return raw


def _check_media_type(request: Request) -> None:
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("Send the body as it is, not compressed.")
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("Send JSON, with Content-Type: application/json.")
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if charset not in {"utf-8", "utf8", "us-ascii"}:
        raise UnsupportedMediaType("Send the JSON in UTF-8.")


def _check_depth(raw: bytes) -> None:
    brackets = _STRING.sub(b"", raw).translate(None, _NO_BRACKETS)
    depths = accumulate(map(_STEP.__getitem__, brackets))
    if max(depths, default=0) > MAX_DEPTH:
        raise MalformedJson(f"Nest at most {MAX_DEPTH} lists and objects.")


def _unique_pairs(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = _shown(_first_repeated(name for name, _ in pairs))
        raise MalformedJson(
            f'The body gives "{twice}" twice in one object.',
            {twice: "Give this only once."},
        )
    return found


def _first_repeated(names: Iterable[str]) -> str:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return ""


def _whole_number(text: str) -> int:
    # The length first: turning a million digits into a number takes seconds.
    if len(text) > len(str(MAX_SAFE_NUMBER)) + 1 or abs(int(text)) > MAX_SAFE_NUMBER:
        raise MalformedJson(
            f"A whole number in the body is beyond {MAX_SAFE_NUMBER:,}."
            " Send larger ones as text."
        )
    return int(text)


def _number(text: str) -> float:
    value = math.inf if len(text) > MAX_DIGITS else float(text)
    if not math.isfinite(value):
        raise MalformedJson("A number in the body is too large or has too many digits.")
    return value


def _no_constant(text: str) -> NoReturn:
    raise MalformedJson(f"{text} is not a JSON number.")


def _check_strings(value: dict[str, Any]) -> None:
    faults = dict(islice(_string_faults(value, ""), MAX_FAULTS))
    if faults:
        fields = {_shown(path): fault for path, fault in faults.items()}
        raise InvalidInput("The body holds text that cannot be stored.", fields)


def _string_faults(value: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        fault = fault_in_text(value)
        if fault is not None:
            yield path, fault
    elif isinstance(value, dict):
        for name, item in value.items():
            inner = f"{path}.{name}" if path else name
            yield from _string_faults(name, inner or '""')
            yield from _string_faults(item, inner or '""')
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _string_faults(item, f"{path}.{index}")


def _shown(text: str) -> str:
    """Make a name from the body short and safe, to answer with it."""
    return _SURROGATE.sub("\ufffd", text[:MAX_SHOWN].replace("\x00", "\ufffd"))
