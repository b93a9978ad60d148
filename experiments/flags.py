"""Flags: an experiment's parameters as the one typed value that an app asks for. Pure.

One flag key an experiment: the experiment's own. Its value is that of its only
parameter, an object of all of them, or, when it has none, the variant's name.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from experiments.javascript import is_number
from experiments.vocabulary import ParameterType

Types = Mapping[str, ParameterType]
Parameters = Mapping[str, Any]

_WORDS: Mapping[ParameterType, str] = {
    ParameterType.STRING: "a text",
    ParameterType.BOOLEAN: "true or false",
    ParameterType.INTEGER: "a whole number",
    ParameterType.FLOAT: "a number",
    ParameterType.JSON: "any JSON value",
}
_NUMBERS = {ParameterType.INTEGER, ParameterType.FLOAT}


def infer(parameters: Iterable[Parameters]) -> dict[str, ParameterType]:
    """Read the types from the values that variants and their rules give.

    Args:
        parameters: of all variants and of all personalised rules.

    Returns:
        The type of each parameter; whole and other numbers together are floats, and
        any other mixture, null, a list or an object is JSON.
    """
    found: dict[str, ParameterType] = {}
    for given in parameters:
        for name, value in given.items():
            kind = type_of(value)
            found[name] = _together(found.get(name, kind), kind)
    return found


def mixes_types(parameters: Iterable[Parameters]) -> bool:
    """Whether some parameter has values of types that do not go together."""
    seen: dict[str, ParameterType] = {}
    for given in parameters:
        for name, value in given.items():
            kind = type_of(value)
            if not go_together(seen.setdefault(name, kind), kind):
                return True
    return False


def type_of(value: object) -> ParameterType:
    """Tell the type that a value has by itself; of null, lists and objects JSON."""
    if isinstance(value, bool):
        return ParameterType.BOOLEAN
    if isinstance(value, int):
        return ParameterType.INTEGER
    if isinstance(value, float):
        return ParameterType.FLOAT
    return ParameterType.STRING if isinstance(value, str) else ParameterType.JSON


def _together(one: ParameterType, other: ParameterType) -> ParameterType:
    if one == other:
        return one
    return ParameterType.FLOAT if go_together(one, other) else ParameterType.JSON


def go_together(one: ParameterType, other: ParameterType) -> bool:
    """Whether values of two types can be those of one parameter: all numbers can."""
    return one == other or {one, other} == _NUMBERS


def words_for(kind: ParameterType) -> str:
    """Say what values that are of a type by themselves look like."""
    if kind is ParameterType.JSON:
        return "a list, an object or null"
    return _WORDS[kind]


def fault_in_value(kind: ParameterType, value: object) -> str | None:
    """Say why a value is not of its parameter's type, or None when it is.

    Args:
        kind: the declared type.
        value: JSON as Python reads it. JSON has one kind of number: 1.0 is whole.

    Returns:
        One sentence, or None.
    """
    fits = {
        ParameterType.STRING: isinstance(value, str),
        ParameterType.BOOLEAN: isinstance(value, bool),
        ParameterType.INTEGER: is_number(value) and value == value // 1,
        ParameterType.FLOAT: is_number(value),
        ParameterType.JSON: True,
    }
    return None if fits[kind] else f"Give {_WORDS[kind]}: its type is {kind.value}."


def typed(types: Types, parameters: Parameters, control: Parameters) -> dict[str, Any]:
    """Give every parameter a value of its type.

    Args:
        types: of all parameters of the experiment.
        parameters: of a variant or of a personalised rule.
        control: of control, which what is left out takes.

    Returns:
        The parameters, in the order of `types`. Floats are Python floats, so that
        they are written 1.0: clients that ask for a float refuse a 1.
    """
    merged = {**control, **parameters}
    return {
        name: _as(kind, merged[name]) for name, kind in types.items() if name in merged
    }


def _as(kind: ParameterType, value: Any) -> Any:  # noqa: ANN401  # JSON is any type
    if kind is ParameterType.FLOAT and is_number(value):
        return float(value)
    if kind is ParameterType.INTEGER and isinstance(value, float):
        return int(value)
    return value


def flag_value(types: Types, parameters: Parameters, variant: str) -> Any:  # noqa: ANN401
    """Give the value of an experiment's flag.

    Args:
        types: of the experiment's parameters (`RunningDesign.types`).
        parameters: of the assignment.
        variant: its name.

    Returns:
        Without parameters the variant's name; of one parameter its value; of
        several an object of all.
    """
    if not types:
        return variant
    if len(types) == 1:
        (name,) = types
        return parameters.get(name)
    return parameters


def flag_type(types: Types) -> ParameterType:
    """Tell the type of what `flag_value` gives."""
    if not types:
        return ParameterType.STRING
    if len(types) == 1:
        (kind,) = types.values()
        return kind
    return ParameterType.JSON
