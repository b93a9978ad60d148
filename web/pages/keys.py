"""API keys: who asks and sends, made here, shown once, revoked here."""

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
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from experiments import keys
from experiments.db import transaction
from experiments.models import ApiKey
from experiments.vocabulary import Environment, KeyKind, PersonRole
from web.access import actor, context, least
from web.forms.settings import KeyForm
from web.forms.values import pick
from web.saving import save

pages = Blueprint("keys", __name__)


@pages.get("/settings/keys")
@least(PersonRole.EDITOR)
def listing() -> str:
    """List all keys, with a form to make one for those who may."""
    return _page(KeyForm())


def _page(form: KeyForm) -> str:
    with transaction(context().sessions) as database:
        return render_template(
            "keys.html",
            keys=keys.listing(database),
            form=form,
            problems=form.problems(),
        )


@pages.post("/settings/keys")
@least(PersonRole.ADMIN)
def create() -> Response | str:
    """Make a key and show it, this once."""
    form = KeyForm(request.form)
    made = save(form, lambda database: _create(database, form))
    if made is None:
        return make_response(_page(form), HTTPStatus.BAD_REQUEST)
    key, secret = made
    return render_template("key_made.html", key=key, secret=secret)


def _create(database: Session, form: KeyForm) -> tuple[ApiKey, str]:
    return keys.create_key(
        database,
        kind=pick(KeyKind, form.kind.data),
        environment=pick(Environment, form.environment.data),
        name=form.name.data or "",
        actor=actor(),
        now=context().now(),
        may_read_rules=bool(form.may_read_rules.data),
    )


@pages.post("/settings/keys/<public_id>/revoke")
@least(PersonRole.ADMIN)
def revoke(public_id: str) -> Response:
    """End a key."""
    with transaction(context().sessions) as database:
        key = keys.revoke(database, public_id, actor=actor(), now=context().now())
    flash(f'The key for "{key.name}" is revoked. It stops working within seconds.')
    return redirect(url_for("web.keys.listing"))
