"""Comments that customers write, cleared of what names people before they are kept."""

import re
from collections.abc import Callable, Iterable, Iterator

MAX_COMMENT = 2000  # characters
REMOVED = "[removed]"
# People, and what they copy from, also write it as "%40", "(at)" or full-width.
_AT = r"(?:[@\uff20]|%40|[ ]?[(\[]at[)\]][ ]?)"
_EMAIL = re.compile(rf"[^\s@<>()]+{_AT}[^\s@<>()]+\.[^\s@<>()]+", re.IGNORECASE)
# Phone and card numbers: 9 digits or more, however they are set apart.
_DIGITS = re.compile(r"\+?\d(?:[\s().\-/]{0,2}\d){8,}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_SHORTEST_ID = 4  # a shorter one is taken out as a whole word only
_MOST_WORDS = 3  # of an id that has spaces in it
_WORD = re.compile(r"\S+")
_AROUND = ".,;:!?()[]{}<>\"'"


def plain_text(text: str) -> str:
    """Give a comment the line ends and letters in which it is counted and kept.

    Args:
        text: as it came: browsers send two characters for each line end that they
            count, and show, as one.

    Returns:
        The text with plain line ends, without control characters.
    """
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def clean_comment(
    text: str,
    ids: Iterable[str | None] = (),
    is_own: Callable[[str], bool] | None = None,
) -> str:
    """Clear a comment of e-mail addresses, long numbers and the customer's own ids.

    Args:
        text: as somebody typed it.
        ids: of the customer, where they are known.
        is_own: tells whether a text is the customer's id, where only its pseudonym is
            known.

    Returns:
        What may be kept; "" when nothing is left. It is cut last, so that no half of
        an address stays.
    """
    kept = plain_text(text).strip()
    for one in ids:
        if one:
            whole = re.escape(one)
            if len(one) < _SHORTEST_ID:
                whole = rf"(?<!\w){whole}(?!\w)"
            kept = re.sub(whole, REMOVED, kept, flags=re.IGNORECASE)
    if is_own is not None:
        kept = _without_own(kept, is_own)
    return _DIGITS.sub(REMOVED, _EMAIL.sub(REMOVED, kept))[:MAX_COMMENT]


def _without_own(text: str, is_own: Callable[[str], bool]) -> str:
    """Take out the words that are the customer's id, a few together for one of many."""
    told = {part for part in _parts(text) if is_own(part)}
    for part in sorted(told, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(part)}(?!\w)", REMOVED, text)
    return text


def _parts(text: str) -> Iterator[str]:
    spans = [word.span() for word in _WORD.finditer(text)]
    for first in range(len(spans)):
        for last in range(first, min(first + _MOST_WORDS, len(spans))):
            part = text[spans[first][0] : spans[last][1]]
            yield part
            yield part.strip(_AROUND)
        # As in "id:customer-17" and "customer-17's".
        yield from re.split(r"[^\w.@+-]+", text[slice(*spans[first])])
