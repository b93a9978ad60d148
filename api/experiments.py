"""Experiments over JSON: draft, edit, find, list."""

from typing import Any

from api.designs import to_design
from api.endpoints import Call, Endpoint, Resource
from api.pagination import page, place_of
from api.schemas.experiments import (
    DesignEditSchema,
    DesignSchema,
    ExperimentQuery,
    ExperimentSchema,
    ExperimentSummarySchema,
)
from api.schemas.paging import page_schema
from api.shown import experiment_summary, whole_experiment
from experiments import catalog
from experiments.vocabulary import PersonRole

resource = Resource("experiments", "Experiments, from draft to decision.")

LIST = Endpoint(
    role=PersonRole.VIEWER,
    to="read experiments",
    answer=page_schema(ExperimentSummarySchema),
    query=ExperimentQuery,
)
READ = Endpoint(role=PersonRole.VIEWER, to="read experiments", answer=ExperimentSchema)
CREATE = Endpoint(
    role=PersonRole.EDITOR,
    to="draft experiments",
    answer=ExperimentSchema,
    body=DesignSchema,
    creates=True,
)
SAVE = Endpoint(
    role=PersonRole.EDITOR,
    to="edit experiments",
    answer=ExperimentSchema,
    body=DesignEditSchema,
)


@resource.route("GET", "/experiments", LIST)
def list_experiments(call: Call, query: dict[str, Any]) -> dict[str, Any]:
    """List the experiments, by key."""
    limit = query["limit"]
    rows = catalog.listing(
        call.session,
        status=query.get("status"),
        after_key=place_of("experiments", query.get("cursor"), str),
        limit=limit + 1,
    )
    return page("experiments", rows, limit, lambda row: row.key, experiment_summary)


@resource.route("POST", "/experiments", CREATE)
def draft_experiment(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    """Store a new experiment as a draft; the key's owner becomes its owner."""
    design = to_design(call.session, body.pop("key"), body)
    row = catalog.draft(call.session, design, call.actor, call.now)
    return whole_experiment(call.session, row, call.actor)


@resource.route("GET", "/experiments/<key:key>", READ)
def read_experiment(call: Call, key: str) -> dict[str, Any]:
    """Read an experiment: its design, where it stands, and what can be done."""
    row = catalog.get(call.session, key)
    return whole_experiment(call.session, row, call.actor)


@resource.route("PUT", "/experiments/<key:key>", SAVE)
def save_experiment(call: Call, body: dict[str, Any], key: str) -> dict[str, Any]:
    """Save a draft anew; what was left out takes its default again."""
    revision = body.pop("revision")
    design = to_design(call.session, key, body)
    row = catalog.edit(call.session, design, revision, call.actor, call.now)
    return whole_experiment(call.session, row, call.actor)
