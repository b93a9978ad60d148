# JSON is any of its types
"""The official cases of GrowthBook's SDKs, put to our evaluator.

517 cases of specification 0.8.0. Five sections are about what Abide evaluates itself;
the others (feature, run, stickyBucket, ...) are about the SDKs, and the released
clients prove those in tests/clients.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from experiments.buckets import (
    BUCKET_COUNT,
    NOBODY,
    bucket,
    bucket_ranges,
    bucket_table,
    text_hash,
)
from experiments.conditions import matches

FILE = "sdk_conformance_cases.json"
CLOSE = 1e-6  # the cases give so many digits
# What the language of segment rules has; a case may use more than a rule may hold.
LANGUAGE = {
    "$eq", "$ne", "$in", "$nin", "$exists", "$not", "$and", "$or", "$nor",
    "$lt", "$lte", "$gt", "$gte", "$veq", "$vne", "$vlt", "$vlte", "$vgt", "$vgte",
}  # fmt: skip
_DISAGREE = "clients disagree, and no rule can be stored that asks "
# Cases that use these operators, and ask what no stored rule can ask. Ours matches
# nobody there, which is where a rule that is not understood leads.
LEFT_OUT = {
    "missing attribute with comparison operators": _DISAGREE
    + "for the order of an attribute without $exists",
    "comparing numbers and strings": _DISAGREE + "for the order of a number and a text",
    "comparing numbers and strings - v2": _DISAGREE
    + "for the order of a number and a text",
    "$gt/$lt strings - pass": "the language of rules has no order of texts",
    "equals array - pass": "the language of rules has no lists as values",
    "equals object - pass": "the language of rules has no objects as values",
}


class Outcome(NamedTuple):
    """How one case came out; `left_out` says why it was not put."""

    section: str
    name: str
    passed: bool
    left_out: str | None = None


def run(folder: Path) -> list[Outcome]:
    """Put all cases of the five sections.

    Args:
        folder: holds the file of cases.

    Returns:
        One outcome for each case.
    """
    cases = json.loads((folder / FILE).read_text())
    return [
        outcome
        for section, judge in SECTIONS.items()
        for outcome in judge(section, cases[section])
    ]


def _hash(section: str, cases: Sequence[Any]) -> Iterator[Outcome]:
    for seed, value, version, expected in cases:
        name = f"{seed!r}, {value!r}, version {version}"
        yield Outcome(section, name, _hashed(seed, value, version) == expected)


def _hashed(seed: str, value: str, version: int) -> float | None:
    if version == 2:
        return bucket(seed, value) / BUCKET_COUNT
    # Version 1 is one round of the same hash, which no experiment of ours uses.
    return text_hash(value + seed) % 1000 / 1000 if version == 1 else None


def _ranges(section: str, cases: Sequence[Any]) -> Iterator[Outcome]:
    for name, (count, coverage, weights), expected in cases:
        fits = weights is not None and len(weights) == count
        found = bucket_ranges(coverage, weights if fits else [0.0] * count)
        yield Outcome(section, name, _close(found, expected))


def _choice(section: str, cases: Sequence[Any]) -> Iterator[Outcome]:
    for name, share, ranges, expected in cases:
        place = bucket_table(ranges)[round(share * BUCKET_COUNT)]
        yield Outcome(section, name, (-1 if place == NOBODY else place) == expected)


def _equal(section: str, cases: Sequence[Any]) -> Iterator[Outcome]:
    for count, expected in cases:
        spans = bucket_ranges(1, [0.0] * count) if count > 0 else ()
        found = [(end - start,) for start, end in spans]
        right = _close(found, [[weight] for weight in expected])
        yield Outcome(section, f"{count} variations", right)


def _close(found: Sequence[Sequence[float]], expected: Sequence[Any]) -> bool:
    return len(found) == len(expected) and all(
        math.isclose(one, other, abs_tol=CLOSE)
        for given, wanted in zip(found, expected, strict=True)
        for one, other in zip(given, wanted, strict=True)
    )


def _conditions(section: str, cases: Sequence[Any]) -> Iterator[Outcome]:
    for name, condition, attributes, expected, *_ in cases:
        why = _beyond(name, condition)
        passed = why is None and matches(condition, attributes) is expected
        yield Outcome(section, name, passed, why)


def _beyond(name: str, condition: Mapping[str, Any]) -> str | None:
    """Say why a case is not put, or None when it is in the language."""
    unknown = sorted(set(_operators(condition)) - LANGUAGE)
    if unknown:
        return f"not in the language of rules: {', '.join(unknown)}"
    return LEFT_OUT.get(name)


def _operators(condition: object) -> Iterator[str]:
    for name, inner in _parts(condition):
        if name.startswith("$"):
            yield name
        yield from _operators(inner)


def _parts(condition: object) -> Iterator[tuple[str, Any]]:
    if isinstance(condition, dict):
        yield from condition.items()
    elif isinstance(condition, list):
        for inner in condition:
            yield from _parts(inner)


SECTIONS: Mapping[str, Callable[[str, Sequence[Any]], Iterator[Outcome]]] = {
    "hash": _hash,
    "getBucketRange": _ranges,
    "chooseVariation": _choice,
    "getEqualWeights": _equal,
    "evalCondition": _conditions,
}
