"""Segment rules: does this customer match?

The language is GrowthBook's, in the part that all of its clients evaluate alike, so
that an app that evaluates locally gets the same answer as one that asks a door.
`check` says what a rule may contain; `matches` understands a little more and never
raises. Pure.

Types are strict, as in GrowthBook's Python client: "5" is not 5, and 1 is not true. A
comparison with a value of another type, or with none, is false. So a negation ($ne,
$nin, $not, $nor) holds for customers whose attribute is unknown; say `"$exists": true`
beside it where it should not. The JavaScript client differs only in that it converts
an attribute of another type than the rule's.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias, TypeVar

from experiments.condition_check import GROUPS, MAX_DEPTH, check
from experiments.condition_words import in_words
from experiments.javascript import is_number, version_text

__all__ = [
    "Test",
    "attributes_of",
    "check",
    "compile_rule",
    "in_words",
    "is_understood",
    "matches",
    "value_at",
]

Attributes: TypeAlias = Mapping[str, Any]
Test: TypeAlias = Callable[[Attributes], bool]
T = TypeVar("T")
_ValueTest: TypeAlias = Callable[[object], bool]

ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "$lt": lambda actual, limit: actual < limit,
    "$lte": lambda actual, limit: actual <= limit,
    "$gt": lambda actual, limit: actual > limit,
    "$gte": lambda actual, limit: actual >= limit,
}
VERSIONS: Mapping[str, Callable[[str, str], bool]] = {
    "$veq": lambda actual, limit: actual == limit,
    "$vne": lambda actual, limit: actual != limit,
    **{f"$v{name[1:]}": compare for name, compare in ORDER.items()},
}


def matches(condition: Mapping[str, Any], attributes: Attributes) -> bool:
    """Say whether a customer is in the segment.

    Args:
        condition: the rule, as stored.
        attributes: the customer's attributes, any JSON values.

    Returns:
        True when the rule holds; False also for a rule that is not understood.
    """
    return compile_rule(condition)(attributes)


def compile_rule(condition: Mapping[str, Any]) -> Test:
    """Turn a rule into a function, once, so that each customer costs little.

    A part that is not understood fails the whole rule, and not that part alone:
    a $not around it would let everybody in.

    Args:
        condition: the rule, as stored.

    Returns:
        A pure function of the customer's attributes that never raises.
    """
    try:
        return _condition(condition, 1)
    except _NotUnderstoodError:
        return _nobody


def is_understood(condition: Mapping[str, Any]) -> bool:
    """Say whether every part of a rule is within the language."""
    return compile_rule(condition) is not _nobody


def value_at(attributes: Attributes, path: str) -> object:
    """Find what a rule reads by a path such as "address.country"; None for nothing."""
    return _at(attributes, tuple(path.split(".")))


def attributes_of(condition: Mapping[str, Any]) -> frozenset[str]:
    """Name the attributes a rule reads; of "address.country" it is "address"."""
    return frozenset(path.split(".", 1)[0] for path in _paths(condition))


class _NotUnderstoodError(Exception):
    """The rule has a part outside the language."""


def _nobody(_attributes: Attributes) -> bool:
    return False


def _paths(condition: Mapping[str, Any]) -> Iterator[str]:
    for key, value in condition.items():
        if key in GROUPS:
            for inner in value:
                yield from _paths(inner)
        elif key == "$not":
            yield from _paths(value)
        else:
            yield key


# Compiling


def _condition(condition: object, depth: int) -> Test:
    if not isinstance(condition, Mapping) or depth > MAX_DEPTH:
        raise _NotUnderstoodError
    return _every([_entry(key, value, depth) for key, value in condition.items()])


def _entry(key: str, value: object, depth: int) -> Test:
    if key in GROUPS:
        return _group(key, value, depth)
    if key == "$not":
        inner = _condition(value, depth + 1)
        return lambda attributes: not inner(attributes)
    if key.startswith("$"):
        raise _NotUnderstoodError
    test = _value_test(value, depth)
    first, *rest = key.split(".")
    if not rest:
        return lambda attributes: test(attributes.get(first))
    return lambda attributes: test(_at(attributes, (first, *rest)))


def _group(key: str, value: object, depth: int) -> Test:
    if not isinstance(value, list):
        raise _NotUnderstoodError
    inner = [_condition(condition, depth + 1) for condition in value]
    if key == "$and":
        return _every(inner)
    # An empty "or" holds, as in the clients; `check` does not let one be stored.
    if key == "$or":
        return lambda attributes: not inner or any(test(attributes) for test in inner)
    return lambda attributes: bool(inner) and not any(t(attributes) for t in inner)


def _every(tests: list[Callable[[T], bool]]) -> Callable[[T], bool]:
    if len(tests) == 1:
        return tests[0]

    def test(subject: T) -> bool:
        for each in tests:  # noqa: SIM110  # all() takes three times as long
            if not each(subject):
                return False
        return True

    return test


def _at(attributes: Attributes, path: tuple[str, ...]) -> object:
    value: object = attributes
    for part in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def _value_test(value: object, depth: int) -> _ValueTest:
    if not isinstance(value, Mapping):
        return _equals(value)
    if not value or depth > MAX_DEPTH:
        raise _NotUnderstoodError
    return _every([_operator(name, operand, depth) for name, operand in value.items()])


def _operator(name: str, operand: object, depth: int) -> _ValueTest:
    if name in {"$eq", "$ne"}:
        equal = _equals(operand)
        return equal if name == "$eq" else lambda actual: not equal(actual)
    if name in {"$in", "$nin"}:
        return _membership(operand, wanted=name == "$in")
    if name == "$exists":
        known = bool(operand)
        return lambda actual: (actual is not None) is known
    if name == "$not":
        inner = _value_test(operand, depth + 1)
        return lambda actual: not inner(actual)
    if name in ORDER:
        return _ordered(name, operand)
    if name in VERSIONS:
        return _version(name, operand)
    raise _NotUnderstoodError


def _equals(wanted: object) -> _ValueTest:
    if wanted is None:
        return lambda actual: actual is None
    if isinstance(wanted, (str, bool)):
        kind = type(wanted)
        return lambda actual: isinstance(actual, kind) and actual == wanted
    if is_number(wanted):
        return lambda actual: is_number(actual) and bool(actual == wanted)
    raise _NotUnderstoodError


def _membership(operand: object, *, wanted: bool) -> _ValueTest:
    # "in" what is no list holds for nobody, and so does "not in".
    if not isinstance(operand, list):
        return lambda _actual: False
    if not all(is_number(v) or isinstance(v, (str, bool)) for v in operand):
        raise _NotUnderstoodError
    # True and 1 are one key of a Python set, but two values in JSON.
    flags = frozenset(v for v in operand if isinstance(v, bool))
    others = frozenset(v for v in operand if not isinstance(v, bool))

    def is_in(actual: object) -> bool:
        if isinstance(actual, bool):
            return actual in flags
        return isinstance(actual, (str, int, float)) and actual in others

    def test(actual: object) -> bool:
        if isinstance(actual, list):
            return any(is_in(item) for item in actual) is wanted
        return is_in(actual) is wanted

    return test


def _ordered(name: str, limit: object) -> _ValueTest:
    compare = ORDER[name]
    if not is_number(limit):
        raise _NotUnderstoodError
    return lambda actual: is_number(actual) and compare(actual, limit)


def _version(name: str, limit: object) -> _ValueTest:
    compare = VERSIONS[name]
    if not isinstance(limit, str):
        raise _NotUnderstoodError
    wanted = version_text(limit)
    otherwise = name == "$vne"  # another type is another version

    def test(actual: object) -> bool:
        if not isinstance(actual, str):
            return otherwise
        return compare(version_text(actual), wanted)

    return test
