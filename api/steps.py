"""Planned steps over JSON: a start, a higher coverage or a stop at its time."""

from typing import Any

from api.endpoints import Call, Endpoint, Resource
from api.schemas.steps import StepBodySchema, StepSchema, StepsSchema
from experiments import catalog, scheduled_steps
from experiments.models import ScheduledStep
from experiments.vocabulary import PersonRole

_NUMBER = "<int(max=2147483647):step_id>"  # what an INTEGER column holds

resource = Resource("steps", "", tag="experiments")

LIST = Endpoint(role=PersonRole.VIEWER, to="read planned steps", answer=StepsSchema)
PLAN = Endpoint(
    role=PersonRole.EDITOR,
    to="plan steps",
    answer=StepSchema,
    body=StepBodySchema,
    creates=True,
)
CANCEL = Endpoint(
    role=PersonRole.EDITOR, to="take planned steps back", answer=StepSchema
)


@resource.route("GET", "/experiments/<key:key>/steps", LIST)
def list_steps(call: Call, key: str) -> dict[str, Any]:
    """List an experiment's planned steps, done and failed ones too, by their time."""
    experiment = catalog.get(call.session, key)
    rows = scheduled_steps.listing(call.session, experiment)
    return {"items": [show(row) for row in rows]}


@resource.route("POST", "/experiments/<key:key>/steps", PLAN)
def plan_step(call: Call, body: dict[str, Any], key: str) -> dict[str, Any]:
    """Plan a step; it is done with your permission, which is checked again then."""
    row = scheduled_steps.plan(
        call.session, key, **body, actor=call.actor, now=call.now
    )
    return show(row)


@resource.route("DELETE", f"/experiments/<key:key>/steps/{_NUMBER}", CANCEL)
def cancel_step(call: Call, key: str, step_id: int) -> dict[str, Any]:
    """Take a planned step back."""
    row = scheduled_steps.cancel(
        call.session, key, step_id, actor=call.actor, now=call.now
    )
    return show(row)


def show(row: ScheduledStep) -> dict[str, Any]:
    """Lay out a row as its schema shows it."""
    return {
        "id": row.id,
        "at": row.at,
        "action": row.action,
        "coverage": row.coverage,
        "by": row.person.email,
        "state": row.state,
        "outcome": row.outcome,
        "finished_at": row.finished_at,
    }
