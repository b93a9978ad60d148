"""Preview links over JSON: made and shown once, listed, revoked."""

from typing import Any

from api.endpoints import Call, Endpoint, Resource
from api.pagination import page, place_of
from api.schemas.paging import PageQuery, page_schema
from api.schemas.previews import NewPreviewSchema, PreviewBodySchema, PreviewSchema
from experiments import catalog, preview_links
from experiments.lookups import Place
from experiments.models import PreviewLink
from experiments.vocabulary import PersonRole

_NUMBER = "<int(max=2147483647):row_id>"  # what an INTEGER column holds

resource = Resource("previews", "", tag="experiments")

LIST = Endpoint(
    role=PersonRole.EDITOR,
    to="see preview links",
    answer=page_schema(PreviewSchema),
    query=PageQuery,
)
MAKE = Endpoint(
    role=PersonRole.EDITOR,
    to="make preview links",
    answer=NewPreviewSchema,
    body=PreviewBodySchema,
    creates=True,
    forgets="token",
)
REVOKE = Endpoint(
    role=PersonRole.EDITOR, to="revoke preview links", answer=PreviewSchema
)


@resource.route("GET", "/experiments/<key:key>/previews", LIST)
def list_previews(call: Call, query: dict[str, Any], key: str) -> dict[str, Any]:
    """List an experiment's links, also those that ended, newest first."""
    limit = query["limit"]
    place = Place(after=place_of("previews", query.get("cursor"), int), falling=True)
    experiment = catalog.get(call.session, key)
    rows = preview_links.listing(call.session, experiment, place, limit + 1)
    return page("previews", rows, limit, lambda row: row.id)


@resource.route("POST", "/experiments/<key:key>/previews", MAKE)
def make_preview(call: Call, body: dict[str, Any], key: str) -> dict[str, Any]:
    """Make a link to one variant, and show its token this once."""
    row, token = preview_links.make(
        call.session, key, **body, actor=call.actor, now=call.now
    )
    return {**_show(row), "token": token}


@resource.route("DELETE", f"/experiments/<key:key>/previews/{_NUMBER}", REVOKE)
def revoke_preview(call: Call, key: str, row_id: int) -> PreviewLink:
    """Revoke a link; every door forgets it within seconds."""
    return preview_links.revoke(
        call.session, key, row_id, actor=call.actor, now=call.now
    )


def _show(row: PreviewLink) -> dict[str, Any]:
    names = PreviewSchema().fields
    return {name: getattr(row, name) for name in names}
