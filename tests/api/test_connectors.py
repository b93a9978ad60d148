"""Connectors over JSON: what is shown, to whom, and what is never shown again."""

import base64
import hmac
from collections.abc import Callable
from typing import Any

import pytest

from analysis.compactor import compact_once
from experiments import audit, connectors
from experiments.connector_presets import EXAMPLE, PRESETS
from experiments.context import Context
from experiments.db import transaction
from experiments.inbox import Inbox
from experiments.vocabulary import ConnectorKind, PersonRole
from tests.analysis.intake import events
from tests.api.conftest import Caller
from tests.api.hook_doors import SECRET, Hooks, replay, save_mapping

BODY = {"kind": "generic", "name": "BlueHub"}
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def make(api: Caller, **changes: Any) -> dict[str, Any]:  # noqa: ANN401  # JSON
    answer = api.post("/connectors", {**BODY, **changes})
    assert answer.status_code == 201, answer.text
    shown: dict[str, Any] = answer.json
    return shown


def test_connector__of_standard_webhooks__takes_what_its_made_secret_signs(
    api: Caller, context: Context
) -> None:
    made = make(api, signature={"style": "standard_webhooks"}, mapping=EXAMPLE)
    assert made["secret"].startswith("whsec_")
    assert made["signature"]["header"] == "webhook-signature"
    inbox = Inbox.for_settings(context.settings)
    door = Hooks(context, inbox)
    with transaction(context.sessions) as session:
        row = connectors.get(session, made["public_id"])
    raw = b'{"id":"1","customer_id":"u1","score":4,"submitted_at":"2026-03-14"}'
    at = str(int(context.now().timestamp()))
    # The secret's base64 is the key: webhook-id, time and body are signed.
    key = base64.b64decode(made["secret"].removeprefix("whsec_"))
    digest = hmac.digest(key, b".".join([b"msg_1", at.encode(), raw]), "sha256")
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": at,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
    assert door.send(row, raw, headers=headers).status_code == 200
    other = {**headers, "webhook-id": "msg_2"}
    assert door.send(row, raw, headers=other).status_code == 401
    inbox.close()
    compact_once(context)
    assert [event["value"] for event in events(context)] == [4.0]


@on_sqlite
def test_delivery__of_standard_webhooks__is_known_again_by_its_id(
    api: Caller, context: Context
) -> None:
    made = make(api, signature={"style": "standard_webhooks"})
    inbox = Inbox.for_settings(context.settings)
    door = Hooks(context, inbox)
    with transaction(context.sessions) as session:
        row = connectors.get(session, made["public_id"])
    key = base64.b64decode(made["secret"].removeprefix("whsec_"))
    at = str(int(context.now().timestamp()))

    def deliver(name: str) -> None:
        raw = b'{"customer_id":"u1","score":4,"submitted_at":"2026-03-14"}'
        signed = b".".join([name.encode(), at.encode(), raw])
        digest = hmac.digest(key, signed, "sha256")
        signature = f"v1,{base64.b64encode(digest).decode()}"
        headers = {"webhook-id": name, "webhook-timestamp": at}
        headers["webhook-signature"] = signature
        assert door.send(row, raw, headers=headers).status_code == 200

    deliver("msg_1")  # waits: nothing is mapped yet
    compact_once(context)
    (fact,) = EXAMPLE["facts"]
    unnamed = {name: part for name, part in fact.items() if name != "message_id"}
    save_mapping(context, row, {"facts": [unnamed]})
    door.look()
    assert replay(context, row).stored_count == 1
    for name in ("msg_1", "msg_2", "msg_2"):  # as often as their sender tries
        deliver(name)
    inbox.close()
    compact_once(context)
    assert len(events(context)) == 2


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"secret": "whsec_0123456789abcdef"}, "secret"),  # 12 bytes
        ({"secret": "whsec_not base64 at all, though long enough"}, "secret"),
        (
            {"signature": {"style": "standard_webhooks", "header": "X-Mine"}},
            "signature.header",
        ),
    ],
)
def test_connector__of_standard_webhooks_that_are_none__is_refused_at_the_field(
    api: Caller, changes: dict[str, Any], field: str
) -> None:
    body = {**BODY, "signature": {"style": "standard_webhooks"}, **changes}
    answer = api.post("/connectors", body)
    assert answer.status_code == 422
    assert list(answer.json["fields"]) == [field]


def test_connector__of_any_sender__from_first_body_to_stored_answer(
    api: Caller, context: Context
) -> None:
    """BlueHub's way: its own header, no mapping yet, tried, saved, read again."""
    signature = {
        "header": "X-BlueHub-Signature",
        "algorithm": "sha512",
        "encoding": "base64",
        "prefix": "",
        "timestamp_header": "",
        "separator": "",
    }
    made = make(api, secret=SECRET, signature=signature)
    assert made["secret"] is None
    assert made["address"] == f"http://127.0.0.1:8000/hooks/{made['public_id']}"
    assert (made["mapping_version"], made["mapping"]) == (0, None)
    one = f"/connectors/{made['public_id']}"
    inbox = Inbox.for_settings(context.settings)
    with transaction(context.sessions) as session:
        row = connectors.get(session, made["public_id"])
    sent = {"id": "1", "customer_id": "u1", "score": 4, "submitted_at": "2026-03-14"}
    assert Hooks(context, inbox).send(row, sent).status_code == 200
    inbox.close()
    compact_once(context)
    held = api.get(f"{one}/held").json
    assert (held["groups"][0]["count"], held["groups"][0]["reason"]) == (1, "unmapped")
    assert held["examples"][0]["message"]["customer_id"] == "a0"
    assert api.post(f"{one}/replays").status_code == 409
    tried = api.post(f"{one}/tests", {"body": sent, "mapping": EXAMPLE}).json
    assert tried == {
        "facts": [
            {
                "event": "CSAT Submitted",
                "customer": "a0",
                "score": 4.0,
                "scale": 5,
                "survey": "after-support",
                "occurred_at": "2026-03-14T00:00:00Z",
            }
        ],
        "refusal": None,
    }
    saved = api.put(f"{one}/mapping", {"mapping": EXAMPLE, "based_on": 0})
    assert (saved.json["mapping_version"], saved.json["mapping"]) == (1, EXAMPLE)
    again = api.put(f"{one}/mapping", {"mapping": EXAMPLE, "based_on": 0})
    assert (again.status_code, again.json["code"]) == (409, "conflict")
    done = {"stored_count": 1, "refused_count": 0, "refusal": None}
    assert api.post(f"{one}/replays").json == done
    compact_once(context)
    assert [row["value"] for row in events(context)] == [4.0]
    assert api("DELETE", f"{one}/held").json == {"deleted_count": 0}


@on_sqlite
def test_secret__made_by_abide__is_shown_once(api: Caller, context: Context) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = api.post("/connectors", BODY, headers=headers).json
    again = api.post("/connectors", BODY, headers=headers).json
    assert len(first["secret"]) == 43
    assert again == {**first, "secret": None}
    one = f"/connectors/{first['public_id']}"
    changed = api.put(f"{one}/secret", {"old_valid_hours": 2}).json
    assert len(changed["secret"]) == 43
    assert changed["old_secret_until"].startswith("2026-03-14T11:30")
    shown = [api.get(one).text, api.get("/connectors").text]
    with transaction(context.sessions) as session:
        shown += [repr(entry.after) for entry in audit.entries(session)]
    for secret in (first["secret"], changed["secret"]):
        assert not any(secret in page for page in shown)


@on_sqlite
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "intercom"}, "secret"),
        ({"kind": "zendesk", "secret": "short"}, "secret"),
        ({"secret": "with space 0123456789"}, "secret"),
        ({"secret": "\u00e9" * 20}, "secret"),
        ({"name": " "}, "name"),
        ({"kind": "typeform", "signature": {}, "name": ""}, "name"),
        ({"kind": "typeform", "signature": {"header": "X"}}, "signature"),
        ({"signature": {"header": "a b"}}, "signature.header"),
        ({"signature": {"algorithm": "md5"}}, "signature.algorithm"),
        ({"signature": {"encoding": "base32"}}, "signature.encoding"),
        ({"signature": {"prefix": "x" * 21}}, "signature.prefix"),
        ({"mapping": {"facts": [{}]}}, "mapping.facts.0.event"),
        (
            {"mapping": {"facts": [{"event": "CSAT Submitted", "customer": "c"}]}},
            "mapping.facts.0.score",
        ),
    ],
)
def test_connector__that_cannot_be__is_refused_at_its_field(
    api: Caller, changes: dict[str, Any], field: str
) -> None:
    answer = api.post("/connectors", {**BODY, **changes})
    assert answer.status_code == 422
    assert field in answer.json["fields"], answer.text
    assert api.get("/connectors").json["items"] == []


@on_sqlite
def test_connector__of_a_vendor__begins_with_its_mapping_and_ends(api: Caller) -> None:
    made = make(api, kind="intercom", secret=SECRET)
    assert made["mapping"] == PRESETS[ConnectorKind.INTERCOM]
    one = f"/connectors/{made['public_id']}"
    assert api("DELETE", one).json["ended_at"] == "2026-03-14T09:30:00Z"
    assert api("DELETE", one).status_code == 409
    mapping = {"mapping": EXAMPLE, "based_on": 1}
    assert api.put(f"{one}/mapping", mapping).status_code == 409
    assert api.put(f"{one}/secret", {"secret": SECRET}).status_code == 409


@on_sqlite
def test_body__tried_without_a_mapping_or_skipped__says_so(api: Caller) -> None:
    one = f"/connectors/{make(api)['public_id']}"
    tried = api.post(f"{one}/tests", {"body": {}}).json
    assert tried["refusal"] == "This connector has no mapping yet."
    skipping = {**EXAMPLE, "skip": [{}]}
    skipping["facts"] = [{**EXAMPLE["facts"][0], "when": {"type": "x"}}]
    tried = api.post(f"{one}/tests", {"body": {}, "mapping": skipping}).json
    assert tried["refusal"] == "The mapping skips such a body: it holds no fact."
    wrong = api.post(f"{one}/tests", {"body": {}, "mapping": {"facts": []}})
    assert (wrong.status_code, list(wrong.json["fields"])) == (422, ["mapping.facts"])


@on_sqlite
def test_connectors__by_role__are_open_or_refused(
    api: Caller, as_role: Callable[..., Caller]
) -> None:
    one = f"/connectors/{make(api)['public_id']}"
    analyst, editor = as_role(PersonRole.ANALYST), as_role(PersonRole.EDITOR)
    assert analyst.get("/connectors").status_code == 403
    assert editor.get(one).status_code == 200
    assert editor.get(f"{one}/held").status_code == 200
    assert editor.post("/connectors", BODY).status_code == 403
    for method, path, body in (
        ("DELETE", one, None),
        ("DELETE", f"{one}/held", None),
        ("PUT", f"{one}/secret", {}),
        ("PUT", f"{one}/mapping", {"mapping": EXAMPLE, "based_on": 0}),
    ):
        assert editor(method, path, json=body).status_code == 403
    assert api.get("/connectors/nothing-here").status_code == 404
