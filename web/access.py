"""Who may see what: each view names its least role, and what names none is refused."""

import hmac
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from flask import current_app, redirect, request, session
from flask_login import (  # type: ignore[import-untyped]  # ships no types
    LoginManager,
    current_user,
)
from flask_wtf.csrf import validate_csrf  # type: ignore[import-untyped]  # same
from werkzeug.wrappers import Response
from wtforms import ValidationError  # type: ignore[import-untyped]  # same

from experiments.actors import Actor
from experiments.context import Context
from experiments.errors import Forbidden, Unauthenticated
from experiments.vocabulary import PersonRole
from web.sessions import ServerSession, SignedIn

View = TypeVar("View", bound=Callable[..., object])

# Every page that opens without signing in; there is no other list.
PUBLIC = frozenset(
    {
        "web.static.send",
        "web.theme.choose",
        "web.sign_in.show",
        "web.sign_in.submit",
        "web.sign_in.link",
        "web.sign_in.redeem",
        "web.sign_in.set_up",
        "web.sign_in.create_first",
        "web.asking.show",
        "web.asking.answer",
        "web.asking.thanks",
        "web.asking.forget_comment",
        "web.choosing.show",
        "web.choosing.choose",
        "web.sharing.read",
        "web.sharing.print_out",
        "web.digest.ask",
        "web.digest.end",
    }
)
# What comes from outside: a signed link is the way in, no cookie counts for anything.
TOKENLESS = frozenset(
    {
        "web.asking.answer",
        "web.asking.forget_comment",
        "web.choosing.choose",
        "web.digest.end",
    }
)
REFILL = "refill"  # the action of a form that is only shown again
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class StaleForm(Forbidden):
    """A form whose token no longer fits, sent from one of our own pages."""


def least(role: PersonRole) -> Callable[[View], View]:
    """Say which role a view takes at least."""

    def mark(view: View) -> View:
        view.least_role = role  # type: ignore[attr-defined]  # read by the guard
        return view

    return mark


def takes(most_bytes: int) -> Callable[[View], View]:
    """Say that a view takes larger bodies than others do, from who may open it."""

    def mark(view: View) -> View:
        view.most_bytes = most_bytes  # type: ignore[attr-defined]  # read by the guard
        return view

    return mark


def context() -> Context:
    """Give what every room of this process shares."""
    found: Context = current_app.extensions["abide"]
    return found


def server_session() -> ServerSession:
    """Give the session of this request."""
    found = session._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    if not isinstance(found, ServerSession):
        msg = "web.app.register sets the session interface"
        raise TypeError(msg)
    return found


def person() -> SignedIn | None:
    """Give who is signed in, or None."""
    found = current_user._get_current_object()  # noqa: SLF001  # its public form
    return found if isinstance(found, SignedIn) else None


def actor() -> Actor:
    """Give who acts, for the services in experiments."""
    found = person()
    if found is None:
        raise Unauthenticated("Sign in first.")
    return found.actor


def make_login_manager() -> LoginManager:
    """Let flask-login find the person in our session.

    `init_app` is not used: its hook for remember-me cookies, which we do not offer,
    would read the session on every static file and API call.
    """
    manager = LoginManager()
    manager.session_protection = None
    manager.user_loader(lambda _id: server_session().person)
    return manager


def guard() -> Response | None:
    """Check origin, role and token before any page's view runs.

    Refuses when nobody is signed in, when another site sent this, when the token is
    wrong, and when the role is too weak.

    Returns:
        None to go on; for a kept form that its page does not take, the way there.
    """
    if request.method in UNSAFE:
        _check_origin()
    if request.endpoint not in PUBLIC:
        _check_role()
        _widen()
    if request.method in UNSAFE and request.endpoint not in TOKENLESS:
        _check_token()
        return _way_back()
    return None


def _way_back() -> Response | None:
    """Lead a form that comes back only to be shown to its page, and do nothing.

    Views that show their own form take GET and POST; any other would act on it.
    """
    rule = request.url_rule
    if request.form.get("action") != REFILL or (rule and "GET" in (rule.methods or ())):
        return None
    adapter = current_app.create_url_adapter(request)
    there = adapter is not None and adapter.test(request.path, method="GET")
    return redirect(request.path if there else "/")


def _check_origin() -> None:
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if origin is not None and origin not in _own_origins():
        raise Forbidden("Another site sent this request, so nothing was done.")
    if site not in {None, "same-origin", "none"}:
        raise Forbidden("Another site sent this request, so nothing was done.")


def _own_origins() -> set[str]:
    # The host was checked against the trusted hosts before any view.
    own = urlsplit(context().settings.base_url)
    return {f"{own.scheme}://{own.netloc}", request.host_url.rstrip("/")}


def _check_role() -> None:
    view = current_app.view_functions[str(request.endpoint)]
    role = getattr(view, "least_role", None)
    who = person()
    if who is None:
        raise Unauthenticated("Sign in to see this page.")
    if role is None:
        raise Forbidden("This page names no role that may see it.")
    who.actor.require(role, "open this page")


def _widen() -> None:
    view = current_app.view_functions[str(request.endpoint)]
    most = getattr(view, "most_bytes", None)
    if most is not None:
        request.max_content_length = most


def _check_token() -> None:
    try:
        validate_csrf(request.form.get("csrf_token"), time_limit=None)
    except ValidationError as error:
        refusal = StaleForm if _is_from_own_page() else Forbidden
        raise refusal(
            "This page was opened before you signed in, or in another session,"
            " so nothing was done."
        ) from error


def _is_from_own_page() -> bool:
    return request.headers.get("Origin") in _own_origins()


def safe_next(target: str | None) -> str | None:
    r"""Accept an address to go on to only when it is a path of this site.

    Browsers read "//host", "/\\host" and control characters in their own ways, so
    anything but a plain path is dropped.

    Args:
        target: as it came with the request.

    Returns:
        The same path, or None.
    """
    if target is None or not target.startswith("/") or len(target) > 2000:  # noqa: PLR2004
        return None
    decoded = unquote(target)
    if not decoded.isprintable() or "\\" in decoded or decoded.startswith("//"):
        return None
    parts = urlsplit(target)
    return None if parts.scheme or parts.netloc else target


def same_text(one: str, other: str) -> bool:
    """Compare secrets without telling by time where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())
