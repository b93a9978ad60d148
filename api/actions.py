"""The life of an experiment over JSON: its actions, and the plan that start locks."""

import json
from typing import Any

from analysis import results
from api.endpoints import Call, Endpoint, Resource
from api.schemas.actions import ActionBodySchema
from api.schemas.experiments import ExperimentSchema, PlanSchema
from api.shown import whole_experiment
from experiments import catalog, lifecycle, plan_lock
from experiments.decisions import Recommendation
from experiments.enrolled import installed_through
from experiments.errors import NotFound
from experiments.vocabulary import Action, PersonRole, ResultPhase

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
        call.session,
        key,
        Action(action),
        call.actor,
        call.now,
        recommendation=_recommendation(call, key),
        enrolled_through=installed_through(call.context.settings.data_dir),
        **body,
    )
    return whole_experiment(call.session, row, call.actor)


def _recommendation(call: Call, key: str) -> Recommendation | None:
    """Read what the plan's rule says, once the plan allows it to say anything."""
    run = results.latest(call.session, catalog.get(call.session, key))
    if run is None or run.phase != ResultPhase.FINAL:
        return None  # a look that goes on recommends nothing
    return Recommendation(run.verdict, run.variant, run.id)


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
