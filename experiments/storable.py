"""What can be stored and hashed: text and JSON that every part of Abide can keep.

SQLite takes a NUL or half a surrogate pair and PostgreSQL does not; JSON numbers
beyond 2^53 differ between languages and have no canonical form (RFC 8785).
"""

import json
import math
from collections.abc import Mapping

MAX_SAFE_NUMBER = 2**53 - 1
MAX_PARAMETER_BYTES = 32 * 1024
MAX_PARAMETER_DEPTH = 10
BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # RFC 8259, 8.1: a parser of JSON may ignore it


def fault_in_text(text: str) -> str | None:
    """Say why `text` cannot be stored, or None when it can."""
    if "\x00" in text:
        return "Remove the NUL character."
    try:
        text.encode()
    except UnicodeEncodeError:
        return "Remove the broken character (half of a surrogate pair)."
    return None


def fault_in_parameters(value: object) -> str | None:
    """Say why variant parameters cannot be stored, or None when they can.

    Args:
        value: JSON as Python reads it.

    Returns:
        One sentence, or None.
    """
    if not isinstance(value, Mapping):
        return "Give parameters as a JSON object, as in {}."
    fault = fault_in_json(value, MAX_PARAMETER_DEPTH)
    if fault is not None:
        return fault
    size = len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
    if size > MAX_PARAMETER_BYTES:
        return f"Use at most 32 KB of parameters, not {size / 1024:.0f} KB."
    return None


def fault_in_json(value: object, deepest: int) -> str | None:
    """Say why a JSON value cannot be kept, or None when it can.

    The walk is a loop, so that a value of any depth is refused and not a crash.

    Args:
        value: JSON as Python reads it.
        deepest: levels of nesting allowed; `{}` is one.

    Returns:
        One sentence, or None.
    """
    waiting: list[tuple[object, int]] = [(value, 0)]
    while waiting:
        item, depth = waiting.pop()
        if isinstance(item, (Mapping, list, tuple)):
            if depth == deepest:
                return f"Nest at most {deepest} levels deep."
            inner = [*item, *item.values()] if isinstance(item, Mapping) else item
            waiting.extend((part, depth + 1) for part in inner)
            if isinstance(item, Mapping) and not all(isinstance(k, str) for k in item):
                return "Names in a JSON object must be text."
            continue
        fault = _fault_in_plain(item)
        if fault is not None:
            return fault
    return None


def _fault_in_plain(item: object) -> str | None:
    if item is None or isinstance(item, bool):
        return None
    if isinstance(item, str):
        return fault_in_text(item)
    if isinstance(item, (int, float)):
        if isinstance(item, float) and not math.isfinite(item):
            return "NaN and Infinity are not JSON numbers."
        if abs(item) > MAX_SAFE_NUMBER:
            return "Write numbers beyond 9007199254740991 as text."
        return None
    return "Use JSON values only."
