"""A segment rule, leaf by leaf: what was wanted, what was found, did it hold. Pure.

Each leaf is evaluated by the rule's own code, and only "and", "or" and "not" are put
together here, so that a trace and the assignment cannot disagree.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.condition_check import GROUPS
from experiments.conditions import in_words, is_understood, matches, value_at

_ALL, _ANY, _NONE = "all of these", "any of these", "none of these"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One comparison.

    Attributes:
        attribute: path of the attribute that is read.
        operator: of the condition language, such as "$in".
        wanted: what it is compared with.
        found: the customer's value, None where there is none.
        holds: how it came out.
        words: the comparison as people say it.
    """

    attribute: str
    operator: str
    wanted: Any
    found: Any
    holds: bool
    words: str


@dataclass(frozen=True, slots=True)
class Branch:
    """Several parts together.

    Attributes:
        words: how they belong together.
        holds: how they came out together.
        parts: in the order of the rule.
    """

    words: str
    holds: bool
    parts: "tuple[Trace, ...]"


Trace = Leaf | Branch


def trace(condition: Mapping[str, Any], attributes: Mapping[str, Any]) -> Trace:
    """Evaluate a rule and keep how each part came out.

    Args:
        condition: the rule, as stored.
        attributes: of the customer.

    Returns:
        The parts; `holds` of the whole is what `conditions.matches` gives.
    """
    if not is_understood(condition):
        return Branch("a rule that is not understood, so that nobody fits", False, ())  # noqa: FBT003  # positional like the others
    return _condition(condition, attributes)


def to_json(part: Trace) -> dict[str, Any]:
    """Write a trace as plain JSON values."""
    if isinstance(part, Branch):
        return {
            "words": part.words,
            "holds": part.holds,
            "parts": [to_json(inner) for inner in part.parts],
        }
    return {
        "words": part.words,
        "holds": part.holds,
        "attribute": part.attribute,
        "operator": part.operator,
        "wanted": part.wanted,
        "found": part.found,
    }


def _condition(condition: Mapping[str, Any], attributes: Mapping[str, Any]) -> Trace:
    parts: list[Trace] = []
    for key, value in condition.items():
        if key in GROUPS:
            parts.append(_group(key, value, attributes))
        elif key == "$not":
            parts.append(_negated(_condition(value, attributes)))
        elif isinstance(value, Mapping):
            parts += [_test(key, name, value[name], attributes) for name in value]
        else:
            parts.append(_leaf(key, "$eq", value, {key: value}, attributes))
    return parts[0] if len(parts) == 1 else _all(parts)


def _all(parts: Sequence[Trace]) -> Branch:
    words = _ALL if parts else "everybody"
    return Branch(words, all(part.holds for part in parts), tuple(parts))


def _negated(part: Trace) -> Branch:
    return Branch("not", not part.holds, (part,))


def _group(
    key: str, conditions: Sequence[Mapping[str, Any]], attributes: Mapping[str, Any]
) -> Branch:
    parts = tuple(_condition(inner, attributes) for inner in conditions)
    if key == "$and":
        return Branch(_ALL, all(part.holds for part in parts), parts)
    some = not parts or any(part.holds for part in parts)
    if key == "$or":
        return Branch(_ANY, some, parts)
    return Branch(_NONE, not some, parts)


def _test(
    path: str, operator: str, operand: object, attributes: Mapping[str, Any]
) -> Trace:
    if operator == "$not" and isinstance(operand, Mapping):
        inner = [_test(path, name, operand[name], attributes) for name in operand]
        return _negated(inner[0] if len(inner) == 1 else _all(inner))
    return _leaf(path, operator, operand, {path: {operator: operand}}, attributes)


def _leaf(
    path: str,
    operator: str,
    wanted: object,
    alone: Mapping[str, Any],
    attributes: Mapping[str, Any],
) -> Leaf:
    return Leaf(
        attribute=path,
        operator=operator,
        wanted=wanted,
        found=value_at(attributes, path),
        holds=matches(alone, attributes),
        words=in_words(alone),
    )
