"""A preview link gives the same variant at every door, and no door calls it seen."""

import json
from typing import Any

import pytest

from api import assignments, ofrep, sdk_payload
from api.door_values import Request
from experiments.parcels import Parcel
from experiments.previews import ATTRIBUTE, Previewer
from tests import factories, rulesets
from tests.api.conftest import Caller
from tests.clock import FakeClock
from tests.experiments.sent_messages import HIDE

CONTROL = rulesets.variant("control", 1.0, parameters={"on": False})
OTHER = rulesets.variant("treatment", 0.0, parameters={"on": True})
ENTRY = rulesets.entry("nudge", variants=[CONTROL, OTHER], types={"on": "boolean"})
ENTRIES = [ENTRY, rulesets.entry("beside")]
DRAWN: dict[str, Any] = {"parameters": {"on": True}, "types": {"on": "boolean"}}
LINKS = [
    rulesets.preview("to nudge", "nudge", **DRAWN),
    rulesets.preview("to draft", "draft", **DRAWN),
]
RULESET = rulesets.ruleset_of(ENTRIES, previews=LINKS)


class Shelf:
    """Keeps what doors note."""

    def __init__(self) -> None:
        self.parcels: list[Parcel] = []

    def append(self, parcel: Parcel) -> None:
        self.parcels.append(parcel)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def ask(now: FakeClock, shelf: Shelf) -> Any:  # noqa: ANN401  # a function of the tests
    previewer = Previewer(shelf, HIDE, now)
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
        answer = routes["POST", path](Request("POST", path, "", headers, sent, name))
        assert answer.status == 200
        return json.loads(answer.body)

    send.token = lambda key: f"to {key}"  # type: ignore[attr-defined]
    send.reader = reader  # type: ignore[attr-defined]
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


DOORS: tuple[tuple[Any, str, Any, str], ...] = (
    (
        assignments,
        assignments.PATH,
        lambda who: {"unit": who["id"], "attributes": dict(who)},
        "",
    ),
    (
        ofrep,
        f"{ofrep.PATH}/{{key}}",
        lambda who: {"context": {**who, "targetingKey": who["id"]}},
        "nudge",
    ),
    (
        ofrep,
        ofrep.PATH,
        lambda who: {"context": {**who, "targetingKey": who["id"]}},
        "",
    ),
    (
        sdk_payload,
        sdk_payload.EVALUATE,
        lambda who: {"attributes": dict(who)},
        rulesets.CLIENT,
    ),
)


@pytest.mark.parametrize(("door", "path", "body", "name"), DOORS)
def test_door__preview__noted_for_the_analysis_before_it_is_shown(
    ask: Any,  # noqa: ANN401
    shelf: Shelf,
    door: Any,  # noqa: ANN401
    path: str,
    body: Any,  # noqa: ANN401
    name: str,
) -> None:
    ask(door, path, body({"id": "somebody"}), name)
    assert shelf.parcels == []
    ask(door, path, body({"id": "somebody", ATTRIBUTE: "to nudge"}), name)
    (parcel,) = shelf.parcels
    assert [row[4] for row in parcel.rows] == [
        HIDE.customer("somebody"),
        HIDE.anonymous("somebody"),
    ]


@pytest.mark.parametrize(("door", "path", "body", "name"), DOORS)
def test_door__revoked_link__as_if_there_were_none(
    ask: Any,  # noqa: ANN401
    shelf: Shelf,
    door: Any,  # noqa: ANN401
    path: str,
    body: Any,  # noqa: ANN401
    name: str,
) -> None:
    usual = ask(door, path, body({"id": "a"}), name)
    shown = ask(door, path, body({"id": "a", ATTRIBUTE: "to nudge"}), name)
    assert shown != usual
    # What is revoked is in the next ruleset no more.
    ask.reader.current = rulesets.ruleset_of(ENTRIES, previews=LINKS[1:])
    assert ask(door, path, body({"id": "a", ATTRIBUTE: "to nudge"}), name) == usual
    assert len(shelf.parcels) == 1


# Over JSON

PATH = f"/experiments/{factories.EXPERIMENT}/previews"


@pytest.mark.usefixtures("drafted")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_previews__made_listed_and_revoked(api: Caller) -> None:
    made = api.post(PATH, {"variant": "nudge", "days": 2})
    assert made.status_code == 201, made.text
    link = dict(made.json)
    assert link.pop("token").startswith("abp_")
    other = api.post(PATH, {"variant": "nudge"})
    page = api.get(f"{PATH}?limit=1").json
    assert [row["id"] for row in page["items"]] == [other.json["id"]]
    rest = api.get(f"{PATH}?limit=1&cursor={page['next_cursor']}").json
    assert rest == {"items": [link], "next_cursor": None}
    gone = api("DELETE", f"{PATH}/{link['id']}")
    assert (gone.status_code, gone.json["revoked_at"] is None) == (200, False)
    assert api("DELETE", f"{PATH}/99").status_code == 404
    wrong = api.post(PATH, {"variant": "gone", "days": 2})
    assert (wrong.status_code, set(wrong.json["fields"])) == (422, {"variant"})
