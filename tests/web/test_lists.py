"""Lists by hand on their page."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from experiments.context import Context
from experiments.db import transaction
from experiments.models import AuditEntry, ListedUnit
from experiments.privacy import load_pseudonymiser
from experiments.vocabulary import PersonRole
from tests.factories import EXPERIMENT, external_design, make_actor, make_experiment
from tests.web.conftest import Visitor
from web import paging

SignIn = Callable[..., Visitor]
PATH = f"/experiments/{EXPERIMENT}/lists"
QA = {
    "customer_id": "qa-1",
    "id_kind": "anonymous",
    "variant": "nudge",
    "note": "Ada's phone",
}


@pytest.fixture
def editor(signed_in: SignIn, context: Context) -> Visitor:
    with transaction(context.sessions) as session:
        make_experiment(session, make_actor(session, "Grace", PersonRole.ADMIN))
    return signed_in(PersonRole.EDITOR)


def test_lists__put_on_and_taken_off__audited_and_left_out_for_good(
    editor: Visitor, context: Context
) -> None:
    assert f'href="{PATH}"' in editor.get(f"/experiments/{EXPERIMENT}").text
    assert "Nobody is on a list" in editor.get(PATH).text
    assert editor.post(PATH, QA).status_code == 302
    out = {**QA, "customer_id": "no-1", "variant": "no part", "note": "Asked to"}
    assert editor.post(PATH, out).status_code == 302
    page = editor.get(PATH).text
    assert "Takes no part: control" in page
    assert "qa-1" not in page
    with transaction(context.sessions) as session:
        rows = session.scalars(select(ListedUnit).order_by(ListedUnit.id)).all()
    hide = load_pseudonymiser(context.settings)
    assert [(row.pseudonym, row.variant) for row in rows] == [
        (hide.anonymous("qa-1"), "nudge"),
        (hide.anonymous("no-1"), None),
    ]
    assert editor.post(f"{PATH}/{rows[0].id}/remove", {}).status_code == 302
    page = editor.get(PATH).text
    assert "Take off<span" in page
    assert page.count("Take off<span") == 1
    assert "2 customers were ever on a list" in page
    assert editor.post(f"{PATH}/{rows[0].id}/remove", {}).status_code == 404
    with transaction(context.sessions) as session:
        actions = list(session.scalars(select(AuditEntry.action)))
    assert actions[-3:] == ["experiment.list_customer"] * 2 + [
        "experiment.unlist_customer"
    ]


def test_lists__at_fault__says_what_is_wrong_and_keeps_what_was_typed(
    editor: Visitor,
) -> None:
    answer = editor.post(PATH, {**QA, "customer_id": "", "note": "", "variant": "x"})
    assert answer.status_code == 400
    for field in ("customer_id", "variant"):
        assert f'href="#{field}"' in answer.text
    editor.post(PATH, QA)
    again = editor.post(PATH, QA)
    assert again.status_code == 400
    assert "on a list already" in again.text


def test_lists__more_than_a_page__in_pages(
    editor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "SIZE", 2)
    for number in range(3):
        body = {**QA, "customer_id": f"qa-{number}", "note": f"Phone {number}"}
        assert editor.post(PATH, body).status_code == 302
    first = editor.get(PATH).text
    assert "Phone 2" in first
    assert "Phone 0" not in first
    assert "Next" in first


def test_lists__external_experiment__no_link(
    signed_in: SignIn, context: Context
) -> None:
    with transaction(context.sessions) as session:
        actor = make_actor(session, "Grace", PersonRole.ADMIN)
        make_experiment(session, actor, external_design())
    page = signed_in(PersonRole.EDITOR).get(f"/experiments/{EXPERIMENT}").text
    assert PATH not in page
