"""Layers and holdouts: who has which customers, what is free, who is kept out."""

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
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from experiments import allocation, catalog, holdouts, journey, layer_catalog
from experiments.db import transaction
from experiments.models import Experiment
from experiments.vocabulary import PersonRole, Status
from web import catalogue
from web.access import actor, context, least
from web.forms.layers import HoldoutForm, LayerForm, ReservationForm
from web.saving import save

pages = Blueprint("layers", __name__)


class _Forms:
    """The three forms of the page; one of them may have been sent."""

    def __init__(self, sent: str = "") -> None:
        self.layer = LayerForm(_data(sent, "layer"), prefix="layer-")
        self.reservation = ReservationForm(_data(sent, "reserve"), prefix="reserve-")
        self.holdout = HoldoutForm(_data(sent, "holdout"), prefix="holdout-")

    def offer(self, database: Session) -> None:
        layers = catalogue.everything(
            lambda after: layer_catalog.listing(database, after_key=after)
        )
        self.reservation.offer(
            [(row.key, row.name) for row in layers],
            [(row.key, row.name) for row in _drafts(database)],
        )
        self.holdout.offer([(s.key, s.name) for s in journey.stages(database)])


def _data(sent: str, name: str) -> MultiDict[str, str] | None:
    return request.form if sent == name else None


def _drafts(database: Session) -> list[Experiment]:
    found = []
    for status in (Status.DRAFT, Status.IN_REVIEW):
        found += catalog.listing(database, status=status, limit=catalogue.PAGE)
    return [row for row in found if row.layer is not None]


@pages.get("/settings/layers")
@least(PersonRole.VIEWER)
def show() -> str:
    """List layers with what is free, and holdouts, with forms for who may."""
    forms = _Forms()
    with transaction(context().sessions) as database:
        forms.offer(database)
    return _page(forms)


def _page(forms: _Forms) -> str:
    now = context().now()
    with transaction(context().sessions) as database:
        rows = catalogue.everything(
            lambda after: layer_catalog.listing(database, after_key=after)
        )
        held = catalogue.everything(
            lambda after: holdouts.listing(database, after_key=after)
        )
        return render_template(
            "layers.html",
            layers=[allocation.shown(row, now) for row in rows],
            holdouts=held,
            stages={s.key: s.name for s in journey.stages(database)},
            forms=forms,
            problems=[
                *forms.layer.problems(),
                *forms.reservation.problems(),
                *forms.holdout.problems(),
            ],
        )


def _again(forms: _Forms) -> Response:
    return make_response(_page(forms), HTTPStatus.BAD_REQUEST)


@pages.post("/settings/layers")
@least(PersonRole.EDITOR)
def create() -> Response:
    """Make a layer."""
    forms = _Forms("layer")
    form = forms.layer

    def make(database: Session) -> object:
        forms.offer(database)
        return layer_catalog.create(
            database,
            key=form.new_key(),
            name=form.name.data or "",
            description=form.description.data or "",
            actor=actor(),
            now=context().now(),
        )

    names = {name: f"layer-{name}" for name in ("key", "name", "description")}
    if save(form, make, names) is None:
        return _again(forms)
    flash("The layer is made. All of it is free.")
    return redirect(url_for("web.layers.show"))


@pages.post("/settings/layers/reservations")
@least(PersonRole.EDITOR)
def reserve() -> Response:
    """Keep a part of a layer for later."""
    forms = _Forms("reserve")
    form = forms.reservation
    with transaction(context().sessions) as database:
        forms.offer(database)

    def keep(database: Session) -> object:
        return allocation.reserve(
            database,
            form.layer.data or "-",
            share=form.share.value,
            note=form.note.data or "",
            experiment=form.experiment.data or None,
            actor=actor(),
            now=context().now(),
        )

    names = {name: f"reserve-{name}" for name in ("share", "note", "experiment")}
    if not form.validate() or save(form, keep, names) is None:
        return _again(forms)
    flash("It is reserved.")
    return redirect(url_for("web.layers.show"))


@pages.post("/settings/layers/<key>/ranges/<int(max=2147483647):number>/free")
@least(PersonRole.EDITOR)
def free(key: str, number: int) -> Response:
    """Give a reserved part back."""
    with transaction(context().sessions) as database:
        allocation.free_reservation(
            database, key, number, actor=actor(), now=context().now()
        )
    flash("It is free again.")
    return redirect(url_for("web.layers.show"))


@pages.post("/settings/holdouts")
@least(PersonRole.APPROVER)
def begin_holdout() -> Response:
    """Begin a holdout."""
    forms = _Forms("holdout")
    form = forms.holdout
    with transaction(context().sessions) as database:
        forms.offer(database)

    def begin(database: Session) -> object:
        return holdouts.create(
            database,
            key=form.new_key(),
            name=form.name.data or "",
            share=form.share.value,
            journey_stage=form.journey_stage.data or None,
            actor=actor(),
            now=context().now(),
        )

    names = {n: f"holdout-{n}" for n in ("key", "name", "share", "journey_stage")}
    if save(form, begin, names) is None:
        return _again(forms)
    flash("The holdout has begun. Experiments that start from now on honour it.")
    return redirect(url_for("web.layers.show"))


@pages.post("/settings/holdouts/<key>/end")
@least(PersonRole.APPROVER)
def end_holdout(key: str) -> Response:
    """End a holdout."""
    with transaction(context().sessions) as database:
        holdouts.end(database, key, actor=actor(), now=context().now())
    flash("The holdout has ended. Experiments that run already still honour it.")
    return redirect(url_for("web.layers.show"))
