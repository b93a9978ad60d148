"""The backlog of hypotheses: list, add, read, edit, park, merge."""

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
from experiments import backlog as backlog_service
from experiments import hypotheses, journey, learnings
from experiments.db import transaction
from experiments.models import HypothesisRow
from experiments.vocabulary import PersonRole
from web import catalogue, paging
from web.access import actor, context, least
from web.forms.choices import NONE, options
from web.forms.hypotheses import NAMES, HypothesisForm, MergeForm, ParkForm
from web.presenters import backlog as words
from web.presenters.chosen import Chosen, offered
from web.presenters.hypotheses import forecast, sentence
from web.saving import form_data, save, wants_to_save

pages = Blueprint("hypotheses", __name__)


@pages.get("/hypotheses")
@least(PersonRole.VIEWER)
def listing() -> str:
    """List the backlog in its order; filters stand in the address."""
    chosen = Chosen.of(request.args)
    asked = request.args.get("show", "")
    shown = asked if asked in words.SHOWN else words.OPEN
    with transaction(context().sessions) as database:
        found = backlog.backlog(database)
        entries = [
            each for each in words.wanted(found, shown) if chosen.ideas([each.row])
        ]
        page = paging.by_number(entries)
        axis = words.axis_of(entries)
        return render_template(
            "hypotheses.html",
            lines=words.lines(page.rows, axis),
            axis=axis,
            page=page,
            number=len(entries),
            shown=shown,
            choices=words.SHOWN.items(),
            chosen=chosen,
            offered=offered(
                journey.stages(database), [each.row for each in found.entries], []
            ),
            is_empty=not found.entries,
        )


@pages.route("/hypotheses/new", methods=["GET", "POST"])
@least(PersonRole.EDITOR)
def new() -> Response | str:
    """Show the form, and register what it says."""
    form = HypothesisForm(form_data())
    with transaction(context().sessions) as database:
        if request.method == "GET" and "cites" in request.args:
            form.cite(learnings.get(database, request.args["cites"]))
        form.offer(catalogue.read(database))
    if wants_to_save():
        row = save(form, lambda database: _create(database, form), NAMES)
        if row is not None:
            flash("The hypothesis is registered.")
            return redirect(url_for("web.hypotheses.show", key=row.key))
    return _form_page(form)


def _create(database: Session, form: HypothesisForm) -> HypothesisRow:
    value = form.hypothesis(form.new_key())
    return hypotheses.create(database, value, actor(), context().now(), form.inputs)


@pages.get("/hypotheses/<key>")
@least(PersonRole.VIEWER)
def show(key: str) -> str:
    """Show one hypothesis with its score, and the experiments on it."""
    with transaction(context().sessions) as database:
        row = hypotheses.get(database, key)
        entry = backlog.entry(database, row)
        builds_on = hypotheses.inputs_of(database, row).builds_on
        return render_template(
            "hypothesis.html",
            row=row,
            entry=entry,
            sentence=sentence(row, entry.definition),
            forecast=forecast(row),
            standing=words.STANDING[entry.standing],
            inputs=words.inputs(entry),
            score=words.score_in_words(entry),
            before=past_words.before(entry.past, row.journey_stage.key),
            cited=None if builds_on is None else learnings.get(database, builds_on),
            duplicates=backlog_service.duplicates_of(database, row),
            experiments=backlog_service.experiments_on(database, row),
        )


@pages.route("/hypotheses/<key>/edit", methods=["GET", "POST"])
@least(PersonRole.EDITOR)
def edit(key: str) -> Response | str:
    """Show the form filled in, and save it unless somebody else did meanwhile."""
    form = HypothesisForm(form_data())
    with transaction(context().sessions) as database:
        row, offer = hypotheses.get(database, key), catalogue.read(database)
        inputs = hypotheses.inputs_of(database, row)
    if hypotheses.forecast_of(row) is None:
        form.drop_forecast()
    if request.method == "GET":
        form.show(row)
    form.offer(offer)
    if request.method == "GET":
        form.expected_change.show(row.expected_change)
        form.show_inputs(inputs)
    if wants_to_save():
        saved = save(form, lambda database: _update(database, form, key), NAMES)
        if saved is not None:
            flash("The hypothesis is saved.")
            return redirect(url_for("web.hypotheses.show", key=key))
    return _form_page(form, row)


def _update(database: Session, form: HypothesisForm, key: str) -> HypothesisRow:
    seen = int(form.revision.data) if str(form.revision.data).isdecimal() else 0
    value = form.hypothesis(key)
    return hypotheses.update(
        database, value, seen, actor(), context().now(), form.inputs
    )


def _form_page(form: HypothesisForm, row: HypothesisRow | None = None) -> Response:
    differences = []
    if form.stale and row is not None:
        stored = HypothesisForm()
        if hypotheses.forecast_of(row) is None:
            stored.drop_forecast()
        stored.show(row)
        with transaction(context().sessions) as database:
            stored.offer(catalogue.read(database))
            stored.show_inputs(hypotheses.inputs_of(database, row))
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


@pages.route("/hypotheses/<key>/park", methods=["GET", "POST"])
@least(PersonRole.EDITOR)
def park(key: str) -> Response:
    """Ask why it waits, and set it aside."""
    form = ParkForm(form_data())
    with transaction(context().sessions) as database:
        row = hypotheses.get(database, key)
    if wants_to_save():
        parked = save(
            form,
            lambda database: backlog_service.park(
                database, key, form.reason.data or "", actor(), context().now()
            ),
        )
        if parked is not None:
            flash("The hypothesis is parked.")
            return redirect(url_for("web.hypotheses.show", key=key))
    return _small_form("hypothesis_park.html", form, row)


@pages.post("/hypotheses/<key>/take-up")
@least(PersonRole.EDITOR)
def take_up(key: str) -> Response:
    """Put a parked hypothesis back among those that are ranked."""
    with transaction(context().sessions) as database:
        backlog_service.take_up(database, key, actor(), context().now())
    flash("The hypothesis is back in the backlog.")
    return redirect(url_for("web.hypotheses.show", key=key))


@pages.route("/hypotheses/<key>/merge", methods=["GET", "POST"])
@least(PersonRole.EDITOR)
def merge(key: str) -> Response:
    """Ask of which other one it is a duplicate, and follow that."""
    form = MergeForm(form_data())
    with transaction(context().sessions) as database:
        row = hypotheses.get(database, key)
        others = [
            (other.key, other.title)
            for other in hypotheses.everything(database)
            if other.is_open and other.metric_id == row.metric_id and other.id != row.id
        ]
        tests = backlog_service.experiments_on(database, row)
    form.into.choices = options([NONE, *others])
    if wants_to_save():
        kept = save(
            form,
            lambda database: backlog_service.merge(
                database, key, form.into.data or "", actor(), context().now()
            ),
        )
        if kept is not None:
            flash("The two are one hypothesis now.")
            return redirect(url_for("web.hypotheses.show", key=kept.key))
    return _small_form(
        "hypothesis_merge.html", form, row, experiments=tests, is_alone=not others
    )


def _small_form(
    template: str,
    form: ParkForm | MergeForm,
    row: HypothesisRow,
    **others: object,
) -> Response:
    problems = form.problems() if request.method == "POST" else []
    page = render_template(template, form=form, problems=problems, row=row, **others)
    return make_response(page, HTTPStatus.BAD_REQUEST if problems else HTTPStatus.OK)
