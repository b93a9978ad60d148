"""The pages on which surveys are made, and links are taken from."""

import csv
import io
from collections.abc import Callable

import pytest

from analysis.compactor import compact_once
from experiments.context import Context
from experiments.db import transaction
from experiments.models import Survey, SurveyComment
from experiments.vocabulary import PersonRole
from tests import factories
from tests.analysis.intake import events
from tests.surveys import make_survey
from tests.web.conftest import BASE, Visitor

SignIn = Callable[..., Visitor]
NEW = {
    "name": "Would you recommend us?",
    "kind": "nps",
    "scale": "1-5",
    "wave": "2026-03",
    "language": "de",
    "question": "Empfehlen?",
    "low_label": "nein",
    "top_label": "ja",
    "comment": "",
    "thanks": "",
    "key": "",
}


@pytest.fixture
def editor(signed_in: SignIn, context: Context) -> Visitor:
    from experiments import accounts  # noqa: PLC0415  # of this fixture alone
    from experiments.models import Person  # noqa: PLC0415

    visitor = signed_in(PersonRole.EDITOR)
    with transaction(context.sessions) as session:
        owner = accounts.actor_for(session.get_one(Person, 1))
        make_survey(session, owner, context.now())
    return visitor


def stored(context: Context, key: str) -> Survey:
    with transaction(context.sessions) as session:
        return session.query(Survey).filter_by(key=key).one()


def test_new__nps__takes_its_scale_and_its_key_from_the_name(
    editor: Visitor, context: Context
) -> None:
    answer = editor.post("/surveys/new", NEW, follow=True)
    assert "The survey is made." in answer.text
    made = stored(context, "would-you-recommend-us")
    assert (made.kind, made.low, made.top) == ("nps", 0, 10)
    assert (made.language, list(made.texts)) == ("de", ["de"])


def test_new__without_a_question__names_the_field(editor: Visitor) -> None:
    answer = editor.post("/surveys/new", {**NEW, "question": " "})
    assert answer.status_code == 400
    assert '<a href="#question">Enter the question.</a>' in answer.text


def test_words__of_another_language__stand_beside_the_others(
    editor: Visitor, context: Context
) -> None:
    words = {"question": "Content?", "low_label": "non", "top_label": "oui"}
    answer = editor.post("/surveys/support/texts/fr", words, follow=True)
    assert "Content?" in answer.text
    assert sorted(stored(context, "support").texts) == ["de", "en", "fr"]
    assert editor.get("/surveys/support/texts/tlh").status_code == 404


def test_edit__closed__asks_nobody_any_more(editor: Visitor, context: Context) -> None:
    terms = {"name": "Old", "wave": "2", "language": "de", "state": "closed"}
    page = editor.post("/surveys/support/edit", terms, follow=True).text
    assert "Is closed" in page
    assert "/surveys/support/links" not in page
    found = stored(context, "support")
    assert (found.name, found.wave, found.language) == ("Old", "2", "de")
    refused = editor.post("/surveys/support/links", {"customer_ids": "a", "days": "3"})
    assert refused.status_code == 400


def test_links__of_pasted_ids__are_a_file_that_no_spreadsheet_runs(
    editor: Visitor, context: Context
) -> None:
    sent = {"customer_ids": "c-1\r\n\r\n=cmd()\r\nc-1", "days": "7", "tells": "yes"}
    answer = editor.post("/surveys/support/links", {**sent, "id_kind": "customer"})
    assert answer.content_type == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["customer_id"] for row in rows] == ["c-1", "'=cmd()"]
    path = rows[0]["url"].removeprefix(context.settings.base_url)
    link = editor.client.get(path, base_url=BASE)
    assert "How satisfied are you" in link.text
    compact_once(context)
    assert [row["kind"] for row in events(context)] == ["survey_request"] * 2
    listed = editor.get("/surveys").text
    assert "0 %" in listed


def test_try__leads_to_the_page_as_a_trial(editor: Visitor) -> None:
    answer = editor.post("/surveys/support/try", follow=True)
    assert "This is a trial." in answer.text


def test_comments__for_viewers__are_not_shown(
    editor: Visitor, signed_in: SignIn
) -> None:
    assert "Nobody wrote anything yet." in editor.get("/surveys/support").text
    viewer = signed_in(PersonRole.VIEWER)
    page = viewer.get("/surveys/support").text
    assert "Who answered" in page
    assert "Comments" not in page


def test_comments__of_other_tools_surveys__are_shown_to_analysts_alone(
    signed_in: SignIn, context: Context
) -> None:
    with transaction(context.sessions) as session:
        own = make_survey(session, factories.make_actor(session, "Eve"), context.now())
        for number, (survey, environment, text) in enumerate(
            [
                ("Desk & more", "production", "Very <quick>"),
                ("Desk & more", "development", "only a trial"),
                (own.key, "production", "to our own survey"),
            ]
        ):
            session.add(
                SurveyComment(
                    survey=survey,
                    wave="",
                    environment=environment,
                    customer=bytes([number]) * 16,
                    text=text,
                    written_at=context.now(),
                )
            )
    analyst = signed_in(PersonRole.ANALYST)
    link = "/survey-comments?survey=Desk+%26+more"
    assert link in analyst.get("/surveys").text
    page = analyst.get(link).text
    assert "Very &lt;quick&gt;" in page
    assert "only a trial" not in page
    other = analyst.get(f"/survey-comments?survey={own.key}").text
    assert "to our own survey" not in other
    assert "Nobody wrote anything yet." in other
    assert analyst.get("/survey-comments?survey=%00").status_code == 200
    viewer = signed_in(PersonRole.VIEWER)
    assert "/survey-comments" not in viewer.get("/surveys").text
    assert viewer.get(link).status_code == 403
