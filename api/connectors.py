"""Connectors over JSON: registered, mapped, tried, read again, ended."""

from dataclasses import asdict
from typing import Any

import orjson

from api.endpoints import Call, Endpoint, Resource
from api.pagination import page, place_of
from api.schemas.connectors import (
    ConnectorBodySchema,
    ConnectorSchema,
    DiscardedSchema,
    HeldListSchema,
    MappingBodySchema,
    NewConnectorSchema,
    SecretBodySchema,
    TestBodySchema,
    TriedSchema,
)
from api.schemas.intake import ReplayedSchema
from api.schemas.paging import PageQuery, page_schema
from experiments import connector_replay, connectors, refused_hooks, waiting_bodies
from experiments.connectors import NewConnector
from experiments.models import Connector
from experiments.privacy import load_pseudonymiser
from experiments.quarantine import Replayed
from experiments.sealing import load_sealer
from experiments.signatures import Scheme
from experiments.vocabulary import PersonRole

resource = Resource(
    "connectors", "Senders of signed webhooks: survey and support tools, and any other."
)
ONE = "/connectors/<key:public_id>"

LIST = Endpoint(
    role=PersonRole.EDITOR,
    to="see connectors",
    answer=page_schema(ConnectorSchema),
    query=PageQuery,
)
CREATE = Endpoint(
    role=PersonRole.ADMIN,
    to="register connectors",
    answer=NewConnectorSchema,
    body=ConnectorBodySchema,
    creates=True,
    forgets="secret",
)
SHOW = Endpoint(role=PersonRole.EDITOR, to="see connectors", answer=ConnectorSchema)
END = Endpoint(role=PersonRole.ADMIN, to="end connectors", answer=ConnectorSchema)
SECRET = Endpoint(
    role=PersonRole.ADMIN,
    to="change a connector's secret",
    answer=NewConnectorSchema,
    body=SecretBodySchema,
)
MAPPING = Endpoint(
    role=PersonRole.ADMIN,
    to="change a connector's mapping",
    answer=ConnectorSchema,
    body=MappingBodySchema,
)
TRY = Endpoint(
    role=PersonRole.EDITOR,
    to="try a body",
    answer=TriedSchema,
    body=TestBodySchema,
)
HELD = Endpoint(role=PersonRole.EDITOR, to="see waiting bodies", answer=HeldListSchema)
REPLAY = Endpoint(role=PersonRole.EDITOR, to="read bodies again", answer=ReplayedSchema)
DISCARD = Endpoint(
    role=PersonRole.ADMIN, to="throw waiting bodies away", answer=DiscardedSchema
)


@resource.route("GET", "/connectors", LIST)
def list_connectors(call: Call, query: dict[str, Any]) -> dict[str, Any]:
    """List connectors, newest first, with those that have ended."""
    limit = query["limit"]
    before = place_of("connectors", query.get("cursor"), int)
    rows = [
        row
        for row in connectors.listing(call.session)
        if before is None or row.id < before
    ]
    return page(
        "connectors",
        rows[: limit + 1],
        limit,
        lambda row: row.id,
        lambda row: _show(call, row),
    )


@resource.route("POST", "/connectors", CREATE)
def create_connector(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    """Register a sender; a secret that Abide makes is shown this once."""
    row, secret = connectors.create(
        call.session,
        NewConnector(**body),
        load_sealer(call.context.settings),
        actor=call.actor,
        now=call.now,
    )
    return {**_show(call, row), "secret": secret}


@resource.route("GET", ONE, SHOW)
def show_connector(call: Call, public_id: str) -> dict[str, Any]:
    """Show a connector with its mapping."""
    return _show(call, connectors.get(call.session, public_id))


@resource.route("DELETE", ONE, END)
def end_connector(call: Call, public_id: str) -> dict[str, Any]:
    """End a connector; its address refuses everything within seconds."""
    row = connectors.end(call.session, public_id, actor=call.actor, now=call.now)
    return _show(call, row)


@resource.route("PUT", f"{ONE}/secret", SECRET)
def change_secret(call: Call, body: dict[str, Any], public_id: str) -> dict[str, Any]:
    """Replace a connector's secret; the old one may hold for a while beside it."""
    row, secret = connectors.change_secret(
        call.session,
        public_id,
        **body,
        sealer=load_sealer(call.context.settings),
        actor=call.actor,
        now=call.now,
    )
    return {**_show(call, row), "secret": secret}


@resource.route("PUT", f"{ONE}/mapping", MAPPING)
def save_mapping(call: Call, body: dict[str, Any], public_id: str) -> dict[str, Any]:
    """Put a new version of a connector's mapping in force."""
    row = connectors.save_mapping(
        call.session, public_id, **body, actor=call.actor, now=call.now
    )
    return _show(call, row)


@resource.route("POST", f"{ONE}/tests", TRY)
def try_body(
    call: Call, body: dict[str, Any], public_id: str
) -> connector_replay.Tried:
    """Show which facts a body would give; nothing of it is stored."""
    row = connectors.get(call.session, public_id)
    mapping = body["mapping"] or connectors.mapping_of(call.session, row)
    return connector_replay.try_body(
        call.session,
        row,
        orjson.dumps(body["body"]),
        None if mapping is None else connectors.check_mapping(mapping),
        load_pseudonymiser(call.context.settings),
        call.now,
    )


@resource.route("GET", f"{ONE}/held", HELD)
def list_held(call: Call, public_id: str) -> dict[str, Any]:
    """Count the bodies that wait, by reason, and show the shape of the newest."""
    row = connectors.get(call.session, public_id)
    waiting = waiting_bodies.of(call.session, public_id)
    return {
        "waiting_count": waiting.count,
        "waiting_bytes": waiting.bytes,
        "is_full": waiting.is_full,
        "groups": connector_replay.groups(call.session, row),
        "examples": connector_replay.examples(call.session, row),
    }


@resource.route("POST", f"{ONE}/replays", REPLAY)
def replay(call: Call, public_id: str) -> Replayed:
    """Read the bodies that wait by the mapping in force; each fact is stored once."""
    settings = call.context.settings
    return connector_replay.replay(
        call.session,
        settings,
        load_pseudonymiser(settings),
        load_sealer(settings),
        public_id,
        actor=call.actor,
        now=call.now,
    )


@resource.route("DELETE", f"{ONE}/held", DISCARD)
def discard(call: Call, public_id: str) -> dict[str, Any]:
    """Throw the bodies that wait away."""
    count = connector_replay.discard(
        call.session, public_id, actor=call.actor, now=call.now
    )
    return {"deleted_count": count}


def _show(call: Call, row: Connector) -> dict[str, Any]:
    refused = refused_hooks.of(call.session, row.public_id, call.now)
    return {
        "public_id": row.public_id,
        "kind": row.kind,
        "name": row.name,
        "environment": row.environment,
        "address": f"{call.context.settings.base_url}/hooks/{row.public_id}",
        "signature": asdict(Scheme(**row.signature)),
        "old_secret_until": row.old_secret_until,
        "mapping_version": row.mapping_version,
        "mapping": connectors.mapping_of(call.session, row),
        "created_at": row.created_at,
        "ended_at": row.ended_at,
        "refused_count": refused.count,
        "last_refused_at": refused.last_at,
    }
