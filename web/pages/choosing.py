"""The page of a customer's choice: why do I see this, and a button to opt out.

The sealed link is the way in. Opening it changes nothing, for mail scanners open every
link; the button sends the choice, which counts as soon as it is stored.
"""

from http import HTTPStatus

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from experiments import opt_outs, participation
from experiments.choice_links import ChoiceLink, ChoiceLinks
from experiments.db import transaction
from experiments.enrolled import FOLDER
from experiments.errors import (
    AbideError,
    Forbidden,
    StorageFull,
    TooManyRequests,
    Unavailable,
)
from experiments.privacy import load_pseudonymiser
from experiments.sealing import load_sealer
from web.access import context
from web.answer_limit import AnswerLimit
from web.presenters.choice_words import CHOICE_WORDS
from web.presenters.survey_words import WORDS

pages = Blueprint("choosing", __name__)
OUT, AGAIN = "out", "in"
_STATUS: dict[type[AbideError], HTTPStatus] = {
    TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    StorageFull: HTTPStatus.INSUFFICIENT_STORAGE,
}
_limit = AnswerLimit()


@pages.get("/c/<token>")
def show(token: str) -> Response:
    """Say what the customer takes part in; nothing changes."""
    link = _read(token)
    if link is None:
        return _instead("broken", HTTPStatus.NOT_FOUND)
    return _page(token, link)


@pages.post("/c/<token>")
def choose(token: str) -> Response:
    """Store the choice, and show it once it is durable."""
    link = _read(token)
    if link is None:
        return _instead("broken", HTTPStatus.NOT_FOUND)
    choice, now = request.form.get("choice", ""), context().now()
    act = {OUT: opt_outs.opt_out, AGAIN: opt_outs.opt_in}.get(choice)
    if act is None:
        return _page(token, link, status=HTTPStatus.BAD_REQUEST)
    try:
        _limit.count(link.customer, now)
        with transaction(context().sessions) as database:
            act(database, link.customer, now=now)
    except (StorageFull, TooManyRequests) as refusal:
        return _page(token, link, refusal)
    there = url_for("web.choosing.show", token=token, lang=_language(), done=choice)
    return _closed_to_others(make_response(redirect(there, HTTPStatus.SEE_OTHER)))


@pages.errorhandler(Unavailable)
def later(fault: Unavailable) -> Response:
    """Ask for patience while the database does not answer."""
    answer = _instead("later", _STATUS[Unavailable])
    answer.headers["Retry-After"] = str(fault.retry_after)
    return answer


@pages.errorhandler(Forbidden)
def from_elsewhere(_fault: Forbidden) -> Response:
    """Send a customer whose choice came from another page back to the message."""
    return _instead("broken", HTTPStatus.FORBIDDEN)


def _read(token: str) -> ChoiceLink | None:
    settings = context().settings
    link = ChoiceLinks(load_sealer(settings)).read(token)
    # A pseudonym under another key would be somebody else's.
    if link is None or link.key_id != load_pseudonymiser(settings).key_id:
        return None
    return link


def _language() -> str:
    """Choose the language: of the address, else the first of the browser's we speak."""
    wished = [request.values.get("lang", "")]
    wished += [name.partition("-")[0] for name in request.accept_languages.values()]
    return next((name for name in wished if name in CHOICE_WORDS), "en")


def _page(
    token: str,
    link: ChoiceLink,
    refusal: AbideError | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> Response:
    sets = context().settings.data_dir / "ruleset" / FOLDER
    with transaction(context().sessions) as database:
        since = opt_outs.out_since(database, link.customer)
        parts = []
        if since is None:
            parts = participation.of_customer(database, sets, link.customer)
    done = request.args.get("done", "")
    language = _language()
    words, refused = CHOICE_WORDS[language], ""
    if refusal is not None:
        many = isinstance(refusal, TooManyRequests)
        refused = words.slow_down if many else words.not_stored
    answer = make_response(
        render_template(
            "choice.html",
            token=token,
            words=words,
            language=language,
            since=since,
            own=[part for part in parts if not part.is_of_account],
            firms=[part for part in parts if part.is_of_account],
            # What the address claims is only said when it is so.
            done=done == (OUT if since else AGAIN),
            refused=refused,
        ),
        status if refusal is None else _STATUS[type(refusal)],
    )
    if isinstance(refusal, TooManyRequests):
        answer.headers["Retry-After"] = str(refusal.retry_after)
    return _closed_to_others(answer)


def _instead(state: str, status: HTTPStatus) -> Response:
    language = _language()
    page = render_template(
        "survey_instead.html", words=WORDS[language], language=language, state=state
    )
    return _closed_to_others(make_response(page, status))


def _closed_to_others(answer: Response) -> Response:
    """Keep the address, which is a key, out of caches, indexes and other requests."""
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    answer.headers["Referrer-Policy"] = "strict-origin"
    return answer
