# ruff: noqa: ANN401  # JSON is any of its types
"""The tracking plugins' door: what they send becomes exposures, once each."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from werkzeug.test import Client, TestResponse

from analysis.compactor import compact_once
from api import plugin_track
from api.doors import DoorGroup, Gate, mount
from experiments.assignment import assign
from experiments.context import Context
from experiments.inbox import Inbox
from experiments.privacy import load_pseudonymiser
from tests import rulesets
from tests.analysis.intake import events
from tests.rulesets import entry

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
RULESET = rulesets.ruleset_of(
    [entry("plain"), entry("teams", unit="account", hash_attribute="account_id")]
)


@pytest.fixture
def inbox(context: Context) -> Iterator[Inbox]:
    opened = Inbox.for_settings(context.settings)
    yield opened
    opened.close()


@pytest.fixture
def client(context: Context, inbox: Inbox) -> Client:
    routes = plugin_track.routes(
        rulesets.reader_of(RULESET),
        inbox,
        load_pseudonymiser(context.settings),
        context.now,
    )
    group = DoorGroup(routes, plugin_track.BODY_CAP, 4, accepts_gzip=True)

    def behind(_environ: object, _start: object) -> list[bytes]:
        raise AssertionError

    return Client(mount(behind, [group], trusted_hosts=["localhost"], app_gate=Gate(1)))


# As the released plugins wrote them (JavaScript 1.8.0, Python 4.0.0).
def from_javascript(unit: Any = "customer-1", **changes: Any) -> dict[str, Any]:
    return {
        "event_name": "Experiment Viewed",
        "properties_json": {
            "experimentId": "plain",
            "variationId": "treatment",
            "hashAttribute": "id",
            "hashValue": unit,
        },
        "sdk_language": "js",
        "sdk_version": "1.8.0",
        "url": "https://shop.example.com/",
        "context_json": {"plan": "pro"},
        "user_id": None,
        "device_id": unit,
        "page_id": None,
        "session_id": None,
        **changes,
    }


def from_python(unit: Any = "customer-1", **changes: Any) -> dict[str, Any]:
    return {
        "event_name": "$$experiment_viewed",
        "properties_json": {
            "experiment_id": "plain",
            "variation_id": 1,
            "variation_key": "treatment",
            "in_experiment": True,
            "hash_used": True,
            "hash_attribute": "id",
            "hash_value": unit,
        },
        "sdk_language": "python",
        "context_json": {},
        "device_id": unit,
        **changes,
    }


def send(
    client: Client, body: Any, key: str = rulesets.CLIENT, **headers: str
) -> TestResponse:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    sent = {"Content-Type": "text/plain", **headers}
    return client.post(f"/track?client_key={key}", data=raw, headers=sent)


def stored(context: Context) -> list[dict[str, Any]]:
    compact_once(context)
    return events(context)


@pytest.mark.parametrize("key", [rulesets.CLIENT, rulesets.READER, rulesets.WRITE])
def test_track__either_spelling__is_an_exposure_of_the_hashed_customer(
    client: Client, context: Context, key: str
) -> None:
    answer = send(client, [from_javascript("a"), from_python("b")], key)

    assert (answer.status_code, answer.data) == (200, b"")
    hide = load_pseudonymiser(context.settings)
    rows = {row["customer"]: row for row in stored(context)}
    assert set(rows) == {hide.customer("a"), hide.customer("b")}
    for row in rows.values():
        assert (row["kind"], row["experiment"], row["variant"]) == (
            "exposure",
            "plain",
            "treatment",
        )


def test_track__same_exposure_however_often__is_stored_once(
    client: Client, context: Context
) -> None:
    # No time and no id come with it: an app that starts again sends it again.
    for _ in range(3):
        send(client, [from_javascript(), from_python(), from_javascript()])
    other = from_javascript()
    other["properties_json"]["variationId"] = "control"
    send(client, [other])

    assert sorted(row["variant"] for row in stored(context)) == ["control", "treatment"]


def test_track__other_events__are_let_pass_and_not_stored(
    client: Client, context: Context
) -> None:
    others = [
        {"event_name": "Feature Evaluated", "properties_json": {"feature": "plain"}},
        {"event_name": "$$feature_evaluated", "properties_json": {}},
        {"event_name": "Bought", "properties_json": {"value": 5}},
        {"event_name": ["x"]},
        {},
        None,
        "text",
        [],
    ]
    assert send(client, others).status_code == 200
    assert send(client, []).status_code == 200
    assert stored(context) == []


@pytest.mark.parametrize(
    "properties",
    [
        None,
        {},
        {"experimentId": ["plain"], "variationId": {}, "hashValue": "a"},
        {"experimentId": "plain", "variationId": "treatment"},
        {"experimentId": "plain", "variationId": "treatment", "hashValue": ["a"]},
    ],
)
def test_track__exposure_that_cannot_be_read__fails_no_other(
    client: Client, context: Context, properties: Any
) -> None:
    bad = from_javascript(properties_json=properties)
    assert send(client, [bad, from_javascript("good")]).status_code == 200
    assert len(stored(context)) == 1


def test_track__customer_without_consent__is_not_stored(
    client: Client, context: Context
) -> None:
    send(client, [from_javascript(context_json={"consent": False})])
    assert stored(context) == []


def test_track__account_experiment__names_the_person_not_the_account(
    client: Client, context: Context
) -> None:
    event = from_javascript("customer-1")
    event["properties_json"] |= {
        "experimentId": "teams",
        "hashAttribute": "account_id",
        "hashValue": "acme",
    }
    send(client, [event])

    (row,) = stored(context)
    hide = load_pseudonymiser(context.settings)
    assert row["customer"] == hide.customer("customer-1")
    assert row["account"] == hide.account("acme")


def test_track__packed_body__is_read(client: Client, context: Context) -> None:
    body = gzip.compress(orjson.dumps([from_javascript()]))
    headers = {"Content-Encoding": "gzip"}
    assert send(client, body, **headers).status_code == 200
    assert len(stored(context)) == 1


def test_track__raw_id__reaches_no_file(client: Client, context: Context) -> None:
    canary = "canary-4711@example.com"
    send(client, [from_javascript(canary), from_python(canary)])
    compact_once(context)

    for path in Path(context.settings.data_dir).rglob("*"):
        if path.is_file():
            assert canary.encode() not in path.read_bytes(), path


@pytest.mark.parametrize(
    ("key", "status"),
    [
        ("", 401),
        ("nonsense", 401),
        (rulesets.UNKNOWN, 401),
        (rulesets.REVOKED, 401),
        (rulesets.SERVER, 403),
        (rulesets.ADMIN, 403),
    ],
)
def test_track__wrong_key__401_or_403(client: Client, key: str, status: int) -> None:
    assert send(client, [from_javascript()], key).status_code == status
    assert client.post("/track", data=b"[]").status_code == 401


@pytest.mark.parametrize("body", [b"", b"{", b"{}", b"null", b"[" * 5000])
def test_track__no_list_of_events__400(client: Client, body: bytes) -> None:
    assert send(client, body).status_code == 400


def test_track__too_many_events__400(client: Client) -> None:
    assert send(client, [{}] * 5001).status_code == 400


def test_exposure__of_each_plugin__is_compared_with_its_assignment(
    context: Context, client: Client
) -> None:
    # `plain` gives customer-1 one of the two; teams hash the account's id.
    for name in ("plain", "teams"):
        for variant in ("control", "treatment"):
            event = from_javascript("customer-1", user_id="customer-1")
            said = {"experimentId": name, "variationId": variant}
            if name == "teams":
                said |= {"hashAttribute": "account_id", "hashValue": "account-1"}
            event["properties_json"] |= said
            assert send(client, [event]).status_code == 200
    rows = stored(context)
    found = {(row["experiment"], row["variant"]): row["properties"] for row in rows}
    for name, unit in (("plain", "customer-1"), ("teams", "account-1")):
        given = assign(RULESET.experiments[name], "customer-1", {"account_id": unit})
        right, wrong = given.variant, {"control", "treatment"} - {given.variant}
        assert found[name, right] == '{"assignment":"agrees"}'
        assert found[name, wrong.pop()] == '{"assignment":"contradicts"}'
