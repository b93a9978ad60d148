"""Sessions live on the server: promises S7 of the design."""

import hashlib
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from abide import create_flask_app
from experiments import accounts
from experiments.actors import SYSTEM
from experiments.context import Context, open_context
from experiments.db import transaction
from experiments.models import Person, SignInSession
from experiments.vocabulary import PersonRole
from tests.clock import FakeClock
from tests.factories import PASSWORD, make_person
from tests.web.conftest import BASE, Visitor
from web.sessions import SignedIn

SignIn = Callable[..., Visitor]
HTTPS = "https://abide.example.com"


def session_count(context: Context) -> int:
    with transaction(context.sessions) as session:
        return session.scalar(select(func.count()).select_from(SignInSession)) or 0


def is_signed_in(visitor: Visitor) -> bool:
    return visitor.get("/").status_code == 200


def cookie_of(visitor: Visitor) -> str:
    cookie = visitor.client.get_cookie("abide", domain="127.0.0.1")
    assert cookie is not None
    return cookie.value


def test_visitor__opens_pages__costs_no_row(visitor: Visitor, context: Context) -> None:
    for _ in range(3):
        visitor.get("/sign-in")
    assert session_count(context) == 0


def test_cookie__on_loopback__is_http_only_and_lax(app: Flask) -> None:
    answer = app.test_client().get("/sign-in", base_url=BASE)
    header = answer.headers["Set-Cookie"]
    assert header.startswith("abide=")
    assert "HttpOnly" in header
    assert "SameSite=Lax" in header
    assert "Path=/" in header
    assert "Domain" not in header


@pytest.mark.parametrize("environ", [{"ABIDE_BASE_URL": HTTPS}])
def test_cookie__behind_https__has_the_host_prefix(
    environ: dict[str, str], data_dir: Path, sqlite_url: str
) -> None:
    settings = {**environ, "ABIDE_DATA_DIR": str(data_dir), "DATABASE_URL": sqlite_url}
    context = open_context(settings, FakeClock())
    answer = create_flask_app(context).test_client().get("/sign-in", base_url=HTTPS)
    header = answer.headers["Set-Cookie"]
    assert header.startswith("__Host-abide=")
    assert "Secure" in header
    assert "Path=/" in header
    assert "Domain" not in header
    context.sessions.kw["bind"].dispose()


def test_sign_in__with_a_planted_token__gets_another_one(
    visitor: Visitor, context: Context
) -> None:
    with transaction(context.sessions) as session:
        make_person(session, "Ada", password=PASSWORD)
    planted = "p" * 43
    visitor.client.set_cookie("abide", planted, domain="127.0.0.1")
    assert visitor.sign_in("ada@example.com").status_code == 302
    assert cookie_of(visitor) != planted
    attacker = Visitor(visitor.client.application.test_client())
    attacker.client.set_cookie("abide", planted, domain="127.0.0.1")
    assert is_signed_in(visitor)
    assert not is_signed_in(attacker)


def test_session__stored__keeps_only_the_tokens_hash(
    signed_in: SignIn, context: Context
) -> None:
    token = cookie_of(signed_in())
    with transaction(context.sessions) as session:
        row = session.scalars(select(SignInSession)).one()
        assert row.token_hash == hashlib.sha256(token.encode()).hexdigest()
        assert token not in str(row.data)


def test_page__for_somebody__is_not_cached(signed_in: SignIn) -> None:
    answer = signed_in().get("/")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Cookie" in answer.headers["Vary"]


def test_sign_out__with_a_copied_cookie__is_dead_on_the_server(
    signed_in: SignIn, context: Context
) -> None:
    visitor = signed_in()
    copied = cookie_of(visitor)
    assert visitor.post("/sign-out", {"csrf_token": visitor.token("/")}).status_code
    assert session_count(context) == 0
    thief = Visitor(visitor.client.application.test_client())
    thief.client.set_cookie("abide", copied, domain="127.0.0.1")
    assert not is_signed_in(thief)


def test_session__idle_for_8_hours__is_over(
    signed_in: SignIn, now: FakeClock, context: Context
) -> None:
    visitor = signed_in()
    now.advance(hours=7, minutes=59)
    assert is_signed_in(visitor)
    now.advance(hours=8)
    assert not is_signed_in(visitor)
    assert session_count(context) == 0


def test_session__used_all_the_time__is_over_after_24_hours(
    signed_in: SignIn, now: FakeClock
) -> None:
    visitor = signed_in()
    for _ in range(5):
        now.advance(hours=4, minutes=45)
        assert is_signed_in(visitor)
    now.advance(minutes=15)
    assert not is_signed_in(visitor)


def test_session__of_a_person_who_is_disabled__is_over(
    signed_in: SignIn, context: Context
) -> None:
    visitor, other = signed_in(name="Ada"), signed_in(name="Bob")
    with transaction(context.sessions) as session:
        person = accounts.person_by_email(session, "ada@example.com")
        accounts.set_active(
            session, person.id, active=False, actor=SYSTEM, now=context.now()
        )
    assert not is_signed_in(visitor)
    assert is_signed_in(other)


def test_session__of_a_disabled_person_whose_row_stayed__is_over(
    signed_in: SignIn, context: Context
) -> None:
    visitor = signed_in(name="Ada")
    with transaction(context.sessions) as session:
        person = accounts.person_by_email(session, "ada@example.com")
        person.active = False
    assert not is_signed_in(visitor)


def test_session__after_a_new_role__is_over(
    signed_in: SignIn, context: Context
) -> None:
    visitor = signed_in(name="Ada")
    with transaction(context.sessions) as session:
        person = accounts.person_by_email(session, "ada@example.com")
        accounts.set_role(
            session, person.id, PersonRole.VIEWER, actor=SYSTEM, now=context.now()
        )
    assert not is_signed_in(visitor)


def test_message__shown_once__is_gone_on_the_next_page(signed_in: SignIn) -> None:
    visitor = signed_in(PersonRole.ADMIN)
    visitor.post(
        "/settings/stages/new",
        {"csrf_token": visitor.token("/"), "name": "Return", "position": "9"},
    )
    assert "The stage Return is saved." in visitor.get("/settings/stages").text
    assert "The stage Return is saved." not in visitor.get("/settings/stages").text


def test_old_rows__at_the_next_sign_in__are_swept(
    signed_in: SignIn, now: FakeClock, context: Context
) -> None:
    signed_in(name="Ada")
    now.advance(hours=9)
    signed_in(name="Bob")
    assert session_count(context) == 1


def test_database__gone__leaves_a_plain_page_and_static_files(
    data_dir: Path,
) -> None:
    # Nobody listens on port 1.
    settings = {
        "ABIDE_DATA_DIR": str(data_dir),
        "DATABASE_URL": "postgresql://127.0.0.1:1/abide",
    }
    context = open_context(settings, FakeClock())
    visitor = Visitor(create_flask_app(context).test_client())
    visitor.client.set_cookie("abide", "t" * 43, domain="127.0.0.1")
    answer = visitor.get("/")
    assert answer.status_code == 503
    assert "Customers keep getting their variants." in answer.text
    assert answer.headers["Retry-After"]
    with visitor.get("/static/abide.css") as style:
        assert style.status_code == 200
    context.sessions.kw["bind"].dispose()


def test_cookie__of_another_make__never_reaches_the_database(
    visitor: Visitor,
) -> None:
    visitor.client.set_cookie("abide", "x", domain="127.0.0.1")
    assert visitor.get("/sign-in").status_code == 200


def test_person__in_a_session__has_no_password() -> None:
    # What a template sees of the person cannot leak the hash.
    assert hasattr(Person, "password_hash")
    assert not any("password" in field.name for field in fields(SignedIn))
