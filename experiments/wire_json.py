"""Bodies of the event doors, read so that one bad message never costs its batch.

The last of duplicate keys wins. What the fast reader refuses (half a surrogate pair,
NaN, bytes that are not UTF-8, a number of 5,000 digits) is read again message by
message, so that only the message at fault is set aside.
"""

import itertools
import json
import re
from dataclasses import dataclass
from typing import Any

import orjson

from experiments.errors import InvalidInput
from experiments.messages import MAX_DEPTH
from experiments.storable import BYTE_ORDER_MARK

UNREADABLE = "unreadable"  # stands where a message was that is not JSON

# A string that never ends runs to the end of the body: one pass, whatever comes.
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.?[^"\\]*+)*+(?:"|\Z)|[\[\]{},]', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Body:
    """A request's body, read.

    Attributes:
        document: the object; in its "batch", a message that is not JSON is the text
            "unreadable".
        doubtful: its text and numbers must still be looked through.
        deep: its nesting must still be measured.
    """

    document: dict[str, Any]
    doubtful: bool
    deep: bool


def read_body(raw: bytes) -> Body:
    """Read a request's body as one JSON object.

    Args:
        raw: as it came, whatever its content type said.

    Returns:
        The body, with the checks that are not already made needless.

    Raises:
        InvalidInput: it is no JSON object.
    """
    raw = raw.removeprefix(BYTE_ORDER_MARK)
    try:
        document = orjson.loads(raw)
        doubtful = b"\\u0000" in raw
    except orjson.JSONDecodeError:
        document = _read_by_message(raw.decode("utf-8", "surrogateescape"))
        doubtful = True
    if not isinstance(document, dict):
        raise InvalidInput("The body must be a JSON object.")
    # Fewer brackets than levels allowed: nothing in it can nest too deep.
    deep = raw.count(b"{") + raw.count(b"[") > MAX_DEPTH
    return Body(document, doubtful, deep)


def _read_by_message(text: str) -> object:
    found = _batch_spans(text)
    if found is None:
        return _loads(text)
    start, end, spans = found
    document = _loads(f"{text[:start]}[]{text[end:]}")
    if isinstance(document, dict):
        document["batch"] = [_message(text[first:last]) for first, last in spans]
    return document


def _message(text: str) -> object:
    try:
        return _loads(text)
    except InvalidInput:
        return UNREADABLE


def _loads(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidInput("The body is not valid JSON.") from None


def _batch_spans(text: str) -> tuple[int, int, list[tuple[int, int]]] | None:
    """Find the array of messages without understanding what is in it.

    Args:
        text: the whole body.

    Returns:
        Where the last array named "batch" begins and ends, and each of its items;
        None when there is none that ends.
    """
    found = None
    depth, key, start = 0, "", None
    commas: list[int] = []
    for token in _TOKEN.finditer(text):
        mark = token.group()
        if mark[0] == '"':
            key = mark if depth == 1 else key
        elif mark == ",":
            key = "" if depth == 1 else key
            if depth == 2 and start is not None:  # noqa: PLR2004  # { [
                commas.append(token.start())
        elif mark in "[{":
            if depth == 1:
                start = token.start() if mark + key == '["batch"' else None
                commas = []
            depth += 1
        else:
            depth -= 1
            if depth == 1 and start is not None:
                found = (start, token.end(), _between(text, start, commas, token))
                start = None
    return found


def _between(
    text: str, start: int, commas: list[int], end: re.Match[str]
) -> list[tuple[int, int]]:
    edges = [start, *commas, end.start()]
    spans = [(a + 1, b) for a, b in itertools.pairwise(edges)]
    if len(spans) == 1 and not text[slice(*spans[0])].strip():
        return []
    return spans
