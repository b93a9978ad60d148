"""Metrics: list, add, read, and define anew.

They are at /catalogue: /metrics is where Prometheus asks for the figures of the server.
"""

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

from analysis.baselines import EVERYBODY, known_baseline
from analysis.metric_answers import metric_answers
from analysis.wording import agreed, measure_of
from experiments import certificates, metrics, uses
from experiments.db import transaction
from experiments.errors import Conflict
from experiments.metric_definition import MetricDefinition
from experiments.metric_templates import TEMPLATES, template
from experiments.missing_data import missing_rule
from experiments.models import Metric
from experiments.vocabulary import PersonRole
from web import paging
from web.access import actor, context, least
from web.forms.metrics import DefinitionForm, EntryForm, MetricForm
from web.presenters.certificates import lines, mark, whose
from web.presenters.metrics import better, definition_in_words, stands_at
from web.saving import back_with, form_data, save, wants_to_save

pages = Blueprint("metrics", __name__)


@pages.get("/catalogue")
@least(PersonRole.VIEWER)
def listing() -> str:
    """List all metrics with what they mean."""
    with transaction(context().sessions) as database:
        page = paging.by_key(lambda place, limit: metrics.page(database, place, limit))
        newest = [(row, metrics.definition_of(row.versions[-1])) for row in page.rows]
        standings = certificates.standings(
            database, [row.versions[-1] for row in page.rows]
        )
        shown = [
            (
                row,
                definition_in_words(definition),
                better(definition),
                mark(standings[row.versions[-1].id]),
            )
            for row, definition in newest
        ]
        return render_template("metrics.html", rows=shown, page=page)


@pages.route("/catalogue/new", methods=["GET", "POST"])
@least(PersonRole.ANALYST)
def new() -> Response | str:
    """Show the form, and define what it says."""
    form = MetricForm(form_data())
    start = template(request.args.get("from"))
    if form_data() is None and start is not None:
        form.start_from(start)
    if wants_to_save():
        row = save(form, lambda database: _create(database, form))
        if row is not None:
            flash("The metric is defined.")
            back = back_with("metric", row.key)
            return redirect(back or url_for("web.metrics.show", key=row.key))
    problems = form.problems()
    page = render_template(
        "metric_form.html",
        form=form,
        problems=problems,
        templates=TEMPLATES,
        back=back_with(),
    )
    return make_response(page, HTTPStatus.BAD_REQUEST if problems else HTTPStatus.OK)


def _create(database: Session, form: MetricForm) -> Metric:
    definition = form.definition()
    return metrics.create(
        database,
        key=form.new_key(),
        entry=form.entry(definition),
        definition=definition,
        actor=actor(),
        now=context().now(),
    )


def _usual_margin(row: Metric, definition: MetricDefinition) -> str:
    """Write the margin that guardrails usually have; "" where none was said."""
    if row.default_margin is None:
        return ""
    return agreed(row.default_margin, measure_of(definition))


@pages.get("/catalogue/<key>")
@least(PersonRole.VIEWER)
def show(key: str) -> str:
    """Show one metric with all versions of its definition."""
    with transaction(context().sessions) as database:
        row = metrics.get(database, key)
        versions = [
            (v, definition_in_words(metrics.definition_of(v)))
            for v in reversed(row.versions)
        ]
        newest = row.versions[-1]
        latest = metrics.definition_of(newest)
        standing = certificates.standings(database, [newest])[newest.id]
        done = standing.certificate
        known = known_baseline(database, newest, EVERYBODY, 0)
        used = uses.of_metric(database, key)
        return render_template(
            "metric.html",
            row=row,
            uses=used,
            answers=metric_answers(database, key, [e.id for e, *_ in used.rows]),
            standing=standing,
            mark=mark(standing),
            whose="" if done is None else whose(done),
            lines=[] if done is None else lines(done),
            versions=versions,
            better=better(latest),
            missing=missing_rule(latest),
            margin=_usual_margin(row, latest),
            known="" if known is None else stands_at(latest, known.basis),
        )


@pages.post("/catalogue/<key>/certificates")
@least(PersonRole.ANALYST)
def certify(key: str) -> Response:
    """Ask for a certificate of the newest definition."""
    try:
        with transaction(context().sessions) as database:
            certificates.ask(database, key, actor=actor(), now=context().now())
    except Conflict as error:
        flash(error.message)
    else:
        flash("Asked for. It takes a few minutes; this page shows how far it is.")
    return redirect(url_for("web.metrics.show", key=key))


@pages.route("/catalogue/<key>/edit", methods=["GET", "POST"])
@least(PersonRole.ANALYST)
def edit(key: str) -> Response | str:
    """Show what the catalogue says of a metric, and change it."""
    form = EntryForm(form_data())
    with transaction(context().sessions) as database:
        row = metrics.get(database, key)
    definition = metrics.definition_of(row.versions[-1])
    form.offer(definition)
    if form_data() is None:
        form.show_entry(metrics.entry_of(row), definition)
    if wants_to_save():
        saved = save(
            form,
            lambda database: metrics.describe(
                database,
                key,
                form.entry(definition),
                actor=actor(),
                now=context().now(),
            ),
        )
        if saved is not None:
            flash("Saved. Plans that are locked keep the name they began with.")
            return redirect(url_for("web.metrics.show", key=key))
    problems = form.problems()
    page = render_template("metric_edit.html", form=form, problems=problems, row=row)
    return make_response(page, HTTPStatus.BAD_REQUEST if problems else HTTPStatus.OK)


@pages.route("/catalogue/<key>/definition", methods=["GET", "POST"])
@least(PersonRole.ANALYST)
def new_definition(key: str) -> Response | str:
    """Show the definition, and add a version when it was changed."""
    form = DefinitionForm(form_data())
    with transaction(context().sessions) as database:
        row = metrics.get(database, key)
    if form_data() is None:
        form.show(metrics.definition_of(row.versions[-1]))
    if wants_to_save():
        saved = save(form, lambda database: _add(database, form, key))
        if saved is not None:
            flash("The metric is defined anew. Plans keep the version they began with.")
            return redirect(url_for("web.metrics.show", key=key))
    problems = form.problems()
    page = render_template(
        "metric_definition.html", form=form, problems=problems, row=row
    )
    return make_response(page, HTTPStatus.BAD_REQUEST if problems else HTTPStatus.OK)


def _add(database: Session, form: DefinitionForm, key: str) -> Metric:
    return metrics.add_version(
        database, key, form.definition(), actor=actor(), now=context().now()
    )
