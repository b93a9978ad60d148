"""Results over JSON: as stored, and nothing before the plan's end."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from analysis.looks import Trace, traces_to_json
from analysis.outcome_json import outcome_to_json, response_to_json
from analysis.stats.estimate import NotComputable
from analysis.stats.proportions import two_proportions
from analysis.stats.satisfaction import ResponseBalance, response_balance
from analysis.stats.summary import Histogram, Successes
from experiments import catalog
from experiments.context import Context
from experiments.db import transaction
from experiments.models import AnalysisRun, CheckResult, Look, PlanRow, Result
from experiments.vocabulary import (
    CheckState,
    HealthCheck,
    Reason,
    ResultPhase,
    Role,
    RunState,
    SentenceCase,
    Verdict,
)
from tests import factories
from tests.api.conftest import Caller

PATH = f"/experiments/{factories.EXPERIMENT}"
# Newcombe (1998), "Interval estimation for the difference between independent
# proportions", Statistics in Medicine 17(8), table II, (a): 56/70 against 48/80.
CONTROL, TREATMENT = Successes(n=80, successes=48), Successes(n=70, successes=56)
NEWCOMBE = (0.0524, 0.3339)
# What would tell of an outcome, under any name the answer uses.
TELLING = ("outcome", "effect", "p_value", "interval", "lift", "estimate", "value")

Store = Callable[..., None]


@pytest.fixture
def store(drafted: dict[str, Any], context: Context) -> Store:
    """Store a run as the pipeline does: estimates are there in every phase."""
    assert drafted["status"] == "draft"

    def store_run(phase: ResultPhase, verdict: Verdict, state: RunState) -> None:
        now = context.now()
        answered = Histogram(((4, 40), (5, 40)), n_exposed=100, n_invited=90)
        balance = response_balance(answered, answered)
        assert isinstance(balance, ResponseBalance)
        outcome = two_proportions(CONTROL, TREATMENT)
        with transaction(context.sessions) as session:
            experiment = catalog.get(session, factories.EXPERIMENT)
            run = AnalysisRun(
                experiment_id=experiment.id,
                state=state.value,
                phase=phase.value,
                started_at=now,
                finished_at=now + timedelta(seconds=2),
                as_of=now,
                data_cutoff=now - timedelta(hours=1),
                due_at=now + timedelta(days=30),
                plan_sha256="0" * 64,
                ruleset_revision=3,
                store_version=4,
                code_version="0.1.0",
                error=None if state == RunState.DONE else "The disk is full.",
                verdict=verdict.value,
                verdict_variant="nudge" if verdict == Verdict.SHIP else None,
                clause="The rule's words.",
                answer="The lead sentence.",
                counts={"units": 150, "exposed": {"control": 80, "nudge": 70}},
                summaries=[{"successes": 48}],
            )
            run.results = [
                result(factories.RETENTION, Role.PRIMARY, outcome_to_json(outcome)),
                result(
                    factories.CSAT,
                    Role.GUARDRAIL,
                    outcome_to_json(NotComputable(Reason.TOO_FEW_UNITS, {"n": 9})),
                    {"response": response_to_json(balance)},
                ),
            ]
            run.checks = [
                CheckResult(
                    name=HealthCheck.SAMPLE_RATIO.value,
                    state=CheckState.PASSED.value,
                    sentence="The groups have the sizes they should have.",
                    facts={"p_value": 0.41},
                )
            ]
            session.add(run)

    return store_run


def result(
    metric: str,
    role: Role,
    outcome: dict[str, Any],
    details: dict[str, Any] | None = None,
) -> Result:
    return Result(
        metric=metric,
        metric_version=1,
        role=role.value,
        variant="nudge",
        segment="",
        sentence_case=SentenceCase.TOO_EARLY.value,
        sentence="A sentence.",
        outcome=outcome,
        details=details or {},
    )


@pytest.mark.usefixtures("drafted")
def test_results__no_analysis_yet__are_not_found(api: Caller) -> None:
    answer = api.get(f"{PATH}/results")
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")
    assert "no results yet" in answer.json["message"]
    assert api.get("/experiments/other/results").status_code == 404


def test_results__final__give_the_published_interval(api: Caller, store: Store) -> None:
    store(ResultPhase.FINAL, Verdict.SHIP, RunState.DONE)
    answer = api.get(f"{PATH}/results")
    assert answer.status_code == 200, answer.text
    shown = answer.json
    assert (shown["verdict"], shown["variant"]) == ("ship", "nudge")
    assert shown["as_of"] == "2026-03-14T09:30:00Z"
    outcome = shown["results"][0]["outcome"]
    ends = (outcome["interval"]["low"], outcome["interval"]["high"])
    assert ends == pytest.approx(NEWCOMBE, abs=6e-5)
    assert outcome["effect"] == pytest.approx(0.8 - 0.6)
    assert outcome["control"]["n"] == 80
    assert shown["results"][1]["outcome"] == {
        "computable": False,
        "reason": "too_few_units",
        "facts": {"n": 9},
    }


def test_results__of_a_query_that_nothing_reads__are_refused_by_name(
    api: Caller, store: Store
) -> None:
    store(ResultPhase.FINAL, Verdict.SHIP, RunState.DONE)
    refused = api.get(f"{PATH}/results?run=9999")
    assert refused.status_code == 422
    assert refused.json["fields"] == {"run": "There is no such field."}


def test_results__final__leave_out_nothing_that_was_stored(
    api: Caller, store: Store
) -> None:
    store(ResultPhase.FINAL, Verdict.SHIP, RunState.DONE)
    shown = api.get(f"{PATH}/results").json["results"]
    stored = outcome_to_json(two_proportions(CONTROL, TREATMENT))
    assert shown[0]["outcome"] == json.loads(json.dumps(stored))
    assert shown[1]["details"]["response"]["control"]["answered"] == 80


@pytest.mark.parametrize("verdict", [Verdict.KEEP_RUNNING, Verdict.DO_NOT_USE])
def test_results__before_the_end__tell_counts_and_nothing_of_outcomes(
    api: Caller, store: Store, verdict: Verdict
) -> None:
    store(ResultPhase.COUNTING, verdict, RunState.DONE)
    answer = api.get(f"{PATH}/results")
    assert answer.status_code == 200, answer.text
    shown = answer.json
    assert shown["counts"]["exposed"] == {"control": 80, "nudge": 70}
    assert [check["state"] for check in shown["checks"]] == ["passed"]
    # Who answered may be known at any time.
    assert shown["results"][1]["details"]["response"]["control"]["of_exposed"] == 0.8
    for name in TELLING:
        assert f'"{name}"' not in answer.text, name
    runs = api.get(f"{PATH}/runs").text
    plain = api.get(PATH).text
    for telling in ("p_value", "interval", "effect", "summaries", "48"):
        assert telling not in runs, telling
        assert telling not in plain, telling


def test_results__analysis_failed_since__are_the_last_good_ones(
    api: Caller, store: Store
) -> None:
    store(ResultPhase.FINAL, Verdict.SHIP, RunState.DONE)
    store(ResultPhase.COUNTING, Verdict.KEEP_RUNNING, RunState.FAILED)
    shown = api.get(f"{PATH}/results").json
    assert shown["verdict"] == "ship"
    assert shown["failed_since"] == "2026-03-14T09:30:02Z"


def test_runs__listed__are_newest_first_in_pages(api: Caller, store: Store) -> None:
    for state in (RunState.DONE, RunState.FAILED, RunState.DONE):
        store(ResultPhase.COUNTING, Verdict.KEEP_RUNNING, state)
    first = api.get(f"{PATH}/runs?limit=2").json
    assert [run["state"] for run in first["items"]] == ["done", "failed"]
    assert first["items"][1]["error"] == "The disk is full."
    rest = api.get(f"{PATH}/runs?cursor={first['next_cursor']}").json
    assert [run["state"] for run in rest["items"]] == ["done"]
    assert rest["next_cursor"] is None


def test_decision__as_the_result_recommends__needs_no_second_person(
    api: Caller, store: Store, context: Context
) -> None:
    store(ResultPhase.FINAL, Verdict.SHIP, RunState.DONE)
    assert api.post(f"{PATH}/actions/start").status_code == 200
    with transaction(context.sessions) as session:
        factories.make_person(session, "Bo")
    decided = api.post(
        f"{PATH}/actions/decide",
        {"decision": "ship", "variant": "nudge", "reason": "It helps."},
    )
    assert decided.status_code == 200, decided.text
    assert decided.json["status"] == "decided"


def test_decision__against_the_result__waits_for_a_second_person(
    api: Caller, store: Store, context: Context
) -> None:
    store(ResultPhase.COUNTING, Verdict.KEEP_RUNNING, RunState.DONE)
    assert api.post(f"{PATH}/actions/start").status_code == 200
    with transaction(context.sessions) as session:
        factories.make_person(session, "Bo")
    body = {"decision": "ship", "variant": "nudge", "reason": "It helps."}
    hasty = api.post(f"{PATH}/actions/decide", body)
    assert (hasty.status_code, set(hasty.json["fields"])) == (422, {"reason"})
    reason = "The board wants it now, whatever the numbers will say."
    proposed = api.post(f"{PATH}/actions/decide", {**body, "reason": reason})
    assert proposed.status_code == 200, proposed.text
    assert proposed.json["status"] == "running"
    assert proposed.json["decision_proposal"] == {
        "decision": "ship",
        "variant": "nudge",
        "reason": reason,
        "by": "ada@example.com",
    }
    again = api.post(f"{PATH}/actions/decide", {**body, "reason": reason})
    assert again.status_code == 409
    assert api.post(f"{PATH}/actions/decline_decision").status_code == 422
    why = {"reason": "On second thoughts, wait."}
    declined = api.post(f"{PATH}/actions/decline_decision", why)
    assert declined.status_code == 200, declined.text
    assert declined.json["decision_proposal"] is None
    told = declined.json["decision_declined"]
    assert (told["by"], told["reason"]) == ("ada@example.com", why["reason"])
    assert told["proposal"] == proposed.json["decision_proposal"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_looks__taken__are_listed_with_what_they_showed_only(
    api: Caller, store: Store, context: Context
) -> None:
    assert api.get(f"{PATH}/looks").json == {"looks": []}
    store(ResultPhase.COUNTING, Verdict.KEEP_RUNNING, RunState.DONE)
    trace = Trace(4.0, 1.2, 4.33, 0.6, -1.5, 2.7, crossed=False)
    with transaction(context.sessions) as session:
        experiment = catalog.get(session, factories.EXPERIMENT)
        run = session.scalars(select(AnalysisRun)).one()
        plan = PlanRow(
            experiment_id=experiment.id,
            phase=experiment.phase,
            body="{}",
            sha256=run.plan_sha256,
            locked_at=context.now(),
            locked_by="Ada",
        )
        look = Look(
            experiment_id=experiment.id,
            plan_sha256=run.plan_sha256,
            number=1,
            run_id=run.id,
            as_of=context.now(),
            mature_units=400,
            fraction=0.25,
            spent=0.0001,
            ended=False,
            readings=traces_to_json({("retained", "nudge", ""): trace}),
        )
        session.add_all([plan, look])
    listed = api.get(f"{PATH}/looks").json["looks"]
    assert [(each["number"], each["mature_units"]) for each in listed] == [(1, 400)]
    assert listed[0]["readings"][0]["boundary"] == 4.33
    # The run since then holds no outcome, whatever the look had shown.
    assert api.get(f"{PATH}/results").json["results"][0].get("outcome") is None
