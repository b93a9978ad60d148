"""Lists in pages: items, and an opaque cursor to what follows them."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from api.schemas.fields import MAX_WHOLE
from api.schemas.paging import MAX_CURSOR
from experiments.errors import InvalidInput
from experiments.field_faults import KEY_PATTERN

Row = TypeVar("Row")
Place = TypeVar("Place", int, str)


def cursor_after(kind: str, place: str | int) -> str:
    """Write where a list of `kind` goes on."""
    text = json.dumps([kind, place], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def place_of(kind: str, cursor: str | None, of: type[Place]) -> Place | None:
    """Read where a list goes on.

    Args:
        kind: which list the cursor must come from.
        cursor: as a client sent it; None at the first page.
        of: int or str, what the list is sorted by.

    Returns:
        The place after which the page begins, or None for the first page.

    Raises:
        InvalidInput: Abide did not give this cursor, or for another list.
    """
    if cursor is None:
        return None
    try:
        padded = cursor[:MAX_CURSOR] + "=" * (-len(cursor) % 4)
        given, place = json.loads(base64.b64decode(padded, altchars=b"-_"))
    except (ValueError, TypeError, binascii.Error, RecursionError):
        given, place = None, None
    # The round trip also refuses a cursor that only looks alike.
    if (
        given != kind
        or type(place) is not of
        or not _is_place(place)
        or cursor_after(kind, place) != cursor
    ):
        raise InvalidInput(
            "This cursor cannot be used.",
            {"cursor": "Send the next_cursor of the page before, as it was given."},
        )
    return place


def _is_place(place: str | int) -> bool:
    if isinstance(place, str):
        return KEY_PATTERN.fullmatch(place) is not None
    return 0 < place <= MAX_WHOLE


def page(
    kind: str,
    rows: Sequence[Row],
    limit: int,
    place: Callable[[Row], str | int],
    show: Callable[[Row], Any] = lambda row: row,
) -> dict[str, Any]:
    """Make one page from rows.

    Args:
        kind: which list this is.
        rows: up to `limit` + 1 of them: the one more says that there is more.
        limit: items of the page at most.
        place: what the list is sorted by, of one row.
        show: one row as the answer's schema takes it.

    Returns:
        {"items": [...], "next_cursor": str or None}.
    """
    shown = rows[:limit]
    more = len(rows) > limit
    return {
        "items": [show(row) for row in shown],
        "next_cursor": cursor_after(kind, place(shown[-1])) if more else None,
    }
