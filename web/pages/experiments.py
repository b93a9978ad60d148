"""Experiments: the list, one experiment, and what is done with it while it runs."""

from datetime import datetime

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

from analysis import results
from experiments import (
    accounts,
    audit,
    catalog,
    exposures_view,
    intake_view,
    learnings,
    lifecycle,
    plan_lock,
)
from experiments.db import transaction
from experiments.decisions import Recommendation
from experiments.errors import Conflict
from experiments.models import Experiment, RecentExposure
from experiments.vocabulary import Action, Decision, PersonRole, Status
from web import pdf
from web.access import actor, context, least
from web.certified import primary_doubt
from web.forms.actions import LESSONS, DecisionForm, ReasonForm, StopForm
from web.forms.choices import options
from web.pages import acting, experiment_list
from web.pages.results import stale
from web.pages.segments import sizes_of
from web.presenters import experiments as words
from web.presenters.causes import Cause, causes
from web.presenters.customers_see import customers_see
from web.presenters.live_health import HealthLine, live_health
from web.presenters.plans import plan_in_words
from web.presenters.timeline import timeline
from web.saving import form_data, save, wants_to_save

pages = Blueprint("experiments", __name__)
pages.add_url_rule("/experiments", "listing", experiment_list.show)
pages.add_url_rule("/experiments.csv", "file", experiment_list.file)


@pages.get("/experiments/<key>")
@least(PersonRole.VIEWER)
def show(key: str) -> Response | str:
    """Show one experiment: where it stands, its plan, how apps use it."""
    now = context().now()
    with transaction(context().sessions) as database:
        experiment = catalog.get(database, key)
        if experiment.open_tasks:  # what nobody answered is no plan to show
            return redirect(url_for("web.plan.tasks", key=key))
        run = results.latest(database, experiment)
        plan_row = plan_lock.plan_row(database, experiment)
        return render_template(
            "experiment.html",
            experiment=experiment,
            see=customers_see(experiment),
            run=run,
            stale=stale(database, experiment, run),
            makes_pdf=pdf.maker.works,
            doubt=primary_doubt(database, experiment),
            plan=plan_in_words(experiment),
            plan_row=plan_row,
            amendments=plan_lock.amendments(database, experiment),
            steps=timeline(experiment, run, now),
            sentence=words.sentence_of_now(experiment, run, now),
            progress=words.progress(experiment, run),
            health=() if run is None else _health(database, experiment, run),
            causes=_causes(database, experiment, run, now),
            exposures=_exposures(database, experiment),
            keys=intake_view.key_names(database),
            charts={} if run is None else results.charts_of(database, run),
            snippets=words.snippets(experiment, context().settings.base_url),
            learning=learnings.of_experiment(database, key),
            proposal=words.proposal_in_words(experiment, accounts.people(database)),
            declined=words.declined_in_words(experiment, accounts.people(database)),
            actions=_actions(database, experiment),
            entries=audit.entries(
                database, subject_kind="experiment", subject_key=key, limit=20
            ),
        )


def _health(
    database: Session, experiment: Experiment, run: results.RunView
) -> tuple[HealthLine, ...]:
    segment = experiment.segment_version.segment
    sizes = sizes_of(database, [segment])
    return live_health(experiment, run, sizes[segment.key].overlaps)


def _causes(
    database: Session,
    experiment: Experiment,
    run: results.RunView | None,
    now: datetime,
) -> tuple[Cause, ...]:
    """Look for why nobody counts, where somebody should."""
    waits = experiment.status == Status.RUNNING.value
    if not waits or (run is not None and run.counts["units"]):
        return ()
    return causes(exposures_view.arrived(database, experiment, now))


def _exposures(database: Session, experiment: Experiment) -> list[RecentExposure]:
    """Read the last exposures, for those who connect apps."""
    if not actor().may(PersonRole.EDITOR):
        return []
    return exposures_view.latest(database, experiment.key)


def _actions(
    database: Session, experiment: Experiment
) -> dict[str, lifecycle.ActionView]:
    views = lifecycle.allowed_actions(database, experiment, actor())
    return {view.action.value: view for view in views}


@pages.post("/experiments/<key>/pause")
@least(PersonRole.EDITOR)
def pause(key: str) -> Response:
    """Give everybody control until it goes on."""
    with transaction(context().sessions) as database:
        experiment = acting.walk(database, key, Action.PAUSE)
    flash(f"Paused. {customers_see(experiment).pause}")
    return redirect(url_for("web.experiments.show", key=key))


@pages.post("/experiments/<key>/resume")
@least(PersonRole.EDITOR)
def resume(key: str) -> Response:
    """Go on as before the pause."""
    with transaction(context().sessions) as database:
        experiment = acting.walk(database, key, Action.RESUME)
    flash(f"Resumed. {customers_see(experiment).resume}")
    return redirect(url_for("web.experiments.show", key=key))


@pages.post("/experiments/<key>/confirm-decision")
@least(PersonRole.APPROVER)
def confirm_decision(key: str) -> Response:
    """Confirm a decision that goes against the recommendation."""
    with transaction(context().sessions) as database:
        experiment = acting.walk(database, key, Action.CONFIRM_DECISION)
        if request.form.get("revision") != str(experiment.revision - 1):
            raise Conflict(
                "Something has changed since this decision was shown, so nothing was"
                " confirmed. Read what waits now, then confirm it."
            )
    flash("The decision is confirmed.")
    return redirect(url_for("web.experiments.show", key=key))


@pages.route("/experiments/<key>/decline-decision", methods=["GET", "POST"])
@least(PersonRole.EDITOR)
def decline_decision(key: str) -> Response:
    """Ask for the reason, then let the decision wait no longer."""
    form = ReasonForm(form_data())
    with transaction(context().sessions) as database:
        experiment = catalog.get(database, key)
        proposal = words.proposal_in_words(experiment, accounts.people(database))
    if wants_to_save():
        done = save(
            form,
            lambda database: acting.walk(
                database, key, Action.DECLINE_DECISION, form.reason.data
            ),
        )
        if done is not None:
            flash("The decision waits no longer. Its author reads why on this page.")
            return redirect(url_for("web.experiments.show", key=key))
    elif proposal is None:  # somebody was quicker, or it is an old address
        return redirect(url_for("web.experiments.show", key=key))
    return acting.answer("decline_decision.html", form, experiment, proposal=proposal)


@pages.route("/experiments/<key>/stop-enrolment", methods=["GET", "POST"])
@least(PersonRole.EDITOR)
def stop_enrolment(key: str) -> Response:
    """Ask for the reason, then let nobody new in."""
    form = ReasonForm(form_data())
    experiment = acting.read(key)
    if wants_to_save():
        done = save(
            form,
            lambda database: acting.walk(
                database, key, Action.STOP_ENROLMENT, form.reason.data
            ),
        )
        if done is not None:
            flash(f"Enrolment has ended. {customers_see(experiment).stop_enrolment}")
            return redirect(url_for("web.experiments.show", key=key))
    return acting.answer("stop_enrolment.html", form, experiment)


@pages.route("/experiments/<key>/stop", methods=["GET", "POST"])
@least(PersonRole.EDITOR)
def stop(key: str) -> Response:
    """Ask for the name, then give everybody control for good."""
    form = StopForm(form_data())
    experiment = acting.read(key)
    form.name = experiment.name
    if wants_to_save():
        done = save(
            form,
            lambda database: acting.walk(database, key, Action.STOP, form.reason.data),
        )
        if done is not None:
            flash(f"Stopped. {customers_see(experiment).stop}")
            return redirect(url_for("web.experiments.show", key=key))
    return acting.answer("stop.html", form, experiment)


@pages.route("/experiments/<key>/decide", methods=["GET", "POST"])
@least(PersonRole.EDITOR)
def decide(key: str) -> Response:
    """Show the recommendation and ask for the decision with its reason."""
    form = DecisionForm(form_data())
    with transaction(context().sessions) as database:
        experiment = catalog.get(database, key)
        if experiment.decided_at is not None and not wants_to_save():
            return _decided(database, experiment)
        if experiment.decision_proposal and not wants_to_save():
            return redirect(url_for("web.experiments.show", key=key))
        run = results.latest(database, experiment)
    treatments = [(v.name, v.name) for v in experiment.variants if not v.is_control]
    form.variant.choices = options([("", "None"), *treatments])
    if run is not None and not run.has_answer and run.is_trusted:
        run = None  # the plan does not let it say anything yet
    recommendation = (
        None if run is None else Recommendation(run.verdict, run.variant, run.id)
    )
    if wants_to_save():
        done = save(
            form,
            lambda database: _decide(database, key, form, recommendation),
            LESSONS,
        )
        if done is not None:
            waits = done.status != Status.DECIDED.value
            flash(
                "A second person has to confirm this decision."
                if waits
                else "The decision is recorded."
            )
            return redirect(url_for("web.experiments.show", key=key))
    return acting.answer("decide.html", form, experiment, run=run)


def _decided(database: Session, experiment: Experiment) -> Response:
    """Show what was decided, in the place of the form that asked for it."""
    page = render_template(
        "decided.html",
        experiment=experiment,
        run=results.as_decided(database, experiment),
        learning=learnings.of_experiment(database, experiment.key),
    )
    return make_response(page)


def _decide(
    database: Session,
    key: str,
    form: DecisionForm,
    recommendation: Recommendation | None,
) -> Experiment:
    asked = form.decision.data
    return acting.walk(
        database,
        key,
        Action.DECIDE,
        form.reason.data,
        variant=form.variant.data or None,
        decision=Decision(asked) if asked in set(Decision) else None,
        recommendation=recommendation,
        lessons=form.lessons,
    )
