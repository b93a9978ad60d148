"""The backlog of hypotheses: list, add, read, edit."""

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

from experiments import hypotheses, metrics
from experiments.db import transaction
from experiments.models import HypothesisRow
from experiments.vocabulary import PersonRole
from web import catalogue, paging
from web.access import actor, context, least
from web.forms.hypotheses import NAMES, HypothesisForm
from web.presenters import hypotheses as words
from web.saving import form_data, save, wants_to_save

pages = Blueprint("hypotheses", __name__)


@pages.get("/hypotheses")
@least(PersonRole.VIEWER)
def listing() -> str:
    """List the backlog, newest first."""
    with transaction(context().sessions) as database:
        page = paging.by_age(
            lambda place, limit: hypotheses.page(database, place, limit)
        )
        return render_template("hypotheses.html", rows=page.rows, page=page)


@pages.route("/hypotheses/new", methods=["GET", "POST"])
@least(PersonRole.EDITOR)
def new() -> Response | str:
    """Show the form, and register what it says."""
    form = HypothesisForm(form_data())
    with transaction(context().sessions) as database:
        form.offer(catalogue.read(database))
    if wants_to_save():
        row = save(form, lambda database: _create(database, form), NAMES)
        if row is not None:
            flash("The hypothesis is registered.")
            return redirect(url_for("web.hypotheses.show", key=row.key))
    return _form_page(form)


def _create(database: Session, form: HypothesisForm) -> HypothesisRow:
    value = form.hypothesis(form.new_key())
    return hypotheses.create(database, value, actor(), context().now())


@pages.get("/hypotheses/<key>")
@least(PersonRole.VIEWER)
def show(key: str) -> str:
    """Show one hypothesis with the experiments on it."""
    with transaction(context().sessions) as database:
        row = hypotheses.get(database, key)
        version = metrics.get(database, row.metric.key).versions[-1]
        return render_template(
            "hypothesis.html",
            row=row,
            sentence=words.sentence(row, metrics.definition_of(version)),
            forecast=words.forecast(row),
            experiments=words.experiments_on(database, row),
        )


@pages.route("/hypotheses/<key>/edit", methods=["GET", "POST"])
@least(PersonRole.EDITOR)
def edit(key: str) -> Response | str:
    """Show the form filled in, and save it unless somebody else did meanwhile."""
    form = HypothesisForm(form_data())
    with transaction(context().sessions) as database:
        row, offer = hypotheses.get(database, key), catalogue.read(database)
    if hypotheses.forecast_of(row) is None:
        form.drop_forecast()
    if request.method == "GET":
        form.show(row)
    form.offer(offer)
    if request.method == "GET":
        form.expected_change.show(row.expected_change)
    if wants_to_save():
        saved = save(form, lambda database: _update(database, form, key), NAMES)
        if saved is not None:
            flash("The hypothesis is saved.")
            return redirect(url_for("web.hypotheses.show", key=key))
    return _form_page(form, row)


def _update(database: Session, form: HypothesisForm, key: str) -> HypothesisRow:
    seen = int(form.revision.data) if str(form.revision.data).isdecimal() else 0
    value = form.hypothesis(key)
    return hypotheses.update(database, value, seen, actor(), context().now())


def _form_page(form: HypothesisForm, row: HypothesisRow | None = None) -> Response:
    differences = []
    if form.stale and row is not None:
        stored = HypothesisForm()
        if hypotheses.forecast_of(row) is None:
            stored.drop_forecast()
        stored.show(row)
        with transaction(context().sessions) as database:
            stored.offer(catalogue.read(database))
        stored.expected_change.show(row.expected_change)
        differences = form.differences(stored)
        form.revision.data = str(row.revision)
    problems = form.problems()
    page = render_template(
        "hypothesis_form.html",
        form=form,
        problems=problems,
        row=row,
        differences=differences,
    )
    return make_response(page, HTTPStatus.BAD_REQUEST if problems else HTTPStatus.OK)
