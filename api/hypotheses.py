"""The backlog of hypotheses over JSON."""

import dataclasses
from typing import Any

from api.endpoints import Call, Endpoint, Resource
from api.pagination import page, place_of
from api.schemas.hypotheses import (
    HypothesisBodySchema,
    HypothesisEditSchema,
    HypothesisSchema,
)
from api.schemas.paging import PageQuery, page_schema
from experiments import hypotheses
from experiments.hypothesis import Hypothesis
from experiments.models import HypothesisRow
from experiments.vocabulary import PersonRole

resource = Resource("hypotheses", "What is believed, why, and how much is expected.")

LIST = Endpoint(
    role=PersonRole.VIEWER,
    to="read hypotheses",
    answer=page_schema(HypothesisSchema),
    query=PageQuery,
)
READ = Endpoint(role=PersonRole.VIEWER, to="read hypotheses", answer=HypothesisSchema)
CREATE = Endpoint(
    role=PersonRole.EDITOR,
    to="register hypotheses",
    answer=HypothesisSchema,
    body=HypothesisBodySchema,
    creates=True,
)
SAVE = Endpoint(
    role=PersonRole.EDITOR,
    to="change hypotheses",
    answer=HypothesisSchema,
    body=HypothesisEditSchema,
)


@resource.route("GET", "/hypotheses", LIST)
def list_hypotheses(call: Call, query: dict[str, Any]) -> dict[str, Any]:
    """List the hypotheses, by key."""
    limit = query["limit"]
    after = place_of("hypotheses", query.get("cursor"), str)
    rows = hypotheses.listing(call.session, after_key=after, limit=limit + 1)
    return page("hypotheses", rows, limit, lambda row: row.key, show)


@resource.route("POST", "/hypotheses", CREATE)
def create_hypothesis(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    """Register a hypothesis; the key's owner becomes its owner."""
    value = Hypothesis(**body)
    return show(hypotheses.create(call.session, value, call.actor, call.now))


@resource.route("GET", "/hypotheses/<key:key>", READ)
def read_hypothesis(call: Call, key: str) -> dict[str, Any]:
    """Read a hypothesis."""
    return show(hypotheses.get(call.session, key))


@resource.route("PUT", "/hypotheses/<key:key>", SAVE)
def save_hypothesis(call: Call, body: dict[str, Any], key: str) -> dict[str, Any]:
    """Save a hypothesis anew; locked plans keep the old one."""
    revision = body.pop("revision")
    value = Hypothesis(key=key, **body)
    row = hypotheses.update(call.session, value, revision, call.actor, call.now)
    return show(row)


def show(row: HypothesisRow) -> dict[str, Any]:
    """Lay out a row as its schema shows it."""
    value = hypotheses.to_value(row)
    shown = {field.name: getattr(value, field.name) for field in _FIELDS}
    return {
        **shown,
        "owner": row.owner.email,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "revision": row.revision,
    }


_FIELDS = dataclasses.fields(Hypothesis)
