"""Comments that customers write, cleared of what names people before they are kept."""

import re
from collections.abc import Iterable

MAX_COMMENT = 2000  # characters
REMOVED = "[removed]"
_EMAIL = re.compile(r"[^\s@<>()]+@[^\s@<>()]+\.[^\s@<>()]+")
# Phone and card numbers: 9 digits or more, however they are set apart.
_DIGITS = re.compile(r"\+?\d(?:[\s().\-/]{0,2}\d){8,}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_SHORTEST_ID = 4


def plain_text(text: str) -> str:
    """Give a comment the line ends and letters in which it is counted and kept.

    Args:
        text: as it came: browsers send two characters for each line end that they
            count, and show, as one.

    Returns:
        The text with plain line ends, without control characters.
    """
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def clean_comment(text: str, ids: Iterable[str | None] = ()) -> str:
    """Clear a comment of e-mail addresses, long numbers and the customer's own ids.

    Args:
        text: as somebody typed it.
        ids: of the customer, where they are known.

    Returns:
        What may be kept; "" when nothing is left.
    """
    kept = plain_text(text).strip()[:MAX_COMMENT]
    for one in ids:
        if one is not None and len(one) >= _SHORTEST_ID:
            kept = kept.replace(one, REMOVED)
    return _DIGITS.sub(REMOVED, _EMAIL.sub(REMOVED, kept))
