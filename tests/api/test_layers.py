"""Layers and holdouts over JSON."""

from collections.abc import Callable

import pytest

from experiments.vocabulary import PersonRole
from tests.api.conftest import Caller, design_body

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
LAYER = {"key": "checkout", "name": "Checkout"}
HOLDOUT = {"key": "all", "name": "Everything", "share": 0.1}


def test_layer__made_reserved_and_freed__shows_what_is_free(api: Caller) -> None:
    made = api.post("/layers", LAYER)
    assert (made.status_code, made.json["free_share"]) == (201, 1.0)
    assert made.json["free"] == [{"first_bucket": 0, "end_bucket": 10_000}]

    kept = api.post("/layers/checkout/reservations", {"share": 0.3, "note": "May"})
    assert kept.status_code == 201, kept.text
    assert kept.json["free_share"] == 0.7
    [part] = kept.json["taken"]
    assert (part["first_bucket"], part["end_bucket"]) == (0, 3000)
    assert (part["in_use"], part["experiment"], part["note"]) == (False, None, "May")
    assert api.get("/layers/checkout").json == kept.json
    assert api.get("/layers").json["items"] == [kept.json]

    too_much = api.post("/layers/checkout/reservations", {"share": 0.8, "note": "x"})
    assert too_much.status_code == 409
    assert too_much.json["message"].startswith(
        'The layer "Checkout" has 70 % free, and 80 % is asked for. Up to 70 % would'
        " fit now."
    )
    assert set(too_much.json["fields"]) == {"share"}
    path = f"/layers/checkout/reservations/{part['id']}"
    freed = api("DELETE", path)
    assert (freed.status_code, freed.json["free_share"]) == (200, 1.0)
    assert api("DELETE", path).status_code == 404


def test_layer__sent_twice_with_one_idempotency_key__is_made_once(api: Caller) -> None:
    headers = {"Idempotency-Key": "once"}
    first = api.post("/layers", LAYER, headers=headers)
    again = api.post("/layers", LAYER, headers=headers)
    assert (first.status_code, again.json) == (201, first.json)
    assert api.post("/layers", LAYER).status_code == 409


def test_holdout__begun_and_ended(api: Caller) -> None:
    begun = api.post("/holdouts", HOLDOUT)
    assert begun.status_code == 201, begun.text
    assert (begun.json["share"], begun.json["ended_at"]) == (0.1, None)
    assert api.get("/holdouts").json["items"] == [begun.json]
    ended = api("DELETE", "/holdouts/all")
    assert ended.json["ended_at"] is not None
    assert api("DELETE", "/holdouts/all").status_code == 409
    wrong = api.post("/holdouts", {**HOLDOUT, "key": "b", "share": 0.5})
    assert (wrong.status_code, set(wrong.json["fields"])) == (422, {"share"})


@pytest.mark.usefixtures("drafted")
def test_experiment__in_a_layer__says_its_layer_share_and_holdouts(
    api: Caller,
) -> None:
    api.post("/layers", LAYER)
    api.post("/holdouts", HOLDOUT)
    body = design_body(key="in-layer", layer="checkout", layer_share=0.25)
    made = api.post("/experiments", body)
    assert made.status_code == 201, made.text
    assert (made.json["layer"], made.json["layer_share"]) == ("checkout", 0.25)
    assert made.json["holdouts"] == []
    started = api.post("/experiments/in-layer/actions/start")
    assert started.status_code == 200, started.text
    assert started.json["holdouts"] == ["all"]
    [part] = api.get("/layers/checkout").json["taken"]
    assert (part["experiment"], part["in_use"]) == ("in-layer", True)
    # The share is taken of 10,000 buckets.
    assert part["end_bucket"] - part["first_bucket"] == 2500


def test_layers__roles__decide_who_may(
    api: Caller, as_role: Callable[..., Caller]
) -> None:
    api.post("/layers", LAYER)
    viewer, editor = as_role(PersonRole.VIEWER), as_role(PersonRole.EDITOR)
    assert viewer.get("/layers/checkout").status_code == 200
    assert viewer.get("/holdouts").status_code == 200
    assert viewer.post("/layers", LAYER).status_code == 403
    assert editor.post("/layers", {**LAYER, "key": "two"}).status_code == 201
    assert editor.post("/holdouts", HOLDOUT).status_code == 403
