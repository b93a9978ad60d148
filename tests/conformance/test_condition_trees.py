"""Generated rules: ours, a slow evaluator and the released clients all agree.

2,000 rules in every run; 100,000 with ABIDE_PROOF=1 (`make proof PART=conditions`).
"""

import os
import time
from collections.abc import Callable
from typing import Any

import pytest
from growthbook.core import evalCondition

from api.sdk_features import strict
from experiments import conditions
from experiments.errors import InvalidInput
from tests.clients.conftest import Node
from tests.conformance.trees import Tree, trees
from tests.experiments.test_conditions import slow

PROOF = bool(os.environ.get("ABIDE_PROOF"))
COUNT = 100_000 if PROOF else 2_000
SEED = 13
SLOWEST_MS = 1.0


@pytest.fixture(scope="module")
def generated() -> list[Tree]:
    return list(trees(COUNT, SEED))


@pytest.fixture(scope="module")
def ours(generated: list[Tree]) -> list[bool]:
    return [conditions.matches(*tree) for tree in generated]


def test_trees__generated__half_match_and_half_do_not(ours: list[bool]) -> None:
    assert 0.3 < sum(ours) / len(ours) < 0.7


def test_trees__slow_evaluator__agrees(
    generated: list[Tree], ours: list[bool], record_property: Callable[..., None]
) -> None:
    differ = [
        tree
        for tree, match in zip(generated, ours, strict=True)
        if slow(*tree) is not match
    ]
    record_property("condition_trees", COUNT)
    assert differ == []


def test_trees__python_client__agrees(generated: list[Tree], ours: list[bool]) -> None:
    differ = [
        tree
        for tree, match in zip(generated, ours, strict=True)
        if evalCondition(tree.attributes, dict(strict(tree.condition))) is not match
    ]
    assert differ == []


def test_trees__javascript_client__agrees(
    generated: list[Tree], ours: list[bool], node: Node
) -> None:
    asked = [(strict(tree.condition), tree.attributes) for tree in generated]
    found = node("growthbook.js", {"mode": "conditions", "trees": asked})

    differ = [
        (tree, strict(tree.condition))
        for tree, match, theirs in zip(generated, ours, found, strict=True)
        if theirs is not match
    ]
    assert differ == []


# Beside the names that this JavaScript gives objects and lists, which the test asks.
PARTS = (
    "a", "b", "x", "0", "1", "2", "01", "-1", "-0", "1e0", "\u0661", "", "undefined",
)  # fmt: skip
HOLDERS: tuple[Any, ...] = (
    {}, {"x": 1}, {"0": "x", "length": 3}, {"length": "x"}, [], ["x"],
    [["x"], {"x": 1}], [None, "x"], "text", 7, True, None,
)  # fmt: skip


def test_paths__every_name_that_javascript_knows__refused_or_alike(node: Node) -> None:
    names = (*PARTS, *node("growthbook.js", {"mode": "names"}))
    paths = [*names, *(f"a.{name}" for name in names), *(f"a.x.{n}" for n in names)]
    rules: list[dict[str, Any]] = [
        {path: rule}
        for path in paths
        for rule in ({"$exists": True}, {"$eq": 1}, {"$nin": ["x", 2]})
    ]
    stored = [rule for rule in rules if _may_be_stored(rule)]
    asked = [
        Tree(rule, attributes)
        for rule in stored
        for holder in HOLDERS
        for attributes in ({"a": holder}, {"a": {"x": holder}}, {"a": [holder]})
    ]

    theirs = node("growthbook.js", {"mode": "conditions", "trees": asked})

    assert 0.1 < len(stored) / len(rules) < 0.5
    for tree, javascript in zip(asked, theirs, strict=True):
        ours = conditions.matches(*tree)
        assert javascript is ours, tree
        assert evalCondition(tree.attributes, tree.condition) is ours, tree


def _may_be_stored(condition: dict[str, Any]) -> bool:
    try:
        conditions.check(condition)
    except InvalidInput:
        return False
    return True


@pytest.mark.skipif(not PROOF, reason="speed is measured in the long run only")
def test_trees__each__costs_less_than_a_millisecond(
    generated: list[Tree], record_property: Callable[..., None]
) -> None:
    slowest = 0.0
    for tree in generated:
        rule = conditions.compile_rule(tree.condition)
        # The best of three, or the machine's other work is measured.
        slowest = max(slowest, min(_milliseconds(rule, tree) for _ in range(3)))
    record_property("slowest_condition_ms", round(slowest, 4))
    assert slowest < SLOWEST_MS


def _milliseconds(rule: conditions.Test, tree: Tree) -> float:
    began = time.perf_counter()
    rule(tree.attributes)
    return (time.perf_counter() - began) * 1000
