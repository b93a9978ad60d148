"""Why did this customer get this? A receipt, step by step, for people."""

from http import HTTPStatus

from flask import Blueprint, make_response, render_template
from werkzeug.wrappers import Response

from experiments import catalog
from experiments.db import transaction
from experiments.errors import AbideError
from experiments.explaining import read_ruleset, receipt_of
from experiments.receipt_values import Receipt
from experiments.vocabulary import PersonRole
from web.access import context, least
from web.forms.explain import ExplainForm
from web.saving import form_data, wants_to_save

pages = Blueprint("explain", __name__)


@pages.route("/experiments/<key>/why", methods=["GET", "POST"])
@least(PersonRole.ANALYST)
def show(key: str) -> Response:
    """Ask for a customer, and explain what they get; sent, so no address has an id."""
    form = ExplainForm(form_data())
    with transaction(context().sessions) as database:
        experiment = catalog.get(database, key)
    receipt = _receipt(form, key) if wants_to_save() else None
    problems = form.problems()
    page = render_template(
        "explain.html",
        experiment=experiment,
        form=form,
        problems=problems,
        receipt=receipt,
    )
    status = HTTPStatus.BAD_REQUEST if problems else HTTPStatus.OK
    answer = make_response(page, status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _receipt(form: ExplainForm, key: str) -> Receipt | None:
    form.validate()
    unit = (form.unit.data or "").strip()
    if not unit:
        form.unit.errors = ["Enter the id of the customer."]
    if form.problems():
        return None
    try:
        ruleset = read_ruleset(context().settings)
        return receipt_of(ruleset, key, unit, form.attributes.value, context().now())
    except AbideError as error:
        form.take(error)
        return None
