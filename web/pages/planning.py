"""A whole plan: checked by who wrote it, reviewed by another, and started."""

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
from werkzeug.wrappers import Response

from analysis.plan_doubts import doubts_of
from experiments import catalog, design_checks, lifecycle
from experiments.db import transaction
from experiments.enrolled import installed_through
from experiments.vocabulary import Action, PersonRole, Status
from web.access import actor, context, least
from web.certified import primary_doubt
from web.forms.actions import ReasonForm
from web.presenters.plan_tasks import sent_back_in_words, task_lines
from web.presenters.plans import belief_in_words, checklist, plan_in_words
from web.saving import save

pages = Blueprint("planning", __name__)
WAITING = {Status.DRAFT.value, Status.IN_REVIEW.value}  # nothing is locked yet


@pages.get("/experiments/<key>/review")
@least(PersonRole.VIEWER)
def review(key: str) -> Response:
    """Show the plan as it would be locked, with what can be done now."""
    with transaction(context().sessions) as database:
        if catalog.get(database, key).open_tasks:
            return redirect(url_for("web.plan.tasks", key=key))
    return _review_page(key, ReasonForm())


def _review_page(key: str, form: ReasonForm) -> Response:
    with transaction(context().sessions) as database:
        experiment = catalog.get(database, key)
        needed = lifecycle.review_required(database, experiment)
        faults = design_checks.faults_in(
            database, catalog.to_design(experiment), actor(), context().now()
        )
        views = lifecycle.allowed_actions(database, experiment, actor())
        doubted = primary_doubt(database, experiment)
        too_short = doubts_of(database, experiment, context().now())
    problems = form.problems()
    page = render_template(
        "review.html",
        experiment=experiment,
        plan=plan_in_words(experiment),
        belief=belief_in_words(experiment),
        checklist=checklist(experiment, review_required=needed),
        doubt=doubted,
        too_short=too_short if experiment.status in WAITING else [],
        sent_back=sent_back_in_words(experiment),
        lines=task_lines(experiment, faults),
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
