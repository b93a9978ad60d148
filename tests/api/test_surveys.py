"""Surveys and their links over JSON, down to the answers."""

from typing import Any

import pytest

from analysis.compactor import compact_once
from experiments import data_requests
from experiments.actors import SYSTEM
from experiments.context import Context
from experiments.db import transaction
from experiments.privacy import load_pseudonymiser
from experiments.survey_inviting import survey_keys
from experiments.survey_links import SurveyLinks
from experiments.vocabulary import IdKind
from tests.analysis.intake import events
from tests.api.conftest import Caller


def body(**changes: object) -> dict[str, Any]:
    english = {
        "question": "How easy was it to set up?",
        "low_label": "very hard",
        "top_label": "very easy",
    }
    return {
        "key": "setup",
        "name": "Set-up effort",
        "kind": "ces",
        "scale": {"low": 1, "top": 7},
        "wave": "2026-03",
        "texts": {"en": english},
        **changes,
    }


def change(**changes: object) -> dict[str, Any]:
    kept = body(**changes)
    return {name: kept[name] for name in kept if name not in {"key", "kind", "scale"}}


def test_survey__made_and_changed__reads_as_it_was_sent(api: Caller) -> None:
    made = api.post("/surveys", body())
    assert made.status_code == 201, made.text
    assert made.json["scale"] == {"low": 1, "top": 7}
    assert made.json["texts"]["en"]["comment"] == ""
    assert (made.json["is_open"], made.json["waves"]) == (True, [])
    german = {"question": "?", "low_label": "schwer", "top_label": "leicht"}
    texts = {**body()["texts"], "de": german}
    changed = api.put("/surveys/setup", change(texts=texts, is_open=False))
    assert changed.status_code == 200, changed.text
    found = api.get("/surveys/setup").json
    assert found == changed.json
    assert (list(found["texts"]), found["is_open"]) == (["de", "en"], False)
    assert [row["key"] for row in api.get("/surveys").json["items"]] == ["setup"]
    assert api.post("/surveys", body()).status_code == 409
    assert api.get("/surveys/other").status_code == 404


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"key": "new"}, "key"),
        ({"name": " "}, "name"),
        ({"wave": "a b"}, "wave"),
        ({"language": "de"}, "language"),
        ({"scale": {"low": 1, "top": 12}}, "scale"),
        ({"scale": {"low": 0, "top": 1}}, "scale"),
        ({"kind": "nps"}, "scale"),
        ({"texts": {}}, "language"),
        ({"texts": {**body()["texts"], "tlh": body()["texts"]["en"]}}, "texts"),
        (
            {"texts": {"en": {"question": "", "low_label": "", "top_label": "x"}}},
            "texts.en.question",
        ),
    ],
)
def test_survey__that_nobody_could_answer__is_refused_by_field(
    changes: dict[str, Any], field: str, api: Caller
) -> None:
    answer = api.post("/surveys", body(**changes))
    assert answer.status_code == 422, answer.text
    assert field in answer.json["fields"]


def test_links__for_many__are_signed_and_count_as_asked(
    api: Caller, context: Context
) -> None:
    api.post("/surveys", body())
    hide = load_pseudonymiser(context.settings)
    with transaction(context.sessions) as session:
        data_requests.request_erasure(
            session, hide, "gone", IdKind.CUSTOMER, actor=SYSTEM, now=context.now()
        )
    wished = {"customer_ids": ["c-1", "c-2", "c-1", "gone"], "days": 7}
    api.post("/surveys/setup/links", wished)
    made = api.post("/surveys/setup/links", wished)  # again tells nothing new
    assert made.status_code == 200, made.text
    found = made.json
    assert [link["customer_id"] for link in found["links"]] == ["c-1", "c-2"]
    assert found["left_out"] == ["gone"]
    assert found["expires_at"] == "2026-03-21T09:30:00Z"
    base = context.settings.base_url
    assert found["url_template"] == f"{base}/s/{{token}}?score={{score}}"
    for link in found["links"]:
        assert link["url"] == f"{base}/s/{link['token']}"
        assert "c-1" not in link["url"]
        read = SurveyLinks(survey_keys(context.settings), context.now).read(
            link["token"]
        )
        assert read is not None
        assert read.customer == hide.customer(link["customer_id"])
    compact_once(context)
    kinds = [(row["kind"], row["name"]) for row in events(context)]
    assert kinds == [("ces_request", "setup")] * 2
    (wave,) = api.get("/surveys/setup").json["waves"]
    assert (wave["invited_count"], wave["response_share"]) == (2, 0.0)


def test_links__silent_or_in_development__ask_nobody_for_real(
    api: Caller, context: Context
) -> None:
    api.post("/surveys", body())
    for changes in ({"tells": False}, {"environment": "development"}):
        wished = {"customer_ids": ["c-1"], "id_kind": "anonymous", **changes}
        assert api.post("/surveys/setup/links", wished).status_code == 200
    compact_once(context)
    assert [row["environment"] for row in events(context)] == ["development"]
    assert api.get("/surveys/setup").json["waves"] == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"customer_ids": []}, "customer_ids"),
        ({"customer_ids": ["x"] * 1001}, "customer_ids"),
        ({"customer_ids": ["ok", ""]}, "customer_ids.1"),
        ({"customer_ids": ["ok", " "]}, "customer_ids.1"),
        ({"customer_ids": ["\u0000"]}, "customer_ids.0"),
        ({"days": 181}, "days"),
    ],
)
def test_links__that_cannot_be__are_refused_by_field(
    changes: dict[str, Any], field: str, api: Caller
) -> None:
    api.post("/surveys", body())
    answer = api.post("/surveys/setup/links", {"customer_ids": ["c"], **changes})
    assert answer.status_code in {400, 422}, answer.text
    if answer.status_code == 422:
        assert field in answer.json["fields"]


def test_links__of_a_closed_survey__are_refused(api: Caller) -> None:
    api.post("/surveys", body(is_open=False))
    answer = api.post("/surveys/setup/links", {"customer_ids": ["c"]})
    assert answer.status_code == 409
    assert "closed" in answer.json["message"]
