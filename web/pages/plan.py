"""A plan as a list of tasks: one page a question, saved after every page."""

import dataclasses
from http import HTTPStatus

from flask import (
    Blueprint,
    abort,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from experiments import catalog, design_checks, hypotheses, lookups
from experiments.db import transaction
from experiments.design import Design
from experiments.design_parts import MetricChoice
from experiments.hypothesis import Hypothesis
from experiments.models import Experiment, HypothesisRow
from experiments.vocabulary import PersonRole, PlanTask, Role, Status
from web import catalogue, typed
from web.access import actor, context, least
from web.forms.experiments import ExperimentForm
from web.forms.hypotheses import Catalogue
from web.forms.plan_sent import new_hypothesis_names, with_page
from web.forms.steps import stepped, take_step
from web.pages.plan_beside import DURATION, DURATION_IN_WORDS, beside, waiting
from web.presenters.plan_tasks import (
    QUESTIONS,
    TaskLine,
    before_any,
    done_in_words,
    following,
    is_whole,
    sent_back_in_words,
    task_lines,
)
from web.saving import SAVE, gather, save, stop_if_wrong, wants_to_save

pages = Blueprint("plan", __name__)
# Buttons that lead to a page where something is made, and back with it chosen.
ELSEWHERE = {"new_segment": "web.segments.new", "new_metric": "web.metrics.new"}
TIMES = ("planned_end_at", "exposures_from", "enrolment_ends_at")


@pages.route("/experiments/new", methods=["GET", "POST"])
@least(PersonRole.EDITOR)
def new() -> Response:
    """Ask for the hypothesis, and store the draft that begins with it."""
    task = PlanTask.HYPOTHESIS
    with transaction(context().sessions) as database:
        offer = catalogue.read(database)
    form = _form(task, offer, None)
    if not typed.sent():
        _take_over(form, request.args.get("hypothesis"))
    if wants_to_save():
        saved = save(form, lambda database: _draft(database, form, offer), form.names())
        if saved is not None:
            return _onwards(saved.key)
    return _leads_on(form) or _page(form, offer, task, None)


def _take_over(form: ExperimentForm, key: str | None) -> None:
    if not key:
        return
    with transaction(context().sessions) as database:
        row = hypotheses.get(database, key)
    form.hypothesis.data, form.name.data = row.key, row.title


@pages.get("/experiments/<key>/plan")
@least(PersonRole.VIEWER)
def tasks(key: str) -> Response:
    """Show the tasks, how far each is, and what has been answered so far."""
    with transaction(context().sessions) as database:
        experiment = catalog.get(database, key)
        lines = _lines(database, experiment)
    if experiment.status != Status.DRAFT.value:
        return redirect(url_for("web.planning.review", key=key))
    page = render_template(
        "plan_tasks.html",
        experiment=experiment,
        lines=lines,
        done=done_in_words(lines),
        is_whole=is_whole(lines),
        sent_back=sent_back_in_words(experiment),
    )
    return make_response(page)


@pages.route("/experiments/<key>/plan/<name>", methods=["GET", "POST"])
@least(PersonRole.EDITOR)
def task(key: str, name: str) -> Response:
    """Ask one question, and save its answer unless somebody else saved meanwhile."""
    if name not in set(PlanTask):
        abort(HTTPStatus.NOT_FOUND)
    asked = PlanTask(name)
    with transaction(context().sessions) as database:
        experiment, offer = catalog.get(database, key), catalogue.read(database)
    if experiment.status != Status.DRAFT.value and request.method == "GET":
        return redirect(url_for("web.planning.review", key=key))
    form = _form(asked, offer, experiment)
    if wants_to_save():
        saved = save(
            form,
            lambda database: _edit(database, form, asked, experiment, offer),
            form.names(),
        )
        if saved is not None:
            return _onwards(key)
    return _leads_on(form) or _page(form, offer, asked, experiment)


def _leads_on(form: ExperimentForm) -> Response | None:
    """Lead from a button that only changes the page to the page that shows it.

    None for the other buttons, and while something is wrong: that is said at once.
    """
    action = request.form.get("action", SAVE)
    if request.method != "POST" or action in {SAVE, DURATION_IN_WORDS}:
        return None
    if action in ELSEWHERE:
        back = typed.put_by()
        return redirect(url_for(ELSEWHERE[action], next=back), HTTPStatus.SEE_OTHER)
    if action == DURATION:
        waiting(form)
    return None if form.problems() else typed.lead_on(_changed(form, action))


def _changed(form: ExperimentForm, action: str) -> str:
    """Name what a button changed."""
    added = {"add_variant": form.variants, "add_metric": form.metrics}
    if action in added:
        return str(added[action][-1].id)
    own = {DURATION: "duration-answer", "similar": "similar", "add_rule": "rules"}
    return own.get(action) or stepped(action)


def _onwards(key: str) -> Response:
    """Go to the first task that needs an answer, or to the whole plan."""
    with transaction(context().sessions) as database:
        lines = _lines(database, catalog.get(database, key))
    flash(f"Saved. {done_in_words(lines)}.")
    task = following(lines)
    if task is None:
        return redirect(url_for("web.planning.review", key=key))
    return redirect(url_for("web.plan.task", key=key, name=task.value))


def _lines(database: Session, experiment: Experiment) -> list[TaskLine]:
    design = catalog.to_design(experiment)
    faults = design_checks.faults_in(database, design, actor(), context().now())
    return task_lines(experiment, faults)


def _form(
    task: PlanTask, offer: Catalogue, experiment: Experiment | None
) -> ExperimentForm:
    """Fill the form from the draft, and its page from what was sent."""
    form = stored = _stored(offer, experiment)
    sent = typed.sent()
    if sent:
        form = ExperimentForm(with_page(stored, task, sent))
        if experiment and hypotheses.forecast_of(experiment.hypothesis) is None:
            form.new_hypothesis.form.drop_forecast()
    form.task = task
    if not sent and experiment and task.value in experiment.open_tasks:
        form.open_page(offer)
    form.change_rows(sent.get("action", ""))
    _choose_made(form, task)
    form.offer(offer)
    take_step(form, sent.get("action", ""))
    return form


def _choose_made(form: ExperimentForm, task: PlanTask) -> None:
    """Choose what was made on a page of its own, which led back here."""
    story, made = form.new_hypothesis.form, request.args
    if task == PlanTask.HYPOTHESIS:
        story.segment.data = made.get("segment", story.segment.data)
        story.metric.data = made.get("metric", story.metric.data)
    elif task == PlanTask.SEGMENT:
        form.segment.data = made.get("segment", form.segment.data)


def _stored(offer: Catalogue, experiment: Experiment | None) -> ExperimentForm:
    form = ExperimentForm()
    if experiment is None:
        form.begin()
    else:
        form.show(catalog.to_design(experiment), offer.scales, experiment.revision)
        form.show_hypothesis(experiment.hypothesis)
    form.offer(offer)
    if experiment is not None:
        story = form.new_hypothesis.form
        story.expected_change.show(experiment.hypothesis.expected_change)
    return form


def _draft(database: Session, form: ExperimentForm, offer: Catalogue) -> Experiment:
    now, task = context().now(), PlanTask.HYPOTHESIS
    key = form.new_key()
    if not form.key.data:
        key = lookups.free_key(database, Experiment.key, key)
    row = _write_hypothesis(database, form, None)
    design = dataclasses.replace(
        form.design(key, row.key, offer, {}),
        metrics=(),
        planned_units=0,
        planned_end_at=now,  # a placeholder, until its page is answered
    )
    design = _follow(design, None, row, offer)
    gather(form, lambda: design_checks.check_itself(design, task), form.names())
    stop_if_wrong(form)
    return catalog.draft(database, design, actor(), now, task=task)


def _edit(
    database: Session,
    form: ExperimentForm,
    task: PlanTask,
    experiment: Experiment,
    offer: Catalogue,
) -> Experiment:
    before = catalog.to_design(experiment)
    row, was = experiment.hypothesis, hypotheses.to_value(experiment.hypothesis)
    if task == PlanTask.HYPOTHESIS:
        row = _write_hypothesis(database, form, experiment.hypothesis)
    times = {name: getattr(before, name) for name in TIMES}
    design = form.design(before.key, row.key, offer, times)
    if task == PlanTask.HYPOTHESIS:
        design = _follow(design, was, row, offer)
    gather(form, lambda: design_checks.check_itself(design, task), form.names())
    stop_if_wrong(form)
    seen = _number(form.revision.data)
    return catalog.edit(database, design, seen, actor(), context().now(), task=task)


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0


def _write_hypothesis(
    database: Session, form: ExperimentForm, current: HypothesisRow | None
) -> HypothesisRow:
    """Give the chosen hypothesis, or store the one that the page holds."""
    if form.hypothesis.data:
        stop_if_wrong(form)
        return hypotheses.get(database, form.hypothesis.data)
    part, names = form.new_hypothesis.form, new_hypothesis_names()
    key = part.new_key()
    if current is not None:
        key = current.key
    elif not form.problems():
        key = lookups.free_key(database, HypothesisRow.key, key)
    value = part.hypothesis(key)
    gather(form, value.check, names)
    stop_if_wrong(form)
    gather(form, lambda: _store(database, form, value, current), names)
    stop_if_wrong(form)
    return hypotheses.get(database, key)


def _store(
    database: Session,
    form: ExperimentForm,
    value: Hypothesis,
    current: HypothesisRow | None,
) -> None:
    now = context().now()
    if current is None:
        hypotheses.create(database, value, actor(), now)
    elif value != hypotheses.to_value(current):
        seen = _number(form.new_hypothesis.form.revision.data)
        hypotheses.update(database, value, seen, actor(), now)


def _follow(
    design: Design, before: Hypothesis | None, row: HypothesisRow, offer: Catalogue
) -> Design:
    """Let segment and primary metric follow the hypothesis: nothing is asked twice.

    What was changed on their own pages stays, unless the hypothesis changed there.
    """
    now = hypotheses.to_value(row)
    switched = before is None or before.key != now.key
    if before is None or switched or before.segment != now.segment:
        version = offer.versions.get(now.segment, 1)
        design = dataclasses.replace(
            design, segment=now.segment, segment_version=version
        )
    said = (now.metric, now.expected_change)
    if before and not switched and (before.metric, before.expected_change) == said:
        return design
    old = next((m for m in design.metrics if m.role == Role.PRIMARY), None)
    margin = old.margin if old is not None and old.metric == now.metric else None
    version = offer.metric_versions.get(now.metric, 1)
    primary = MetricChoice(
        now.metric, version, Role.PRIMARY, now.expected_change, margin
    )
    others = (
        m for m in design.metrics if m.role != Role.PRIMARY and m.metric != now.metric
    )
    return dataclasses.replace(design, metrics=(primary, *others))


def _page(
    form: ExperimentForm,
    offer: Catalogue,
    task: PlanTask,
    experiment: Experiment | None,
) -> Response:
    differences = []
    if form.stale and experiment is not None:
        stored = _stored(offer, experiment)
        differences = form.differences(stored)
        form.revision.data = str(experiment.revision)
        form.new_hypothesis.form.revision.data = (
            stored.new_hypothesis.form.revision.data
        )
    around = beside(form, task, offer)
    with transaction(context().sessions) as database:
        lines = before_any() if experiment is None else _lines(database, experiment)
    problems = form.problems()
    page = render_template(
        f"plan_{task.value}.html",
        form=form,
        problems=problems,
        experiment=experiment,
        differences=differences,
        lines=lines,
        question=QUESTIONS[task],
        number=list(PlanTask).index(task) + 1,
        **around,
    )
    return make_response(page, HTTPStatus.BAD_REQUEST if problems else HTTPStatus.OK)
