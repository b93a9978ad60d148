"""Certificates over JSON: asked for once, then read."""

import pytest

from tests import factories
from tests.api.conftest import Caller, metric_body

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PATH = f"/metrics/{factories.RETENTION}/certificates"


def test_certificate__asked_for__waits_and_is_not_asked_for_twice(api: Caller) -> None:
    api.post("/metrics", metric_body())
    assert api.get(PATH).json == {"standing": "none", "items": []}
    made = api.post(PATH, {"comparisons": 500})
    assert made.status_code == 201
    assert (made.json["state"], made.json["comparisons"]) == ("waiting", 500)
    assert made.json["metric"] == factories.RETENTION
    assert made.json["is_certified"] is None
    assert api.get(PATH).json["items"] == [made.json]
    again = api.post(PATH, {})
    assert again.status_code == 409
    assert "worked out already" in again.json["message"]


def test_certificate__asked_for_badly__is_refused_by_field(api: Caller) -> None:
    api.post("/metrics", metric_body())
    assert api.post("/metrics/gone/certificates", {}).status_code == 404
    few = api.post(PATH, {"comparisons": 5})
    assert few.status_code == 422
    assert set(few.json["fields"]) == {"comparisons"}
