"""What page and API may read of a stored run, on both databases."""

import json
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session, sessionmaker

from analysis import results
from analysis.results import RunView
from analysis.stats.estimate import Estimate, NotComputable
from experiments.db import transaction
from experiments.models import ErasedExposure, Experiment
from experiments.vocabulary import (
    Reason,
    ResultPhase,
    Role,
    SentenceCase,
    Verdict,
)
from tests.analysis.run_examples import (
    BAD_SPLIT,
    PASSED_CHECKS,
    change,
    finish,
    store_failure,
)
from tests.factories import CSAT, NOW, RETENTION, make_actor, start_experiment

one_database = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
LATER = NOW + timedelta(days=60)


@pytest.fixture
def experiment(sessions: sessionmaker[Session]) -> Experiment:
    with transaction(sessions) as session:
        return start_experiment(session, make_actor(session))


def read(
    sessions: sessionmaker[Session], experiment: Experiment
) -> tuple[RunView, dict[str, results.ChartView]]:
    with transaction(sessions) as session:
        run = results.latest(session, experiment)
        assert run is not None
        return run, results.charts_of(session, run)


def test_latest__never_analysed__is_none(
    sessions: sessionmaker[Session], experiment: Experiment
) -> None:
    with transaction(sessions) as session:
        assert results.latest(session, experiment) is None
        assert results.failure_since(session, experiment) is None


def test_latest__final_run__comes_back_as_it_was_stored(
    sessions: sessionmaker[Session], experiment: Experiment
) -> None:
    with transaction(sessions) as session:
        finish(session, experiment, at=LATER)
    run, charts = read(sessions, experiment)
    assert (run.verdict, run.variant) == (Verdict.SHIP, "nudge")
    assert run.shows_estimates
    assert run.is_trusted
    assert run.as_of == LATER
    first, second = run.results
    assert (first.metric, first.role, first.case) == (
        RETENTION,
        Role.PRIMARY,
        SentenceCase.BETTER,
    )
    assert first.outcome == change(0.019, 0.013, control=0.701)
    assert second.metric == CSAT
    assert second.details["response"]["control"]["answered"] == 3_900
    assert [check.name for check in run.checks] == [c.name for c in PASSED_CHECKS]
    assert list(charts) == [
        "enrolment",
        "primary_outcome",
        f"difference:{RETENTION}",
        "forest",
        f"retention:{RETENTION}",
        f"csat:{CSAT}",
    ]
    assert charts["forest"].sentence
    assert run.failure is None


def test_latest__several_runs__is_the_last_good_one(
    sessions: sessionmaker[Session], experiment: Experiment
) -> None:
    with transaction(sessions) as session:
        finish(session, experiment, at=LATER)
        finish(
            session,
            experiment,
            at=LATER + timedelta(days=1),
            primary=NotComputable(Reason.NO_VARIATION),
        )
        for hours in (30, 31):
            store_failure(session, experiment, at=LATER + timedelta(hours=hours))
    run, _ = read(sessions, experiment)
    assert run.verdict == Verdict.UNDECIDED
    assert run.failure is not None
    assert run.failure.count == 2
    assert run.failure.error == "The store does not answer."
    now = LATER + timedelta(hours=34, minutes=5)
    assert run.failure.sentence(now, run.as_of) == (
        "The results are from 14 May 2026, 09:30 UTC. The last analysis failed 3 hours"
        " ago, 2 times in a row. Assignments are not affected."
    )


@one_database
def test_latest__failure_before_a_good_run__is_forgotten(
    sessions: sessionmaker[Session], experiment: Experiment
) -> None:
    with transaction(sessions) as session:
        store_failure(session, experiment, at=NOW)
        finish(session, experiment, at=LATER)
    run, _ = read(sessions, experiment)
    assert run.failure is None


@one_database
def test_failure_since__no_good_run_ever__says_that_there_is_none(
    sessions: sessionmaker[Session], experiment: Experiment
) -> None:
    with transaction(sessions) as session:
        store_failure(session, experiment, at=NOW)
        failure = results.failure_since(session, experiment)
    assert failure is not None
    assert failure.sentence(NOW + timedelta(seconds=90), None) == (
        "There are no results yet. The last analysis failed 1 minute ago."
        " Assignments are not affected."
    )


def test_latest__counting__holds_nothing_of_an_outcome(
    sessions: sessionmaker[Session], experiment: Experiment
) -> None:
    # Even where a run was stored with estimates, none of them may come out.
    with transaction(sessions) as session:
        finish(session, experiment, at=LATER, phase=ResultPhase.COUNTING)
    run, charts = read(sessions, experiment)
    assert run.verdict == Verdict.KEEP_RUNNING
    assert not run.shows_estimates
    assert list(charts) == ["enrolment"]
    assert all(result.outcome is None for result in run.results)
    said = json.dumps(results.to_json(run))
    for word in (
        "outcome",
        "effect",
        "estimate",
        "interval",
        'p_value": 0.0041',
        "lift",
        "better",
        "worse",
        "rose",
        "fell",
        "0.019",
        "nudge qualifies",
    ):
        assert word not in said
    assert "Too early to say." in run.answer
    # Who answered says nothing about what they answered.
    csat = next(result for result in run.results if result.metric == CSAT)
    assert csat.details["response"]["control"]["answered"] == 3_900
    assert csat.details["response"]["p_value"] is None


@one_database
def test_latest__final_but_nobody_followed_long_enough__is_not_shown_either(
    sessions: sessionmaker[Session], experiment: Experiment
) -> None:
    with transaction(sessions) as session:
        finish(
            session,
            experiment,
            at=LATER,
            primary=NotComputable(Reason.NO_MATURE_UNITS),
        )
    run, charts = read(sessions, experiment)
    assert run.verdict == Verdict.KEEP_RUNNING
    assert list(charts) == ["enrolment"]
    assert all(result.outcome is None for result in run.results)


@one_database
def test_latest__failed_check__keeps_numbers_for_the_analyst_but_draws_none(
    sessions: sessionmaker[Session], experiment: Experiment
) -> None:
    with transaction(sessions) as session:
        finish(session, experiment, at=LATER, checks=[BAD_SPLIT, *PASSED_CHECKS[1:]])
    run, charts = read(sessions, experiment)
    assert run.verdict == Verdict.DO_NOT_USE
    assert not run.is_trusted
    assert list(charts) == ["enrolment"]
    assert {result.case for result in run.results} == {SentenceCase.UNTRUSTED}


@pytest.mark.parametrize("hours", [-1, 1])
@one_database
def test_latest__customers_erased_since__says_so(
    sessions: sessionmaker[Session], experiment: Experiment, hours: int
) -> None:
    with transaction(sessions) as session:
        run = finish(session, experiment, at=LATER)
        moment = run.finished_at + timedelta(hours=hours)
        row = {"variant": "nudge", "customer_count": 1, "last_at": moment}
        session.add(ErasedExposure(experiment=experiment.key, **row))
    view, _ = read(sessions, experiment)
    assert view.erased_since == (hours > 0)
    assert results.to_json(view)["erased_since"] == view.erased_since


@one_database
def test_to_json__final_run__is_json_with_outcomes(
    sessions: sessionmaker[Session], experiment: Experiment
) -> None:
    with transaction(sessions) as session:
        finish(session, experiment, at=LATER)
        store_failure(session, experiment, at=LATER + timedelta(hours=1))
    run, _ = read(sessions, experiment)
    body = json.loads(json.dumps(results.to_json(run)))
    assert body["verdict"] == "ship"
    assert body["experiment"] == experiment.key
    assert body["results"][0]["outcome"]["effect"] == 0.019
    assert body["results"][0]["sentence"].startswith("Day-30 retention rose by")
    assert body["failed_since"] == (LATER + timedelta(hours=1)).isoformat()
    assert isinstance(run.results[0].outcome, Estimate)
