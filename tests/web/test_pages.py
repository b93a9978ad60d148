"""What pages show: the right words, nothing that was smuggled in, plain errors."""

import io
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from flask import Flask

import web
from experiments import accounts, catalog, hypotheses, journey, lifecycle
from experiments.context import Context
from experiments.db import transaction
from experiments.models import Person
from experiments.vocabulary import Action, Decision, PersonRole
from tests.clock import FakeClock
from tests.factories import (
    HYPOTHESIS,
    hypothesis_value,
    make_experiment,
    make_hypothesis,
    make_metric,
    make_segment,
    start_experiment,
)
from tests.web.conftest import BASE, Visitor

SignIn = Callable[..., Visitor]
TEMPLATES = Path(web.__file__).parent / "templates"
STATIC = Path(web.__file__).parent / "static"
NASTY = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{7*7}} {% raw %}",
    "'; DROP TABLE person; --",
    "a\r\nSet-Cookie: x=1",
    "\u202eright to left\u202c",
    "\U0001f600 four bytes",
    "e\u0301 and \u00e9",
    "javascript:alert(1)",
    "= + - @ formula",
    "&lt;already escaped&gt;",
    "x" * 200,
)


def test_home__with_nothing__says_how_to_begin(signed_in: SignIn) -> None:
    page = signed_in().get("/").text
    assert "No experiments yet" in page
    assert "No experiment is running. None needs you." in page


def test_home__with_work__sorts_it_by_stage_and_by_need(
    signed_in: SignIn, context: Context, now: FakeClock
) -> None:
    visitor = signed_in(PersonRole.ADMIN)
    with transaction(context.sessions) as session:
        owner = accounts.actor_for(session.get_one(Person, 1))
        journey.seed(session)
        start_experiment(session, owner, key="runs", name="It runs")
        start_experiment(session, owner, key="done", name="It is done")
        start_experiment(session, owner, key="late", name="It is late")
        make_experiment(session, owner, key="asks", name="It asks", hypothesis="other")
        make_hypothesis(session, owner, key="idea")
        lifecycle.transition(session, "asks", Action.SUBMIT, owner, context.now())
        lifecycle.transition(session, "late", Action.PAUSE, owner, context.now())
        lifecycle.transition(
            session,
            "done",
            Action.DECIDE,
            owner,
            context.now(),
            decision=Decision.DO_NOT_SHIP,
            reason="It changes nothing.",
        )
    text = _words(visitor.get("/").text)
    assert "2 experiments are running for 1 segment. 2 need you." in text
    assert "It asks The plan waits for a review." in text
    assert "It is late It is paused: every customer gets control." in text
    assert "Renewal Ideas not tested yet 1 Running 2 Decided 1" in text
    assert "Do not ship It is done, 14 Mar 2026 It changes nothing." in text
    now.advance(hours=1)
    with transaction(context.sessions) as session:
        catalog.get(session, "runs").planned_end_at = context.now()
    assert "The planned end, 14 Mar 2026, has passed." in visitor.get("/").text


def _words(page: str) -> str:
    main = page.partition('<main id="main"')[2].partition("</main>")[0]
    return " ".join(re.sub(r"<[^>]*>", " ", main).replace(" ,", ",").split()).replace(
        " ,", ","
    )


def test_lists__with_nothing__show_a_way_to_begin(signed_in: SignIn) -> None:
    visitor = signed_in()
    for path, words in (
        ("/hypotheses", "No hypotheses yet"),
        ("/segments", "No segments yet"),
        ("/catalogue", "No metrics yet"),
        ("/experiments", "No experiments yet"),
        ("/experiments?status=running", "Nothing matches"),
        ("/experiments?status=nonsense", "No experiments yet"),
        ("/experiments?view=timeline", "No experiments yet"),
        ("/settings/stages", "No stages yet"),
        ("/settings/keys", "No keys yet"),
    ):
        assert words in visitor.get(path).text, path


@pytest.mark.parametrize("text", NASTY)
def test_text__whatever_it_holds__is_shown_as_text_on_every_page(
    signed_in: SignIn, context: Context, text: str
) -> None:
    visitor = signed_in(PersonRole.ADMIN)
    with transaction(context.sessions) as session:
        owner = accounts.actor_for(session.get_one(Person, 1))
        make_metric(session, name=text, description=text)
        make_segment(session, name=text, description=text, condition={"plan": text})
        make_hypothesis(session, owner)
        value = hypothesis_value(title=text, evidence_text=text, if_up=text)
        hypotheses.update(session, value, 1, owner, context.now())
        start_experiment(session, owner, name=text)
    for path in (
        "/",
        "/hypotheses",
        f"/hypotheses/{HYPOTHESIS}",
        f"/hypotheses/{HYPOTHESIS}/edit",
        "/segments",
        "/segments/business",
        "/catalogue",
        "/catalogue/retention_d30",
        "/experiments",
        "/experiments/annual-plan-nudge",
        "/experiments/annual-plan-nudge/review",
        "/experiments/annual-plan-nudge/stop",
        "/settings/audit",
    ):
        answer = visitor.get(path)
        assert answer.status_code == 200, path
        assert "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text
        assert "Set-Cookie: x=1" not in str(answer.headers)
        assert not re.search(r'href="javascript:', answer.text)
        if text.startswith("{{"):
            assert not re.search(r"\b49\b", _words(answer.text)), path


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/nothing", 404, "Page not found"),
        ("/experiments/nothing", 404, "There is no experiment"),
        ("/experiments/%00", 404, "There is no such experiment"),
        (f"/segments/{quote('a b')}", 404, "There is no such segment"),
        ("/catalogue/" + "x" * 500, 404, "There is no such metric"),
        ("/settings/people/999", 404, "There is no such person"),
        ("/settings/people/99999999999999999999", 404, ""),
        ("/settings/audit?before=99999999999999999999", 200, "Audit"),
        ("/settings/audit?before=x", 200, "Audit"),
        ("/experiments?status=%00", 200, "Experiments"),
        ("/static/../app.py", 404, ""),
        ("/static/%2e%2e/app.py", 404, ""),
    ],
)
def test_address__that_is_odd__gets_a_plain_page(
    signed_in: SignIn, path: str, status: int, words: str
) -> None:
    answer = signed_in(PersonRole.ADMIN).get(path)
    assert answer.status_code == status
    assert words in answer.text


def test_method__that_a_page_does_not_take__is_named(signed_in: SignIn) -> None:
    visitor = signed_in()
    answer = visitor.client.delete("/hypotheses", base_url=BASE)
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
    assert "This address does not work that way" in answer.text


def test_form__too_large__gets_a_plain_page(signed_in: SignIn) -> None:
    visitor = signed_in()
    sent = {"csrf_token": visitor.token("/"), "name": "x" * 1_100_000}
    answer = visitor.client.post("/settings/stages/new", data=sent, base_url=BASE)
    assert answer.status_code == 413
    assert "That is too large" in answer.text


def test_fault_of_ours__gets_a_number_and_no_details(
    signed_in: SignIn, app: Flask, logged: io.StringIO
) -> None:
    visitor = signed_in()

    secret = "secret words"  # noqa: S105  # what a customer typed

    def broken() -> str:
        raise RuntimeError(secret)

    broken.least_role = PersonRole.VIEWER  # type: ignore[attr-defined]
    app.view_functions["web.settings.show"] = broken
    answer = visitor.get("/settings")
    assert answer.status_code == 500
    incident = re.search(r'<dd class="mono">([0-9a-f]{8})</dd>', answer.text)
    assert incident is not None
    assert incident.group(1) in logged.getvalue()
    for text in (answer.text, logged.getvalue()):
        assert secret not in text


def test_key__made__is_shown_once(signed_in: SignIn) -> None:
    visitor = signed_in(PersonRole.ADMIN)
    sent = {
        "csrf_token": visitor.token("/settings/keys"),
        "name": "Shop",
        "kind": "server",
        "environment": "production",
    }
    made = visitor.post("/settings/keys", sent)
    found = re.search(r"abide_server_prod_([a-z0-9]{12})_[\w-]{43}", made.text)
    assert found is not None
    assert made.headers["Cache-Control"] == "no-store"
    listing = visitor.get("/settings/keys").text
    assert found.group(1) in listing
    assert found.group(0) not in listing
    path = f"/settings/keys/{found.group(1)}/revoke"
    token = {"csrf_token": visitor.token("/")}
    assert visitor.post(path, token).status_code == 302
    assert "Revoked" in visitor.get("/settings/keys").text
    assert visitor.post(path, token).status_code == 409


def test_key__that_reads_rules__only_for_a_client(signed_in: SignIn) -> None:
    visitor = signed_in(PersonRole.ADMIN)
    sent = {
        "csrf_token": visitor.token("/settings/keys"),
        "name": "Shop",
        "environment": "production",
        "may_read_rules": "yes",
    }
    refused = visitor.post("/settings/keys", {**sent, "kind": "server"})
    assert refused.status_code == 400
    assert "Only a client key reads rules" in refused.text
    visitor.post("/settings/keys", {**sent, "kind": "client"})
    assert ", reads rules" in visitor.get("/settings/keys").text


def test_person__let_in__gets_a_link_from_the_configured_address(
    signed_in: SignIn, app: Flask
) -> None:
    visitor = signed_in(PersonRole.ADMIN)
    sent = {
        "csrf_token": visitor.token("/settings/people"),
        "name": "Grace",
        "email": "Grace@example.com",
        "role": "approver",
    }
    page = visitor.post("/settings/people", sent)
    link = re.search(
        r'value="(http://127\.0\.0\.1:8000/sign-in/link\?token=[^"]+)"', page.text
    )
    assert link is not None
    guest = Visitor(app.test_client())
    token = link.group(1).partition("token=")[2]
    answer = guest.post("/sign-in/link", {"token": token})
    assert answer.headers["Location"] == "/account"


def test_person__the_last_administrator__cannot_be_disabled(
    signed_in: SignIn,
) -> None:
    visitor = signed_in(PersonRole.ADMIN)
    sent = {"csrf_token": visitor.token("/"), "active": "no"}
    answer = visitor.post("/settings/people/1/active", sent)
    assert answer.status_code == 409
    assert "is the only active admin" in answer.text


def test_audit__checked__says_that_the_chain_is_whole(signed_in: SignIn) -> None:
    visitor = signed_in(PersonRole.ADMIN)
    sent = {"csrf_token": visitor.token("/")}
    assert "The chain is whole" in visitor.post("/settings/audit/check", sent).text


def test_stage__with_hypotheses__cannot_be_removed(
    signed_in: SignIn, context: Context
) -> None:
    visitor = signed_in(PersonRole.EDITOR)
    with transaction(context.sessions) as session:
        make_hypothesis(session, accounts.actor_for(session.get_one(Person, 1)))
    sent = {"csrf_token": visitor.token("/")}
    assert visitor.post("/settings/stages/renewal/remove", sent).status_code == 409
    assert visitor.post("/settings/stages/advocacy/remove", sent).status_code == 302
    taken = {**sent, "name": "Again", "key": "renewal", "position": "1"}
    assert "This key is taken." in visitor.post("/settings/stages/new", taken).text


def test_buttons__for_what_a_role_may_not_do__are_not_shown(
    signed_in: SignIn, context: Context
) -> None:
    editor, viewer = signed_in(PersonRole.EDITOR), signed_in(PersonRole.VIEWER)
    with transaction(context.sessions) as session:
        owner = accounts.actor_for(session.get_one(Person, 1))
        start_experiment(session, owner)
    path = "/experiments/annual-plan-nudge"
    assert "Stop now" in editor.get(path).text
    assert "Stop now" not in viewer.get(path).text
    assert "New experiment" not in viewer.get("/experiments").text
    settings = viewer.get("/settings").text
    assert "/settings/people" not in settings
    assert "/settings/audit" not in settings


def test_templates__hold_nothing_that_the_content_policy_forbids() -> None:
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=", text), path
        assert not re.search(r"<script(?![^>]*\ssrc=)", text), path
        assert not re.search(r"\|\s*safe\b|autoescape", text), path
        assert not re.search(r'(?:src|href|action)="(?:https?:)?//', text), path


def test_static_files__ask_nobody_else() -> None:
    for path in STATIC.iterdir():
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|@import|url\(", text), path


def test_script__is_small() -> None:
    """At most 20 kB of our own script (U4)."""
    assert sum(path.stat().st_size for path in STATIC.glob("*.js")) <= 20_000


def test_page__with_its_files__is_small(signed_in: SignIn) -> None:
    """At most 600 kB raw (U4)."""
    page = len(signed_in().get("/experiments/new").data)
    files = sum(path.stat().st_size for path in STATIC.iterdir())
    assert page + files <= 600_000
