"""Layers: experiments that exclude each other share 10,000 buckets. Pure.

A customer's bucket in a layer comes from the layer's own seed, so that it says nothing
about the variant. Each experiment of the layer owns ranges of these buckets.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from experiments.buckets import BUCKET_COUNT

Range = tuple[int, int]  # from (inside) to (outside)


@dataclass(frozen=True, slots=True)
class Taken:
    """A range that somebody has.

    Attributes:
        first: its first bucket.
        end: the bucket after its last.
        by: in words, as in 'experiment "nudge"'.
        until: when it becomes free by itself; None when that is not known.
    """

    first: int
    end: int
    by: str
    until: datetime | None = None


def bucket_count(share: float) -> int:
    """Tell how many of 10,000 buckets a share is, at least one."""
    return max(1, round(share * BUCKET_COUNT))


def share_of(ranges: Iterable[Range]) -> float:
    """Tell which share of all customers some ranges are."""
    return sum(end - first for first, end in ranges) / BUCKET_COUNT


def free_ranges(taken: Iterable[Range]) -> list[Range]:
    """List what nobody has.

    Args:
        taken: ranges in any order; they may touch and overlap.

    Returns:
        The gaps, in order, none empty.
    """
    found: list[Range] = []
    begin = 0
    for first, end in sorted(taken):
        if first > begin:
            found.append((begin, first))
        begin = max(begin, end)
    if begin < BUCKET_COUNT:
        found.append((begin, BUCKET_COUNT))
    return found


def allocate(free: Sequence[Range], wanted: int) -> list[Range] | None:
    """Choose buckets from what is free.

    The smallest gap that holds all of it is taken, so that large ones stay large; when
    none does, the largest gaps are taken one after the other.

    Args:
        free: as `free_ranges` gives.
        wanted: number of buckets.

    Returns:
        Ranges in order that have so many buckets, or None when there are not enough.
    """
    whole = [(end - first, first) for first, end in free if end - first >= wanted]
    if whole:
        _, first = min(whole)
        return [(first, first + wanted)]
    chosen: list[Range] = []
    for first, end in sorted(free, key=lambda gap: (gap[0] - gap[1], gap[0])):
        part = min(end - first, wanted)
        chosen.append((first, first + part))
        wanted -= part
        if wanted == 0:
            return sorted(chosen)
    return None


def refusal(layer: str, wanted: float, taken: Sequence[Taken]) -> str:
    """Say why a share cannot be had, and what would fit when.

    Args:
        layer: its name.
        wanted: share asked for, 0 to 1.
        taken: what others have.

    Returns:
        Sentences, as 'The layer "Checkout" has 30 % free, and 40 % is asked for. Up to
        30 % would fit now. 50 % more becomes free on 2026-04-01 (experiment "nudge").'
    """
    free = share_of(free_ranges((t.first, t.end) for t in taken))
    words = f'The layer "{layer}" has {_percent(free)} free, and {_percent(wanted)}'
    sentences = [f"{words} is asked for."]
    if free > 0:
        sentences.append(f"Up to {_percent(free)} would fit now.")
    for by, (share, until) in _by_holder(taken).items():
        size = _percent(share)
        if until is None:
            sentences.append(f"{by} has {size}, with no end known.")
        else:
            sentences.append(f"{by} has {size}, until {until:%Y-%m-%d %H:%M} UTC.")
    return " ".join(sentences)


def _by_holder(taken: Sequence[Taken]) -> dict[str, tuple[float, datetime | None]]:
    found: dict[str, tuple[float, datetime | None]] = {}
    for part in sorted(taken, key=lambda t: (t.until is None, t.until, t.by)):
        share, _ = found.get(part.by, (0.0, None))
        size = (part.end - part.first) / BUCKET_COUNT
        found[part.by] = (share + size, part.until)
    return found


def _percent(share: float) -> str:
    return f"{share * 100:.4g} %"
