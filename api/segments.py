"""Segments over JSON."""

from collections.abc import Sequence
from typing import Any

from analysis import segment_sizes
from api.endpoints import Call, Endpoint, Resource
from api.pagination import page, place_of
from api.schemas.paging import PageQuery, page_schema
from api.schemas.segments import (
    SegmentBodySchema,
    SegmentSchema,
    SegmentVersionBodySchema,
)
from experiments import segments
from experiments.models import Segment
from experiments.vocabulary import PersonRole

resource = Resource("segments", "Named groups of customers, in append-only versions.")

LIST = Endpoint(
    role=PersonRole.VIEWER,
    to="read segments",
    answer=page_schema(SegmentSchema),
    query=PageQuery,
)
READ = Endpoint(role=PersonRole.VIEWER, to="read segments", answer=SegmentSchema)
CREATE = Endpoint(
    role=PersonRole.ANALYST,
    to="define segments",
    answer=SegmentSchema,
    body=SegmentBodySchema,
    creates=True,
)
ADD_VERSION = Endpoint(
    role=PersonRole.ANALYST,
    to="define segments",
    answer=SegmentSchema,
    body=SegmentVersionBodySchema,
    creates=True,
)


@resource.route("GET", "/segments", LIST)
def list_segments(call: Call, query: dict[str, Any]) -> dict[str, Any]:
    """List the segments, by key."""
    limit = query["limit"]
    after = place_of("segments", query.get("cursor"), str)
    rows = segments.listing(call.session, after_key=after, limit=limit + 1)
    return page("segments", _shown(call, rows), limit, lambda row: row["key"])


def _shown(call: Call, rows: Sequence[Segment]) -> list[dict[str, Any]]:
    """Lay segments out for their schema, with the size that was counted last."""
    sizes = segment_sizes.latest(call.session, [row.versions[-1] for row in rows])
    return [
        {
            "key": row.key,
            "name": row.name,
            "description": row.description,
            "created_at": row.created_at,
            "versions": row.versions,
            "size": segment_sizes.to_json(size)
            if (size := sizes.get(row.versions[-1].id))
            else None,
        }
        for row in rows
    ]


@resource.route("POST", "/segments", CREATE)
def create_segment(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    """Describe a segment, in its version 1."""
    row = segments.create(call.session, **body, actor=call.actor, now=call.now)
    return _shown(call, [row])[0]


@resource.route("GET", "/segments/<key:key>", READ)
def read_segment(call: Call, key: str) -> dict[str, Any]:
    """Read a segment with all its versions, and its size as it was counted last."""
    return _shown(call, [segments.get(call.session, key)])[0]


@resource.route("POST", "/segments/<key:key>/versions", ADD_VERSION)
def add_segment_version(call: Call, body: dict[str, Any], key: str) -> dict[str, Any]:
    """Give a segment a new rule; running experiments keep the one of their plan."""
    row = segments.add_version(
        call.session, key, body["condition"], actor=call.actor, now=call.now
    )
    return _shown(call, [row])[0]
