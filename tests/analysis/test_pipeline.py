"""A whole analysis on a real store and database: what is stored, and what never is."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from analysis import estimating, gathering, leases, pipeline, run_record
from analysis.pipeline import analyse
from analysis.store import EventStore
from experiments import lifecycle, metrics
from experiments.actors import SYSTEM
from experiments.context import Context
from experiments.db import transaction
from experiments.design_parts import SegmentRef
from experiments.errors import Conflict, NotFound
from experiments.metric_definition import MetricDefinition
from experiments.models import AnalysisRun, Lease, PlanRow
from experiments.vocabulary import (
    Action,
    CheckState,
    HealthCheck,
    PersonRole,
    ResultPhase,
    Role,
    RunState,
    SentenceCase,
    Unit,
    Verdict,
)
from tests import factories
from tests.analysis.event_files import (
    EventFile,
    at,
    churn,
    csat,
    pseudonym,
    retention,
    time_to_churn,
)
from tests.analysis.stored_events import put, source_seen
from tests.clock import FakeClock

UNDRAWN = pytest.mark.usefixtures("undrawn")
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def store(context: Context) -> EventStore:
    return EventStore(context.settings)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the charts out: most of a run is spent on them, and they have tests."""
    monkeypatch.setattr(pipeline, "charts_of", lambda *_: [])


def started(
    context: Context,
    now: FakeClock,
    definitions: dict[str, MetricDefinition],
    *,
    planned_units: int = 400,
    treatments: tuple[str, ...] = ("treatment",),
    external: bool = False,
    **design: object,
) -> None:
    """Start experiment "exp" on day 0: a primary metric, a guardrail, others."""
    now.time = at(0)
    roles = [Role.PRIMARY, Role.GUARDRAIL, *[Role.SECONDARY] * 8]
    share = 1 / (len(treatments) + 1)
    with transaction(context.sessions) as session:
        actor = factories.make_actor(session, role=PersonRole.ADMIN)
        for key, definition in definitions.items():
            metrics.create(
                session,
                key=key,
                entry=metrics.CatalogueEntry(key.title()),
                definition=definition,
                actor=SYSTEM,
                now=now(),
            )
        base = factories.external_design if external else factories.design_value
        plan = base(
            key="exp",
            variants=(
                factories.variant("control", is_control=True, share=share),
                *(factories.variant(name, share=share) for name in treatments),
            ),
            metrics=tuple(
                factories.choice(
                    key, role, margin=0.2 if role == Role.GUARDRAIL else None
                )
                for key, role in zip(definitions, roles, strict=False)
            ),
            planned_units=planned_units,
            planned_end_at=at(60),
            **({"exposures_from": at(-60)} if external else {}),
            **design,
        )
        factories.start_experiment(session, actor, plan, now=now())


def customers(
    count: int = 400,
    *,
    retained: dict[str, int] | None = None,
    from_day: float = 0,
) -> EventFile:
    """Customers of the variants in turn; of each every n-th is active on day 7."""
    events = EventFile()
    every = retained or {"control": 4, "treatment": 2}
    names = list(every)
    for i in range(count):
        name = names[i % len(names)]
        who = f"u{i}"
        events.exposed(who, name, at(from_day, hours=1 + i / 100))
        if (i // len(names)) % every[name] == 0:
            events.active(who, from_day + 7.5)
        events.asked(who, from_day + 2)
        events.answered(who, from_day + 3, 4 + i // len(names) % 2)
    return events


def the_run(session: Session, run_id: int) -> AnalysisRun:
    return session.scalars(select(AnalysisRun).where(AnalysisRun.id == run_id)).one()


def run_at(
    context: Context, store: EventStore, now: FakeClock, moment: datetime
) -> AnalysisRun:
    now.time = moment
    source_seen(context.sessions, moment, "Opened", "CSAT Submitted", "CSAT Requested")
    run_id = analyse(context, store, "exp")
    with transaction(context.sessions) as session:
        run = the_run(session, run_id)
        run_record.content_of(run)  # reads all of it while the session is open
        return run


def test_final_run__clear_win__is_stored_with_all_its_parts(
    context: Context, store: EventStore, now: FakeClock
) -> None:
    started(context, now, {"retained": retention(), "csat": csat()})
    put(store, customers().rows)
    run = run_at(context, store, now, at(30))
    assert (run.state, run.phase) == (RunState.DONE, ResultPhase.FINAL)
    assert run.verdict == Verdict.SHIP
    assert run.verdict_variant == "treatment"
    assert run.counts["exposed"] == {"control": 200, "treatment": 200}
    assert run.data_cutoff == at(30) - timedelta(hours=1)
    primary = run.results[0]
    # 50 of 200 against 100 of 200: by hand, and so is the lift of 1.
    assert primary.sentence_case == SentenceCase.BETTER
    assert primary.outcome["effect"] == pytest.approx(0.25)
    assert primary.outcome["control"]["value"] == pytest.approx(0.25)
    assert primary.outcome["lift"]["value"] == pytest.approx(1.0)
    assert {row.metric for row in run.results} == {"retained", "csat"}
    assert run.results[1].details["response"]["control"]["exposed"] == 200
    assert {row.name for row in run.checks} == {check.value for check in HealthCheck}
    assert {row.state for row in run.checks} <= {
        CheckState.PASSED,
        CheckState.NOTICE,
        CheckState.NOT_APPLICABLE,
    }
    assert "primary_outcome" in {row.name for row in run.charts}
    assert run.summaries[0] == {
        "metric": "retained",
        "variant": "control",
        "segment": "",
        "kind": "successes",
        "n": 200,
        "successes": 50,
        "n_missing": 0,
        "n_immature": 0,
        "n_nonfinite": 0,
    }


@ON_SQLITE
@UNDRAWN
def test_metric__defined_anew__old_results_stay_and_are_repeated_to_the_bit(
    context: Context, store: EventStore, now: FakeClock
) -> None:
    started(context, now, {"retained": retention(), "csat": csat()})
    put(store, customers().rows)
    first = run_at(context, store, now, at(30))
    with transaction(context.sessions) as session:
        metrics.add_version(session, "retained", retention(3), actor=SYSTEM, now=now())
        metrics.describe(
            session,
            "retained",
            metrics.CatalogueEntry("Another name", owner="Ida", default_margin=0.5),
            actor=SYSTEM,
            now=now(),
        )
        kept = the_run(session, first.id).results[0]
        assert (kept.metric_version, kept.outcome) == (1, first.results[0].outcome)

    second = run_at(context, store, now, at(30, hours=1))

    assert second.plan_sha256 == first.plan_sha256
    assert [row.outcome for row in second.results] == [
        row.outcome for row in first.results
    ]
    assert {row.metric_version for row in second.results} == {1}


FORBIDDEN = ("effect", "interval", "p_value", "lift", "successes", "events", "chi2")


def keys_in(value: object) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {k for item in value.values() for k in keys_in(item)}
    if isinstance(value, list):
        return {k for item in value for k in keys_in(item)}
    return set()


@ON_SQLITE
@pytest.mark.parametrize(
    ("count", "day"),
    [
        pytest.param(398, 30, id="too few, all of them mature"),
        pytest.param(400, 12, id="enough, the last one not mature"),
    ],
)
def test_counting_run__before_size_and_maturity__holds_no_outcome_at_all(
    count: int, day: int, context: Context, store: EventStore, now: FakeClock
) -> None:
    # CSAT is the guardrail, and mature on day 20 only; so is the retention curve.
    definitions = {"retained": retention(), "csat": csat(), "t": time_to_churn()}
    started(context, now, definitions)
    put(store, customers(count).rows)
    run = run_at(context, store, now, at(day))
    assert (run.state, run.phase) == (RunState.DONE, ResultPhase.COUNTING)
    assert run.verdict == Verdict.KEEP_RUNNING
    assert run.results == []
    assert [chart.name for chart in run.charts] == ["enrolment"]
    assert run.counts["units"] == count
    assert run.counts["responses"]["csat"]["control"]["answered"] >= 0
    stored = [run.counts, run.summaries, *[check.facts for check in run.checks]]
    assert not keys_in(stored) & set(FORBIDDEN)
    assert {s["kind"] for s in run.summaries} == {"sizes"}
    words = " ".join([run.answer or "", run.clause or ""]).lower()
    assert "too early to say" in words
    for word in ("rose", "fell", "better", "worse", "higher", "lower"):
        assert word not in words


@ON_SQLITE
@UNDRAWN
def test_more_customers_than_planned__answer_stays_that_of_the_planned_ones(
    context: Context, store: EventStore, now: FakeClock
) -> None:
    started(context, now, {"retained": retention(), "csat": csat()})
    put(store, customers().rows)
    first = run_at(context, store, now, at(30))
    # 400 more, whose treatment does worse: a second chance would turn the answer.
    later = EventFile(customers(400, retained={"control": 1, "treatment": 9}).rows)
    for row in later.rows:
        row["customer"] = bytes(reversed(row["customer"]))
        row["bucket"] = row["customer"][0]
        row["occurred_at"] += timedelta(days=20)
        row["received_at"] += timedelta(days=20)
    put(store, later.rows)
    second = run_at(context, store, now, at(60))
    assert second.results[0].outcome == first.results[0].outcome
    assert second.counts["units"] == 400
    assert second.counts["beyond_size"] == 400


@ON_SQLITE
@UNDRAWN
def test_stopped_early__all_mature__gives_its_one_answer(
    context: Context, store: EventStore, now: FakeClock
) -> None:
    started(context, now, {"retained": retention(), "csat": csat()}, planned_units=4000)
    put(store, customers().rows)
    assert run_at(context, store, now, at(25)).phase == ResultPhase.COUNTING
    with transaction(context.sessions) as session:
        actor = factories.make_actor(session, "Eve", PersonRole.ADMIN)
        lifecycle.transition(
            session, "exp", Action.STOP, actor, now(), reason="Enough."
        )
    # Exposures until the stop must all be in: the cut-off lags by an hour.
    assert run_at(context, store, now, at(25, hours=0.5)).phase == ResultPhase.COUNTING
    run = run_at(context, store, now, at(26))
    assert run.phase == ResultPhase.FINAL
    assert run.results[0].outcome["effect"] == pytest.approx(0.25)


@ON_SQLITE
@UNDRAWN
def test_several_treatments__primary_is_adjusted_by_dunnett_and_verdict_names_one(
    context: Context, store: EventStore, now: FakeClock
) -> None:
    started(
        context,
        now,
        {"retained": retention(), "csat": csat()},
        treatments=("blue", "red"),
        planned_units=600,
    )
    every = {"control": 4, "blue": 3, "red": 2}
    put(store, customers(600, retained=every).rows)
    run = run_at(context, store, now, at(30))
    readings = {row.variant: row.outcome for row in run.results[:2]}
    # 50, 67 and 100 of 200, by hand: z = .085 / .04549 and .25 / .04841, so that
    # p = .0617 and 2.42e-7. They correlate by .4426; scipy's multivariate normal leaves
    # .1129 outside +-1.8685, and 5 % outside +-2.2180.
    assert readings["blue"]["p_value"] == pytest.approx(0.1129, abs=0.0003)
    assert readings["red"]["p_value"] == pytest.approx(2 * 2.42e-7, rel=0.02)
    assert readings["red"]["interval"]["level"] == pytest.approx(0.9735, abs=1e-4)
    assert readings["red"]["facts"]["adjusted_by"] == "dunnett"
    assert run.results[2].outcome["interval"]["level"] == pytest.approx(0.95)
    assert "adjusted_by" not in run.results[2].outcome["facts"]
    assert (run.verdict, run.verdict_variant) == (Verdict.SHIP, "red")


@ON_SQLITE
def test_same_input_twice__is_equal_to_the_bit_and_stored_once(
    context: Context, store: EventStore, now: FakeClock
) -> None:
    definitions = {"retained": retention(), "csat": csat(), "t": time_to_churn()}
    started(context, now, definitions)
    put(store, customers().rows)
    first = run_at(context, store, now, at(30))
    second = run_at(context, store, now, at(30))
    assert second.id == first.id
    # Without the first one in the way, it is made anew and says the same.
    with transaction(context.sessions) as session:
        session.delete(the_run(session, first.id))
    third = run_at(context, store, now, at(30))
    assert third is not first
    assert run_record.content_of(third) == run_record.content_of(first)


@ON_SQLITE
@UNDRAWN
def test_analysis_that_fails__is_stored_and_the_last_good_run_stays(
    context: Context,
    store: EventStore,
    now: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started(context, now, {"retained": retention(), "csat": csat()})
    put(store, customers().rows)
    good = run_at(context, store, now, at(30))

    def broken(*_args: object) -> None:
        raise RuntimeError("effect was 0.123")

    monkeypatch.setattr(pipeline, "judge", broken)
    failed = run_at(context, store, now, at(31))
    assert failed.state == RunState.FAILED
    assert failed.verdict is None
    assert "0.123" not in (failed.error or "")
    assert "incident" in (failed.error or "")
    with transaction(context.sessions) as session:
        assert the_run(session, good.id).verdict == Verdict.SHIP


@ON_SQLITE
@UNDRAWN
def test_metric_that_fails__others_are_shown(
    context: Context,
    store: EventStore,
    now: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started(context, now, {"retained": retention(), "csat": csat()})
    put(store, customers().rows)

    def broken(*_args: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(estimating, "csat_mean", broken)
    run = run_at(context, store, now, at(30))
    assert run.state == RunState.DONE
    by_metric = {row.metric: row for row in run.results}
    assert by_metric["csat"].outcome == {
        "computable": False,
        "reason": "failed",
        "facts": {},
    }
    assert by_metric["retained"].outcome["computable"]


@ON_SQLITE
def test_plan_changed_behind_our_back__blocks_and_shows_nothing(
    context: Context, store: EventStore, now: FakeClock
) -> None:
    started(context, now, {"retained": retention(), "csat": csat()})
    put(store, customers().rows)
    with transaction(context.sessions) as session:
        row = session.scalars(select(PlanRow)).one()
        body = json.loads(row.body)
        body["metrics"][0]["choice"]["change_that_matters"] = 0.5
        row.body = json.dumps(body)
    run = run_at(context, store, now, at(30))
    assert run.verdict == Verdict.DO_NOT_USE
    assert [chart.name for chart in run.charts] == ["enrolment"]
    assert run.answer is not None
    assert run.answer.startswith("Do not use these results")


@ON_SQLITE
def test_split_gone_wrong__blocks_already_while_counting(
    context: Context, store: EventStore, now: FakeClock
) -> None:
    started(context, now, {"retained": retention(), "csat": csat()})
    events = EventFile()
    for i in range(300):
        events.exposed(f"u{i}", "control" if i % 3 else "treatment", at(0, hours=1))
    put(store, events.rows)
    run = run_at(context, store, now, at(2))
    assert run.phase == ResultPhase.COUNTING
    assert run.verdict == Verdict.DO_NOT_USE
    assert "33.3 % of customers got treatment where 50.0 %" in (run.answer or "")


@ON_SQLITE
def test_segments_and_curves__final_run__have_their_results_and_charts(
    context: Context, store: EventStore, now: FakeClock
) -> None:
    with transaction(context.sessions) as session:
        factories.make_segment(session, "pro", condition={"plan": "pro"}, now=at(0))
    started(
        context,
        now,
        {"stay": time_to_churn(), "csat": csat(), "gone": churn()},
        breakdowns=(SegmentRef("pro", 1),),
    )
    events = customers()
    for i in range(0, 400, 3):
        events.traits(f"u{i}", -1, plan="pro")
    for i in range(300):
        events.active(f"u{i}", 3, 6 + i % 5, 9)  # T is 3 or 9 days, or more
    put(store, events.rows)
    run = run_at(context, store, now, at(30))
    found = {(row.metric, row.segment) for row in run.results}
    assert found == {(m, s) for m in ("stay", "csat", "gone") for s in ("", "pro")}
    stay = run.results[0]
    assert stay.outcome["method"] == "rmst_difference"
    assert set(stay.details) == {
        *("share_retained", "log_rank", "hazard_ratio", "belief", "segments")
    }
    assert "retention:stay" in {row.name for row in run.charts}


@UNDRAWN
@ON_SQLITE
def test_segments_not_declared__are_tried_beside_the_final_answer_only(
    context: Context, store: EventStore, now: FakeClock
) -> None:
    with transaction(context.sessions) as session:
        for key, rule in (("pro", {"plan": "pro"}), ("others", {"plan": "unheard of"})):
            factories.make_segment(session, key, condition=rule, now=at(0))
    started(context, now, {"retained": retention(), "csat": csat()})
    events = customers()
    for i in range(0, 400, 3):
        events.traits(f"u{i}", -1, plan="pro")
    put(store, events.rows)
    counting = run_at(context, store, now, at(2))
    assert all("exploring" not in row.details for row in counting.results)
    run = run_at(context, store, now, at(30))
    assert run.phase == ResultPhase.FINAL
    assert {row.segment for row in run.results} == {""}
    # Nobody is in the other one, so it parts nobody.
    (tried,) = run.results[0].details["exploring"]
    assert (tried["segment"], tried["version"]) == ("pro", 1)
    # Every third of 400 customers, who were given variants in turn: 134.
    arms = [tried["outcome"][arm]["n"] for arm in ("control", "treatment")]
    assert arms == [67, 67]
    assert "exploring" not in run.results[1].details  # a guardrail


@ON_SQLITE
def test_running_elsewhere__is_refused_and_waiting_gets_its_turn(
    context: Context, store: EventStore, now: FakeClock
) -> None:
    started(context, now, {"retained": retention(), "csat": csat()})
    ttl = timedelta(seconds=30)
    token = leases.acquire(context.sessions, pipeline.LEASE, "other", ttl, now())
    assert token is not None
    with pytest.raises(Conflict, match="Another analysis is running"):
        analyse(context, store, "exp", patience=timedelta(0))
    leases.release(context.sessions, pipeline.LEASE, token, now())
    assert analyse(context, store, "exp", patience=timedelta(seconds=5)) > 0


@ON_SQLITE
def test_lease_taken_over_meanwhile__nothing_is_stored(
    context: Context,
    store: EventStore,
    now: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started(context, now, {"retained": retention(), "csat": csat()})

    def take_over(*_args: object) -> int | None:
        with transaction(context.sessions) as session:
            lease = session.get(Lease, pipeline.LEASE)
            assert lease is not None
            lease.token += 1
        return None

    monkeypatch.setattr(gathering, "analysed_size", take_over)
    with pytest.raises(leases.LeaseLost):
        analyse(context, store, "exp")
    with transaction(context.sessions) as session:
        assert session.scalars(select(AnalysisRun)).all() == []


@ON_SQLITE
def test_draft_and_unknown_experiment__are_refused_in_words(
    context: Context, store: EventStore
) -> None:
    with transaction(context.sessions) as session:
        actor = factories.make_actor(session)
        factories.make_experiment(session, actor)
    with pytest.raises(Conflict, match="has not started"):
        analyse(context, store, factories.EXPERIMENT)
    with pytest.raises(NotFound):
        analyse(context, store, "nothing")


@ON_SQLITE
def test_paused_experiment__exposures_of_the_pause_do_not_count(
    context: Context, store: EventStore, now: FakeClock
) -> None:
    started(context, now, {"retained": retention(), "csat": csat()})
    with transaction(context.sessions) as session:
        actor = factories.make_actor(session, "Eve", PersonRole.ADMIN)
        lifecycle.transition(session, "exp", Action.PAUSE, actor, at(1))
        lifecycle.transition(session, "exp", Action.RESUME, actor, at(2))
    events = EventFile().exposed("a", "control", at(1.5))
    events.exposed("b", "control", at(1.5)).exposed("b", "treatment", at(3))
    put(store, events.rows)
    run = run_at(context, store, now, at(5))
    assert run.counts["exposed"] == {"control": 0, "treatment": 1}
    assert run.counts["only_outside"] == 1
    pauses = next(row for row in run.checks if row.name == HealthCheck.PAUSES)
    assert pauses.state == CheckState.NOTICE


@ON_SQLITE
def test_due_date__while_counting__follows_the_pace(
    context: Context, store: EventStore, now: FakeClock
) -> None:
    started(context, now, {"retained": retention(), "csat": csat()}, planned_units=800)
    run = run_at(context, store, now, at(1))
    assert run.due_at == at(60)  # nobody yet: as planned
    events = EventFile()
    for i in range(100):
        events.exposed(f"u{i}", ["control", "treatment"][i % 2], at(i / 10))
    put(store, events.rows)
    run = run_at(context, store, now, at(10, hours=1))
    # 100 in 10 days: 800 in 80 days, and CSAT is known 20 days after that.
    assert run.due_at == at(100)
    assert run.answer == (
        "Too early to say. 100 of 800 customers so far;"
        " an answer is due about 11 April."
    )


@ON_SQLITE
def test_late_events__since_the_last_run__are_counted(
    context: Context, store: EventStore, now: FakeClock
) -> None:
    started(context, now, {"retained": retention(), "csat": csat()})
    events = customers(20)
    put(store, events.rows)
    assert run_at(context, store, now, at(9)).counts["late_events"] is None
    late = EventFile().active("u1", 7.2, 7.3, received_at=at(9.5))
    late.active("u1", 9.4, received_at=at(9.5))
    for i, row in enumerate(late.rows):
        row["message_id"] = f"late message {i:03}".encode()
    put(store, late.rows)
    assert run_at(context, store, now, at(10)).counts["late_events"] == 2


@ON_SQLITE
@UNDRAWN
def test_changed_definition__of_a_value__does_not_touch_the_plan(
    context: Context, store: EventStore, now: FakeClock
) -> None:
    started(context, now, {"retained": retention(), "csat": csat()})
    put(store, customers().rows)
    before = run_at(context, store, now, at(30)).results[0].outcome
    with transaction(context.sessions) as session:
        metrics.add_version(
            session,
            "retained",
            replace(retention(), day=9),
            actor=SYSTEM,
            now=at(30),
        )
    assert run_at(context, store, now, at(30)).results[0].outcome == before


def people_of_accounts(accounts: int = 40, size: int = 10) -> EventFile:
    """Accounts of the variants in turn, each with people of one outcome.

    Of every four accounts of control one stays, of those of treatment two.
    """
    events = EventFile()
    for i in range(accounts):
        name = ("control", "treatment")[i % 2]
        stays = (i // 2) % 4 < (1 if name == "control" else 2)
        for j in range(size):
            who = f"u{i}-{j}"
            own = pseudonym(f"account {i}")
            events.exposed(who, name, at(0, hours=1 + j), account=own)
            events.asked(who, 2).answered(who, 3, 4 + i % 3 // 2)
            if stays:
                events.active(who, 4, 7.5)  # no gap of five days until then
    events.exposed("nobody's", "control", at(0, hours=1))
    return events


@ON_SQLITE
@UNDRAWN
def test_accounts__clear_only_were_customers_independent__are_not_taken_for_more(
    context: Context, store: EventStore, now: FakeClock
) -> None:
    started(
        context,
        now,
        {"retained": retention(), "csat": csat(), "lasted": time_to_churn()},
        planned_units=20,
        unit=Unit.ACCOUNT,
        hash_attribute="accountId",
    )
    put(store, people_of_accounts().rows)

    early = run_at(context, store, now, at(30))
    # More accounts came than planned, but customers of theirs come until the end.
    assert early.phase == ResultPhase.COUNTING
    assert "40 accounts are in" in str(early.answer)
    run = run_at(context, store, now, at(85))

    assert run.phase == ResultPhase.FINAL
    assert run.counts["exposed"] == {"control": 20, "treatment": 20}
    assert run.counts["customers"] == {"control": 200, "treatment": 200}
    assert run.counts["without_account"] == 1
    primary = run.results[0].outcome
    assert primary["method"] == "clustered"
    assert primary["effect"] == pytest.approx(0.25)
    # By hand: twenty accounts of ten alike customers are twenty zeros and ones, so
    # p(1-p)/(20-1) each; were 200 customers independent, z would be 5.2.
    variance = (0.25 * 0.75 + 0.5 * 0.5) / 19
    assert primary["facts"]["standard_error"] == pytest.approx(variance**0.5)
    assert primary["facts"]["icc"] == pytest.approx(1)
    assert (primary["control"]["n"], primary["control"]["n_accounts"]) == (200, 20)
    assert run.verdict == Verdict.UNDECIDED
    assert "more accounts would settle it" in run.results[0].sentence
    checks = {check.name: check.sentence for check in run.checks}
    assert checks[HealthCheck.SAMPLE_RATIO] == "Accounts were split as planned."
    lasted = next(row for row in run.results if row.metric == "lasted")
    assert lasted.outcome["method"] == "clustered"
    # By hand: of 20 alike accounts 15 and 10 churn, on one day, so each account's part
    # is 10 x 1/2 x (event - 25/40); U = 100 - 125,
    # V = 25 x (25 x .375^2 + 15 x .625^2).
    assert lasted.details["log_rank"]["chi2"] == pytest.approx(625 / 234.375)
    assert run.summaries[0]["clusters"]["accounts"] == 20
