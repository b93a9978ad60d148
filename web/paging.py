"""Lists in pages of 50 rows, with links to the next and the previous one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from flask import request, url_for

from experiments.lookups import Place, known_key

SIZE = 50
_LAST_ID = 2**31 - 1  # what the column holds


class _Keyed(Protocol):
    key: str


class _Numbered(Protocol):
    id: int


Row = TypeVar("Row")
Keyed = TypeVar("Keyed", bound=_Keyed)
Numbered = TypeVar("Numbered", bound=_Numbered)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page of a list, and the addresses of those beside it; None at an end."""

    rows: Sequence[Row]
    previous: str | None
    following: str | None


def by_key(read: Callable[[Place[str], int], Sequence[Keyed]]) -> Page[Keyed]:
    """Read the page of a list by key that the address asks for.

    Args:
        read: gives at most so many rows next to a place.

    Returns:
        The page.

    Raises:
        NotFound: the address names a place that cannot be in any list.
    """
    after, before = (
        known_key(asked, "page") if (asked := request.args.get(name)) else None
        for name in ("after", "before")
    )
    place = Place(after=after, before=before)
    return _page(read(place, SIZE + 1), place, lambda row: row.key)


def by_age(
    read: Callable[[Place[int], int], Sequence[Numbered]],
) -> Page[Numbered]:
    """Read the page of a list, newest first, that the address asks for."""
    after, before = (_number(name) for name in ("after", "before"))
    place = Place(after=after, before=before, falling=True)
    return _page(read(place, SIZE + 1), place, lambda row: row.id)


def by_number(rows: Sequence[Row]) -> Page[Row]:
    """Take the page that the address asks for of a list that was read whole.

    Its order follows from all rows, so that no row says where a page begins.
    """
    pages = max(1, -(-len(rows) // SIZE))
    asked = min(_number("page") or 1, pages)
    shown = rows[(asked - 1) * SIZE : asked * SIZE]
    return Page(
        shown,
        _address(page=asked - 1) if asked > 1 else None,
        _address(page=asked + 1) if asked < pages else None,
    )


def _number(name: str) -> int | None:
    asked = request.args.get(name, type=int)
    return asked if asked is not None and 0 < asked <= _LAST_ID else None


def _page(
    found: Sequence[Row],
    place: Place[int] | Place[str],
    place_of: Callable[[Row], int | str],
) -> Page[Row]:
    backwards, more = place.before is not None, len(found) > SIZE
    rows = found[-SIZE:] if backwards else found[:SIZE]
    earlier = more if backwards else place.after is not None
    later = backwards or more
    return Page(
        rows,
        _address(before=place_of(rows[0])) if rows and earlier else None,
        _address(after=place_of(rows[-1])) if rows and later else None,
    )


def _address(**place: int | str) -> str:
    """Keep the filters of the list, and go elsewhere in it."""
    kept = {
        name: value
        for name, value in request.args.items()
        if name not in {"after", "before", "page"}
    }
    whose = request.view_args or {}
    return url_for(str(request.endpoint), **{**kept, **whose}, **place)  # type: ignore[arg-type]  # values of an address
