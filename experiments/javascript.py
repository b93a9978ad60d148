"""How JavaScript writes numbers and counts characters.

The assignment hash and the condition language come from a JavaScript client, and
every client in another language copies what JavaScript does. So must we.
"""

import re
from collections.abc import Sequence
from typing import TypeGuard

MAX_SAFE_INTEGER = 2**53  # above it JavaScript rounds whole numbers
_FIXED_FROM, _FIXED_TO = -6, 21  # decimal points outside are written with an exponent
_PART = re.compile(r"[-.]")
_DIGITS = re.compile(r"[0-9]+")
_PAD = 5
# What every object, and every list, has in JavaScript without being given it.
_OF_OBJECTS = frozenset({
    "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__",
    "__proto__", "constructor", "hasOwnProperty", "isPrototypeOf",
    "propertyIsEnumerable", "toLocaleString", "toString", "valueOf",
})  # fmt: skip
_OF_LISTS = frozenset({
    "at", "concat", "copyWithin", "entries", "every", "fill", "filter", "find",
    "findIndex", "findLast", "findLastIndex", "flat", "flatMap", "forEach",
    "includes", "indexOf", "join", "keys", "lastIndexOf", "length", "map", "pop",
    "push", "reduce", "reduceRight", "reverse", "shift", "slice", "some", "sort",
    "splice", "toReversed", "toSorted", "toSpliced", "unshift", "values", "with",
})  # fmt: skip
_PLACE = re.compile(r"0|[1-9][0-9]*", re.ASCII)
_CORE_PARTS = 3  # major.minor.patch without a pre-release


def code_units(text: str) -> Sequence[int]:
    """Split a text into UTF-16 code units, as JavaScript's charCodeAt reads it.

    Args:
        text: any text, lone surrogates included.

    Returns:
        One number a code unit; a character above U+FFFF is two of them.
    """
    if text.isascii():
        return text.encode("ascii")
    # An odd machine byte order must not change a customer's variant, so the bytes
    # are put together here rather than read as native 16-bit numbers.
    low_high = text.encode("utf-16-le", "surrogatepass")
    return [
        low | high << 8 for low, high in zip(low_high[::2], low_high[1::2], strict=True)
    ]


def number_text(number: float) -> str:
    """Write a finite number as JavaScript's String(number) does.

    Args:
        number: an int within the range of doubles, or a finite float.

    Returns:
        Such as "5", "1.5", "1e+21" or "1e-7".
    """
    if isinstance(number, int) and abs(number) <= MAX_SAFE_INTEGER:
        return str(number)
    value = float(number)
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    digits, point = _shortest(abs(value))
    return sign + _lay_out(digits, point)


def _shortest(value: float) -> tuple[str, int]:
    """Find the fewest digits that read back as `value`, and where the point is."""
    mantissa, _, exponent = repr(value).partition("e")
    whole, _, fraction = mantissa.partition(".")
    point = len(whole) + int(exponent or "0")
    digits = whole + fraction
    leading = len(digits) - len(digits.lstrip("0"))
    return digits.strip("0"), point - leading


def _lay_out(digits: str, point: int) -> str:
    """Place the point as ECMAScript's Number::toString does (steps 6 to 10)."""
    if len(digits) <= point <= _FIXED_TO:
        return digits.ljust(point, "0")
    if 0 < point <= _FIXED_TO:
        return f"{digits[:point]}.{digits[point:]}"
    if _FIXED_FROM < point <= 0:
        return "0." + "0" * -point + digits
    exponent = point - 1
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{fraction}e{'+' if exponent > 0 else '-'}{abs(exponent)}"


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a JSON value is a number; unlike in Python, true is none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def version_text(version: str) -> str:
    """Rewrite a version so that comparing texts compares versions.

    "1.10.0" must come after "1.9.0", and "1.0.0" after "1.0.0-beta": numeric parts
    are padded with spaces, and a version without a pre-release gets a "~", the last
    character of ASCII. Source: paddedVersionString of the GrowthBook clients.

    Args:
        version: such as "v1.2.3-rc.1+build5".

    Returns:
        The text to compare with `<`, `==` and `>`.
    """
    release = (version or "0").removeprefix("v").partition("+")[0]
    parts = _PART.split(release)
    if len(parts) == _CORE_PARTS:
        parts.append("~")
    return "-".join(
        part.rjust(_PAD) if _DIGITS.fullmatch(part) else part for part in parts
    )


def is_built_in(name: str) -> bool:
    """Whether JavaScript finds something under a name in any object."""
    return name in _OF_OBJECTS


def is_found_in_lists(name: str) -> bool:
    """Whether JavaScript finds something under a name in a list: a place or more."""
    return name in _OF_LISTS or _PLACE.fullmatch(name) is not None
