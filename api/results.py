"""Stored results over JSON: nothing is computed, and nothing shown before its time."""

from typing import Any

from sqlalchemy import select

from analysis import looks_taken, results
from api.endpoints import Call, Endpoint, Resource
from api.pagination import page, place_of
from api.schemas.paging import PageQuery, page_schema
from api.schemas.results import LooksSchema, RunResultsSchema, RunSchema
from experiments import catalog
from experiments.errors import NotFound
from experiments.models import AnalysisRun
from experiments.vocabulary import PersonRole

resource = Resource("results", "What the analyses say.")

READ = Endpoint(role=PersonRole.VIEWER, to="read results", answer=RunResultsSchema)
LIST_LOOKS = Endpoint(role=PersonRole.VIEWER, to="read results", answer=LooksSchema)
LIST_RUNS = Endpoint(
    role=PersonRole.VIEWER,
    to="read results",
    answer=page_schema(RunSchema),
    query=PageQuery,
)


@resource.route("GET", "/experiments/<key:key>/results", READ)
def read_results(call: Call, key: str) -> dict[str, Any]:
    """Read the last good analysis; before its end the plan allows counts alone."""
    run = results.latest(call.session, catalog.get(call.session, key))
    if run is None:
        raise NotFound("This experiment has no results yet: no analysis has run.")
    shown = results.to_json(run)
    if not run.shows_estimates:
        for result in shown["results"]:
            result["details"] = _without_p_values(result["details"])
    return shown


@resource.route("GET", "/experiments/<key:key>/looks", LIST_LOOKS)
def list_looks(call: Call, key: str) -> dict[str, Any]:
    """List the looks at estimates that were taken, each with what it showed."""
    experiment = catalog.get(call.session, key)
    return {"looks": looks_taken.looks_of(call.session, experiment)}


@resource.route("GET", "/experiments/<key:key>/runs", LIST_RUNS)
def list_runs(call: Call, query: dict[str, Any], key: str) -> dict[str, Any]:
    """List the analyses, newest first, also those that failed."""
    limit = query["limit"]
    before = place_of("runs", query.get("cursor"), int)
    experiment = catalog.get(call.session, key)
    rows = (
        select(AnalysisRun)
        .where(AnalysisRun.experiment_id == experiment.id)
        .order_by(AnalysisRun.id.desc())
        .limit(limit + 1)
    )
    if before is not None:
        rows = rows.where(AnalysisRun.id < before)
    return page("runs", call.session.scalars(rows).all(), limit, lambda row: row.id)


def _without_p_values(details: object) -> object:
    """Leave out the p-values of read-outs that may be shown, such as who answered."""
    if isinstance(details, dict):
        return {
            name: _without_p_values(inner)
            for name, inner in details.items()
            if name != "p_value"
        }
    return details
