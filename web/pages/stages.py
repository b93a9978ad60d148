"""Journey stages: the steps that customers take, in order, editable."""

from http import HTTPStatus

from flask import (
    Blueprint,
    flash,
    make_response,
    redirect,
    render_template,
    url_for,
)
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from experiments import journey
from experiments.db import transaction
from experiments.errors import Conflict
from experiments.models import JourneyStage
from experiments.vocabulary import PersonRole
from web import catalogue
from web.access import actor, context, least
from web.forms.choices import options
from web.forms.settings import StageForm
from web.forms.values import key_from
from web.saving import form_data, save, wants_to_save

pages = Blueprint("stages", __name__)


@pages.get("/settings/stages")
@least(PersonRole.VIEWER)
def listing() -> str:
    """List the stages in the order of the journey."""
    with transaction(context().sessions) as database:
        offer = catalogue.read(database)
        return render_template(
            "stages.html", stages=journey.stages(database), names=dict(offer.metrics)
        )


@pages.route("/settings/stages/new", methods=["GET", "POST"])
@least(PersonRole.EDITOR)
def new() -> Response:
    """Show the form, and add the stage."""
    return _form_page(None)


@pages.route("/settings/stages/<key>", methods=["GET", "POST"])
@least(PersonRole.EDITOR)
def edit(key: str) -> Response:
    """Show a stage in the form, and save it."""
    with transaction(context().sessions) as database:
        return _form_page(journey.get(database, key))


def _form_page(stage: JourneyStage | None) -> Response:
    form = StageForm(form_data())
    with transaction(context().sessions) as database:
        form.health_metrics.choices = options(catalogue.read(database).metrics)
    if stage is not None and form_data() is None:
        form.name.data, form.position.data = stage.name, str(stage.position)
        form.health_metrics.data = stage.health_metrics
    if wants_to_save():
        key = form.key.data or key_from(form.name.data or "", "stage")
        key = stage.key if stage is not None else key
        is_new = stage is None
        saved = save(form, lambda database: _save(database, form, key, is_new=is_new))
        if saved is not None:
            flash(f"The stage {saved.name} is saved.")
            return redirect(url_for("web.stages.listing"))
    problems = form.problems()
    page = render_template("stage_form.html", form=form, problems=problems, stage=stage)
    return make_response(page, HTTPStatus.BAD_REQUEST if problems else HTTPStatus.OK)


def _save(
    database: Session, form: StageForm, key: str, *, is_new: bool
) -> JourneyStage:
    if is_new and any(stage.key == key for stage in journey.stages(database)):
        raise Conflict("There is such a stage already.", {"key": "This key is taken."})
    return journey.save_stage(
        database,
        key=key,
        name=form.name.data or "",
        position=form.position.whole,
        health_metrics=form.health_metrics.data or (),
        actor=actor(),
        now=context().now(),
    )


@pages.post("/settings/stages/<key>/remove")
@least(PersonRole.EDITOR)
def remove(key: str) -> Response:
    """Take a stage out of the journey, when nothing belongs to it."""
    with transaction(context().sessions) as database:
        journey.remove_stage(database, key, actor=actor(), now=context().now())
    flash("The stage is removed.")
    return redirect(url_for("web.stages.listing"))
