import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments import conditions
from experiments.errors import InvalidInput

# The two official cases on which GrowthBook's own clients disagree (wire.md, trap 9):
# a comparison with a missing attribute or another type is true in JavaScript only.
DISPUTED = {
    "missing attribute with comparison operators",
    "comparing numbers and strings",
}


@pytest.fixture
def official_cases(reference_data: Path) -> list[list[Any]]:
    text = (reference_data / "sdk_conformance_cases.json").read_text()
    cases: list[list[Any]] = json.loads(text)["evalCondition"]
    return cases


def fault_of(condition: object) -> str | None:
    try:
        conditions.check(condition)
    except InvalidInput as refusal:
        return refusal.fields["condition"]
    return None


def test_official_cases__in_the_subset_of_rules__all_agree(
    official_cases: list[list[Any]],
) -> None:
    # 248 evalCondition cases of specification 0.8.0. 216 are outside what a rule may
    # hold: comparisons without $exists, bare numbers and null, arrays and objects as
    # values, empty groups, and operators beyond the subset ($regex, $elemMatch,
    # $size, $all, $type, saved groups, the case-insensitive family).
    inside = [case for case in official_cases if fault_of(case[1]) is None]

    assert (len(official_cases), len(inside)) == (248, 32)
    for name, condition, attributes, expected, *_ in inside:
        assert conditions.matches(condition, attributes) is expected, name


def test_official_cases__using_understood_operators__agree_but_for_disputed(
    official_cases: list[list[Any]],
) -> None:
    # The evaluator understands comparisons without the guard, bare numbers, null and
    # empty groups as well. 97 cases use operators it does not know: a rule with one
    # of those matches nobody.
    understood = [case for case in official_cases if uses_only_known_parts(case[1])]

    wrong = {
        name
        for name, condition, attributes, expected, *_ in understood
        if conditions.matches(condition, attributes) is not expected
    }

    assert (len(understood), wrong) == (151, DISPUTED)


def test_official_cases__beyond_the_language__match_nobody(
    official_cases: list[list[Any]],
) -> None:
    beyond = [case for case in official_cases if not uses_only_known_parts(case[1])]

    assert len(beyond) == 97
    assert not any(conditions.matches(case[1], case[2]) for case in beyond)


KNOWN = {"$eq", "$ne", "$in", "$nin", "$exists", "$not"}
KNOWN |= {"$lt", "$lte", "$gt", "$gte", "$veq", "$vne", "$vlt", "$vlte"}
KNOWN |= {"$vgt", "$vgte"}


def uses_only_known_parts(condition: Mapping[str, Any]) -> bool:
    for key, value in condition.items():
        if key in {"$and", "$or", "$nor"}:
            if not all(uses_only_known_parts(inner) for inner in value):
                return False
        elif key == "$not":
            if not uses_only_known_parts(value):
                return False
        elif not known_value(value):
            return False
    return True


def known_value(value: object) -> bool:
    if isinstance(value, list):
        return False
    if not isinstance(value, dict):
        return True
    if not value or not set(value) <= KNOWN:
        return False
    ordered = {"$lt", "$lte", "$gt", "$gte"} & set(value)
    return all(not isinstance(value[name], str) for name in ordered) and known_value(
        value.get("$not")
    )


# Examples by hand


@pytest.mark.parametrize(
    ("condition", "attributes", "expected"),
    [
        ({}, {}, True),
        ({"plan": "pro"}, {"plan": "pro"}, True),
        ({"plan": "pro"}, {"plan": "Pro"}, False),
        ({"plan": "pro"}, {}, False),
        ({"plan": "5"}, {"plan": 5}, False),
        ({"beta": True}, {"beta": True}, True),
        ({"beta": True}, {"beta": 1}, False),
        ({"beta": False}, {}, False),
        ({"n": {"$eq": 1}}, {"n": True}, False),
        ({"n": {"$eq": 1}}, {"n": 1.0}, True),
        ({"n": {"$in": [1, 2]}}, {"n": True}, False),
        ({"n": {"$in": [True]}}, {"n": 1}, False),
        ({"tags": {"$in": ["a"]}}, {"tags": ["b", "a"]}, True),
        ({"tags": {"$nin": ["a"]}}, {"tags": ["b", "a"]}, False),
        ({"tags": {"$in": ["a"]}}, {"tags": [{"a": 1}, ["a"]]}, False),
        ({"country": {"$nin": ["US"]}}, {}, True),
        ({"country": {"$nin": ["US"], "$exists": True}}, {}, False),
        ({"age": {"$exists": True, "$gte": 30}}, {"age": 30}, True),
        ({"age": {"$exists": True, "$gte": 30}}, {"age": "31"}, False),
        ({"age": {"$exists": True, "$lt": 30}}, {}, False),
        ({"age": {"$exists": True, "$lt": 30}}, {"age": False}, False),
        ({"home.country": "NL"}, {"home": {"country": "NL"}}, True),
        ({"home.country": "NL"}, {"home": "NL"}, False),
        ({"home.country": "NL"}, {"home.country": "NL"}, False),
        ({"v": {"$exists": True, "$vgte": "2.10.0"}}, {"v": "2.9.9"}, False),
        ({"v": {"$exists": True, "$vgte": "2.10.0"}}, {"v": "v2.10.0+b7"}, True),
        ({"v": {"$exists": True, "$vgte": "2.10.0"}}, {"v": 3}, False),
        ({"$not": {"plan": {"$not": {"$eq": "pro"}}}}, {"plan": "pro"}, True),
        ({"$nor": [{"plan": "pro"}, {"plan": "free"}]}, {"plan": "free"}, False),
    ],
)
def test_matches__example__as_the_language_says(
    condition: dict[str, Any], attributes: dict[str, Any], *, expected: bool
) -> None:
    assert conditions.matches(condition, attributes) is expected


@pytest.mark.parametrize(
    "condition",
    [
        {"$not": {"plan": {"$regex": "p"}}},
        {"$nor": [{"plan": {"$unknown": 1}}]},
        {"plan": {"$not": {"$size": 2}}},
        {"$where": "1"},
        {"$or": {"plan": "pro"}},
        {"plan": {}},
        {"plan": {"$ne": [1]}},
        {"plan": {"$in": [None]}},
    ],
)
def test_matches__part_not_understood__nobody_even_under_a_negation(
    condition: dict[str, Any],
) -> None:
    assert not conditions.matches(condition, {"plan": "pro"})


# What a rule may contain


@pytest.mark.parametrize(
    ("condition", "place", "advice"),
    [
        ([], "", "as an object"),
        ({"age": 30}, "At age:", '{"$eq": 30}'),
        ({"age": None}, "At age:", '{"$exists": false}'),
        ({"plan": ["a"]}, "At plan:", '{"$in": [...]}'),
        ({"age": {"$gt": 30}}, "At age.$gt:", '"$exists": true'),
        ({"age": {"$exists": False, "$gt": 3}}, "At age.$gt:", '"$exists": true'),
        ({"v": {"$veq": "1.0"}}, "At v.$veq:", '"$exists": true'),
        ({"v": {"$exists": True, "$vgt": 2}}, "At v.$vgt:", "2.10.0"),
        ({"age": {"$exists": True, "$gt": "3"}}, "At age.$gt:", "a number"),
        ({"age": {"$exists": 1}}, "At age.$exists:", "true or false"),
        ({"mail": {"$regex": "x"}}, "At mail.$regex:", "not known"),
        ({"plan": {}}, "At plan:", "name an operator"),
        ({"plan": {"tier": "x"}}, "At plan.tier:", "not known"),
        ({"plan": {"$in": []}}, "At plan.$in:", "1 to 1000"),
        ({"plan": {"$in": "pro"}}, "At plan.$in:", "a list"),
        ({"plan": {"$in": ["a", None]}}, "At plan.$in[1]:", "a text, a number"),
        ({"plan": {"$eq": {"a": 1}}}, "At plan.$eq:", "a text, a number"),
        ({"$or": []}, "At $or:", "at least one"),
        ({"$and": [{"a": "b"}, 3]}, "At $and[1]:", "as an object"),
        ({"$not": "x"}, "At $not:", "as an object"),
        ({"$where": "x"}, "At $where:", "no group"),
        ({"": "x"}, "", "1 to 64"),
        ({"a..b": "x"}, "At a..b:", "1 to 64"),
        ({"a" * 65: "x"}, "At aaa", "1 to 64"),
        ({"plan": "x" * 2001}, "At plan:", "2000 bytes"),
        ({"plan": "\u00e9" * 1001}, "At plan:", "2000 bytes"),
        ({"plan": "a\x00"}, "At plan:", "NUL"),
        ({"plan": "\ud800"}, "At plan:", "Unicode"),
        ({"\udc00": "x"}, "At \\udc00:", "Unicode"),
        ({"n": {"$eq": float("inf")}}, "At n.$eq:", "too large"),
        ({"n": {"$eq": float("nan")}}, "At n.$eq:", "too large"),
        ({"n": {"$eq": 2**53 + 1}}, "At n.$eq:", "too large"),
        ({1: "x"}, "At 1:", "a text"),
        ({"tags.0": "x"}, "At tags.0:", '"0" in lists'),
        ({"tags.12.name": "x"}, "At tags.12.name:", '"12" in lists'),
        ({"tags.length": {"$eq": 2}}, "At tags.length:", '"length" in lists'),
        ({"tags.map": {"$exists": True}}, "At tags.map:", '"map" in lists'),
        ({"a.constructor": "x"}, "At a.constructor:", "every object"),
        ({"constructor": "x"}, "At constructor:", "every object"),
        ({"__proto__.a": "x"}, "At __proto__.a:", "every object"),
        ({"$or": [{"a.0": "x"}]}, "At $or[0].a.0:", "in lists"),
    ],
)
def test_check__outside_the_subset__names_place_and_way_out(
    condition: object, place: str, advice: str
) -> None:
    sentence = fault_of(condition)

    assert sentence is not None
    assert sentence.startswith(place)
    assert advice in sentence


@pytest.mark.parametrize(
    "condition",
    [{"length": "x"}, {"0": "x"}, {"map": "x"}, {"a.01": "x"}, {"a.-1": "x"}],
)
def test_check__name_that_no_object_and_no_list_has__accepted(
    condition: dict[str, Any],
) -> None:
    assert fault_of(condition) is None


def nested(levels: int) -> dict[str, Any]:
    condition: dict[str, Any] = {"a": "b"}
    for _ in range(levels - 1):
        condition = {"$not": condition}
    return condition


def test_check__at_the_limits__accepted_and_one_more_refused() -> None:
    hundred = {"$or": [{"a": {"$in": ["x"] * 1000}} for _ in range(100)]}
    one_more = {"$or": [*hundred["$or"], {"a": "x"}]}

    assert fault_of(nested(10)) is None
    assert "10 levels" in str(fault_of(nested(11)))
    assert "10 levels" in str(fault_of(nested(100_000)))
    assert fault_of(hundred) is None
    assert "at most 100" in str(fault_of(one_more))
    assert fault_of({"a": "x" * 2000, "n": {"$eq": 2**53}}) is None


def test_compile_rule__absurdly_deep__nobody() -> None:
    assert not conditions.matches(nested(100_000), {})


def test_attributes_of__rule_with_paths_and_groups__top_names() -> None:
    rule = {"plan": "a", "$or": [{"home.country": "NL"}, {"$not": {"age": "x"}}]}

    assert conditions.attributes_of(rule) == {"plan", "home", "age"}


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({}, "everybody"),
        (
            {
                "plan": {"$in": ["Pro", "Business"]},
                "tenure_days": {"$exists": True, "$gte": 30},
            },
            "plan is Pro or Business and tenure_days is at least 30",
        ),
        ({"plan": {"$nin": ["a", "b", "c"]}}, "plan is not a, b or c"),
        ({"plan": {"$exists": True}}, "plan is known"),
        ({"plan": {"$exists": False}}, "plan is not known"),
        ({"city": "New York", "vip": True}, 'city is "New York" and vip is true'),
        (
            {"a": "x", "$or": [{"b": "y"}, {"c": "z", "d": "w"}]},
            "a is x and (b is y or (c is z and d is w))",
        ),
        ({"$nor": [{"a": "x"}, {"b": "y"}]}, "not (a is x or b is y)"),
        ({"$not": {"a": "x", "b": "y"}}, "not (a is x and b is y)"),
        ({"a": {"$not": {"$eq": "x"}}}, "not (a is x)"),
        (
            {"app": {"$exists": True, "$vgte": "2.1.0", "$vlt": "3.0.0"}},
            "app is at least version 2.1.0 and app is a version before 3.0.0",
        ),
        ({"$and": [{"a": {"$ne": "x"}}, {"b": "y"}]}, "a is not x and b is y"),
    ],
)
def test_in_words__rule__reads_as_a_person_would_say(
    condition: dict[str, Any], words: str
) -> None:
    assert conditions.in_words(condition) == words


# Against a slow evaluator, written from the language's description alone


def slow(condition: Mapping[str, Any], attributes: object) -> bool:
    for key, value in condition.items():
        if key == "$and":
            held = all(slow(inner, attributes) for inner in value)
        elif key == "$or":
            held = any(slow(inner, attributes) for inner in value)
        elif key == "$nor":
            held = not any(slow(inner, attributes) for inner in value)
        elif key == "$not":
            held = not slow(value, attributes)
        else:
            actual: object = attributes
            for part in key.split("."):
                actual = actual.get(part) if isinstance(actual, dict) else None
            held = slow_value(value, actual)
        if not held:
            return False
    return True


def slow_value(value: object, actual: object) -> bool:
    if not isinstance(value, dict):
        return same(actual, value)
    return all(slow_operator(name, actual, value[name]) for name in value)


def slow_operator(name: str, actual: object, operand: object) -> bool:
    if name == "$not":
        return not slow_value(operand, actual)
    if name == "$exists":
        return operand == (actual is not None)
    if name in {"$eq", "$ne"}:
        return same(actual, operand) is (name == "$eq")
    if name in {"$in", "$nin"}:
        assert isinstance(operand, list)
        several = actual if isinstance(actual, list) else [actual]
        found = any(same(item, wanted) for item in several for wanted in operand)
        return found is (name == "$in")
    return slow_order(name, actual, operand)


def slow_order(name: str, actual: object, operand: object) -> bool:
    if isinstance(operand, str):
        if not isinstance(actual, str):
            return name == "$vne"
        return ordered(name[2:], padded(actual), padded(operand))
    if type(actual) not in {int, float}:
        return False
    assert isinstance(actual, (int, float))
    assert isinstance(operand, (int, float))
    return ordered(name[1:], actual, operand)


Ordered = TypeVar("Ordered", str, float)


def ordered(name: str, left: Ordered, right: Ordered) -> bool:
    order = (left > right) - (left < right)
    wanted = {"eq": {0}, "gt": {1}, "gte": {0, 1}, "lt": {-1}, "lte": {0, -1}}
    return order != 0 if name == "ne" else order in wanted[name]


def padded(version: str) -> str:
    release = version.removeprefix("v")
    release = release.split("+")[0]
    parts = release.replace("-", ".").split(".")
    parts += ["~"] if len(parts) == 3 else []
    return "-".join(
        " " * (5 - len(p)) + p if p and set(p) <= set("0123456789") else p
        for p in parts
    )


def same(left: object, right: object) -> bool:
    kind = {int: "number", float: "number"}
    one, other = (kind.get(type(v), type(v)) for v in (left, right))
    return one == other and left == right


NAMES = st.sampled_from(["a", "b", "c", "a.x", "b.y.z"])
TEXTS = st.sampled_from(["", "x", "y", "X", "1", "true", "\U0001f600", "e\u0301"])
VERSIONS = st.sampled_from(
    ["1.0.0", "1.0.0-beta", "1.0.0-beta.2", "v1.0.0", "1.10.0", "1.9.0", "2", "1.0+b"]
)
NUMBERS = st.sampled_from([-1, 0, 0.0, 1, 1.0, 1.5, 2, 30, -0.0, 1e300])
SCALARS = st.one_of(TEXTS, VERSIONS, NUMBERS, st.booleans())
GUARD = st.just({"$exists": True})


def comparison(
    names: list[str], operands: st.SearchStrategy[Any]
) -> st.SearchStrategy[dict[str, Any]]:
    pairs = st.dictionaries(st.sampled_from(names), operands, min_size=1, max_size=2)
    return st.builds(lambda pair: {"$exists": True, **pair}, pairs)


LEAVES = st.one_of(
    TEXTS,
    VERSIONS,
    st.booleans(),
    st.dictionaries(st.sampled_from(["$eq", "$ne"]), SCALARS, min_size=1),
    st.dictionaries(
        st.sampled_from(["$in", "$nin"]),
        st.lists(SCALARS, min_size=1, max_size=4),
        min_size=1,
    ),
    st.builds(lambda known: {"$exists": known}, st.booleans()),
    comparison(["$lt", "$lte", "$gt", "$gte"], NUMBERS),
    comparison(["$veq", "$vne", "$vlt", "$vlte", "$vgt", "$vgte"], VERSIONS),
)
VALUES = LEAVES | LEAVES.map(lambda leaf: {"$not": leaf})
CONDITIONS = st.recursive(
    st.dictionaries(NAMES, VALUES, max_size=3),
    lambda inner: st.one_of(
        st.dictionaries(
            st.sampled_from(["$and", "$or", "$nor"]),
            st.lists(inner, min_size=1, max_size=3),
            min_size=1,
            max_size=2,
        ),
        st.builds(lambda c: {"$not": c}, inner),
    ),
    max_leaves=8,
)
ATTRIBUTE_VALUES = st.recursive(
    SCALARS | st.none(),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["x", "y", "z"]), inner, max_size=2),
    ),
    max_leaves=4,
)
ATTRIBUTES = st.dictionaries(st.sampled_from(["a", "b", "c"]), ATTRIBUTE_VALUES)


@settings(max_examples=300)
@given(condition=CONDITIONS, attributes=ATTRIBUTES)
def test_matches__any_rule_of_the_subset__agrees_with_the_slow_evaluator(
    condition: dict[str, Any], attributes: dict[str, Any]
) -> None:
    if fault_of(condition) is not None:  # only too deep trees get here
        return

    assert conditions.matches(condition, attributes) is slow(condition, attributes)
    assert conditions.in_words(condition)
    assert conditions.attributes_of(condition) <= {"a", "b", "c"}


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(["$and", "$or", "$not", "$in", "$gt", "$veq", "a", "$eq"])
            | st.text(max_size=3),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=20,
)


@settings(max_examples=200)
@given(condition=JSON, attributes=st.dictionaries(st.text(max_size=2), JSON))
def test_rule__any_json_at_all__refused_or_evaluated_never_raises(
    condition: dict[str, Any], attributes: dict[str, Any]
) -> None:
    fault = fault_of(condition)

    assert fault is None or fault.endswith(".")
    assert conditions.matches(condition, attributes) in {True, False}
