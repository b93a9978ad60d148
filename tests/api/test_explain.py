"""The door of receipts: who may ask, what it answers, and that it tells nobody."""

import io
import json
from collections.abc import Mapping
from urllib.parse import urlencode

import pytest

from api import explain
from api.door_values import Request
from experiments.context import utc_now
from experiments.errors import AbideError, Forbidden, InvalidInput, NotFound
from tests import rulesets

RULESET = rulesets.ruleset_of(
    [
        rulesets.entry("nudge", condition={"plan": "pro"}),
        rulesets.entry("over", status="stopped"),
    ]
)


def ask(
    parameters: Mapping[str, str] | str, key: str = rulesets.SERVER
) -> dict[str, object]:
    door = explain.routes(rulesets.reader_of(RULESET), utc_now)["GET", explain.PATH]
    query = parameters if isinstance(parameters, str) else urlencode(parameters)
    headers = {"authorization": f"Bearer {key}"}
    answer = door(Request("GET", explain.PATH, query, headers, b""))
    assert answer.status == 200
    found: dict[str, object] = json.loads(answer.body)
    return found


@pytest.mark.parametrize("key", [rulesets.SERVER, rulesets.ADMIN])
def test_explain__secret_keys__receipt_with_checksum_and_rule(key: str) -> None:
    told = ask(
        {"experiment": "nudge", "unit": "a", "attributes": '{"plan": "free"}'}, key
    )
    assert told["reason"] == "not_in_segment"
    assert told["variant"] == "control"
    assert told["checksum"] == RULESET.checksum
    assert len(RULESET.checksum) == 64
    assert isinstance(told["steps"], list)
    segment = next(step for step in told["steps"] if step["name"] == "segment")
    assert segment["facts"]["rule"] == {
        "words": "plan is pro",
        "holds": False,
        "attribute": "plan",
        "operator": "$eq",
        "wanted": "pro",
        "found": "free",
    }
    # The caller knows the id; the answer need not carry it on.
    assert "unit" not in told


@pytest.mark.parametrize("key", [rulesets.CLIENT, rulesets.WRITE])
def test_explain__public_keys__are_refused(key: str) -> None:
    with pytest.raises(Forbidden):
        ask({"experiment": "nudge", "unit": "a"}, key)


def test_explain__unknown_and_silent_experiments__404_and_one_step() -> None:
    with pytest.raises(NotFound):
        ask({"experiment": "none", "unit": "a"})
    told = ask({"experiment": "draft", "unit": "a"})
    assert (told["variant"], told["status"]) == (None, None)
    assert ask({"experiment": "over", "unit": "a"})["reason"] == "stopped"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("unit=a", "experiment"),
        ("experiment=nudge", "unit"),
        ("experiment=nudge&unit=a&unit=b", "unit"),
        ("experiment=nudge&unit=a&more=1", "more"),
        ("experiment=nudge&unit=" + "a" * 513, "unit"),
        ("experiment=nudge&unit=a&attributes=[]", "attributes"),
        ("experiment=nudge&unit=a&attributes={", "attributes"),
        ("experiment=nudge&unit=%00", "unit"),
    ],
)
def test_explain__faulty_parameters__named(query: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        ask(query)
    assert list(refused.value.fields) == [field]


def test_explain__attributes_are_no_json__said_of_them_not_of_a_body() -> None:
    with pytest.raises(InvalidInput, match=r"^The attributes are not valid JSON: "):
        ask("experiment=nudge&unit=a&attributes={plan}")


@pytest.mark.parametrize(
    "query",
    ["experiment=nudge&unit=%ff", "&".join(f"p{i}=1" for i in range(11))],
)
def test_explain__unreadable_query__is_refused(query: str) -> None:
    with pytest.raises(AbideError):
        ask(query)


def test_explain__odd_ids__as_the_assignment_door_reads_them() -> None:
    assert ask({"experiment": "nudge", "unit": ""})["reason"] == "invalid_unit"
    told = ask({"experiment": "nudge", "unit": "0", "attributes": '{"plan":"pro"}'})
    assert told["reason"] == "split"


def test_explain__any_request__nothing_is_logged(logged: io.StringIO) -> None:
    ask({"experiment": "nudge", "unit": "customer-4711"})
    with pytest.raises(NotFound):
        ask({"experiment": "none", "unit": "customer-4711"})
    assert "4711" not in logged.getvalue()
