"""Small steps from what people type to values."""

import re
import unicodedata
from enum import StrEnum
from typing import TypeVar

from experiments.field_faults import RESERVED_KEYS
from experiments.javascript import is_built_in

E = TypeVar("E", bound=StrEnum)


def pick(kind: type[E], value: str | None) -> E:
    """Read a choice; one that is not in the list has its fault at the field already."""
    try:
        return kind(value or "")
    except ValueError:
        return next(iter(kind))


def key_from(name: str, fallback: str) -> str:
    """Make a key from a name, as in "Guided set-up" -> "guided-set-up"."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
    key = words[:64].strip("-") or fallback
    return f"{fallback}-{key}" if key in RESERVED_KEYS or is_built_in(key) else key
