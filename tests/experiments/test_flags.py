from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import flags
from experiments.vocabulary import ParameterType
from tests.experiments.strategies import json_values

STRING, BOOLEAN = ParameterType.STRING, ParameterType.BOOLEAN
INTEGER, FLOAT, JSON = (
    ParameterType.INTEGER,
    ParameterType.FLOAT,
    ParameterType.JSON,
)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (("a", ""), STRING),
        ((True, False), BOOLEAN),
        ((1, 2), INTEGER),
        ((1.0, 2.5), FLOAT),
        ((1, 2.5), FLOAT),
        ((2.5, 1), FLOAT),
        ((True, 1), JSON),  # true is no number in JSON
        (("1", 1), JSON),
        ((None, None), JSON),
        (([1], [2]), JSON),
        (({"a": 1},), JSON),
        ((1, "a", 2.5), JSON),
    ],
)
def test_infer__values_of_variants__type_that_holds_them_all(
    values: tuple[object, ...], kind: ParameterType
) -> None:
    assert flags.infer([{"x": value} for value in values]) == {"x": kind}
    assert flags.infer([]) == {}


@given(json_values, st.sampled_from(ParameterType))
def test_fault_in_value__any_value__none_for_its_own_type(
    value: object, kind: ParameterType
) -> None:
    (own,) = flags.infer([{"x": value}]).values()

    assert flags.fault_in_value(own, value) is None
    assert flags.fault_in_value(JSON, value) is None
    fault = flags.fault_in_value(kind, value)
    assert fault is None or fault.endswith(f"its type is {kind.value}.")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (STRING, 1), (STRING, None), (BOOLEAN, 0), (BOOLEAN, "true"), (INTEGER, 1.5),
        (INTEGER, True), (INTEGER, "1"), (FLOAT, "1.0"), (FLOAT, False),
    ],
)  # fmt: skip
def test_fault_in_value__other_type__a_sentence(
    kind: ParameterType, value: object
) -> None:
    assert flags.fault_in_value(kind, value) is not None


def test_typed__left_out__takes_control_and_numbers_take_their_type() -> None:
    types = {"price": FLOAT, "steps": INTEGER, "title": STRING, "more": JSON}
    control = {"price": 1, "steps": 5.0, "title": "Plan", "more": {"a": 1}}

    given_ = flags.typed(types, {"price": 2, "title": "Save"}, control)

    assert given_ == {"price": 2, "steps": 5, "title": "Save", "more": {"a": 1}}
    # wire.md trap 4: written 2.0 and 5, as clients that ask for a type demand.
    assert (type(given_["price"]), type(given_["steps"])) == (float, int)


@pytest.mark.parametrize(
    ("types", "parameters", "value", "kind"),
    [
        ({}, {}, "nudge", STRING),
        ({"on": BOOLEAN}, {"on": False}, False, BOOLEAN),
        ({"price": FLOAT}, {"price": 1.0}, 1.0, FLOAT),
        ({"a": INTEGER, "b": STRING}, {"a": 1, "b": ""}, {"a": 1, "b": ""}, JSON),
    ],
)
def test_flag_value__none_one_or_several_parameters__name_value_or_object(
    types: dict[str, ParameterType],
    parameters: dict[str, Any],
    value: object,
    kind: ParameterType,
) -> None:
    assert flags.flag_value(types, parameters, "nudge") == value
    assert flags.flag_type(types) == kind
