"""The life of an experiment over JSON: its actions, and the plan that start locks."""

import json
from typing import Any

from api.endpoints import Call, Endpoint, Resource
from api.schemas.experiments import ActionBodySchema, ExperimentSchema, PlanSchema
from api.shown import whole_experiment
from experiments import catalog, lifecycle, plan_lock
from experiments.errors import NotFound
from experiments.vocabulary import Action, PersonRole

resource = Resource("actions", "", tag="experiments")

ACT = Endpoint(
    # The weakest role of any action; lifecycle asks for each action's own.
    role=PersonRole.EDITOR,
    to="act on an experiment",
    answer=ExperimentSchema,
    body=ActionBodySchema,
)
READ_PLAN = Endpoint(role=PersonRole.VIEWER, to="read plans", answer=PlanSchema)


@resource.route(
    "POST", f"/experiments/<key:key>/actions/<any({','.join(Action)}):action>", ACT
)
def act(call: Call, body: dict[str, Any], key: str, action: str) -> dict[str, Any]:
    """Do one action; which ones can be done, the experiment tells."""
    row = lifecycle.transition(
        call.session, key, Action(action), call.actor, call.now, **body
    )
    return whole_experiment(call.session, row, call.actor)


@resource.route("GET", "/experiments/<key:key>/plan", READ_PLAN)
def read_plan(call: Call, key: str) -> dict[str, Any]:
    """Read the plan that was locked at the start, and what was amended since."""
    experiment = catalog.get(call.session, key)
    row = plan_lock.plan_row(call.session, experiment)
    if row is None:
        raise NotFound("This experiment has no locked plan yet: it was not started.")
    return {
        "sha256": row.sha256,
        "canonical": row.body,
        "plan": json.loads(row.body),
        "locked_at": row.locked_at,
        "locked_by": row.locked_by,
        "amendments": plan_lock.amendments(call.session, experiment),
    }
