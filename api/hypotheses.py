"""The backlog of hypotheses over JSON."""

import dataclasses
from typing import Any

from analysis import backlog, past_words
from analysis.backlog import Entry
from analysis.backlog_score import Score
from api.endpoints import Call, Endpoint, Resource
from api.pagination import page, place_of
from api.schemas.hypotheses import (
    BacklogEntrySchema,
    HypothesisBodySchema,
    HypothesisEditSchema,
    HypothesisSchema,
    MergeSchema,
    ParkSchema,
    PlaceSchema,
)
from api.schemas.paging import PageQuery, page_schema
from experiments import backlog as places
from experiments import hypotheses
from experiments.hypothesis import BacklogInputs, Hypothesis
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


PLACE = Endpoint(
    role=PersonRole.EDITOR,
    to="order the backlog",
    answer=HypothesisSchema,
    body=PlaceSchema,
)
PARK = Endpoint(
    role=PersonRole.EDITOR,
    to="park hypotheses",
    answer=HypothesisSchema,
    body=ParkSchema,
)
TAKE_UP = Endpoint(
    role=PersonRole.EDITOR,
    to="park hypotheses",
    answer=HypothesisSchema,
)
MERGE = Endpoint(
    role=PersonRole.EDITOR,
    to="merge hypotheses",
    answer=HypothesisSchema,
    body=MergeSchema,
)
BACKLOG = Endpoint(
    role=PersonRole.VIEWER,
    to="read the backlog",
    answer=page_schema(BacklogEntrySchema),
    query=PageQuery,
)


@resource.route("GET", "/hypotheses", LIST)
def list_hypotheses(call: Call, query: dict[str, Any]) -> dict[str, Any]:
    """List the hypotheses, by key."""
    limit = query["limit"]
    after = place_of("hypotheses", query.get("cursor"), str)
    rows = hypotheses.listing(call.session, after_key=after, limit=limit + 1)
    cited = hypotheses.citations(call.session, rows)
    return page(
        "hypotheses",
        rows,
        limit,
        lambda row: row.key,
        lambda row: _show(row, cited.get(row.id)),
    )


@resource.route("POST", "/hypotheses", CREATE)
def create_hypothesis(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    """Register a hypothesis; the key's owner becomes its owner."""
    inputs = _inputs(body)
    value = Hypothesis(**body)
    row = hypotheses.create(call.session, value, call.actor, call.now, inputs)
    return show(call, row)


@resource.route("GET", "/hypotheses/<key:key>", READ)
def read_hypothesis(call: Call, key: str) -> dict[str, Any]:
    """Read a hypothesis."""
    return show(call, hypotheses.get(call.session, key))


@resource.route("PUT", "/hypotheses/<key:key>", SAVE)
def save_hypothesis(call: Call, body: dict[str, Any], key: str) -> dict[str, Any]:
    """Save a hypothesis anew; locked plans keep the old one."""
    revision, inputs = body.pop("revision"), _inputs(body)
    value = Hypothesis(key=key, **body)
    row = hypotheses.update(call.session, value, revision, call.actor, call.now, inputs)
    return show(call, row)


@resource.route("PUT", "/hypotheses/<key:key>/place", PLACE)
def place_hypothesis(call: Call, body: dict[str, Any], key: str) -> dict[str, Any]:
    """Give a hypothesis a place in the backlog by hand, or let its score decide."""
    who = (call.actor, call.now)
    if body["place"] is None:
        return show(call, places.free_place(call.session, key, *who))
    return show(call, places.fix_place(call.session, key, body["place"], *who))


@resource.route("POST", "/hypotheses/<key:key>/park", PARK)
def park_hypothesis(call: Call, body: dict[str, Any], key: str) -> dict[str, Any]:
    """Set a hypothesis aside, with the reason."""
    reason = body["reason"]
    return show(call, places.park(call.session, key, reason, call.actor, call.now))


@resource.route("DELETE", "/hypotheses/<key:key>/park", TAKE_UP)
def take_up_hypothesis(call: Call, key: str) -> dict[str, Any]:
    """Put a parked hypothesis back among those that are ranked."""
    return show(call, places.take_up(call.session, key, call.actor, call.now))


@resource.route("POST", "/hypotheses/<key:key>/merge", MERGE)
def merge_hypothesis(call: Call, body: dict[str, Any], key: str) -> dict[str, Any]:
    """Take a hypothesis for a duplicate of another one, which is given."""
    into = body["into"]
    return show(call, places.merge(call.session, key, into, call.actor, call.now))


@resource.route("GET", "/backlog", BACKLOG)
def list_backlog(call: Call, query: dict[str, Any]) -> dict[str, Any]:
    """List the backlog in its order; what is not ranked comes last."""
    limit = query["limit"]
    after = place_of("backlog", query.get("cursor"), int) or 0
    entries = list(enumerate(backlog.backlog(call.session).entries, start=1))
    rows = entries[after : after + limit + 1]
    return page("backlog", rows, limit, lambda row: row[0], _show_entry)


def show(call: Call, row: HypothesisRow) -> dict[str, Any]:
    """Lay out a row as its schema shows it."""
    return _show(row, hypotheses.citations(call.session, [row]).get(row.id))


def _inputs(body: dict[str, Any]) -> BacklogInputs:
    """Take what the backlog needs out of a body; the rest is the hypothesis."""
    names = (field.name for field in dataclasses.fields(BacklogInputs))
    return BacklogInputs(**{name: body.pop(name) for name in names})


def _show(row: HypothesisRow, builds_on: str | None) -> dict[str, Any]:
    value = hypotheses.to_value(row)
    shown = {field.name: getattr(value, field.name) for field in _FIELDS}
    return {
        **shown,
        **dataclasses.asdict(hypotheses.inputs_from(row, builds_on)),
        "owner": row.owner.email,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "revision": row.revision,
        "place": row.place,
        "parked_at": row.parked_at,
        "parked_reason": row.parked_reason,
        "merged_into": None if row.merged is None else row.merged.into.key,
    }


def _show_entry(numbered: tuple[int, Entry]) -> dict[str, Any]:
    entry = numbered[1]
    row, score, reach, stands = entry.row, entry.score, entry.reach, entry.stands
    known = None if stands is None else stands.known
    return {
        "hypothesis": row.key,
        "title": row.title,
        "standing": entry.standing,
        "place": entry.place,
        "rank": entry.rank,
        "placed_by_hand": row.place is not None,
        "score": score if isinstance(score, Score) else None,
        "sentence": past_words.promise(score, row.metric.name),
        "before": past_words.before(entry.past, row.journey_stage.key),
        "reach_measured_at": None if reach is None else reach.measured_at,
        "baseline": None if stands is None else stands.value,
        "baseline_measured_at": None if known is None else known.measured_at,
    }


_FIELDS = dataclasses.fields(Hypothesis)
