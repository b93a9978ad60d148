"""The page that asks customers: the link lets in, the button answers, nothing else."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from analysis.compactor import compact_once
from experiments import data_requests, survey_replies, surveys
from experiments.actors import SYSTEM
from experiments.comments import MAX_COMMENT
from experiments.context import Context
from experiments.db import transaction
from experiments.errors import AbideError, StorageFull, TooManyRequests, Unavailable
from experiments.inbox import Inbox
from experiments.models import SurveyComment
from experiments.privacy import load_pseudonymiser
from experiments.vocabulary import Environment, IdKind, PersonRole, SurveyKind
from tests import factories
from tests.analysis.intake import events
from tests.clock import FakeClock
from tests.surveys import make_survey, terms, token_for
from tests.web.conftest import BASE
from web.answer_limit import AnswerLimit
from web.pages import asking

TokenFor = Callable[..., str]


@pytest.fixture(autouse=True)
def fresh_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "_limit", AnswerLimit())


@pytest.fixture
def token(context: Context) -> TokenFor:
    """Make a survey, and tokens of links to it."""
    with transaction(context.sessions) as session:
        actor = factories.make_actor(session, "Eve", PersonRole.EDITOR)
        make_survey(session, actor, context.now())
        make_survey(session, actor, context.now(), "loyalty", SurveyKind.NPS)

    def make(who: str = "customer-17", **changes: object) -> str:
        return token_for(context.settings, context.now(), who, **changes)  # type: ignore[arg-type]

    return make


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def send(
    client: FlaskClient, token: str, origin: str = BASE, **fields: str
) -> TestResponse:
    headers = {"Origin": origin}
    return client.post(f"/s/{token}", base_url=BASE, data=fields, headers=headers)


def answers(context: Context) -> list[tuple[str, float, str]]:
    compact_once(context)
    return [
        (row["kind"], row["value"], row["environment"])
        for row in events(context)
        if row["kind"].endswith("_answer")
    ]


def test_opened__with_and_without_a_score__records_nothing(
    client: FlaskClient, token: TokenFor, context: Context
) -> None:
    link = token()
    for address in (f"/s/{link}", f"/s/{link}?score=5", f"/s/{link}?score=99"):
        for method in ("GET", "HEAD"):  # as mail scanners do
            answer = client.open(address, base_url=BASE, method=method)
            assert answer.status_code == 200
    page = client.get(f"/s/{link}?score=4").text
    assert 'value="4" checked' in page
    assert page.count("checked") == 1
    assert "checked" not in client.get(f"/s/{link}?score=99").text
    assert answers(context) == []


def test_answered__by_the_button__is_stored_and_thanked(
    client: FlaskClient, token: TokenFor, context: Context
) -> None:
    link = token()
    answer = send(client, link, score="4", comment="Ask ada@example.com")
    assert answer.status_code == 303
    thanks = client.get(answer.location, base_url=BASE)
    assert "Thank you" in thanks.text
    assert answers(context) == [("survey_answer", 4.0, "production")]
    raw = "".join(map(str, events(context)))
    assert "customer-17" not in raw
    assert "Ask" not in raw
    assert "Set-Cookie" not in {**answer.headers, **thanks.headers}


def test_answered_again__within_seven_days_only__replaces_the_first(
    client: FlaskClient, token: TokenFor, context: Context, now: FakeClock
) -> None:
    link = token()
    send(client, link, score="1")
    compact_once(context)
    now.advance(days=6, hours=23)
    page = client.get(f"/s/{link}", base_url=BASE)
    assert "You can change your answer until 21 March." in page.text
    assert send(client, link, score="5").status_code == 303
    now.advance(hours=1)
    for late in (client.get(f"/s/{link}"), send(client, link, score="2")):
        assert late.status_code == 200
        assert "You have answered already" in late.text
        assert 'name="score"' not in late.text
    assert [score for _, score, _ in answers(context)] == [1.0, 5.0]


@pytest.mark.parametrize("score", ["", "0", "6", "4.0", "five", "²", "-1", "99999"])
def test_sent__without_a_score_of_the_scale__says_so_and_keeps_the_comment(
    score: str, client: FlaskClient, token: TokenFor, context: Context
) -> None:
    answer = send(client, token(), score=score, comment="Kept & shown")
    assert answer.status_code == 400
    assert re.search(r"<title>\s*Error: How satisfied", answer.text)
    assert answer.text.count("Choose a number from 1 to 5.") == 2  # summary and field
    assert 'aria-invalid="true"' in answer.text
    assert "Kept &amp; shown" in answer.text
    assert answers(context) == []


def test_sent__with_a_comment_that_is_too_long__says_so(
    client: FlaskClient, token: TokenFor
) -> None:
    answer = send(client, token(), score="3", comment="x" * 2001)
    assert answer.status_code == 400
    assert "Use at most 2000 characters." in answer.text
    assert 'value="3" checked' in answer.text


def test_sent__at_the_greatest_length_as_browsers_send_it__is_stored(
    client: FlaskClient, token: TokenFor, context: Context
) -> None:
    # HTML's maxlength counts a line end as one; a form's data holds two for it.
    written = "x\r\n" * (MAX_COMMENT // 2)
    assert send(client, token(), score="4", comment=written).status_code == 303
    assert answers(context) == [("survey_answer", 4.0, "production")]


def test_sent__with_control_characters_in_the_comment__is_kept_without_them(
    client: FlaskClient, token: TokenFor, context: Context
) -> None:
    sent = send(client, token(), score="4", comment="Very\x00 kind\x07")
    assert sent.status_code == 303
    compact_once(context)
    with transaction(context.sessions) as session:
        assert [row.text for row in session.scalars(select(SurveyComment))] == [
            "Very kind"
        ]


def test_nps__of_a_link__is_asked_from_0_to_10_and_kept_as_nps(
    client: FlaskClient, token: TokenFor, context: Context
) -> None:
    link = token(survey_id=2)
    page = client.get(f"/s/{link}").text
    assert page.count('type="radio"') == 11
    assert send(client, link, score="0").status_code == 303
    assert answers(context) == [("nps_answer", 0.0, "production")]


def test_trial__answer__is_development_data(
    client: FlaskClient, token: TokenFor, context: Context
) -> None:
    link = token(environment=Environment.DEVELOPMENT)
    assert "This is a trial" in client.get(f"/s/{link}").text
    send(client, link, score="5")
    assert answers(context) == [("survey_answer", 5.0, "development")]


def test_link__forged_expired_closed_or_of_who_was_erased__says_what_it_can(
    client: FlaskClient, token: TokenFor, context: Context
) -> None:
    now = context.now()
    hide = load_pseudonymiser(context.settings)
    good, gone = token(), token("erased")
    old = token(expires_at=now)
    with transaction(context.sessions) as session:
        data_requests.request_erasure(
            session, hide, "erased", IdKind.CUSTOMER, actor=SYSTEM, now=now
        )
    broken = (good[:-2] + ("AA" if good[-2:] != "AA" else "BB"), "1", "x" * 500)
    other_key = token(key_id="00000000")
    unknown = token(survey_id=99)
    for link in (*broken, other_key, unknown):
        for answer in (client.get(f"/s/{link}"), send(client, link, score="5")):
            assert answer.status_code == 404
            assert "This link does not work" in answer.text
    with transaction(context.sessions) as session:
        editor = factories.make_actor(session, "Ed", PersonRole.EDITOR)
        for link in (old, gone):
            for answer in (client.get(f"/s/{link}"), send(client, link, score="5")):
                assert answer.status_code == 410
                assert "This survey is over" in answer.text
        closed = terms(is_open=False)
        surveys.change(session, "support", closed, actor=editor, now=now)
    assert client.get(f"/s/{good}").status_code == 410
    assert answers(context) == []


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        (Unavailable("x", 2), 503, "could not be stored"),
        (TooManyRequests("x"), 429, "many answers"),
        (StorageFull("x"), 507, "could not be stored"),
    ],
)
def test_inbox__that_takes_nothing__is_told_and_the_answer_kept_on_the_page(
    fault: AbideError,
    status: int,
    words: str,
    client: FlaskClient,
    token: TokenFor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise fault

    monkeypatch.setattr(Inbox, "append", refuse)
    answer = send(client, token(), score="2", comment="Mine")
    assert answer.status_code == status
    assert words in answer.text
    assert 'value="2" checked' in answer.text
    assert "Mine" in answer.text
    assert ("Retry-After" in answer.headers) == (status != 507)


def test_one_link__answering_all_the_time__is_asked_to_wait(
    client: FlaskClient, token: TokenFor, now: FakeClock
) -> None:
    link = token()
    codes = [send(client, link, score="3").status_code for _ in range(21)]
    assert codes == [303] * 20 + [429]
    assert send(client, token("another"), score="3").status_code == 303
    now.advance(hours=1)
    assert send(client, link, score="3").status_code == 303


def test_sent_from_another_site__is_refused(
    client: FlaskClient, token: TokenFor, context: Context
) -> None:
    answer = send(client, token(), origin="https://evil.example", score="1")
    assert answer.status_code == 403
    assert "Open it from the message again." in answer.text
    assert "administrator" not in answer.text
    assert answers(context) == []


@pytest.mark.parametrize(
    ("wished", "lang", "expected"),
    [
        ("de-AT,en;q=0.5", "", "Wie zufrieden"),
        ("fr", "", "How satisfied"),
        ("", "", "How satisfied"),
        ("en", "de", "Wie zufrieden"),
        ("en", "xx", "How satisfied"),
    ],
)
def test_language__of_browser_or_address__is_spoken_where_there_are_texts(
    wished: str, lang: str, expected: str, client: FlaskClient, token: TokenFor
) -> None:
    headers = {"Accept-Language": wished} if wished else {}
    page = client.get(f"/s/{token()}?lang={lang}", headers=headers).text
    assert expected in page
    assert f'<html lang="{"de" if expected.startswith("Wie") else "en"}">' in page
    broken = client.get("/s/1", headers={"Accept-Language": "nl"}).text
    assert "Deze link werkt niet" in broken


def test_every_answer__keeps_the_address_to_itself(
    client: FlaskClient, token: TokenFor
) -> None:
    link = token()
    for answer in (client.get(f"/s/{link}"), send(client, link, score="1")):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "strict-origin"
        assert "noindex" in answer.headers["X-Robots-Tag"]
    assert "<script" not in client.get(f"/s/{link}").text


def test_link__in_logs__is_nowhere(
    client: FlaskClient,
    token: TokenFor,
    logged: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    link = token()

    def fail(*_: object) -> None:
        raise RuntimeError(link)

    client.application.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setattr(Inbox, "append", fail)
    answer = send(client, link, score="1", comment="Secret words")
    assert answer.status_code == 500
    text = logged.getvalue()  # type: ignore[attr-defined]
    assert "unexpected failure" in text
    assert link not in text
    assert "Secret words" not in text


def test_database__that_does_not_answer__asks_for_patience(
    client: FlaskClient, token: TokenFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = token()

    def refuse(*_: object) -> None:
        raise Unavailable("x", 3)

    monkeypatch.setattr(survey_replies, "answer_until", refuse)
    for answer in (client.get(f"/s/{link}"), send(client, link, score="3")):
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "3"
        assert "Please open it again in a minute." in answer.text


def test_expiry__in_the_middle__ends_the_link(
    client: FlaskClient, token: TokenFor, now: FakeClock
) -> None:
    link = token(expires_at=now() + timedelta(days=2))
    assert client.get(f"/s/{link}").status_code == 200
    now.advance(days=2)
    assert client.get(f"/s/{link}").status_code == 410


def test_comment__taken_back_by_the_same_link__is_gone_and_the_score_stays(
    client: FlaskClient, token: TokenFor, context: Context, now: FakeClock
) -> None:
    link, other = token(), token("customer-18")
    thanks = client.get(send(client, link, score="2", comment="Too slow").location)
    send(client, other, score="3", comment="Also slow")
    compact_once(context)
    place = f"/s/{link}/forget-comment"
    assert f'action="{place}"' in thanks.text
    assert f'action="{place}"' in client.get(f"/s/{link}").text
    now.advance(days=8)  # the answer can be changed no longer
    assert f'action="{place}"' in client.get(f"/s/{link}").text
    assert client.get(place).status_code == 405  # a scanner opens it in vain
    gone = client.post(place, base_url=BASE, data={"lang": "de"})
    assert "Ihr Kommentar wird" in gone.text
    compact_once(context)
    with transaction(context.sessions) as session:
        kept = [row.text for row in session.scalars(select(SurveyComment))]
    assert kept == ["Also slow"]
    assert {score for _, score, _ in answers(context)} == {2.0, 3.0}
    assert client.post("/s/nonsense/forget-comment").status_code == 404
