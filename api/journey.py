"""The customer journey over JSON."""

from typing import Any

from api.endpoints import Call, Endpoint, Resource
from api.schemas.journey import JourneySchema, StageBodySchema, StageSchema
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
