"""The customer journey over JSON."""

from typing import Any

from analysis.stage_view import Group, StageView, view_of
from api.endpoints import Call, Endpoint, Resource
from api.schemas.journey import (
    JourneySchema,
    StageBodySchema,
    StageHealthSchema,
    StageSchema,
)
from experiments import journey
from experiments.vocabulary import PersonRole

resource = Resource("journey", "The stages of the customer journey.")

READ = Endpoint(
    role=PersonRole.VIEWER, to="read the customer journey", answer=JourneySchema
)
SAVE = Endpoint(
    role=PersonRole.EDITOR,
    to="change the customer journey",
    answer=StageSchema,
    body=StageBodySchema,
)
HEALTH = Endpoint(
    role=PersonRole.VIEWER, to="read the customer journey", answer=StageHealthSchema
)


@resource.route("GET", "/journey-stages", READ)
def list_stages(call: Call) -> dict[str, Any]:
    """List the stages, in the order of the journey."""
    return {"items": journey.stages(call.session)}


@resource.route("PUT", "/journey-stages/<key:key>", SAVE)
def save_stage(call: Call, body: dict[str, Any], key: str) -> object:
    """Add a stage, or change the one of this key."""
    return journey.save_stage(
        call.session, key=key, **body, actor=call.actor, now=call.now
    )


@resource.route("GET", "/journey-stages/<key:key>/health", HEALTH)
def read_health(call: Call, key: str) -> dict[str, Any]:
    """Tell how a stage does: its metrics by segment and week, and what was shipped."""
    return _shown(view_of(call.session, journey.get(call.session, key), call.now))


def _shown(view: StageView) -> dict[str, Any]:
    return {
        "key": view.key,
        "name": view.name,
        "sentence": view.sentence,
        "metrics": [
            {
                "metric": metric.key,
                "name": metric.name,
                "groups": [_group(group) for group in metric.groups],
            }
            for metric in view.metrics
        ],
        "shipped": view.shipped,
    }


def _group(group: Group) -> dict[str, Any]:
    health = group.health
    return {
        "segment": group.segment or None,
        "sentence": f"{health.now} {health.trend}".strip(),
        "change": health.change,
        "weeks": health.weeks,
    }
