"""Signing in by password or one-time link, the first set-up, signing out."""

import hashlib
import hmac
from http import HTTPStatus

from flask import (
    Blueprint,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from experiments import accounts, sign_in_links
from experiments.actors import SYSTEM
from experiments.db import transaction
from experiments.errors import InvalidInput, TooManyRequests, Unauthenticated
from experiments.models import Person
from experiments.vocabulary import PersonRole
from web import kept
from web.access import (
    context,
    least,
    person,
    safe_next,
    same_text,
    server_session,
)
from web.forms.sign_in import SetUpForm, SignInForm

pages = Blueprint("sign_in", __name__)
DEVICE_COOKIE = "abide-device"
ONE_YEAR = 365 * 24 * 3600  # seconds


class _SetUpFirstError(Exception):
    """Rolls the redeeming back: the link is used up when the person is made."""


@pages.get("/sign-in")
def show() -> Response | str:
    """Show the form, or go on when somebody is signed in already."""
    target = safe_next(request.args.get("next"))
    if person() is not None:
        return redirect(target or "/")
    form = SignInForm(data={"next": target or ""})
    return render_template("sign_in.html", form=form, expired=server_session().expired)


@pages.post("/sign-in")
def submit() -> Response | str:
    """Check the password, and go on to where the person wanted."""
    form = SignInForm(request.form)
    if not form.validate():
        return _refused(form, HTTPStatus.BAD_REQUEST)
    try:
        found = accounts.verify_password(
            context().sessions,
            form.email.data,
            form.password.data,
            request.remote_addr or "",
            context().now(),
            known_device=_is_known_device(form.email.data),
        )
    except (Unauthenticated, InvalidInput):
        form.fault = "Check your e-mail address and password."
        return _refused(form, HTTPStatus.BAD_REQUEST)
    except TooManyRequests as error:
        form.fault = f"Too many tries. Wait {error.retry_after} seconds."
        answer = _refused(form, HTTPStatus.TOO_MANY_REQUESTS)
        answer.headers["Retry-After"] = str(error.retry_after)
        return answer
    server_session().store.start(server_session(), found)
    form_kept = kept.read(form.kept.data)
    if form_kept is not None:
        return _mark_device(kept.offer_again(form=form_kept), found)
    return _mark_device(redirect(safe_next(form.next.data) or "/"), found)


def _refused(form: SignInForm, status: int) -> Response:
    page = render_template(
        "sign_in.html",
        form=form,
        problems=form.problems(),
        waiting=kept.read(form.kept.data),
    )
    return make_response(page, status)


@pages.get("/sign-in/link")
def link() -> str:
    """Show a button: programs that look at links before people do must not use it."""
    return render_template("sign_in_link.html", token=request.args.get("token", ""))


@pages.post("/sign-in/link")
def redeem() -> Response | str:
    """Use the link up; without a person it leads to the first set-up."""
    token = request.form.get("token", "")
    try:
        with transaction(context().sessions) as database:
            found = _redeem_for_person(database, token)
    except _SetUpFirstError:
        return render_template("set_up.html", form=SetUpForm(), token=token)
    except Unauthenticated as error:
        page = render_template("sign_in_link.html", token="", fault=error.message)
        return make_response(page, HTTPStatus.BAD_REQUEST)
    server_session().store.start(server_session(), found)
    if found.password_hash is None:
        flash("You are signed in. Choose a password, so that you can come back.")
        return _mark_device(redirect(url_for("web.account.show")), found)
    return _mark_device(redirect("/"), found)


def _redeem_for_person(database: Session, token: str) -> Person:
    found = sign_in_links.redeem(database, token, context().now())
    if found is None:
        raise _SetUpFirstError
    return found


@pages.get("/set-up")
def set_up() -> str:
    """Say how set-up begins; the form itself comes with the one-time link."""
    return render_template("sign_in_link.html", token="")


@pages.post("/set-up")
def create_first() -> Response | str:
    """Make the first administrator and use the link up, both or neither."""
    form, token = SetUpForm(request.form), request.form.get("token", "")
    form.validate()
    try:
        with transaction(context().sessions) as database:
            first = _make_first(database, form, token)
    except Unauthenticated as error:
        page = render_template("sign_in_link.html", token="", fault=error.message)
        return make_response(page, HTTPStatus.BAD_REQUEST)
    except InvalidInput as error:
        problems = form.take(error)
        page = render_template("set_up.html", form=form, token=token, problems=problems)
        return make_response(page, HTTPStatus.BAD_REQUEST)
    server_session().store.start(server_session(), first)
    return _mark_device(redirect("/"), first)


def _make_first(database: Session, form: SetUpForm, token: str) -> Person:
    if sign_in_links.redeem(database, token, context().now()) is not None:
        raise Unauthenticated("This link signs in; it does not set up.")
    first = accounts.create_person(
        database,
        email=form.email.data,
        name=form.name.data,
        role=PersonRole.ADMIN,
        password=form.password.data,
        actor=SYSTEM,
        now=context().now(),
    )
    if form.problems():
        raise InvalidInput("This account cannot be made yet.")
    return first


@pages.post("/sign-out")
@least(PersonRole.VIEWER)
def sign_out() -> Response:
    """End the session on the server and forget the cookie."""
    server_session().store.end(server_session())
    return redirect(url_for("web.sign_in.show"))


def _device_mark(email: str) -> str:
    key = current_app.secret_key or b""
    secret = key.encode() if isinstance(key, str) else key
    return hmac.new(
        secret, b"device" + email.strip().lower().encode(), hashlib.sha256
    ).hexdigest()


def _is_known_device(email: str) -> bool:
    """Whether this browser signed in to the account before.

    Its tries are counted apart, so that a stranger who uses up the account's tries
    does not lock its owner out.
    """
    mark = request.cookies.get(DEVICE_COOKIE, "")
    return same_text(mark, _device_mark(email))


def _mark_device(answer: Response, who: Person) -> Response:
    answer.set_cookie(
        DEVICE_COOKIE,
        _device_mark(who.email),
        max_age=ONE_YEAR,
        secure=context().settings.base_url.startswith("https:"),
        httponly=True,
        samesite="Lax",
        path="/sign-in",
    )
    return answer
