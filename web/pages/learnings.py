"""The library of what was learned: search it, read one, compare it with a later one."""

from collections.abc import Mapping
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
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from analysis.past_effects import MetricPast, by_metric, past_effects
from experiments import hypotheses, journey, later_lessons, learnings, metrics, segments
from experiments.db import transaction
from experiments.learnings import Wanted
from experiments.models import Learning, LearningLink, LearningNote
from experiments.vocabulary import (
    Decision,
    HypothesisHeld,
    LearningRelation,
    PersonRole,
)
from web import catalogue, paging
from web.access import actor, context, least
from web.forms.choices import NONE, Choices, options
from web.forms.learnings import MarkForm, NoteForm
from web.forms.values import pick
from web.presenters import learnings as words
from web.presenters.words import DECISION, LEVER
from web.saving import form_data, save, wants_to_save

pages = Blueprint("learnings", __name__)
LONGEST_SEARCH = 200
MOST_SHOWN = 5  # experiments of one means at one stage


@pages.get("/learnings")
@least(PersonRole.VIEWER)
def listing() -> str:
    """Search what was learned; search and filters stand in the address."""
    now = context().now()
    with transaction(context().sessions) as database:
        filters = _filters(database)
        asked = _asked(filters)
        pasts = by_metric(past_effects(database))
        page = paging.by_age(
            lambda place, limit: learnings.page(database, place, limit, asked)
        )
        return render_template(
            "learnings.html",
            cards=words.cards(page.rows),
            page=page,
            known=words.known(learnings.tried(database)),
            forest=_forest(pasts),
            most=MOST_SHOWN,
            pasts=[(past.key, past.name) for past in pasts.values()],
            due=learnings.due(database, now),
            filters=filters,
            asked=asked,
            is_filtered=asked != Wanted(),
        )


Filters = dict[str, tuple[str, Choices]]


def _forest(pasts: Mapping[str, MetricPast]) -> words.Forest | None:
    """Lay out the metric that is asked for, else the one of most experiments."""
    past = pasts.get(request.args.get("effects", "")) or next(
        iter(pasts.values()), None
    )
    return None if past is None else words.forest(past)


def _filters(database: Session) -> Filters:
    """Give name -> title and what can be chosen."""
    all_segments = catalogue.everything(
        lambda after: segments.listing(database, after_key=after, limit=catalogue.PAGE)
    )
    all_metrics = catalogue.everything(
        lambda after: metrics.listing(database, after_key=after, limit=catalogue.PAGE)
    )
    return {
        "stage": ("Stage", [(row.key, row.name) for row in journey.stages(database)]),
        "segment": ("Segment", [(row.key, row.name) for row in all_segments]),
        "lever": ("Means", [(lever.value, word) for lever, word in LEVER.items()]),
        "metric": ("Metric", [(row.key, row.name) for row in all_metrics]),
        "decision": ("Decision", [(each.value, DECISION[each]) for each in Decision]),
        "year": ("Year", [(str(y), str(y)) for y in learnings.years(database)]),
    }


def _asked(filters: Filters) -> Wanted:
    """Read the address; what cannot be chosen is as if it were not there."""
    chosen = {
        name: value
        for name, (_, choices) in filters.items()
        if (value := request.args.get(name, "")) in dict(choices)
    }
    year = chosen.pop("year", "")
    return Wanted(
        text=request.args.get("q", "")[:LONGEST_SEARCH].strip(),
        year=int(year) if year else None,
        **chosen,
    )


@pages.get("/learnings/<key>")
@least(PersonRole.VIEWER)
def show(key: str) -> str:
    """Show what was learned from one experiment."""
    with transaction(context().sessions) as database:
        learning = learnings.get(database, key)
        (card,) = words.cards([learning])
        cited = hypotheses.citing(database, learning)
        return render_template("learning.html", card=card, cited=cited)


@pages.route("/learnings/<key>/compare", methods=["GET", "POST"])
@least(PersonRole.EDITOR)
def compare(key: str) -> Response:
    """Ask which later experiment found the same again, or the opposite."""
    form = MarkForm(form_data())
    with transaction(context().sessions) as database:
        learning = learnings.get(database, key)
        form.later.choices = options([NONE, *_later(database, learning)])
    kept = None
    if wants_to_save():
        kept = save(form, lambda database: _mark(database, key, form))
    if kept is not None:
        flash("The two experiments are compared.")
        return redirect(url_for("web.learnings.show", key=key))
    problems = form.problems() if request.method == "POST" else []
    page = render_template(
        "learning_compare.html", form=form, problems=problems, learning=learning
    )
    return make_response(page, HTTPStatus.BAD_REQUEST if problems else HTTPStatus.OK)


def _later(database: Session, learning: Learning) -> Choices:
    query = select(Learning).where(Learning.id > learning.id).order_by(Learning.id)
    rows = database.scalars(query.limit(catalogue.MOST))
    return [(row.experiment.key, row.experiment.name) for row in rows]


def _mark(database: Session, key: str, form: MarkForm) -> LearningLink:
    return learnings.mark(
        database,
        key,
        form.later.data or "",
        pick(LearningRelation, form.relation.data),
        form.note.data or "",
        actor(),
        context().now(),
    )


@pages.route("/learnings/<key>/add", methods=["GET", "POST"])
@least(PersonRole.EDITOR)
def add(key: str) -> Response:
    """Ask what was learned since the decision."""
    form = NoteForm(form_data())
    with transaction(context().sessions) as database:
        learning = learnings.get(database, key)
    kept = None
    if wants_to_save():
        kept = save(form, lambda database: _add(database, key, form))
    if kept is not None:
        flash("It is written down.")
        return redirect(url_for("web.learnings.show", key=key))
    problems = form.problems() if request.method == "POST" else []
    page = render_template(
        "learning_add.html", form=form, problems=problems, learning=learning
    )
    return make_response(page, HTTPStatus.BAD_REQUEST if problems else HTTPStatus.OK)


def _add(database: Session, key: str, form: NoteForm) -> LearningNote:
    held = pick(HypothesisHeld, form.held.data) if form.held.data else None
    text = form.text.data or ""
    return later_lessons.add(database, key, text, held, actor(), context().now())
