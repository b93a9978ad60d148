"""Erasure and copies over JSON: admins alone, and no id is kept."""

from collections.abc import Callable

import pytest

from analysis.compactor import compact_once, erase_once
from experiments.context import Context
from experiments.inbox import Inbox
from experiments.vocabulary import PersonRole
from tests.api.conftest import Caller
from tests.api.event_doors import door_client, message, post

CANARY = "canary0007wren"


@pytest.fixture
def with_events(context: Context) -> None:
    inbox = Inbox.for_settings(context.settings)
    doors = door_client(context, inbox)
    for number, customer in enumerate((CANARY, CANARY, "another")):
        sent = message(number, userId=customer, event="Opened")
        assert post(doors, "/v1/track", sent).status_code == 200
    inbox.close()
    compact_once(context)


@pytest.mark.usefixtures("with_events")
def test_erasure__asked_for__is_followed_to_its_end(
    api: Caller, context: Context
) -> None:
    body = {"customer_id": CANARY}
    copied = api.post("/customer-exports", body).json
    assert [event["name"] for event in copied["events"]] == ["Opened", "Opened"]
    assert not copied["is_erased"]
    asked = api.post("/erasures", body)
    assert asked.status_code == 200, asked.text
    assert (asked.json["state"], asked.json["finished_at"]) == ("waiting", None)
    assert asked.json["requested_by"].startswith("key:")
    path = f"/erasures/{asked.json['id']}"
    assert api.get(path).json == asked.json
    assert api.post("/erasures", body).json == asked.json
    erase_once(context)
    done = api.get(path).json
    assert (done["state"], done["event_count"]) == ("done", 2)
    assert api.get("/erasures").json["items"] == [done]
    copied = api.post("/customer-exports", body).json
    assert (copied["events"], copied["is_erased"]) == ([], True)
    assert CANARY not in api.get("/audit").text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_erasure__by_anybody_but_an_admin__is_refused(
    as_role: Callable[..., Caller], nobody: Caller
) -> None:
    approver = as_role(PersonRole.APPROVER)
    for path in ("/erasures", "/customer-exports"):
        body = {"customer_id": CANARY}
        assert approver.post(path, body).status_code == 403
        assert nobody.post(path, body).status_code == 401
    assert approver.get("/erasures").status_code == 403


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("customer_id", ["", "x" * 513, "\x00"])
def test_erasure__of_what_is_no_id__is_refused_by_field(
    api: Caller, customer_id: str
) -> None:
    for path in ("/erasures", "/customer-exports"):
        answer = api.post(path, {"customer_id": customer_id})
        assert answer.status_code == 422
        assert list(answer.json["fields"]) == ["customer_id"]
    assert api.get("/erasures/7").status_code == 404
