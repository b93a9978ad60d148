"""Privacy: what is kept and for how long; erase a customer, or give out a copy."""

from http import HTTPStatus

import orjson
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

from experiments import data_requests
from experiments.db import transaction
from experiments.models import Erasure
from experiments.privacy import load_pseudonymiser
from experiments.vocabulary import IdKind, PersonRole
from web.access import actor, context, least
from web.forms.privacy import CustomerForm, EraseForm
from web.forms.values import pick
from web.saving import save

pages = Blueprint("privacy", __name__)


@pages.get("/settings/privacy")
@least(PersonRole.ADMIN)
def show() -> str:
    """Say what is kept, list erasures, and offer to erase or export."""
    return _page(EraseForm(prefix="erase-"), CustomerForm(prefix="copy-"))


def _page(erase_form: EraseForm, copy_form: CustomerForm) -> str:
    with transaction(context().sessions) as database:
        return render_template(
            "privacy.html",
            erasures=data_requests.listing(database, limit=50),
            retention_days=context().settings.raw_retention_days,
            erase_form=erase_form,
            copy_form=copy_form,
            problems=erase_form.problems() + copy_form.problems(),
        )


@pages.post("/settings/privacy/erasures")
@least(PersonRole.ADMIN)
def erase() -> Response:
    """Ask for an erasure; the compactor carries it out within a minute."""
    form = EraseForm(request.form, prefix="erase-")
    now = context().now()

    def ask(database: Session) -> Erasure:
        form.check_sure()
        return data_requests.request_erasure(
            database,
            load_pseudonymiser(context().settings),
            form.customer_id.data or "",
            pick(IdKind, form.id_kind.data),
            actor=actor(),
            now=now,
        )

    asked = save(form, ask, {"customer_id": "erase-customer_id"})
    if asked is None:
        page = _page(form, CustomerForm(prefix="copy-"))
        return make_response(page, HTTPStatus.BAD_REQUEST)
    if asked.requested_at < now:
        flash(
            f"Somebody asked for this already: erasure {asked.id} is under way, and"
            " there is nothing more to do."
        )
        return redirect(url_for("web.privacy.show"))
    flash(
        f"Erasure {asked.id} has begun. New events of this customer are dropped from"
        " now on; what is stored goes within a minute."
    )
    return redirect(url_for("web.privacy.show"))


@pages.post("/settings/privacy/copy")
@least(PersonRole.ADMIN)
def copy() -> Response:
    """Give everything that is stored about a customer, as a JSON file."""
    # Reads the analytic store, which servers otherwise start without.
    from analysis.customer_data import copy_of  # noqa: PLC0415

    form = CustomerForm(request.form, prefix="copy-")
    hide = load_pseudonymiser(context().settings)

    def make(database: Session) -> bytes:
        kind = pick(IdKind, form.id_kind.data)
        made = copy_of(context(), hide, form.customer_id.data or "", kind)
        data_requests.note_export(database, kind, actor=actor(), now=context().now())
        return orjson.dumps(made, option=orjson.OPT_INDENT_2)

    made = save(form, make, {"customer_id": "copy-customer_id"})
    if made is None:
        page = _page(EraseForm(prefix="erase-"), form)
        return make_response(page, HTTPStatus.BAD_REQUEST)
    answer = make_response(made)
    answer.headers["Content-Type"] = "application/json"
    answer.headers["Content-Disposition"] = "attachment; filename=customer.json"
    return answer
