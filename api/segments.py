"""Segments over JSON."""

from typing import Any

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
    return page("segments", rows, limit, lambda row: row.key)


@resource.route("POST", "/segments", CREATE)
def create_segment(call: Call, body: dict[str, Any]) -> Segment:
    """Describe a segment, in its version 1."""
    return segments.create(call.session, **body, actor=call.actor, now=call.now)


@resource.route("GET", "/segments/<key:key>", READ)
def read_segment(call: Call, key: str) -> Segment:
    """Read a segment with all its versions."""
    return segments.get(call.session, key)


@resource.route("POST", "/segments/<key:key>/versions", ADD_VERSION)
def add_segment_version(call: Call, body: dict[str, Any], key: str) -> Segment:
    """Give a segment a new rule; running experiments keep the one of their plan."""
    return segments.add_version(
        call.session, key, body["condition"], actor=call.actor, now=call.now
    )
