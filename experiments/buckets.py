"""From a customer's id to a bucket, and from a split to ranges of buckets. Pure.

The hash is version 2 of GrowthBook's, so that an app that evaluates locally with one
of its clients and an app that asks a door get the same variant:
bucket = fnv1a32(text of fnv1a32(salt + unit)) mod 10,000, over UTF-16 code units.
"""

import math
from collections.abc import Iterable, Sequence

from fnv_hash_fast import fnv1a_32

from experiments.javascript import code_units, is_number, number_text

BUCKET_COUNT = 10_000
_FNV_OFFSET, _FNV_PRIME, _BITS_32 = 0x811C9DC5, 0x01000193, 0xFFFFFFFF
NOBODY = 255  # in a bucket table; no experiment has so many variants


def unit_text(unit: object) -> str | None:
    """Write a customer's id as the hash reads it.

    Args:
        unit: from outside; a text, or a finite number written as JavaScript does.

    Returns:
        The id, or None for what is no id: "", 0, None, true, lists, objects. The
        text "0" is one.
    """
    if isinstance(unit, str):
        return unit or None
    if not is_number(unit) or unit == 0:
        return None
    try:
        return number_text(unit) if math.isfinite(unit) else None
    except OverflowError:  # an int beyond every double: infinite in JavaScript
        return None


def is_missing(unit: object) -> bool:
    """Whether there is no id at all: None, "" or 0; true, lists and objects are wrong.

    Args:
        unit: from outside, of any type.

    Returns:
        True when an experiment may be drawn by the fallback attribute instead.
    """
    return unit is None or unit == "" or (is_number(unit) and unit == 0)


def bucket(salt: str, unit: str) -> int:
    """Find the bucket of a customer, from 0 to 9,999.

    Args:
        salt: the experiment's, frozen at its start.
        unit: the customer's id, as `unit_text` writes it.

    Returns:
        The bucket; divided by 10,000 it is what GrowthBook calls n.
    """
    text = salt + unit
    # Most ids are ASCII; a call of `text_hash` would cost as much as the hash.
    first = fnv1a_32(text.encode()) if text.isascii() else text_hash(text)
    return fnv1a_32(b"%d" % first) % BUCKET_COUNT


def text_hash(text: str) -> int:
    """Hash a text once, to 32 bits.

    Args:
        text: any text, lone surrogates included.

    Returns:
        FNV-1a over its UTF-16 code units.
    """
    # The compiled hash takes bytes: in ASCII alone each code unit is one.
    if text.isascii():
        return fnv1a_32(text.encode())
    return _fnv1a32(code_units(text))


def _fnv1a32(units: Iterable[int]) -> int:
    state = _FNV_OFFSET
    for unit in units:
        state = ((state ^ unit) * _FNV_PRIME) & _BITS_32
    return state


# Split


def bucket_ranges(
    coverage: float, weights: Sequence[float]
) -> tuple[tuple[float, float], ...]:
    """Give each variant its range of buckets.

    Each range starts where the full weights put it, whatever the coverage: so a
    higher coverage adds customers and moves none.

    Args:
        coverage: share of the segment enrolled; outside 0 to 1 is brought inside.
        weights: share of each variant; equal ones are taken when they do not add
            to 1 (0.99 to 1.01), as the clients do.

    Returns:
        From (inside) and to (outside) of each variant, as shares of all buckets.
    """
    coverage = min(max(coverage, 0), 1)
    total = 0.0
    for weight in weights:  # in order, as clients add: math.fsum would differ
        total += weight
    if not 0.99 <= total <= 1.01:  # noqa: PLR2004
        weights = [1 / len(weights)] * len(weights)
    ranges: list[tuple[float, float]] = []
    start = 0.0
    for weight in weights:
        ranges.append((start, start + coverage * weight))
        start += weight
    return tuple(ranges)


def bucket_table(ranges: Sequence[tuple[float, float]]) -> bytes:
    """List the variant of every bucket, so that choosing is one look-up.

    Args:
        ranges: of each variant, as `bucket_ranges` gives; the first match wins.

    Returns:
        10,000 bytes: positions of variants, 255 where nobody is enrolled.
    """
    table = bytearray([NOBODY]) * BUCKET_COUNT
    for position, (start, end) in reversed(list(enumerate(ranges))):
        first, last = _first_bucket_from(start), _first_bucket_from(end)
        table[first:last] = bytes([position]) * max(last - first, 0)
    return bytes(table)


def _first_bucket_from(edge: float) -> int:
    """Find the smallest bucket b with b / 10,000 >= edge, by the clients' division."""
    guess = min(max(math.ceil(edge * BUCKET_COUNT), 0), BUCKET_COUNT)
    while guess > 0 and (guess - 1) / BUCKET_COUNT >= edge:
        guess -= 1
    while guess < BUCKET_COUNT and guess / BUCKET_COUNT < edge:
        guess += 1
    return guess
