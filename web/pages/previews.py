"""A preview link: one variant, for whoever has the link, and no exposure."""

from http import HTTPStatus

from flask import Blueprint, make_response, render_template
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from experiments import catalog, preview_links
from experiments.db import transaction
from experiments.previews import ATTRIBUTE, load_previewer
from experiments.vocabulary import PersonRole
from web.access import actor, context, least
from web.forms.fields import options
from web.forms.previews import PreviewForm
from web.saving import form_data, save, wants_to_save

pages = Blueprint("previews", __name__)


@pages.route("/experiments/<key>/preview", methods=["GET", "POST"])
@least(PersonRole.EDITOR)
def make(key: str) -> Response:
    """Ask for the variant, and show a token for it; nothing is stored."""
    form = PreviewForm(form_data())
    with transaction(context().sessions) as database:
        experiment = catalog.get(database, key)
        names = [(v.name, v.name) for v in experiment.variants]
    form.variant.choices = options(names)
    now = context().now()

    def sign(_database: Session) -> str:
        previewer = load_previewer(context().settings, context().now)
        return preview_links.make_token(
            previewer,
            experiment,
            form.variant.data or "",
            form.days.whole,
            actor=actor(),
            now=now,
        )

    token = save(form, sign) if wants_to_save() else None
    problems = form.problems()
    page = render_template(
        "preview.html",
        experiment=experiment,
        form=form,
        problems=problems,
        token=token,
        attribute=ATTRIBUTE,
        may_preview=preview_links.may_preview(experiment),
    )
    status = HTTPStatus.BAD_REQUEST if problems else HTTPStatus.OK
    answer = make_response(page, status)
    answer.headers["Cache-Control"] = "no-store"
    return answer
