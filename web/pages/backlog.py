"""The order of the backlog by hand, and two hypotheses side by side."""

from http import HTTPStatus

from flask import (
    Blueprint,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from analysis import backlog, past_words
from analysis.backlog import Entry
from analysis.backlog_score import Score
from experiments import backlog as places
from experiments import hypotheses
from experiments.db import transaction
from experiments.models import HypothesisRow
from experiments.vocabulary import PersonRole
from web.access import actor, context, least
from web.forms.hypotheses import PlaceForm
from web.presenters import backlog as words
from web.saving import save

pages = Blueprint("backlog", __name__)
PREFIX = "place-{}-"


@pages.get("/backlog/order")
@least(PersonRole.EDITOR)
def order() -> Response:
    """Show the order with a number and two buttons at each hypothesis."""
    return _order_page({})


@pages.post("/backlog/order/<key>")
@least(PersonRole.EDITOR)
def move(key: str) -> Response:
    """Give a hypothesis a place by hand, or let its score decide again."""
    with transaction(context().sessions) as database:
        row = hypotheses.get(database, key)
        if request.form.get("action") == "free":
            places.free_place(database, key, actor(), context().now())
            flash(f'The score decides again where "{row.title}" stands.')
            return _back_to(row)
    form = PlaceForm(request.form, prefix=PREFIX.format(row.id))
    to = request.form.get("to", "")
    if to.isdecimal():
        form.place.data = to
    if save(form, lambda database: _fix(database, key, form.place.whole)) is None:
        return _order_page({row.id: form})
    flash(f'"{row.title}" was moved.')
    return _back_to(row)


def _fix(database: Session, key: str, place: int) -> HypothesisRow:
    return places.fix_place(database, key, place, actor(), context().now())


def _back_to(row: HypothesisRow) -> Response:
    return redirect(url_for("web.backlog.order", _anchor=f"h-{row.id}"))


def _order_page(wrong: dict[int, PlaceForm]) -> Response:
    with transaction(context().sessions) as database:
        entries = backlog.backlog(database).ranked
    lines = words.lines(entries, words.axis_of(entries))
    forms = [wrong.get(e.row.id) or _form(e) for e in entries]
    problems = [each for form in wrong.values() for each in form.problems()]
    page = render_template(
        "backlog_order.html",
        lines=list(zip(lines, forms, strict=True)),
        last=sum(each.place is not None for each in entries),
        problems=problems,
    )
    return make_response(page, HTTPStatus.BAD_REQUEST if problems else HTTPStatus.OK)


def _form(entry: Entry) -> PlaceForm:
    form = PlaceForm(prefix=PREFIX.format(entry.row.id))
    form.place.data = "" if entry.place is None else str(entry.place)
    return form


@pages.get("/backlog/compare")
@least(PersonRole.VIEWER)
def compare() -> str:
    """Put two hypotheses side by side; both stand in the address."""
    with transaction(context().sessions) as database:
        entries = [
            each
            for each in backlog.backlog(database).entries
            if each.standing != backlog.Standing.MERGED
        ]
    by_key = {each.row.key: each for each in entries}
    asked = {name: request.args.get(name, "") for name in ("first", "second")}
    one, other = (by_key.get(key) for key in asked.values())
    is_pair = one is not None and other is not None and one is not other
    return render_template(
        "backlog_compare.html",
        choices=[(each.row.key, each.row.title) for each in entries],
        asked=asked,
        is_same=one is not None and one is other,
        sentence=_compared(one, other) if is_pair and one and other else "",
        titles=[each.row.title for each in (one, other) if each is not None],
        rows=words.side_by_side(one, other) if is_pair and one and other else [],
    )


def _compared(one: Entry, other: Entry) -> str:
    first, second = one.score, other.score
    if isinstance(first, Score) and isinstance(second, Score):
        return past_words.compared(one.row.title, first, other.row.title, second)
    return "The two cannot be compared by score until both have one."
