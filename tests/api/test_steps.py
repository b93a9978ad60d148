"""Planned steps, coverage and phases over JSON."""

import pytest

from tests import factories
from tests.api.conftest import Caller, design_body

pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("drafted"),
]
PATH = f"/experiments/{factories.EXPERIMENT}"


def test_step__planned_listed_and_taken_back(api: Caller) -> None:
    body = {"at": "2026-03-15T09:00:00Z", "action": "start"}
    planned = api.post(f"{PATH}/steps", body)
    assert planned.status_code == 201, planned.text
    assert (planned.json["state"], planned.json["by"]) == (
        "planned",
        "ada@example.com",
    )
    assert api.get(f"{PATH}/steps").json["items"] == [planned.json]
    back = api("DELETE", f"{PATH}/steps/{planned.json['id']}")
    assert (back.status_code, back.json["state"]) == (200, "cancelled")
    late = api.post(f"{PATH}/steps", {**body, "at": "2026-03-14T09:00:00Z"})
    assert (late.status_code, set(late.json["fields"])) == (422, {"at"})
    other = api.post(f"{PATH}/steps", {**body, "action": "pause"})
    assert (other.status_code, set(other.json["fields"])) == (422, {"action"})


def test_running_experiment__edited__is_refused_with_what_can_be_done(
    api: Caller,
) -> None:
    body = design_body(coverage=0.5)
    key, revision = body.pop("key"), {"revision": 1}
    api.put(PATH, {**body, **revision})
    started = api.post(f"{PATH}/actions/start")
    assert started.status_code == 200, started.text
    refused = api.put(PATH, {**body, "coverage": 1.0, "revision": 3})
    assert refused.status_code == 409
    assert "begin a new phase" in refused.json["message"]
    lower = api.post(f"{PATH}/actions/raise_coverage", {"coverage": 0.2})
    assert (lower.status_code, set(lower.json["fields"])) == (409, {"coverage"})
    raised = api.post(f"{PATH}/actions/raise_coverage", {"coverage": 0.7})
    assert (raised.status_code, raised.json["coverage"]) == (200, 0.7)
    parted = api.post(f"{PATH}/actions/new_phase", {"reason": "Another split."})
    assert (parted.json["status"], parted.json["phase"]) == ("draft", 2)
    assert (parted.json["plan_sha256"], parted.json["key"]) == (None, key)
    early = api.post(f"{PATH}/actions/start")
    assert (early.status_code, early.headers["Retry-After"]) == (503, "15"), early.text
    assert "earlier phase" in early.json["message"]
