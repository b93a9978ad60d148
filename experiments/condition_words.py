"""Segment rules in plain words, for pages, reviews and prints."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

_PLAIN = re.compile(r"[\w][\w.+-]*")
_ORDER = {
    "$lt": "is less than",
    "$lte": "is at most",
    "$gt": "is more than",
    "$gte": "is at least",
    "$veq": "is version",
    "$vne": "is not version",
    "$vlt": "is a version before",
    "$vlte": "is at most version",
    "$vgt": "is a version after",
    "$vgte": "is at least version",
}


def in_words(condition: Mapping[str, Any]) -> str:
    """Say a checked rule in words.

    Args:
        condition: a rule that `conditions.check` accepts.

    Returns:
        Such as "plan is Pro or Business and tenure_days is at least 30", without a
        full stop; "everybody" for the empty rule.
    """
    parts = _parts(condition)
    return _join(parts, "and") if parts else "everybody"


def _parts(condition: Mapping[str, Any]) -> list[str]:
    parts: list[str] = []
    for key, value in condition.items():
        if key == "$and":
            parts += [part for inner in value for part in _parts(inner)]
        elif key == "$or":
            parts.append(_bracketed(_alternatives(value), many=len(value) > 1))
        elif key == "$nor":
            parts.append(f"not ({_alternatives(value)})")
        elif key == "$not":
            parts.append(f"not ({in_words(value)})")
        else:
            parts += _attribute(key, value)
    return parts


def _alternatives(conditions: Sequence[Mapping[str, Any]]) -> str:
    words = []
    for condition in conditions:
        parts = _parts(condition)
        joined = _join(parts, "and") if parts else "everybody"
        words.append(_bracketed(joined, many=len(parts) > 1))
    return _join(words, "or")


def _attribute(name: str, value: object) -> list[str]:
    if not isinstance(value, Mapping):
        return [f"{name} is {_value(value)}"]
    # The guard of a comparison is for the clients; people read the comparison.
    only_guard = set(value) <= {"$exists"}
    return [
        _operator(name, operator, operand)
        for operator, operand in value.items()
        if operator != "$exists" or operand is False or only_guard
    ]


def _operator(name: str, operator: str, operand: object) -> str:
    if operator in _ORDER:
        return f"{name} {_ORDER[operator]} {_value(operand)}"
    if operator == "$exists":
        return f"{name} is {'known' if operand else 'not known'}"
    if operator == "$not":
        return f"not ({_join(_attribute(name, operand), 'and')})"
    values = operand if isinstance(operand, list) else [operand]
    negation = "not " if operator in {"$ne", "$nin"} else ""
    return f"{name} is {negation}{_join([_value(v) for v in values], 'or')}"


def _value(value: object) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value):
        return value
    return json.dumps(value, ensure_ascii=False)


def _join(words: Sequence[str], last: str) -> str:
    if last == "and" or len(words) <= 2:  # noqa: PLR2004  # "a, b or c" takes three
        return f" {last} ".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def _bracketed(text: str, *, many: bool) -> str:
    return f"({text})" if many else text
