"""Where an experiment stands, what was decided, and how numbers are written."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session, sessionmaker

from experiments import accounts, catalog, hypotheses, lifecycle
from experiments.context import Context
from experiments.db import transaction
from experiments.models import AnalysisRun, CheckResult, Experiment, Person
from experiments.vocabulary import (
    Action,
    CheckState,
    HealthCheck,
    MonitoringMode,
    PersonRole,
    ResultPhase,
    RunState,
    Verdict,
)
from tests.factories import (
    NOW,
    external_design,
    make_person,
    start_experiment,
)
from web.presenters.experiments import (
    progress,
    sentence_of_now,
    snippets,
)
from web.presenters.formats import cell, count, day, moment, percent, pretty_json
from web.presenters.home import Found, home
from web.presenters.monitoring import seen_from, waiting_in_words
from web.presenters.plans import checklist, plan_in_words
from web.presenters.runs import is_final, latest_runs
from web.presenters.timeline import timeline
from web.presenters.words import deed, who


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def started(sessions: sessionmaker[Session]) -> Experiment:
    with transaction(sessions) as session:
        make_person(session, "Ada")
        owner = accounts.actor_for(session.get_one(Person, 1))
        return start_experiment(session, owner)


def run_of(experiment: Experiment, **changes: object) -> AnalysisRun:
    """Make a run as analysis stores it, with what pages read of it."""
    values: dict[str, object] = {
        "experiment_id": experiment.id,
        "state": RunState.DONE.value,
        "phase": ResultPhase.COUNTING.value,
        "started_at": NOW,
        "finished_at": NOW,
        "as_of": NOW,
        "due_at": NOW + timedelta(days=60),
        "plan_sha256": "0" * 64,
        "code_version": "0",
        "verdict": Verdict.KEEP_RUNNING.value,
        "counts": {"units": 1500, "exposed": {"control": 740, "nudge": 760}},
        "summaries": [],
    }
    return AnalysisRun(**{**values, **changes})


def store(context: Context, *runs: AnalysisRun) -> None:
    with transaction(context.sessions) as session:
        session.add_all(runs)


def test_timeline__of_a_running_experiment__marks_one_step(
    started: Experiment,
) -> None:
    steps = timeline(started, None, NOW + timedelta(days=3))
    assert [s.state for s in steps] == [*["done"] * 3, "current", *["ahead"] * 4]
    assert steps[3].when == "since 14 Mar 2026"
    assert steps[5].when == "planned 11 May 2026"


def test_timeline__after_the_planned_end__is_counting_until_the_result(
    started: Experiment,
) -> None:
    later = NOW + timedelta(days=60)
    counting = timeline(started, run_of(started), later)
    assert counting[4].state == "current"
    assert counting[4].when == "until about 13 May 2026"
    final = run_of(started, phase="final", verdict="ship")
    assert timeline(started, final, later)[5].state == "current"


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (0, "Running, day 1 of 58. No estimate is shown before 11 May 2026."),
        (57, "Running, day 58 of 58. No estimate is shown before 11 May 2026."),
        (
            58,
            (
                "The planned end was 11 May 2026. The result follows once the last"
                " customer counts."
            ),
        ),
    ],
)
def test_sentence__of_a_running_experiment__says_the_day(
    started: Experiment, days: int, words: str
) -> None:
    assert sentence_of_now(started, None, NOW + timedelta(days=days)) == words


def test_sentence__once_enrolment_has_ended__says_so(started: Experiment) -> None:
    started.enrolment_ends_at = NOW + timedelta(days=1)
    words = sentence_of_now(started, run_of(started), NOW + timedelta(days=2))
    assert words == (
        "Enrolment ended on 15 Mar 2026: nobody new is counted. Those in it go on. No"
        " estimate is shown before 11 May 2026."
    )


@pytest.mark.parametrize(
    ("mode", "looks", "words"),
    [
        (
            MonitoringMode.GROUP_SEQUENTIAL,
            [],
            (
                "Estimates are shown at looks only: 25 %, 50 %, 75 % and 100 % of the"
                " planned size. The next is due about 13 May 2026."
            ),
        ),
        (
            MonitoringMode.GROUP_SEQUENTIAL,
            [1.0],
            "No estimate is shown before 11 May 2026.",
        ),
        (
            MonitoringMode.ALWAYS_VALID,
            [],
            (
                "Estimates are shown on any day, once a week has passed and enough"
                " customers count."
            ),
        ),
    ],
)
def test_seen_from__each_way_of_looking__says_when_estimates_come(
    started: Experiment, mode: MonitoringMode, looks: list[float], words: str
) -> None:
    started.monitoring_mode, started.looks = mode.value, looks
    run = run_of(started)
    assert seen_from(started, run, NOW) == words
    assert waiting_in_words(started, run, NOW).startswith(words)


def test_waiting__after_the_planned_end__promises_nothing_before_it(
    started: Experiment,
) -> None:
    assert waiting_in_words(started, None, NOW + timedelta(days=59)) == (
        "The planned end was 11 May 2026. The result follows once the last customer"
        " counts. There is nothing to decide yet."
    )


def test_sentence__with_a_result__asks_for_the_decision(started: Experiment) -> None:
    final = run_of(started, phase="final", verdict="undecided")
    words = "The result is ready. Somebody has to decide."
    assert sentence_of_now(started, final, NOW) == words


def test_sentence__of_a_stopped_experiment__says_what_customers_get(
    started: Experiment, sessions: sessionmaker[Session]
) -> None:
    with transaction(sessions) as session:
        owner = accounts.actor_for(session.get_one(Person, 1))
        stopped = lifecycle.transition(
            session, started.key, Action.STOP, owner, NOW, reason="Enough."
        )
    assert sentence_of_now(stopped, None, NOW) == (
        "Stopped on 14 Mar 2026: every customer gets control."
        " The result follows once the last customer counts."
    )
    empty = run_of(stopped)
    empty.counts = {"units": 0, "exposed": {}}
    assert sentence_of_now(stopped, empty, NOW).endswith(
        "Nobody has been counted in it: without customers there is no result."
    )
    assert timeline(stopped, None, NOW)[3].when == "until 14 Mar 2026"


@pytest.mark.parametrize(
    ("status", "decision"),
    [
        ("paused", None),
        ("stopped", None),
        ("decided", "ship"),
        ("decided", "do_not_ship"),
    ],
)
def test_sentence__variants_from_elsewhere__promises_nothing_that_abide_cannot_do(
    started: Experiment, status: str, decision: str | None
) -> None:
    started.assigned_by = "external"  # as read; nothing is stored
    started.status, started.decision = status, decision
    words = sentence_of_now(started, None, NOW)
    assert "sk the system that assign" in words
    assert "customer gets" not in words
    assert "gets it" not in words


def test_progress__against_the_plan__counts_by_variant(started: Experiment) -> None:
    assert progress(started, None) is None
    found = progress(started, run_of(started))
    assert found is not None
    assert found.sentence == "1,500 of 2,000 planned customers so far."
    assert found.share == 0.75
    # 740 and 760 of 1,500, where each was to be half of 2,000.
    assert found.rows == (
        ("control", "740", "1,000", "49.3 %", "50.0 %"),
        ("nudge", "760", "1,000", "50.7 %", "50.0 %"),
    )
    many = run_of(started, counts={"units": 9000, "exposed": {}})
    over = progress(started, many)
    assert over is not None
    assert over.sentence == "9,000 customers; 2,000 were planned."
    assert over.share == 1


def test_run__may_show_its_verdict__only_at_the_end(started: Experiment) -> None:
    shown = {
        (phase, verdict)
        for phase in ResultPhase
        for verdict in Verdict
        if is_final(run_of(started, phase=phase.value, verdict=verdict.value))
    }
    ends = set(Verdict) - {Verdict.KEEP_RUNNING}
    assert shown == {(ResultPhase.FINAL, verdict) for verdict in ends}
    assert not is_final(None)


def test_latest_runs__after_a_failure__are_the_last_good_ones(
    started: Experiment, context: Context
) -> None:
    store(
        context,
        run_of(started, clause="first"),
        run_of(started, clause="second"),
        run_of(started, state=RunState.FAILED.value, counts={}),
    )
    with transaction(context.sessions) as session:
        assert latest_runs(session, [started.id])[started.id].clause == "second"
        assert latest_runs(session, []) == {}


def test_home__with_a_failed_check__says_so_before_anything_else(
    started: Experiment, context: Context
) -> None:
    run = run_of(started, phase="final", verdict="do_not_use")
    run.checks = [
        CheckResult(
            name=HealthCheck.SAMPLE_RATIO.value,
            state=CheckState.FAILED.value,
            sentence="51.9 % got nudge where 50 % was planned.",
            facts={},
        )
    ]
    store(context, run)
    with transaction(context.sessions) as session:
        found = Found(latest_runs(session, [started.id]), {}, {})
        row = catalog.get(session, started.key)
        idea = hypotheses.get(session, row.hypothesis.key)
    page = home([idea.journey_stage], [idea], [row], found, NOW)
    assert page.attention[0].sentence == (
        "Do not use these results: 51.9 % got nudge where 50 % was planned."
    )
    assert page.attention[0].verdict == "do_not_use"
    assert page.sentence == "1 experiment is running for 1 segment. 1 needs you."


def test_snippets__of_an_experiment__name_keys_and_hold_none(
    started: Experiment,
) -> None:
    ask, *clients, seen = snippets(started, "https://abide.example.com")
    assert "https://abide.example.com/api/v1/assignments" in ask.code
    assert "$ABIDE_SERVER_KEY" in ask.code
    assert '"plan": "..."' in ask.code
    # tests/clients runs the same text.
    assert [snippet.title.removeprefix("Ask with ") for snippet in clients] == [
        "OpenFeature in Python",
        "OpenFeature in JavaScript",
        "GrowthBook in Python",
        "GrowthBook in JavaScript",
    ]
    for snippet in clients:
        assert "https://abide.example.com" in snippet.code
        assert "Go yearly" in snippet.code  # control's value is the app's default
        assert "_KEY" in snippet.code
    assert '"variationId": "control"' in seen.code
    assert '-u "$ABIDE_WRITE_KEY:"' in seen.code


def test_external_experiment__has_no_assignment_to_ask_for(
    sessions: sessionmaker[Session],
) -> None:
    with transaction(sessions) as session:
        make_person(session, "Ada", PersonRole.ADMIN)
        owner = accounts.actor_for(session.get_one(Person, 1))
        external = start_experiment(session, owner, external_design())
    (seen,) = snippets(external, "https://abide.example.com")
    assert seen.title == "Report that a customer saw a variant"
    texts = [item.text for item in checklist(external, review_required=False)]
    assert "Ran elsewhere: needs neither review nor guardrail" in texts
    assert ("Exposures count from", "13 Jan 2026, 09:30 UTC") in plan_in_words(
        external
    ).facts


def test_plan__in_words__says_what_decides(started: Experiment) -> None:
    plan = plan_in_words(started)
    assert plan.rule == (
        "Ship if Day-30 retention is better and harm to CSAT beyond 0.05 is ruled out."
        " Otherwise keep control."
    )
    assert plan.metrics[0].change == "1 point"
    assert plan.metrics[1].margin == "We accept a fall of at most 0.05"
    assert ("Segment", "Business customers: plan is business") in plan.facts
    done = {item.text: item.done for item in checklist(started, review_required=True)}
    assert done["Another person has approved the plan"] is False
    assert done["At least one guardrail with its margin"] is True


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "\N{EN DASH}"),
        ("", "\N{EN DASH}"),
        (True, "yes"),
        (12480, "12,480"),
        (-0.03, "\N{MINUS SIGN}0.03"),
        (0.1, "0.1"),
        (-0.0, "0"),
        (1e21, "1000000000000000000000"),
        ("nudge", "nudge"),
    ],
)
def test_cell__of_each_kind__is_written_for_people(value: object, text: str) -> None:
    assert cell(value) == text


def test_formats__of_times_and_shares__are_the_same_everywhere() -> None:
    at = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
    assert day(at) == "4 Mar 2026"
    assert moment(at) == "4 Mar 2026, 05:06 UTC"
    assert percent(0.125) == "12.5 %"
    assert percent(1.0) == "100 %"
    assert count(-12480) == "\N{MINUS SIGN}12,480"
    assert {day(None), moment(None), percent(None), count(None)} == {"\N{EN DASH}"}
    assert pretty_json({}) == ""
    assert pretty_json({"a": "\u00fc"}) == '{\n  "a": "\u00fc"\n}'


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("person:3 ada@example.com", "ada@example.com"),
        ("key:ab12cd34 for person:3", "key ab12cd34"),
        (
            "key:ab12cd34 for person:3 ada@example.com",
            "ada@example.com by key ab12cd34",
        ),
        ("system", "Abide"),
        ("something else", "something else"),
    ],
)
def test_actor__in_the_audit__is_said_in_words(label: str, words: str) -> None:
    assert who(label) == words


def test_deed__in_the_audit__is_said_in_words() -> None:
    assert deed("experiment.start") == "Started, plan locked"
    assert deed("key.create") == "Key create"
