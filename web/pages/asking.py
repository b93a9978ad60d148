"""The page that asks a customer one question; the link's signature is the way in.

Opening it records nothing, whatever the address says: mail scanners open every link.
A score in the address is only chosen beforehand, and the button sends it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import NamedTuple

from flask import (
    Blueprint,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.wrappers import Response

from experiments import opt_outs, survey_replies, surveys
from experiments.comments import MAX_COMMENT, plain_text
from experiments.db import transaction
from experiments.errors import (
    AbideError,
    Forbidden,
    StorageFull,
    TooManyRequests,
    Unavailable,
)
from experiments.inbox import Inbox
from experiments.models import Survey
from experiments.privacy import Pseudonymiser, load_pseudonymiser
from experiments.survey_answers import answer_parcel, forgetting_parcel
from experiments.survey_inviting import survey_keys
from experiments.survey_links import SurveyLink, SurveyLinks
from experiments.surveys import LANGUAGES, Texts
from experiments.vocabulary import Environment
from web.access import context
from web.answer_limit import AnswerLimit
from web.presenters.survey_words import WORDS, PageWords

pages = Blueprint("asking", __name__)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_STATUS: dict[type[AbideError], HTTPStatus] = {
    TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    StorageFull: HTTPStatus.INSUFFICIENT_STORAGE,
}
_limit = AnswerLimit()


class Asked(NamedTuple):
    """A link that takes an answer."""

    link: SurveyLink
    survey: Survey
    texts: Texts
    language: str
    until: datetime | None  # answered already, and may be changed until then

    @property
    def words(self) -> PageWords:
        """The page's own words, in the customer's language."""
        return WORDS[self.language]


class _NotAskedError(Exception):
    """There is nothing to answer; the page says why."""

    def __init__(self, state: str, language: str, status: HTTPStatus) -> None:
        super().__init__(state)
        self.state, self.language, self.status = state, language, status


@pages.get("/s/<token>")
def show(token: str) -> Response:
    """Ask the question; nothing is recorded."""
    try:
        asked = _asked(token)
    except _NotAskedError as why:
        return _instead(why, token)
    return _form(token, asked, score=request.args.get("score", ""))


@pages.post("/s/<token>")
def answer(token: str) -> Response:
    """Store the answer, and say thank you once it is durable."""
    try:
        asked = _asked(token)
    except _NotAskedError as why:
        return _instead(why)
    score = request.form.get("score", "")
    comment = plain_text(request.form.get("comment", ""))
    faults = _faults(asked, score, comment)
    if faults:
        return _form(token, asked, score, comment, faults, HTTPStatus.BAD_REQUEST)
    now = context().now()
    try:
        _limit.count(asked.link.customer + asked.link.wave.encode(), now)
        parcel = answer_parcel(
            _hide(),
            asked.survey,
            asked.link,
            int(score),
            comment if asked.texts.comment else "",
            (now - _EPOCH) // _MICROSECOND,
        )
        _inbox().append(parcel)
    except (StorageFull, TooManyRequests, Unavailable) as refusal:
        return _not_stored(token, asked, score, comment, refusal)
    there = url_for("web.asking.thanks", token=token, lang=asked.language)
    return _closed_to_others(make_response(redirect(there, HTTPStatus.SEE_OTHER)))


@pages.get("/s/<token>/thanks")
def thanks(token: str) -> Response:
    """Say thank you, and offer to change the answer."""
    try:
        asked = _asked(token)
    except _NotAskedError as why:
        return _instead(why)
    return _page("survey_thanks.html", token=token, asked=asked, words=asked.words)


@pages.post("/s/<token>/forget-comment")
def forget_comment(token: str) -> Response:
    """Take back what a customer wrote; its link is enough, whenever it was made."""
    try:
        link, survey, language = _linked(token)
    except _NotAskedError as why:
        return _instead(why)
    now = context().now()
    parcel = forgetting_parcel(_hide(), survey, link, (now - _EPOCH) // _MICROSECOND)
    try:
        _limit.count(link.customer + link.wave.encode(), now)
        _inbox().append(parcel)
    except (StorageFull, TooManyRequests, Unavailable) as refusal:
        return _instead(_NotAskedError("later", language, _STATUS[type(refusal)]))
    return _instead(_NotAskedError("forgotten", language, HTTPStatus.OK))


def _linked(token: str) -> tuple[SurveyLink, Survey, str]:
    """Find whose link it is, to which survey, and the language of its page."""
    link = SurveyLinks(survey_keys(context().settings), context().now).read(token)
    own = _language(LANGUAGES, "en")
    # A pseudonym under another key would be somebody else's.
    if link is None or link.key_id != _hide().key_id:
        raise _NotAskedError("broken", own, HTTPStatus.NOT_FOUND)
    with transaction(context().sessions) as database:
        survey = database.get(Survey, link.survey_id)
    if survey is None:
        raise _NotAskedError("broken", own, HTTPStatus.NOT_FOUND)
    terms = surveys.terms_of(survey)
    return link, survey, _language(sorted(terms.texts), terms.language)


def _asked(token: str) -> Asked:
    """Find what a link asks, or raise why it asks nothing."""
    link, survey, language = _linked(token)
    links = SurveyLinks(survey_keys(context().settings), context().now)
    with transaction(context().sessions) as database:
        until = survey_replies.answer_until(database, link)
        # Of who was erased or opted out, no answer would be stored.
        is_gone = survey_replies.is_erased(database, link.customer)
        is_gone = is_gone or opt_outs.out_since(database, link.customer) is not None
    terms = surveys.terms_of(survey)
    if is_gone or not survey.is_open or links.has_expired(link):
        raise _NotAskedError("over", language, HTTPStatus.GONE)
    if until is not None and until <= context().now():
        raise _NotAskedError("answered", language, HTTPStatus.OK)
    return Asked(link, survey, terms.texts[language], language, until)


def _language(known: Sequence[str], otherwise: str) -> str:
    """Choose the language: of the address, else the first of the browser's we speak."""
    wished = [request.values.get("lang", "")]
    wished += [name.partition("-")[0] for name in request.accept_languages.values()]
    return next((name for name in wished if name in known), otherwise)


@pages.errorhandler(Unavailable)
def later(fault: Unavailable) -> Response:
    """Ask for patience while the database does not answer."""
    why = _NotAskedError("later", _language(LANGUAGES, "en"), _STATUS[Unavailable])
    page = _instead(why)
    page.headers["Retry-After"] = str(fault.retry_after)
    return page


@pages.errorhandler(Forbidden)
def from_elsewhere(_fault: Forbidden) -> Response:
    """Send a customer whose answer came from another page back to the message."""
    language = _language(LANGUAGES, "en")
    return _instead(_NotAskedError("broken", language, HTTPStatus.FORBIDDEN))


def _faults(asked: Asked, score: str, comment: str) -> dict[str, str]:
    found = {}
    if _score_in(asked, score) is None:
        low, top = surveys.scale_of(asked.survey)
        found["score"] = asked.words.choose.format(low=low, top=top)
    if len(comment) > MAX_COMMENT:
        found["comment"] = asked.words.too_long.format(most=MAX_COMMENT)
    return found


def _score_in(asked: Asked, score: str) -> int | None:
    if not (score.isascii() and score.isdigit() and len(score) <= 3):  # noqa: PLR2004
        return None
    scale = surveys.scale_of(asked.survey)
    return int(score) if scale.holds(int(score)) else None


def _not_stored(
    token: str, asked: Asked, score: str, comment: str, refusal: AbideError
) -> Response:
    many = isinstance(refusal, TooManyRequests)
    words = asked.words.slow_down if many else asked.words.not_stored
    status = _STATUS[type(refusal)]
    page = _form(token, asked, score, comment, {"": words}, status)
    if isinstance(refusal, (TooManyRequests, Unavailable)):
        page.headers["Retry-After"] = str(refusal.retry_after)
    return page


def _form(
    token: str,
    asked: Asked,
    score: str = "",
    comment: str = "",
    faults: dict[str, str] | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> Response:
    low, top = surveys.scale_of(asked.survey)
    return _page(
        "survey.html",
        status,
        token=token,
        asked=asked,
        words=asked.words,
        scores=range(low, top + 1),
        chosen=_score_in(asked, score),
        comment=comment,
        most=MAX_COMMENT,
        faults=faults or {},
        is_trial=asked.link.environment == Environment.DEVELOPMENT,
    )


def _instead(why: _NotAskedError, token: str = "") -> Response:
    return _page(
        "survey_instead.html",
        why.status,
        token=token,
        words=WORDS[why.language],
        language=why.language,
        state=why.state,
    )


def _page(
    template: str, status: HTTPStatus = HTTPStatus.OK, **values: object
) -> Response:
    return _closed_to_others(make_response(render_template(template, **values), status))


def _closed_to_others(answer: Response) -> Response:
    """Keep the address, which is a key, out of caches, indexes and other requests."""
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    answer.headers["Referrer-Policy"] = "strict-origin"
    return answer


def _hide() -> Pseudonymiser:
    return load_pseudonymiser(context().settings)


def _inbox() -> Inbox:
    found: Inbox = current_app.extensions["abide_inbox"]
    return found
