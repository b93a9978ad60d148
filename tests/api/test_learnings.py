"""What was learned over JSON: searched, added to, and past effects with averages."""

from datetime import timedelta

import pytest

from experiments import accounts, lifecycle
from experiments.context import Context
from experiments.db import transaction
from experiments.decisions import Recommendation
from experiments.models import Person
from experiments.vocabulary import Action, Decision, Verdict
from tests.analysis.run_examples import change, finish
from tests.api.conftest import Caller
from tests.factories import NOW, RETENTION, start_experiment

LATER = NOW + timedelta(days=60)


@pytest.fixture
def decided(api: Caller, context: Context) -> Caller:
    """Let an experiment find 1.9 points, and ship it."""
    with transaction(context.sessions) as session:
        ada = accounts.actor_for(session.get_one(Person, 1))
        experiment = start_experiment(session, ada, key="spring")
        primary = change(0.019, 0.011, control=0.701)
        run = finish(session, experiment, at=LATER, primary=primary)
        lifecycle.transition(
            session,
            "spring",
            Action.DECIDE,
            ada,
            LATER,
            decision=Decision.SHIP,
            variant="nudge",
            reason="The rule says so.",
            recommendation=Recommendation(Verdict.SHIP, "nudge", run.id),
        )
    return api


def test_learnings__decided__are_listed_and_added_to(decided: Caller) -> None:
    (found,) = decided.get("/learnings?text=retention&decision=ship&year=2026").json[
        "items"
    ]
    assert (found["experiment"], found["metric"], found["notes"]) == (
        "spring",
        RETENTION,
        [],
    )
    assert found["sentence"].startswith("Day-30 retention rose by 1.9 points")
    assert decided.get("/learnings?year=2025").json["items"] == []
    body = {"text": "It held in May too.", "held": "yes"}
    added = decided.post("/learnings/spring/notes", body)
    assert added.status_code == 201, added.text
    (note,) = decided.get("/learnings/spring").json["notes"]
    assert (note["text"], note["held"]) == ("It held in May too.", "yes")
    wrong = decided.post("/learnings/spring/notes", {"text": " "})
    assert (wrong.status_code, set(wrong.json["fields"])) == (422, {"text"})
    assert decided.get("/learnings/nothing").status_code == 404


def test_past_effects__decided__have_their_numbers(decided: Caller) -> None:
    (tried,) = decided.get("/past-effects").json["items"]
    (effect,) = tried["effects"]
    assert (tried["metric"], tried["stage"], tried["count"]) == (
        RETENTION,
        "renewal",
        1,
    )
    assert effect["effect"] == pytest.approx(0.019)
    # Shrunk by tau^2 / (tau^2 + s^2), where tau^2 = x^2 - s^2 for a single effect x.
    kept = 1 - effect["standard_error"] ** 2 / 0.019**2
    assert tried["average"]["value"] == pytest.approx(0.019 * kept)
