import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.storable import (
    MAX_SAFE_NUMBER,
    fault_in_json,
    fault_in_parameters,
    fault_in_text,
)


@pytest.mark.parametrize(
    "text", ["", "plain", "Zoë", "\U0001f642", "\u202eright to left"]
)
def test_fault_in_text__any_unicode_text__has_none(text: str) -> None:
    assert fault_in_text(text) is None


@pytest.mark.parametrize(
    ("text", "word"),
    [("a\x00b", "NUL"), ("\ud83d", "surrogate"), ("ok \udc00 not", "surrogate")],
)
def test_fault_in_text__what_postgres_refuses__says_which(text: str, word: str) -> None:
    fault = fault_in_text(text)
    assert fault is not None
    assert word in fault


@given(st.text())
def test_fault_in_text__no_fault__can_be_encoded(text: str) -> None:
    if fault_in_text(text) is None:
        assert text.encode().decode() == text
        assert "\x00" not in text


def nested(depth: int) -> dict[str, object]:
    inner: dict[str, object] = {}
    for _ in range(depth - 1):
        inner = {"a": inner}
    return inner


def test_fault_in_json__depth_at_the_limit__has_none() -> None:
    assert fault_in_json(nested(10), 10) is None


@pytest.mark.parametrize("depth", [11, 100_000])
def test_fault_in_json__deeper__is_refused_without_recursion(depth: int) -> None:
    assert fault_in_json(nested(depth), 10) == "Nest at most 10 levels deep."


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        MAX_SAFE_NUMBER + 1,
        -MAX_SAFE_NUMBER - 1,
        10**400,
        1e300,
        "\x00",
        ["\ud800"],
        {"\x00": 1},
        {1: "number as name"},
        {"a": object()},
        b"bytes",
    ],
)
def test_fault_in_json__what_cannot_be_kept__is_refused(value: object) -> None:
    assert fault_in_json(value, 10) is not None


@pytest.mark.parametrize(
    "value", [None, True, 0, -1.5, MAX_SAFE_NUMBER, "x", [], {"a": [1, {"b": None}]}]
)
def test_fault_in_json__plain_json__has_none(value: object) -> None:
    assert fault_in_json(value, 10) is None


@pytest.mark.parametrize("value", [[], "text", 3, None])
def test_fault_in_parameters__no_object__is_refused(value: object) -> None:
    assert fault_in_parameters(value) == "Give parameters as a JSON object, as in {}."


def test_fault_in_parameters__at_32_kb__counts_utf8_bytes() -> None:
    # {"a":"..."} has 8 bytes around the text; an e with diaeresis has two.
    exactly = {"a": "ë" * ((32 * 1024 - 8) // 2)}
    assert len(json.dumps(exactly, ensure_ascii=False).encode()) - 1 == 32 * 1024
    assert fault_in_parameters(exactly) is None
    assert fault_in_parameters({"a": exactly["a"] + "x"}) is not None
