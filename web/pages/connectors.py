"""Connectors: who sends signed webhooks, what they mean, and what waits."""

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

from experiments import connector_replay, connectors, refused_hooks, waiting_bodies
from experiments.connector_presets import EXAMPLE
from experiments.connector_replay import Tried
from experiments.connector_signing import CHOOSES_OWN
from experiments.db import transaction
from experiments.errors import Conflict, InvalidInput
from experiments.models import Connector
from experiments.privacy import load_pseudonymiser
from experiments.sealing import load_sealer
from experiments.vocabulary import ConnectorKind, PersonRole
from web.access import actor, context, least
from web.forms.connectors import (
    SIGNATURE_NAMES,
    ConnectorForm,
    MappingForm,
    SecretForm,
    placed,
)
from web.presenters.formats import pretty_json
from web.saving import save, wants_to_save

pages = Blueprint("connectors", __name__)
ONE = "/settings/connectors/<public_id>"
JUST_CAME = (
    "No body waits here yet. What came within the last seconds, before the mapping, is"
    " on its way: read again in a moment."
)


@pages.get("/settings/connectors")
@least(PersonRole.EDITOR)
def listing() -> str:
    """List all connectors, with a form to register one for those who may."""
    return _listing(ConnectorForm())


def _listing(form: ConnectorForm) -> str:
    with transaction(context().sessions) as database:
        return render_template(
            "connectors.html",
            connectors=connectors.listing(database),
            form=form,
            problems=form.problems(),
        )


@pages.post("/settings/connectors")
@least(PersonRole.ADMIN)
def create() -> Response | str:
    """Register a connector; a secret that Abide made is shown this once."""
    form = ConnectorForm(request.form)

    def register(database: Session) -> tuple[Connector, str | None]:
        sealer = load_sealer(context().settings)
        now = context().now()
        return connectors.create(database, form.new(), sealer, actor=actor(), now=now)

    made = save(form, register, SIGNATURE_NAMES)
    if made is None:
        return make_response(_listing(form), HTTPStatus.BAD_REQUEST)
    row, secret = made
    if secret is not None:
        return render_template("connector_secret.html", connector=row, secret=secret)
    flash(f"{row.name} is registered. Give the tool its address.")
    return redirect(url_for("web.connectors.show", public_id=row.public_id))


@pages.get(ONE)
@least(PersonRole.EDITOR)
def show(public_id: str) -> str:
    """Show a connector: its address, its mapping, and the bodies that wait."""
    with transaction(context().sessions) as database:
        row = connectors.get(database, public_id)
        form = MappingForm(
            data={
                "mapping": pretty_json(connectors.mapping_of(database, row) or EXAMPLE),
                "based_on": str(row.mapping_version),
            }
        )
    return _page(public_id, form)


def _page(
    public_id: str,
    form: MappingForm,
    secret_form: SecretForm | None = None,
    tried: Tried | None = None,
) -> str:
    secret_form = secret_form or SecretForm(prefix="secret-")
    with transaction(context().sessions) as database:
        row = connectors.get(database, public_id)
        return render_template(
            "connector.html",
            connector=row,
            own_secret=ConnectorKind(row.kind) in CHOOSES_OWN,
            address=f"{context().settings.base_url}/hooks/{public_id}",
            versions=connectors.versions(database, row),
            groups=connector_replay.groups(database, row),
            waiting=waiting_bodies.of(database, public_id),
            refused=refused_hooks.of(database, public_id, context().now()),
            examples=connector_replay.examples(database, row),
            form=form,
            secret_form=secret_form,
            tried=tried,
            now=context().now(),
            problems=form.problems() + secret_form.problems(),
        )


@pages.post(ONE)
@least(PersonRole.EDITOR)
def mapping(public_id: str) -> Response | str:
    """Save a mapping, or try it on a body."""
    form = MappingForm(request.form)
    if not wants_to_save():
        return _try(public_id, form)

    def store(database: Session) -> Connector:
        try:
            return connectors.save_mapping(
                database,
                public_id,
                form.mapping.value,
                form.version,
                actor=actor(),
                now=context().now(),
            )
        except InvalidInput as fault:
            raise placed(fault) from fault

    saved = save(form, store)
    if saved is None:
        return make_response(_page(public_id, form), HTTPStatus.BAD_REQUEST)
    flash(f"Version {saved.mapping_version} of the mapping is in force within seconds.")
    return redirect(url_for("web.connectors.show", public_id=public_id))


def _try(public_id: str, form: MappingForm) -> Response | str:
    def look(database: Session) -> Tried:
        row = connectors.get(database, public_id)
        try:
            found = connectors.check_mapping(form.mapping.value)
        except InvalidInput as fault:
            raise placed(fault) from fault
        hide = load_pseudonymiser(context().settings)
        body = orjson.dumps(form.body.value)
        return connector_replay.try_body(
            database, row, body, found, hide, context().now()
        )

    tried = save(form, look)
    page = _page(public_id, form, tried=tried)
    return page if tried else make_response(page, HTTPStatus.BAD_REQUEST)


@pages.post(f"{ONE}/secret")
@least(PersonRole.ADMIN)
def secret(public_id: str) -> Response | str:
    """Replace the secret; one that Abide made is shown this once."""
    form = SecretForm(request.form, prefix="secret-")

    def change(database: Session) -> tuple[Connector, str | None]:
        return connectors.change_secret(
            database,
            public_id,
            form.secret.data or "",
            form.old_valid_hours.whole,
            load_sealer(context().settings),
            actor=actor(),
            now=context().now(),
        )

    names = {name: f"secret-{name}" for name in ("secret", "old_valid_hours")}
    changed = save(form, change, names)
    if changed is None:
        with transaction(context().sessions) as database:
            row = connectors.get(database, public_id)
            held = connectors.mapping_of(database, row) or EXAMPLE
        shown = MappingForm(
            data={"mapping": pretty_json(held), "based_on": str(row.mapping_version)}
        )
        page = _page(public_id, shown, form)
        return make_response(page, HTTPStatus.BAD_REQUEST)
    row, made = changed
    if made is not None:
        return render_template("connector_secret.html", connector=row, secret=made)
    flash("The new secret is in force within seconds.")
    return redirect(url_for("web.connectors.show", public_id=public_id))


@pages.post(f"{ONE}/replay")
@least(PersonRole.EDITOR)
def replay(public_id: str) -> Response:
    """Read the bodies that wait, and say how many gave their facts."""
    settings = context().settings
    try:
        with transaction(context().sessions) as database:
            done = connector_replay.replay(
                database,
                settings,
                load_pseudonymiser(settings),
                load_sealer(settings),
                public_id,
                actor=actor(),
                now=context().now(),
            )
    except Conflict as refusal:
        flash(refusal.message)
        return redirect(url_for("web.connectors.show", public_id=public_id))
    said = f"Read now, their facts on the way in: {done.stored_count:,}."
    if not done.stored_count + done.refused_count:
        said = JUST_CAME
    if done.refused_count:
        said += f" Still waiting: {done.refused_count:,}. {done.refusal}"
    flash(said)
    return redirect(url_for("web.connectors.show", public_id=public_id))


@pages.post(f"{ONE}/discard")
@least(PersonRole.ADMIN)
def discard(public_id: str) -> Response:
    """Throw the bodies that wait away."""
    with transaction(context().sessions) as database:
        count = connector_replay.discard(
            database, public_id, actor=actor(), now=context().now()
        )
    flash(f"Thrown away: {count:,}.")
    return redirect(url_for("web.connectors.show", public_id=public_id))


@pages.post(f"{ONE}/end")
@least(PersonRole.ADMIN)
def end(public_id: str) -> Response:
    """End a connector."""
    with transaction(context().sessions) as database:
        row = connectors.end(database, public_id, actor=actor(), now=context().now())
    flash(f"{row.name} has ended. Its address refuses everything within seconds.")
    return redirect(url_for("web.connectors.show", public_id=public_id))
