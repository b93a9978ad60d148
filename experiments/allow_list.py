"""Which values of a customer's attributes may be stored; the rest is counted."""

from collections.abc import Mapping
from typing import Any

import orjson

from experiments.messages import number
from experiments.privacy import looks_personal
from experiments.storable import MAX_SAFE_NUMBER

MAX_VALUE_LENGTH = 200


class AllowList:
    """Keeps plain values of listed names, and counts what it drops."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        # Dropped, for nobody asked for that attribute.
        self.unlisted_values = 0
        # Refused: personal, or neither text nor number nor yes or no.
        self.personal_values = 0

    def keep(
        self, values: Mapping[str, Any], ids: tuple[str | None, ...]
    ) -> str | None:
        """Pick what may be stored.

        Args:
            values: traits or properties, as JSON gave them.
            ids: the message's raw ids, which must not come back as a value.

        Returns:
            JSON of an object with sorted names; None when nothing is left.
        """
        kept = {}
        for name, value in values.items():
            if name not in self._names:
                self.unlisted_values += 1
            elif not _is_plain(value) or _is_personal(value, ids):
                self.personal_values += 1
            else:
                kept[name] = value
        if not kept:
            return None
        return orjson.dumps(kept, option=orjson.OPT_SORT_KEYS).decode()


def _is_plain(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= MAX_VALUE_LENGTH
    if value is None or isinstance(value, bool):
        return True
    read = number(value)
    return read is not None and abs(read) <= MAX_SAFE_NUMBER


def _is_personal(value: object, ids: tuple[str | None, ...]) -> bool:
    if isinstance(value, str):
        return value in ids or looks_personal(value)
    return str(value) in ids
