"""Planning an experiment: one page with all of it, then review and start."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

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

from experiments import catalog, hypotheses, lifecycle, metrics, segments
from experiments.db import transaction
from experiments.enrolled import installed_through
from experiments.hypothesis import Hypothesis
from experiments.models import Experiment
from experiments.vocabulary import Action, PersonRole
from web import catalogue
from web.access import actor, context, least
from web.certified import primary_doubt
from web.forms.actions import ReasonForm
from web.forms.base import title_of
from web.forms.experiments import ExperimentForm, new_hypothesis_names
from web.forms.fields import NONE, options
from web.forms.hypotheses import CHANGE_HINT, Catalogue
from web.pages.plan_duration import worked_out
from web.pages.segments import sizes_of
from web.presenters.certificates import uncertified
from web.presenters.duration import Answer
from web.presenters.plans import checklist, plan_in_words
from web.presenters.sizes import SizeShown
from web.saving import form_data, gather, save, stop_if_wrong, wants_to_save

pages = Blueprint("planning", __name__)
# The button, and what the page asks by itself while the plan is typed: without a chart.
DURATION, DURATION_IN_WORDS = "duration", "duration-in-words"
TIMES = ("planned_end_at", "exposures_from", "enrolment_ends_at")


@pages.route("/experiments/new", methods=["GET", "POST"])
@least(PersonRole.EDITOR)
def new() -> Response:
    """Show the form, and store the draft that it describes."""
    form = ExperimentForm(form_data())
    with transaction(context().sessions) as database:
        offer = catalogue.read(database)
        if request.method == "GET":
            form.begin(offer)
            _prefill(database, form, request.args.get("hypothesis"))
    form.change_rows(request.form.get("action", ""))
    form.offer(offer)
    if wants_to_save():
        saved = save(form, lambda database: _draft(database, form, offer), form.names())
        if saved is not None:
            flash("The draft is saved. Look it over, then ask for a review or start.")
            return redirect(url_for("web.planning.review", key=saved.key))
    return _form_page(form, offer)


def _prefill(database: Session, form: ExperimentForm, key: str | None) -> None:
    """Take over what the hypothesis says, so that nothing is asked twice."""
    if not key:
        return
    row = hypotheses.get(database, key)
    form.hypothesis.data, form.segment.data = row.key, row.segment.key
    form.name.data = row.title
    first = form.metrics[0].form
    first.metric.data = row.metric.key
    version = metrics.get(database, row.metric.key).versions[-1]
    definition = metrics.definition_of(version)
    first.change_that_matters.scale = 100 if definition.is_share else 1
    first.change_that_matters.show(row.expected_change)


def _draft(database: Session, form: ExperimentForm, offer: Catalogue) -> Experiment:
    hypothesis = _write_hypothesis(database, form)
    design = form.design(form.new_key(), hypothesis, offer, {})
    gather(form, design.check, form.names())
    stop_if_wrong(form)
    return catalog.draft(database, design, actor(), context().now())


def _write_hypothesis(database: Session, form: ExperimentForm) -> str:
    """Give the key of the hypothesis; register the one that the form holds."""
    if form.hypothesis.data:
        return str(form.hypothesis.data)
    part, first = form.new_hypothesis.form, form.primary or form.metrics[0].form
    key = str(part.new_key())
    value: Hypothesis = part.core(
        key=key,
        segment=form.segment.data or "",
        metric=first.metric.data or "",
        expected_change=first.change_that_matters.value,
    )
    names = new_hypothesis_names()
    gather(form, value.check, names)
    if not form.problems():
        gather(form, lambda: _create_hypothesis(database, value), names)
    return key


def _create_hypothesis(database: Session, value: Hypothesis) -> None:
    hypotheses.create(database, value, actor(), context().now())


@pages.route("/experiments/<key>/edit", methods=["GET", "POST"])
@least(PersonRole.EDITOR)
def edit(key: str) -> Response:
    """Show a draft in the form, and save it unless somebody else did meanwhile."""
    with transaction(context().sessions) as database:
        experiment, offer = catalog.get(database, key), catalogue.read(database)
    design = catalog.to_design(experiment)
    form = ExperimentForm(form_data())
    if request.method == "GET":
        form.show(design, offer.scales, experiment.revision)
    form.change_rows(request.form.get("action", ""))
    form.offer(offer)
    if wants_to_save():
        times = {name: getattr(design, name) for name in TIMES}
        saved = save(
            form,
            lambda database: _edit(database, form, key, offer, times),
            form.names(),
        )
        if saved is not None:
            flash("The draft is saved.")
            return redirect(url_for("web.planning.review", key=key))
    return _form_page(form, offer, experiment)


def _edit(
    database: Session,
    form: ExperimentForm,
    key: str,
    offer: Catalogue,
    times: Mapping[str, Any],
) -> Experiment:
    seen = int(form.revision.data) if str(form.revision.data).isdecimal() else 0
    hypothesis = _write_hypothesis(database, form)
    design = form.design(key, hypothesis, offer, times)
    gather(form, design.check, form.names())
    stop_if_wrong(form)
    return catalog.edit(database, design, seen, actor(), context().now())


def _form_page(
    form: ExperimentForm, offer: Catalogue, experiment: Experiment | None = None
) -> Response:
    differences = []
    if form.stale and experiment is not None:
        stored = ExperimentForm()
        stored.show(catalog.to_design(experiment), offer.scales, experiment.revision)
        stored.offer(offer)
        differences = form.differences(stored)
        form.revision.data = str(experiment.revision)
    sizes = _show_sizes(form, offer)
    answer = None
    action = request.form.get("action")
    if action in {DURATION, DURATION_IN_WORDS}:
        answer = _waiting(form) or worked_out(form, draws=action == DURATION)
    problems = form.problems()
    page = render_template(
        "experiment_form.html",
        form=form,
        problems=problems,
        experiment=experiment,
        differences=differences,
        duration=answer,
        change_hint=CHANGE_HINT,
        uncertified=uncertified(list(offer.uncertified)),
        sizes=sizes,
    )
    return make_response(page, HTTPStatus.BAD_REQUEST if problems else HTTPStatus.OK)


def _show_sizes(form: ExperimentForm, offer: Catalogue) -> dict[str, SizeShown]:
    """Name each segment with its size in the list to choose from."""
    with transaction(context().sessions) as database:
        rows = catalogue.everything(
            lambda after: segments.listing(
                database, after_key=after, limit=catalogue.PAGE
            )
        )
        sizes = sizes_of(database, rows)
    named = [
        (key, f"{name} ({sizes[key].short})" if key in sizes else name)
        for key, name in offer.segments
    ]
    form.segment.choices = options([NONE, *named])
    return sizes


def _waiting(form: ExperimentForm) -> Answer | None:
    """Name the fields that were refused: with them, any answer would be another's."""
    taken = [*form.duration.form, form.alpha, form.coverage]
    taken += [row.share for _, row in form.chosen_variants]
    if form.primary is not None:
        taken += [form.primary.change_that_matters, form.primary.margin]
    taken += [
        field
        for _, row in form.chosen_metrics
        for field in (row.margin, row.today, row.spread)
        if row is not form.primary
    ]
    refused = [field for field in taken if not field.validate(form)]
    if not refused:
        return None
    names = ", ".join(f'"{title_of(field)}"' for field in refused)
    return Answer(f"The duration is not worked out yet: correct {names} first.")


@pages.get("/experiments/<key>/review")
@least(PersonRole.VIEWER)
def review(key: str) -> Response:
    """Show the plan as it would be locked, with what can be done now."""
    return _review_page(key, ReasonForm())


def _review_page(key: str, form: ReasonForm) -> Response:
    with transaction(context().sessions) as database:
        experiment = catalog.get(database, key)
        needed = lifecycle.review_required(database, experiment)
        views = lifecycle.allowed_actions(database, experiment, actor())
        doubted = primary_doubt(database, experiment)
    problems = form.problems()
    page = render_template(
        "review.html",
        experiment=experiment,
        plan=plan_in_words(experiment),
        checklist=checklist(experiment, review_required=needed),
        doubt=doubted,
        actions={view.action.value: view for view in views},
        form=form,
        problems=problems,
    )
    return make_response(page, HTTPStatus.BAD_REQUEST if problems else HTTPStatus.OK)


@pages.post("/experiments/<key>/review")
@least(PersonRole.EDITOR)
def step(key: str) -> Response:
    """Ask for a review, approve, send back, or start."""
    form = ReasonForm(request.form)
    asked = request.form.get("action")
    action = next((a for a in REVIEW_STEPS if a.value == asked), None)
    if action is None:
        return redirect(url_for("web.planning.review", key=key))
    done = save(
        form,
        lambda database: lifecycle.transition(
            database,
            key,
            action,
            actor(),
            context().now(),
            reason=form.reason.data or None,
            enrolled_through=installed_through(context().settings.data_dir),
        ),
    )
    if done is None:
        return _review_page(key, form)
    flash(REVIEW_STEPS[action])
    started = action == Action.START
    target = "web.experiments.show" if started else "web.planning.review"
    return redirect(url_for(target, key=key))


REVIEW_STEPS = {
    Action.SUBMIT: "The plan waits for a review.",
    Action.APPROVE: "You approved the plan. It can start now.",
    Action.SEND_BACK: "The plan was sent back with your reason.",
    Action.START: "The experiment runs, and its plan is locked.",
}
