"""API keys over JSON: made and shown once, listed, revoked."""

from typing import Any

from api.endpoints import Call, Endpoint, Resource
from api.pagination import page, place_of
from api.schemas.keys import KeyBodySchema, KeySchema, NewKeySchema
from api.schemas.paging import PageQuery, page_schema
from experiments import keys
from experiments.models import ApiKey
from experiments.vocabulary import PersonRole

resource = Resource("keys", "API keys; Abide keeps only their hashes.")

LIST = Endpoint(
    role=PersonRole.ADMIN,
    to="see API keys",
    answer=page_schema(KeySchema),
    query=PageQuery,
)
CREATE = Endpoint(
    role=PersonRole.ADMIN,
    to="make API keys",
    answer=NewKeySchema,
    body=KeyBodySchema,
    creates=True,
    forgets="key",
)
REVOKE = Endpoint(role=PersonRole.ADMIN, to="revoke API keys", answer=KeySchema)


@resource.route("GET", "/keys", LIST)
def list_keys(call: Call, query: dict[str, Any]) -> dict[str, Any]:
    """List the keys without their secrets, newest first."""
    limit = query["limit"]
    before = place_of("keys", query.get("cursor"), int)
    rows = [
        row for row in keys.listing(call.session) if before is None or row.id < before
    ]
    return page("keys", rows[: limit + 1], limit, lambda row: row.id, show)


@resource.route("POST", "/keys", CREATE)
def create_key(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    """Make a key that acts for you, and show it this once."""
    row, secret = keys.create_key(call.session, **body, actor=call.actor, now=call.now)
    return {**show(row), "key": secret}


@resource.route("DELETE", "/keys/<key:public_id>", REVOKE)
def revoke_key(call: Call, public_id: str) -> dict[str, Any]:
    """Revoke a key; every door refuses it within seconds."""
    return show(keys.revoke(call.session, public_id, actor=call.actor, now=call.now))


def show(row: ApiKey) -> dict[str, Any]:
    """Lay out a row as its schema shows it."""
    return {
        "public_id": row.public_id,
        "name": row.name,
        "kind": row.kind,
        "environment": row.environment,
        "may_read_rules": row.may_read_rules,
        "owner": row.owner.email,
        "created_at": row.created_at,
        "revoked_at": row.revoked_at,
    }
