"""Lists by hand: who gets a variant for a test, and who takes no part."""

from http import HTTPStatus

from flask import Blueprint, flash, make_response, redirect, render_template, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from experiments import catalog, data_requests, listed_units
from experiments.db import transaction
from experiments.models import ListedUnit
from experiments.privacy import load_pseudonymiser
from experiments.vocabulary import IdKind, PersonRole, Unit
from web.access import actor, context, least
from web.forms.choices import options
from web.forms.lists import NO_PART, ListedForm
from web.forms.values import pick
from web.paging import by_age
from web.saving import form_data, save, wants_to_save

pages = Blueprint("lists", __name__)


@pages.route("/experiments/<key>/lists", methods=["GET", "POST"])
@least(PersonRole.EDITOR)
def show(key: str) -> Response:
    """List who is on a list, and put somebody on one."""
    form = ListedForm(form_data())
    with transaction(context().sessions) as database:
        experiment = catalog.get(database, key)
        unit = Unit(experiment.unit)
        names = [(v.name, v.name) for v in experiment.variants]
    form.variant.choices = options([*names, (NO_PART, "Takes no part: control")])

    def put(database: Session) -> ListedUnit:
        chosen = form.variant.data or ""
        pseudonym = data_requests.pseudonym_of(
            load_pseudonymiser(context().settings),
            form.customer_id.data or "",
            pick(IdKind, form.id_kind.data),
            unit,
        )
        return listed_units.put(
            database,
            key,
            pseudonym,
            variant=None if chosen == NO_PART else chosen,
            note=form.note.data or "",
            actor=actor(),
            now=context().now(),
        )

    if wants_to_save() and save(form, put) is not None:
        flash("The customer is on the list. Apps know within seconds.")
        return redirect(url_for("web.lists.show", key=key))
    problems = form.problems()
    with transaction(context().sessions) as database:
        rows = by_age(
            lambda place, limit: listed_units.listing_at(
                database, experiment, place, limit
            )
        )
        left_out = listed_units.left_out_count(database, experiment)
    page = render_template(
        "lists.html",
        experiment=experiment,
        form=form,
        problems=problems,
        listed=rows,
        left_out=left_out,
    )
    return make_response(page, HTTPStatus.BAD_REQUEST if problems else HTTPStatus.OK)


@pages.post("/experiments/<key>/lists/<int(max=2147483647):number>/remove")
@least(PersonRole.EDITOR)
def remove(key: str, number: int) -> Response:
    """Take somebody off a list."""
    with transaction(context().sessions) as database:
        row = listed_units.remove(
            database, key, number, actor=actor(), now=context().now()
        )
    flash(f'"{row.note}" is off the list, and stays out of the results.')
    return redirect(url_for("web.lists.show", key=key))
