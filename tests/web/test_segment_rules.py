"""Rows of a segment become the rule that experiments checks."""

from typing import Any

import pytest
from werkzeug.datastructures import MultiDict

from experiments.conditions import check, matches
from web.forms.segments import TESTS, RulesForm, rule_in_words


def form(*rows: tuple[str, str, str], join: str = "all", json: str = "") -> RulesForm:
    sent: dict[str, str] = {"join": join, "json": json}
    for index, (attribute, test, value) in enumerate(rows):
        sent[f"rules-{index}-attribute"] = attribute
        sent[f"rules-{index}-test"] = test
        sent[f"rules-{index}-value"] = value
    return RulesForm(MultiDict(sent))


@pytest.mark.parametrize(
    ("test", "value", "inside", "outside"),
    [
        ("is", "pro", "pro", "basic"),
        ("is_not", "pro", "basic", "pro"),
        ("one_of", "pro, business ,", "business", "basic"),
        ("at_least", "30", 30, 29.5),
        ("at_most", "30", 30, 31),
        ("more", "1.5", 2, 1.5),
        ("less", "1.5", 1, 1.5),
        ("equals", "5", 5, "5"),
        ("true", "", True, False),
        ("false", "", False, True),
        ("known", "", "anything", None),
    ],
)
def test_row__of_each_test__means_what_it_says(
    test: str, value: str, inside: object, outside: object
) -> None:
    condition = form(("x", test, value)).condition()
    check(condition)
    assert matches(condition, {"x": inside})
    assert not matches(condition, {} if outside is None else {"x": outside})
    # Nobody is let in for want of an attribute.
    assert not matches(condition, {})


def test_row__not_known__is_for_those_without_the_attribute() -> None:
    condition = form(("x", "unknown", "")).condition()
    check(condition)
    assert matches(condition, {})
    assert not matches(condition, {"x": 1})


def test_every_test__has_a_meaning() -> None:
    for name, _ in TESTS:
        check(form(("x", name, "1")).condition())


@pytest.mark.parametrize(
    ("join", "condition"),
    [
        ("all", {"plan": "pro", "beta": True}),
        ("any", {"$or": [{"plan": "pro"}, {"beta": True}]}),
    ],
)
def test_rows__joined__make_one_rule(join: str, condition: dict[str, Any]) -> None:
    rows = (("plan", "is", "pro"), ("", "is", "ignored"), ("beta", "true", ""))
    assert form(*rows, join=join).condition() == condition


def test_rows__about_one_attribute_twice__are_both_kept() -> None:
    condition = form(("age", "at_least", "30"), ("age", "less", "60")).condition()
    check(condition)
    assert matches(condition, {"age": 30})
    assert not matches(condition, {"age": 60})


def test_rows__none_at_all__are_everybody() -> None:
    assert form().condition() == {}
    assert rule_in_words({}) == "Everybody."


def test_json__filled_in__counts_instead_of_the_rows() -> None:
    written = form(("plan", "is", "pro"), json='{"plan": "basic"}')
    assert written.condition() == {"plan": "basic"}
    assert written.names() == {"condition": "json"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "Enter a JSON object"),
        ("[1]", "Enter a JSON object"),
        ('{"a": 1, "a": 2}', "A name stands twice"),
        ('{"a": NaN}', "NaN is not a JSON number."),
        ("[" * 100_000, "use at most 40000 characters"),
        ("[" * 30_000, "Enter a JSON object"),
    ],
)
def test_json__that_is_no_object__is_refused_in_words(text: str, words: str) -> None:
    written = form(json=text)
    assert not written.validate()
    assert any(words in problem.message for problem in written.problems())
    assert written.condition() == {} or text.startswith('{"a"')
