"""Plain pages for what went wrong: what happened, what still works, what to do."""

import secrets
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

import structlog
from flask import Flask, Response, make_response, render_template, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, SecurityError

from experiments.errors import (
    AbideError,
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    NotMigrated,
    StorageFull,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from web import kept
from web.access import StaleForm
from web.pdf import NoPdf

log = structlog.get_logger(__name__)

STATUS: Mapping[type[AbideError], int] = {
    InvalidInput: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    TooLarge: 413,
    TooManyRequests: 429,
    Unavailable: 503,
    StorageFull: 507,
}
CUSTOMERS = "Customers keep getting their variants."


@dataclass(frozen=True, slots=True)
class Explanation:
    """What an error page says; `happened` is replaced by a refusal's own words."""

    title: str
    happened: str
    works: str
    todo: str


EXPLANATIONS: Mapping[int, Explanation] = {
    400: Explanation(
        "This request cannot be understood",
        "Something in the address or the form is not as expected.",
        "Nothing was changed.",
        "Go back, check what you entered, and send it again.",
    ),
    401: Explanation(
        "Sign in first",
        "This page is for people who have signed in.",
        "Nothing was changed.",
        "Sign in, then open the page again.",
    ),
    403: Explanation(
        "You cannot do this",
        "Your role does not allow it, or the request came from another site.",
        "Nothing was changed. Everything else works as before.",
        "Ask an administrator if you need it.",
    ),
    404: Explanation(
        "Page not found",
        "There is nothing at this address, or you may not see it.",
        "Nothing was changed.",
        "Check the address, or start from the home page.",
    ),
    405: Explanation(
        "This address does not work that way",
        "The page was opened in a way it does not take.",
        "Nothing was changed.",
        "Start from the home page.",
    ),
    409: Explanation(
        "This has changed meanwhile",
        "What you tried no longer fits how things stand.",
        "Nothing was changed.",
        "Go back, load the page again, and look before you repeat it.",
    ),
    413: Explanation(
        "That is too large",
        "What was sent is larger than this page takes.",
        "Nothing was changed.",
        "Shorten it, and send it again.",
    ),
    429: Explanation(
        "Too many tries",
        "There were too many tries in a short time.",
        "Nothing was changed.",
        "Wait a little, then try again.",
    ),
    500: Explanation(
        "Something went wrong on our side",
        "Abide met a fault while it made this page.",
        f"{CUSTOMERS} Events are still taken in.",
        "Try again. If it stays, give the incident number below to the person who"
        " runs Abide.",
    ),
    503: Explanation(
        "The database does not answer",
        "Abide cannot read or save anything right now.",
        f"{CUSTOMERS} Nothing was half saved.",
        "Try again in a minute.",
    ),
    507: Explanation(
        "The disk is full",
        "There is no space left to save anything.",
        f"{CUSTOMERS} Nothing is damaged.",
        "Ask the person who runs Abide to free some space, then try again.",
    ),
}
NOT_MIGRATED = Explanation(
    "The database is not ready",
    "It is not of this version of Abide.",
    f"{CUSTOMERS} Nothing was changed.",
    "Ask the person who runs Abide to run: abide db upgrade",
)


NO_PDF = Explanation(
    "There is no PDF now",
    "The page could not be made into a PDF.",
    "The page itself works, and prints as one sheet.",
    "Go back, and print the page from your browser.",
)
_OWN: Mapping[type[AbideError], Explanation] = {
    NotMigrated: NOT_MIGRATED,
    NoPdf: NO_PDF,
}


def register(app: Flask) -> None:
    """Answer every error of a page with its plain page."""
    app.register_error_handler(AbideError, refuse)
    app.register_error_handler(HTTPException, refuse_http)
    app.register_error_handler(Exception, fail)


def refuse(error: AbideError) -> Response:
    """Turn a refusal of the house into its page."""
    family = (STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    status = next(family, None)
    if status is None:
        return fail(error)
    if isinstance(error, Unauthenticated):
        return kept.ask_to_sign_in()
    if isinstance(error, StaleForm):
        return kept.offer_again(status)
    answer = _page(status, error.message, _explanation(error, status))
    if isinstance(error, (TooManyRequests, Unavailable)):
        answer.headers["Retry-After"] = str(error.retry_after)
    return answer


def refuse_http(error: HTTPException) -> Response:
    """Turn an error of the framework into its page."""
    code = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    if code < HTTPStatus.BAD_REQUEST:
        return make_response(error.get_response())  # a redirect
    if isinstance(error, SecurityError):
        return _untrusted_host()
    answer = _page(code if code in EXPLANATIONS else HTTPStatus.BAD_REQUEST)
    answer.status_code = code
    if isinstance(error, MethodNotAllowed):
        answer.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
    return answer


def _untrusted_host() -> Response:
    # No template: its links could not be built for a host that is not ours.
    answer = make_response(
        "This server does not answer for that host name. The operator sets"
        " ABIDE_TRUSTED_HOSTS.\n",
        HTTPStatus.BAD_REQUEST,
    )
    answer.content_type = "text/plain; charset=utf-8"
    return answer


def fail(error: Exception) -> Response:
    """Answer an error of ours with a number that finds it in the log.

    The log gets where it happened and of what kind it was, never the error's own
    words: they may hold what customers or people typed.
    """
    incident = secrets.token_hex(4)
    log.error(
        "unexpected failure",
        incident=incident,
        method=request.method,
        endpoint=request.endpoint,
        error_type=type(error).__qualname__,
        where=traceback.format_tb(error.__traceback__),
    )
    return _page(HTTPStatus.INTERNAL_SERVER_ERROR, incident=incident)


def _explanation(error: AbideError, status: int) -> Explanation:
    return _OWN.get(type(error), EXPLANATIONS[status])


def _page(
    status: int,
    message: str | None = None,
    explanation: Explanation | None = None,
    incident: str | None = None,
) -> Response:
    body = render_template(
        "error.html",
        explanation=explanation or EXPLANATIONS[status],
        message=message,
        incident=incident,
        status=status,
    )
    answer = make_response(body, status)
    answer.headers["Cache-Control"] = "no-store"
    return answer
