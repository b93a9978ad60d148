"""Higher coverage, a new phase, and steps that are done later."""

from flask import Blueprint, flash, redirect, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from experiments import scheduled_steps
from experiments.db import transaction
from experiments.models import Experiment
from experiments.vocabulary import Action, PersonRole
from web.access import actor, context, least
from web.forms.actions import CoverageForm, ReasonForm, StepForm
from web.forms.choices import options
from web.forms.values import pick
from web.pages import acting
from web.presenters.words import STEP
from web.saving import form_data, save, stop_if_wrong, wants_to_save

pages = Blueprint("ramps", __name__)


@pages.route("/experiments/<key>/coverage", methods=["GET", "POST"])
@least(PersonRole.EDITOR)
def coverage(key: str) -> Response:
    """Ask for the higher share, then enrol more of the segment."""
    form = CoverageForm(form_data())
    experiment = acting.read(key)

    def raise_it(database: Session) -> Experiment:
        return acting.walk(
            database,
            key,
            Action.RAISE_COVERAGE,
            form.reason.data,
            coverage=form.coverage.value,
        )

    if wants_to_save() and save(form, raise_it) is not None:
        flash("Coverage is raised. Nobody who was in it got another variant.")
        return redirect(url_for("web.experiments.show", key=key))
    return acting.answer("coverage.html", form, experiment)


@pages.route("/experiments/<key>/new-phase", methods=["GET", "POST"])
@least(PersonRole.EDITOR)
def new_phase(key: str) -> Response:
    """Ask for the reason, then part from the customers so far."""
    form = ReasonForm(form_data())
    experiment = acting.read(key)

    def part(database: Session) -> Experiment:
        return acting.walk(database, key, Action.NEW_PHASE, form.reason.data)

    if wants_to_save() and save(form, part) is not None:
        flash("The phase has ended. Change the plan, then start the next one.")
        return redirect(url_for("web.plan.tasks", key=key))
    return acting.answer("new_phase.html", form, experiment)


@pages.route("/experiments/<key>/steps", methods=["GET", "POST"])
@least(PersonRole.EDITOR)
def steps(key: str) -> Response:
    """List what is planned, and plan more."""
    form = StepForm(form_data())
    experiment = acting.read(key)
    can = scheduled_steps.possible(experiment)
    form.step.choices = options([(action.value, STEP[action]) for action in can])
    if wants_to_save():

        def plan(database: Session) -> object:
            at = form.at
            stop_if_wrong(form)
            return scheduled_steps.plan(
                database,
                key,
                at=at,
                action=pick(Action, form.step.data),
                coverage=form.coverage.value_or_none,
                actor=actor(),
                now=context().now(),
            )

        if save(form, plan, {"at": "day", "action": "step"}) is not None:
            flash("It is planned. It is done with your permission, checked again then.")
            return redirect(url_for("web.ramps.steps", key=key))
    with transaction(context().sessions) as database:
        planned = scheduled_steps.listing(database, experiment)
    return acting.answer("steps.html", form, experiment, steps=planned, can=can)


@pages.post("/experiments/<key>/steps/<int(max=2147483647):number>/cancel")
@least(PersonRole.EDITOR)
def cancel(key: str, number: int) -> Response:
    """Take a planned step back."""
    with transaction(context().sessions) as database:
        scheduled_steps.cancel(
            database, key, number, actor=actor(), now=context().now()
        )
    flash("The step is taken back.")
    return redirect(url_for("web.ramps.steps", key=key))
