"""A preview link gives the same variant at every door, and no door calls it seen."""

import json
from datetime import timedelta
from typing import Any

import pytest

from api import assignments, ofrep, sdk_payload
from api.door_values import Request
from experiments.previews import ATTRIBUTE, Previewer
from tests import rulesets
from tests.clock import FakeClock

CONTROL = rulesets.variant("control", 1.0, parameters={"on": False})
OTHER = rulesets.variant("treatment", 0.0, parameters={"on": True})
ENTRY = rulesets.entry("nudge", variants=[CONTROL, OTHER], types={"on": "boolean"})
RULESET = rulesets.ruleset_of([ENTRY, rulesets.entry("beside")])


@pytest.fixture
def ask(now: FakeClock) -> Any:  # noqa: ANN401  # a function of the tests
    previewer = Previewer(b"s" * 32, now)
    reader = rulesets.reader_of(RULESET)

    def send(
        door: Any,  # noqa: ANN401  # a module of doors
        path: str,
        body: dict[str, Any],
        name: str = "",
    ) -> Any:  # noqa: ANN401  # JSON
        routes = door.routes(reader, previewer)
        headers = {"authorization": f"Bearer {rulesets.SERVER}"}
        sent = json.dumps(body).encode()
        answer = routes["POST", path](
            Request("POST", path, "", headers, sent, "", name)
        )
        assert answer.status == 200
        return json.loads(answer.body)

    def token(key: str) -> str:
        until = now() + timedelta(days=1)
        return previewer.sign(key, "treatment", {"on": True}, {"on": "boolean"}, until)

    send.token = token  # type: ignore[attr-defined]
    return send


def assigned(ask: Any, key: str, *names: str) -> Any:  # noqa: ANN401
    body: dict[str, Any] = {"unit": "a", "attributes": {ATTRIBUTE: ask.token(key)}}
    if names:
        body["experiments"] = names
    told = ask(assignments, assignments.PATH, body)["assignments"]
    return {one["experiment"]: one for one in told}


@pytest.mark.parametrize("key", ["nudge", "draft"])
def test_assignments__with_a_link__previewed_variant_and_no_exposure(
    ask: Any,  # noqa: ANN401
    key: str,
) -> None:
    expected = {
        "experiment": key,
        "variant": "treatment",
        "parameters": {"on": True},
        "reason": "preview",
        "in_experiment": False,
    }
    told = assigned(ask, key)
    assert told[key] == expected
    assert told["beside"]["reason"] == "split"
    assert assigned(ask, key, "beside", key)[key] == expected
    assert list(assigned(ask, key, "beside")) == ["beside"]


@pytest.mark.parametrize("key", ["nudge", "draft"])
def test_ofrep__with_a_link__typed_value_of_the_previewed_variant(
    ask: Any,  # noqa: ANN401
    key: str,
) -> None:
    context = {"targetingKey": "a", ATTRIBUTE: ask.token(key)}
    one = ask(ofrep, f"{ofrep.PATH}/{{key}}", {"context": context}, key)
    assert (one["value"], one["variant"]) == (True, "treatment")
    assert one["metadata"]["inExperiment"] is False
    assert one["metadata"]["reason"] == "preview"
    many = ask(ofrep, ofrep.PATH, {"context": context})["flags"]
    flags = {flag["key"]: flag for flag in many}
    assert flags[key] == one
    assert len(flags) == len(many)
    # A link to one experiment leaves the others as they are.
    beside = ask(ofrep, f"{ofrep.PATH}/{{key}}", {"context": context}, "beside")
    assert beside == flags["beside"]


@pytest.mark.parametrize("key", ["nudge", "draft"])
def test_remote_evaluation__with_a_link__value_without_tracks(
    ask: Any,  # noqa: ANN401
    key: str,
) -> None:
    body = {"attributes": {"id": "a", ATTRIBUTE: ask.token(key)}}
    told = ask(sdk_payload, sdk_payload.EVALUATE, body, rulesets.CLIENT)
    assert told["features"][key] == {"defaultValue": True}
    assert "rules" in told["features"]["beside"]
