"""Layers and holdouts over JSON: who excludes whom, and who is kept out of all."""

from typing import Any

from api.endpoints import Call, Endpoint, Resource
from api.pagination import page, place_of
from api.schemas.layers import (
    HoldoutBodySchema,
    HoldoutSchema,
    LayerBodySchema,
    LayerSchema,
    ReservationBodySchema,
)
from api.schemas.paging import PageQuery, page_schema
from experiments import allocation, holdouts, layer_catalog
from experiments.models import HoldoutRow
from experiments.vocabulary import PersonRole

_NUMBER = "<int(max=2147483647):range_id>"  # what an INTEGER column holds

resource = Resource(
    "layers", "Layers, whose experiments exclude each other, and holdouts."
)

LIST = Endpoint(
    role=PersonRole.VIEWER,
    to="read layers",
    answer=page_schema(LayerSchema),
    query=PageQuery,
)
READ = Endpoint(role=PersonRole.VIEWER, to="read layers", answer=LayerSchema)
CREATE = Endpoint(
    role=PersonRole.EDITOR,
    to="make layers",
    answer=LayerSchema,
    body=LayerBodySchema,
    creates=True,
)
RESERVE = Endpoint(
    role=PersonRole.EDITOR,
    to="reserve parts of a layer",
    answer=LayerSchema,
    body=ReservationBodySchema,
    creates=True,
)
FREE = Endpoint(role=PersonRole.EDITOR, to="free parts of a layer", answer=LayerSchema)
LIST_HOLDOUTS = Endpoint(
    role=PersonRole.VIEWER,
    to="read holdouts",
    answer=page_schema(HoldoutSchema),
    query=PageQuery,
)
BEGIN = Endpoint(
    role=PersonRole.APPROVER,
    to="begin a holdout",
    answer=HoldoutSchema,
    body=HoldoutBodySchema,
    creates=True,
)
END = Endpoint(role=PersonRole.APPROVER, to="end a holdout", answer=HoldoutSchema)


@resource.route("GET", "/layers", LIST)
def list_layers(call: Call, query: dict[str, Any]) -> dict[str, Any]:
    """List the layers, by key."""
    limit = query["limit"]
    after = place_of("layers", query.get("cursor"), str)
    rows = layer_catalog.listing(call.session, after_key=after, limit=limit + 1)
    return page(
        "layers",
        rows,
        limit,
        lambda row: row.key,
        lambda row: allocation.shown(row, call.now),
    )


@resource.route("POST", "/layers", CREATE)
def create_layer(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    """Make a layer, all of it free."""
    row = layer_catalog.create(call.session, **body, actor=call.actor, now=call.now)
    return allocation.shown(row, call.now)


@resource.route("GET", "/layers/<key:key>", READ)
def read_layer(call: Call, key: str) -> dict[str, Any]:
    """Read a layer: who has which part, and what is free."""
    return allocation.shown(layer_catalog.get(call.session, key), call.now)


@resource.route("POST", "/layers/<key:key>/reservations", RESERVE)
def reserve(call: Call, body: dict[str, Any], key: str) -> dict[str, Any]:
    """Keep a part of a layer for later; refused with what would fit."""
    row = allocation.reserve(call.session, key, **body, actor=call.actor, now=call.now)
    return allocation.shown(row, call.now)


@resource.route("DELETE", f"/layers/<key:key>/reservations/{_NUMBER}", FREE)
def free_reservation(call: Call, key: str, range_id: int) -> dict[str, Any]:
    """Give a reserved range back; one that customers need is refused."""
    row = allocation.free_reservation(
        call.session, key, range_id, actor=call.actor, now=call.now
    )
    return allocation.shown(row, call.now)


@resource.route("GET", "/holdouts", LIST_HOLDOUTS)
def list_holdouts(call: Call, query: dict[str, Any]) -> dict[str, Any]:
    """List the holdouts, ended ones too, by key."""
    limit = query["limit"]
    after = place_of("holdouts", query.get("cursor"), str)
    rows = holdouts.listing(call.session, after_key=after, limit=limit + 1)
    return page("holdouts", rows, limit, lambda row: row.key)


@resource.route("POST", "/holdouts", BEGIN)
def begin_holdout(call: Call, body: dict[str, Any]) -> HoldoutRow:
    """Begin a holdout; experiments that run already are left as they are."""
    return holdouts.create(call.session, **body, actor=call.actor, now=call.now)


@resource.route("DELETE", "/holdouts/<key:key>", END)
def end_holdout(call: Call, key: str) -> HoldoutRow:
    """End a holdout; experiments that started while it lasted still honour it."""
    return holdouts.end(call.session, key, actor=call.actor, now=call.now)
