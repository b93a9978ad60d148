"""Signing in, one-time links, the first set-up, and going on where one was."""

import html
import re
from collections.abc import Callable

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from experiments import accounts, sign_in_links
from experiments.actors import SYSTEM
from experiments.context import Context
from experiments.db import transaction
from experiments.models import Person, SignInLink
from experiments.vocabulary import PersonRole
from tests.clock import FakeClock
from tests.factories import PASSWORD, make_person
from tests.web.conftest import BASE, TOKEN, Visitor

SignIn = Callable[..., Visitor]
HIDDEN = re.compile(r'<input(?=[^>]*type="hidden")[^>]*>')


def add(context: Context, name: str = "Ada", password: str | None = PASSWORD) -> int:
    with transaction(context.sessions) as session:
        return make_person(session, name, password=password).id


def link_for(context: Context, person_id: int | None) -> str:
    with transaction(context.sessions) as session:
        return sign_in_links.create(session, person_id, context.now())


def hidden_fields(page: str, action: str) -> list[tuple[str, str]]:
    """Read the hidden fields of the form that goes to `action`."""
    form = re.search(
        rf'<form[^>]*action="{re.escape(action)}".*?</form>', page, re.DOTALL
    )
    assert form is not None
    tags = HIDDEN.findall(form.group(0))
    return [(_attribute(tag, "name"), _attribute(tag, "value")) for tag in tags]


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf' {name}="([^"]*)"', tag)
    return html.unescape(found.group(1)) if found else ""


def test_sign_in__with_the_password__goes_to_the_page_asked_for(
    visitor: Visitor, context: Context
) -> None:
    add(context)
    asked = visitor.get("/experiments?status=draft")
    assert asked.headers["Location"] == "/sign-in?next=/experiments?status%3Ddraft"
    assert (
        'value="/experiments?status=draft"'
        in visitor.get(asked.headers["Location"]).text
    )
    answer = visitor.post(
        "/sign-in",
        {
            "email": "ADA@example.com ",
            "password": PASSWORD,
            "next": "/experiments?status=draft",
        },
    )
    assert answer.headers["Location"] == "/experiments?status=draft"


def test_sign_in__with_next_elsewhere__goes_home(
    visitor: Visitor, context: Context
) -> None:
    add(context)
    answer = visitor.post(
        "/sign-in",
        {"email": "ada@example.com", "password": PASSWORD, "next": "//evil.example"},
    )
    assert answer.headers["Location"] == "/"


def test_sign_in__wrong_or_unknown__says_the_same(
    visitor: Visitor, context: Context
) -> None:
    add(context)
    pages = []
    for email in ("ada@example.com", "eve@example.com"):
        answer = visitor.sign_in(email, "another long password")
        assert answer.status_code == 400
        pages.append(TOKEN.sub("", answer.text).replace(email, ""))
    assert pages[0] == pages[1]
    assert "Check your e-mail address and password." in pages[0]
    assert "<title>Error: Sign in" in pages[0]


def test_sign_in__eleventh_try_in_a_minute__is_told_to_wait(
    visitor: Visitor, context: Context, now: FakeClock
) -> None:
    add(context)
    for _ in range(10):
        assert visitor.sign_in("ada@example.com", "wrong but long").status_code == 400
    refused = visitor.sign_in("ada@example.com")
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "60"
    assert "Too many tries. Wait 60 seconds." in refused.text
    now.advance(seconds=61)
    assert visitor.sign_in("ada@example.com").status_code == 302


def test_owner__while_a_stranger_uses_up_the_tries__signs_in_from_a_known_device(
    visitor: Visitor, context: Context
) -> None:
    add(context)
    assert visitor.sign_in("ada@example.com").status_code == 302
    visitor.post("/sign-out", {"csrf_token": visitor.token("/")})
    stranger = Visitor(visitor.client.application.test_client())
    stranger.client.environ_base["REMOTE_ADDR"] = "192.0.2.7"
    tries = [stranger.sign_in("ada@example.com", "a guess") for _ in range(11)]
    assert tries[-1].status_code == 429
    assert visitor.sign_in("ada@example.com").status_code == 302


def test_forwarded_address__sent_by_a_client__does_not_get_around_the_throttle(
    visitor: Visitor, context: Context
) -> None:
    add(context)
    statuses = []
    for number in range(11):
        visitor.client.environ_base["HTTP_X_FORWARDED_FOR"] = f"192.0.2.{number}"
        statuses.append(visitor.sign_in("ada@example.com", "a guess").status_code)
    assert statuses == [400] * 10 + [429]


def test_link__opened_by_a_program__still_works_for_the_person(
    visitor: Visitor, context: Context
) -> None:
    token = link_for(context, add(context))
    path = f"/sign-in/link?token={token}"
    for _ in range(3):
        assert visitor.get(path).status_code == 200
    assert visitor.post("/sign-in/link", {"token": token}).headers["Location"] == "/"
    assert visitor.get("/").status_code == 200


def test_link__used_twice__is_refused(visitor: Visitor, context: Context) -> None:
    token = link_for(context, add(context))
    assert visitor.post("/sign-in/link", {"token": token}).status_code == 302
    second = Visitor(visitor.client.application.test_client())
    answer = second.post("/sign-in/link", {"token": token})
    assert answer.status_code == 400
    assert "has been used already" in answer.text
    assert second.get("/").status_code == 302


def test_link__of_somebody_without_password__leads_to_choosing_one(
    visitor: Visitor, context: Context
) -> None:
    token = link_for(context, add(context, password=None))
    answer = visitor.post("/sign-in/link", {"token": token})
    assert answer.headers["Location"] == "/account"
    assert "Choose a password" in visitor.get("/account").text


def test_set_up__with_the_first_link__makes_the_administrator(
    visitor: Visitor, context: Context
) -> None:
    token = link_for(context, None)
    page = visitor.post("/sign-in/link", {"token": token}).text
    assert "Set up Abide" in page
    answer = visitor.post(
        "/set-up",
        {
            "token": token,
            "name": "Ada",
            "email": "ada@example.com",
            "password": PASSWORD,
        },
    )
    assert answer.headers["Location"] == "/"
    assert visitor.get("/settings/people").status_code == 200
    with transaction(context.sessions) as session:
        assert session.scalars(select(Person)).one().role == PersonRole.ADMIN


def test_set_up__with_faults__keeps_the_link_and_what_was_typed(
    visitor: Visitor, context: Context
) -> None:
    token = link_for(context, None)
    answer = visitor.post(
        "/set-up",
        {"token": token, "name": "Ada", "email": "nobody", "password": "short"},
    )
    assert answer.status_code == 400
    assert 'value="Ada"' in answer.text
    assert 'value="short"' not in answer.text
    assert "Enter an e-mail address, as in ada@example.com." in answer.text
    with transaction(context.sessions) as session:
        assert session.scalars(select(SignInLink)).one().used_at is None
        assert not session.scalars(select(Person)).all()


def test_set_up__when_somebody_is_there__is_refused(
    visitor: Visitor, context: Context
) -> None:
    token = link_for(context, None)
    add(context)
    answer = visitor.post("/sign-in/link", {"token": token})
    assert answer.status_code == 400
    with transaction(context.sessions) as session:
        assert len(session.scalars(select(Person)).all()) == 1


def test_set_up__with_a_persons_link__makes_nobody(
    visitor: Visitor, context: Context
) -> None:
    token = link_for(context, add(context))
    sent = {"token": token, "name": "Eve", "email": "eve@example.com"}
    answer = visitor.post("/set-up", {**sent, "password": PASSWORD})
    assert answer.status_code == 400
    with transaction(context.sessions) as session:
        assert len(session.scalars(select(Person)).all()) == 1
        assert session.scalars(select(SignInLink)).one().used_at is None


def test_password__set_by_oneself__signs_out_everywhere_else(
    visitor: Visitor, context: Context
) -> None:
    add(context)
    other = Visitor(visitor.client.application.test_client())
    assert visitor.sign_in("ada@example.com").status_code == 302
    assert other.sign_in("ada@example.com").status_code == 302
    new = "seven green bottles"
    sent = {"csrf_token": visitor.token("/account"), "password": new}
    assert visitor.post("/account", sent).headers["Location"] == "/"
    assert visitor.get("/").status_code == 200
    assert other.get("/").status_code == 302
    assert other.sign_in("ada@example.com", new).status_code == 302


def test_form__sent_after_the_session_ended__comes_back_with_every_value(
    visitor: Visitor, context: Context, now: FakeClock
) -> None:
    """Nothing is saved on the way, and nothing that was typed is lost."""
    with transaction(context.sessions) as session:
        make_person(session, "Ada", PersonRole.EDITOR, password=PASSWORD)
    visitor.sign_in("ada@example.com")
    token = visitor.token("/settings/stages/new")
    now.advance(hours=9)
    typed = {"csrf_token": token, "name": 'Win "back" <b>', "position": "7"}
    refused = visitor.client.post("/settings/stages/new", data=typed, base_url=BASE)
    assert refused.status_code == 401
    assert "nothing that you typed is lost" in refused.text
    sign_in = dict(hidden_fields(refused.text, "/sign-in"))
    kept = visitor.client.post(
        "/sign-in",
        data={**sign_in, "email": "ada@example.com", "password": PASSWORD},
        base_url=BASE,
    )
    back = hidden_fields(kept.text, "/settings/stages/new")
    assert ("name", 'Win "back" <b>') in back
    refilled = visitor.client.post(
        "/settings/stages/new", data={**dict(back), "action": "refill"}, base_url=BASE
    )
    assert refilled.status_code == 200
    assert 'value="Win &#34;back&#34; &lt;b&gt;"' in refilled.text
    assert 'value="7"' in refilled.text
    assert "Win &#34;back" not in visitor.get("/settings/stages").text


def test_form__sent_after_the_session_ended__comes_back_after_a_link_too(
    visitor: Visitor, context: Context, now: FakeClock
) -> None:
    """The link is opened in another window, which has the same cookies."""
    with transaction(context.sessions) as session:
        ada = make_person(session, "Ada", PersonRole.EDITOR).id
    visitor.post("/sign-in/link", {"token": link_for(context, ada)})
    token = visitor.token("/settings/stages/new")
    now.advance(hours=9)
    typed = {"csrf_token": token, "name": "Win back", "position": "7"}
    refused = visitor.client.post("/settings/stages/new", data=typed, base_url=BASE)
    waiting = dict(hidden_fields(refused.text, "/settings/stages/new"))

    def go_on() -> TestResponse:
        return visitor.client.post(
            "/settings/stages/new",
            data={**waiting, "action": "refill"},
            headers={"Origin": BASE},
            base_url=BASE,
        )

    assert go_on().status_code == 401  # not signed in yet
    visitor.post("/sign-in/link", {"token": link_for(context, ada)})
    kept = hidden_fields(go_on().text, "/settings/stages/new")
    refilled = visitor.client.post(
        "/settings/stages/new", data={**dict(kept), "action": "refill"}, base_url=BASE
    )
    assert refilled.status_code == 200
    assert 'value="Win back"' in refilled.text
    assert 'value="7"' in refilled.text


def test_form__opened_in_an_earlier_session__comes_back_with_every_value(
    visitor: Visitor, context: Context
) -> None:
    with transaction(context.sessions) as session:
        make_person(session, "Ada", PersonRole.EDITOR, password=PASSWORD)
    visitor.sign_in("ada@example.com")
    old = visitor.token("/settings/stages/new")
    visitor.post("/sign-out", {"csrf_token": visitor.token("/")})
    visitor.sign_in("ada@example.com")
    answer = visitor.client.post(
        "/settings/stages/new",
        data={"csrf_token": old, "name": "Return"},
        headers={"Origin": BASE},
        base_url=BASE,
    )
    assert answer.status_code == 403
    assert ("name", "Return") in hidden_fields(answer.text, "/settings/stages/new")


def test_kept_form__that_belongs_to_a_button__does_nothing(
    signed_in: SignIn, context: Context
) -> None:
    visitor = signed_in(PersonRole.ADMIN)
    with transaction(context.sessions) as session:
        make_person(session, "Bob")
    sent = {"csrf_token": visitor.token("/"), "action": "refill", "active": "no"}
    answer = visitor.post("/settings/people/2/active", sent)
    assert answer.headers["Location"] == "/"
    with transaction(context.sessions) as session:
        assert session.get_one(Person, 2).active


@pytest.mark.parametrize(
    "kept",
    ["", "nonsense", "[1, 2]", '["//evil", []]', '["/a", [["a"]]]', "[" * 100_000],
)
def test_kept_form__that_we_did_not_write__is_ignored(
    visitor: Visitor, context: Context, kept: str
) -> None:
    add(context)
    answer = visitor.post(
        "/sign-in", {"email": "ada@example.com", "password": PASSWORD, "kept": kept}
    )
    assert answer.headers["Location"] == "/"


def test_sign_in_page__for_somebody_signed_in__goes_on(signed_in: SignIn) -> None:
    assert (
        signed_in().get("/sign-in?next=/catalogue").headers["Location"] == "/catalogue"
    )


def test_theme__chosen_without_signing_in__is_kept(visitor: Visitor) -> None:
    answer = visitor.post("/theme", {"theme": "dark", "next": "/sign-in"})
    assert answer.headers["Location"] == "/sign-in"
    assert 'data-theme="dark"' in visitor.get("/sign-in").text
    visitor.post("/theme", {"theme": "system", "next": "https://evil.example"})
    assert "data-theme" not in visitor.get("/sign-in").text


def test_disabled_person__with_the_right_password__is_not_told_apart(
    visitor: Visitor, context: Context
) -> None:
    number = add(context)
    with transaction(context.sessions) as session:
        make_person(session, "Root", PersonRole.ADMIN)
        accounts.set_active(
            session, number, active=False, actor=SYSTEM, now=context.now()
        )
    answer = visitor.sign_in("ada@example.com")
    assert answer.status_code == 400
    assert "Check your e-mail address and password." in answer.text
