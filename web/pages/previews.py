"""Preview links: one variant for whoever has the link, and no exposure."""

from http import HTTPStatus

from flask import Blueprint, flash, make_response, redirect, render_template, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from experiments import catalog, preview_links
from experiments.db import transaction
from experiments.models import PreviewLink
from experiments.previews import ATTRIBUTE
from experiments.vocabulary import PersonRole
from web.access import actor, context, least
from web.forms.choices import options
from web.forms.previews import PreviewForm
from web.paging import by_age
from web.saving import form_data, save, wants_to_save

pages = Blueprint("previews", __name__)


@pages.route("/experiments/<key>/preview", methods=["GET", "POST"])
@least(PersonRole.EDITOR)
def make(key: str) -> Response:
    """List the links, and make one; its token is shown this once."""
    form = PreviewForm(form_data())
    with transaction(context().sessions) as database:
        experiment = catalog.get(database, key)
        names = [(v.name, v.name) for v in experiment.variants]
    form.variant.choices = options(names)

    def act(database: Session) -> tuple[PreviewLink, str]:
        return preview_links.make(
            database,
            key,
            variant=form.variant.data or "",
            days=form.days.whole,
            actor=actor(),
            now=context().now(),
        )

    made = save(form, act) if wants_to_save() else None
    problems = form.problems()
    with transaction(context().sessions) as database:
        links = by_age(
            lambda place, limit: preview_links.listing(
                database, experiment, place, limit
            )
        )
    page = render_template(
        "preview.html",
        experiment=experiment,
        form=form,
        problems=problems,
        made=made,
        attribute=ATTRIBUTE,
        links=links,
        now=context().now(),
        may_preview=preview_links.may_preview(experiment),
    )
    status = HTTPStatus.BAD_REQUEST if problems else HTTPStatus.OK
    answer = make_response(page, status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@pages.post("/experiments/<key>/preview/<int(max=2147483647):number>/revoke")
@least(PersonRole.EDITOR)
def revoke(key: str, number: int) -> Response:
    """End a link."""
    with transaction(context().sessions) as database:
        link = preview_links.revoke(
            database, key, number, actor=actor(), now=context().now()
        )
    flash(f"Preview link {link.id} is revoked. It stops working within seconds.")
    return redirect(url_for("web.previews.make", key=key))
