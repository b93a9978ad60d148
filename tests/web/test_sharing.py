"""The summary by link: that page, for that long, and nothing else."""

import re
from collections.abc import Callable

import pytest
from flask import Flask

from experiments import accounts
from experiments.context import Context
from experiments.db import transaction
from experiments.models import Person
from experiments.vocabulary import PersonRole
from tests.clock import FakeClock
from tests.factories import EXPERIMENT, make_experiment, start_experiment
from tests.web.conftest import BASE, Visitor
from tests.web.markup import text_of
from web.answer_limit import AnswerLimit
from web.pages import sharing

SignIn = Callable[..., Visitor]
PATH = f"/experiments/{EXPERIMENT}/summary/links"
ADDRESS = re.compile(rf"{BASE}(/shared/abs_[\w-]+)")


@pytest.fixture
def editor(signed_in: SignIn, context: Context) -> Visitor:
    visitor = signed_in(PersonRole.EDITOR)
    with transaction(context.sessions) as session:
        owner = accounts.actor_for(session.get_one(Person, 1))
        start_experiment(session, owner)
        make_experiment(session, owner, key="draft")
    return visitor


def share(editor: Visitor, days: int = 7) -> str:
    answer = editor.post(PATH, {"days": str(days), "action": "save"})
    assert answer.headers["Cache-Control"] == "no-store"
    found = ADDRESS.search(answer.text)
    assert found is not None
    return found.group(1)


def test_link__opened_without_signing_in__shows_the_summary_alone(
    editor: Visitor, app: Flask
) -> None:
    there = share(editor)
    stranger = Visitor(app.test_client())
    answer = stranger.get(there)
    assert answer.status_code == 200
    page = text_of(answer.text)
    assert "Naming the yearly saving keeps business customers" in page
    # No way further in, no search engine, no referrer, no copy on the way.
    assert "<a " not in answer.text
    assert "<form" not in answer.text
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
    for path in (f"/experiments/{EXPERIMENT}/summary", "/", PATH):
        assert stranger.get(path).status_code == 302, path
    assert there.rpartition("/")[2] not in editor.get(PATH).text


def test_link__after_its_days__works_no_more(
    editor: Visitor, visitor: Visitor, now: FakeClock
) -> None:
    there = share(editor, days=2)
    now.advance(days=1, hours=23)
    assert visitor.get(there).status_code == 200
    now.advance(hours=1)
    ended = visitor.get(there)
    assert ended.status_code == 404
    assert "Ask the person who sent it for a new one." in ended.text
    assert ended.headers["Referrer-Policy"] == "no-referrer"


def test_link__revoked__works_no_more_and_is_listed_so(
    editor: Visitor, visitor: Visitor
) -> None:
    there = share(editor)
    assert editor.post(f"{PATH}/1/revoke").status_code == 302
    assert visitor.get(there).status_code == 404
    assert "Revoked" in editor.get(PATH).text
    assert editor.post(f"{PATH}/1/revoke").status_code == 302  # once is enough
    other = PATH.replace(EXPERIMENT, "draft")
    assert editor.post(f"{other}/1/revoke").status_code == 404


@pytest.mark.parametrize("token", ["abs_" + "x" * 32, "abs_" + "x" * 500, "x", "abs_ü"])
def test_link__that_never_was__is_not_found(visitor: Visitor, token: str) -> None:
    assert visitor.get(f"/shared/{token}").status_code == 404


@pytest.mark.parametrize("days", ["0", "91", "x", ""])
def test_link__for_too_many_days__is_refused(editor: Visitor, days: str) -> None:
    answer = editor.post(PATH, {"days": days, "action": "save"})
    assert answer.status_code == 400
    assert "There is a problem" in answer.text


def test_link__before_the_start__cannot_be_made(editor: Visitor) -> None:
    draft = PATH.replace(EXPERIMENT, "draft")
    assert editor.get(draft).status_code == 404


def test_link__opened_without_end__waits(
    editor: Visitor, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = share(editor)
    limit = AnswerLimit(2, refusal="This link is opened too often.")
    monkeypatch.setattr(sharing, "_limit", limit)
    assert [visitor.get(there).status_code for _ in range(3)] == [200, 200, 429]
