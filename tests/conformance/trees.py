# ruff: noqa: ANN401, S311  # JSON is any of its types; nothing here is secret
"""Segment rules and customers made up at random, the same ones at every run."""

import random
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from experiments import conditions
from experiments.errors import InvalidInput

TEXTS = ("", "x", "y", "X", "1", "true", "null", "\U0001f600", "e\u0301", "\u00e9")
VERSIONS = (
    "1.0.0", "1.0.0-beta", "1.0.0-beta.2", "v1.0.0", "1.10.0", "1.9.0", "2", "1.0+b",
)  # fmt: skip
NUMBERS = (-1, 0, 1, 1.0, 1.5, 2, 30, 1e300)
SCALARS: tuple[Any, ...] = (*TEXTS, *VERSIONS, *NUMBERS, True, False)
NAMES = ("a", "b", "c", "a.x", "b.y.z")
ORDER = ("$lt", "$lte", "$gt", "$gte")
VERSION_ORDER = ("$veq", "$vne", "$vlt", "$vlte", "$vgt", "$vgte")


class Tree(NamedTuple):
    """One rule and one customer to ask it about."""

    condition: dict[str, Any]
    attributes: dict[str, Any]


def trees(count: int, seed: int) -> Iterator[Tree]:
    """Make rules up that can be stored, and customers with any attributes."""
    chance = random.Random(seed)
    made = 0
    while made < count:
        condition = _condition(chance, chance.randrange(4))
        try:
            conditions.check(condition)
        except InvalidInput:  # too deep or too long
            continue
        made += 1
        yield Tree(condition, _attributes(chance))


def _condition(chance: random.Random, levels: int) -> dict[str, Any]:
    if levels == 0 or chance.random() < 0.3:
        names = chance.sample(NAMES, chance.randrange(4))
        return {name: _value(chance) for name in names}
    kind = chance.choice(("$and", "$or", "$nor", "$not"))
    if kind == "$not":
        return {kind: _condition(chance, levels - 1)}
    inner = [_condition(chance, levels - 1) for _ in range(chance.randrange(1, 4))]
    beside = _condition(chance, 0) if chance.random() < 0.3 else {}
    return {**beside, kind: inner}


def _value(chance: random.Random) -> Any:  # noqa: PLR0911  # one for each kind
    kind = chance.randrange(8)
    if kind == 0:
        return chance.choice((*TEXTS, *VERSIONS, True, False))
    if kind == 1:
        return {chance.choice(("$eq", "$ne")): chance.choice(SCALARS)}
    if kind == 2:
        wanted = chance.sample(SCALARS, chance.randrange(1, 5))
        return {chance.choice(("$in", "$nin")): wanted}
    if kind == 3:
        return {"$exists": chance.random() < 0.5}
    if kind in {4, 5}:
        return _compared(chance, ORDER, NUMBERS)
    if kind == 6:
        return _compared(chance, VERSION_ORDER, VERSIONS)
    inner = _value(chance)
    return {"$not": inner} if isinstance(inner, dict) else inner


def _compared(
    chance: random.Random, names: Sequence[str], limits: Sequence[Any]
) -> dict[str, Any]:
    chosen = chance.sample(names, chance.randrange(1, 3))
    return {"$exists": True, **{name: chance.choice(limits) for name in chosen}}


def _attributes(chance: random.Random) -> dict[str, Any]:
    names = chance.sample(("a", "b", "c"), chance.randrange(4))
    return {name: _attribute(chance, 2) for name in names}


def _attribute(chance: random.Random, levels: int) -> Any:
    kind = chance.randrange(10) if levels else 0
    if kind == 9:
        return None
    if kind == 8:
        return [_attribute(chance, 0) for _ in range(chance.randrange(4))]
    if kind in {6, 7}:
        names = chance.sample(("x", "y", "z"), chance.randrange(3))
        return {name: _attribute(chance, levels - 1) for name in names}
    return chance.choice(SCALARS)
