"""What was learned over JSON: search it, add to it, and what past effects were."""

from typing import Any

from analysis import past_words
from analysis.past_effects import MetricPast, Tried, by_means, by_metric, past_effects
from analysis.stats.adding import ShrunkTotal
from api.endpoints import Call, Endpoint, Resource
from api.pagination import page, place_of
from api.schemas.learnings import (
    LearningQuery,
    LearningSchema,
    NoteBodySchema,
    PastEffectsSchema,
)
from api.schemas.paging import page_schema
from experiments import later_lessons, learnings
from experiments.learnings import Wanted
from experiments.lookups import Place
from experiments.models import Learning
from experiments.vocabulary import PersonRole

resource = Resource("learnings", "What decided experiments taught.")

LIST = Endpoint(
    role=PersonRole.VIEWER,
    to="read learnings",
    answer=page_schema(LearningSchema),
    query=LearningQuery,
)
READ = Endpoint(role=PersonRole.VIEWER, to="read learnings", answer=LearningSchema)
ADD = Endpoint(
    role=PersonRole.EDITOR,
    to="write down what was learned",
    answer=LearningSchema,
    body=NoteBodySchema,
    creates=True,
)
EFFECTS = Endpoint(
    role=PersonRole.VIEWER, to="read learnings", answer=PastEffectsSchema
)


@resource.route("GET", "/learnings", LIST)
def list_learnings(call: Call, query: dict[str, Any]) -> dict[str, Any]:
    """Search what was learned, the latest decision first."""
    limit = query.pop("limit")
    after = place_of("learnings", query.pop("cursor", None), int)
    year = query.pop("year")
    wanted = Wanted(year=year, **{name: query[name] or "" for name in query})
    place = Place(after=after, falling=True)
    rows = learnings.page(call.session, place, limit + 1, wanted)
    return page("learnings", rows, limit, lambda row: row.id, show)


@resource.route("GET", "/learnings/<key:key>", READ)
def read_learning(call: Call, key: str) -> dict[str, Any]:
    """Read what was learned from a decided experiment."""
    return show(learnings.get(call.session, key))


@resource.route("POST", "/learnings/<key:key>/notes", ADD)
def add_note(call: Call, body: dict[str, Any], key: str) -> dict[str, Any]:
    """Add what was learned since the decision; it is kept with its date."""
    later_lessons.add(
        call.session, key, body["text"], body["held"], call.actor, call.now
    )
    return show(learnings.get(call.session, key))


@resource.route("GET", "/past-effects", EFFECTS)
def list_past_effects(call: Call) -> dict[str, Any]:
    """List what decided experiments did, by metric, means and stage."""
    pasts = by_metric(past_effects(call.session)).values()
    return {"items": [_tried(past, each) for past in pasts for each in by_means(past)]}


def show(row: Learning) -> dict[str, Any]:
    """Lay out a row as its schema shows it."""
    about, experiment = row.experiment.hypothesis, row.experiment
    following = row.next_hypothesis
    return {
        "experiment": experiment.key,
        "name": experiment.name,
        "sentence": row.answer
        or past_words.without_result(str(experiment.decision).replace("_", " ")),
        "verdict": row.verdict,
        "decision": experiment.decision,
        "decided_at": experiment.decided_at,
        "stage": about.journey_stage.key,
        "segment": about.segment.key,
        "metric": about.metric.key,
        "lever": about.lever,
        "held": row.held,
        "surprise": row.surprise,
        "next_step": row.next_step,
        "next_hypothesis": None if following is None else following.key,
        "follow_up_at": row.follow_up_at,
        "notes": row.notes,
        "later": [
            {
                "experiment": link.later.experiment.key,
                "relation": link.relation,
                "note": link.note,
            }
            for link in row.links
        ],
    }


def _tried(past: MetricPast, tried: Tried) -> dict[str, Any]:
    found = tried.average
    return {
        "metric": past.key,
        "lever": tried.lever,
        "stage": tried.stage,
        "count": len(tried.effects),
        "average": {
            "value": found.total,
            "low": found.interval.low,
            "high": found.interval.high,
        }
        if isinstance(found, ShrunkTotal)
        else None,
        "sentence": past_words.average(past, tried),
        "effects": [
            {
                "experiment": each.experiment,
                "effect": each.effect,
                "standard_error": each.error,
                "low": each.low,
                "high": each.high,
            }
            for each in tried.effects
        ],
    }
