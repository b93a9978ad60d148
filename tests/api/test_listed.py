"""Lists by hand: over JSON, at the door, and kept out of the analysis."""

import pytest

from analysis.subject import read_subject
from experiments.assignment import assign
from experiments.context import Context
from experiments.db import transaction
from experiments.privacy import load_pseudonymiser
from experiments.ruleset_files import RulesetFolder
from experiments.ruleset_mirror import RulesetMirror
from experiments.ruleset_reader import RulesetReader
from experiments.running import Assignment
from tests import factories
from tests.api.conftest import Caller

pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("drafted"),
]
PATH = f"/experiments/{factories.EXPERIMENT}"


def ask(context: Context, who: str) -> Assignment:
    """Ask a door that has just started."""
    folder = RulesetFolder(context.settings.data_dir / "ruleset")
    RulesetMirror(context.sessions, folder).copy()
    reader = RulesetReader(folder, load_pseudonymiser(context.settings))
    reader.refresh()
    assert reader.current is not None
    return assign(reader.current.experiments[factories.EXPERIMENT], who, {})


def test_listed__forced_and_opted_out__at_the_door_and_never_analysed(
    api: Caller, context: Context
) -> None:
    assert api.post(f"{PATH}/actions/start").status_code == 200
    qa = {"customer_id": "qa-1", "variant": "nudge", "note": "Test phone"}
    put = api.post(f"{PATH}/listed", qa)
    assert put.status_code == 201, put.text
    out = api.post(f"{PATH}/listed", {"customer_id": "no-1", "note": "Asked to"})
    assert api.get(f"{PATH}/listed").json["items"] == [put.json, out.json]

    forced = ask(context, "qa-1")
    assert (forced.variant, forced.reason, forced.in_experiment) == (
        "nudge",
        "forced",
        False,
    )
    assert ask(context, "no-1").reason == "opted_out"
    assert ask(context, "other").reason == "not_in_segment"

    gone = api("DELETE", f"{PATH}/listed/{put.json['id']}")
    assert gone.status_code == 200
    assert ask(context, "qa-1").reason == "not_in_segment"
    hide = load_pseudonymiser(context.settings)
    with transaction(context.sessions) as session:
        subject = read_subject(session, factories.EXPERIMENT, context.now())
    expected = sorted([hide.customer("qa-1"), hide.customer("no-1")])
    assert list(subject.listed) == expected
    audit = api.get("/audit").text
    assert "experiment.list_customer" in audit
    assert "qa-1" not in audit


def test_listed__at_fault__is_refused_in_words(api: Caller) -> None:
    body = {"customer_id": "qa-1", "note": "Test phone"}
    wrong = api.post(f"{PATH}/listed", {**body, "variant": "gone", "note": " "})
    assert (wrong.status_code, set(wrong.json["fields"])) == (422, {"variant", "note"})
    nobody = api.post(f"{PATH}/listed", {**body, "customer_id": ""})
    assert set(nobody.json["fields"]) == {"customer_id"}
    assert api.post(f"{PATH}/listed", body).status_code == 201
    assert api.post(f"{PATH}/listed", body).status_code == 409
    assert api("DELETE", f"{PATH}/listed/99").status_code == 404
