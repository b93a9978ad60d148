"""Experiments with more than one look: what each stores, and what never leaks."""

import pytest
from sqlalchemy import select

from analysis import pipeline
from analysis.outcome_json import outcome_from_json
from analysis.pipeline import analyse
from analysis.stats.boundaries import boundaries, level_of
from analysis.stats.estimate import Estimate
from analysis.stats.proportions import two_proportions
from analysis.stats.spending import obrien_fleming, spent_by
from analysis.stats.summary import Successes
from analysis.store import EventStore
from experiments import lifecycle
from experiments.context import Context
from experiments.db import transaction
from experiments.models import AnalysisRun, Look
from experiments.vocabulary import (
    Action,
    MonitoringMode,
    PersonRole,
    ResultPhase,
    SentenceCase,
    Verdict,
)
from tests import factories
from tests.analysis.event_files import EventFile, at, csat, retention
from tests.analysis.stored_events import put
from tests.analysis.test_pipeline import FORBIDDEN, keys_in, run_at, started, the_run
from tests.clock import FakeClock

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
UNDRAWN = pytest.mark.usefixtures("undrawn")
METRICS = {"retained": retention(), "csat": csat()}
LOOKS = MonitoringMode.GROUP_SEQUENTIAL
WIN = {"control": 4, "treatment": 2}  # every n-th stays
EVEN = {"control": 3, "treatment": 3}


@pytest.fixture
def store(context: Context) -> EventStore:
    return EventStore(context.settings)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "charts_of", lambda *_: [])


def batches(kept: dict[str, int], count: int = 4, size: int = 200) -> EventFile:
    """Batches of customers, 30 days apart; each is old enough after 21 days."""
    events = EventFile()
    for batch in range(count):
        day = 30 * batch
        for i in range(size):
            name = "treatment" if i % 2 else "control"
            who = f"b{batch}u{i}"
            events.exposed(who, name, at(day, hours=1 + i / 100))
            if (i // 2) % kept[name] == 0:
                events.active(who, day + 7.5)
            events.asked(who, day + 2)
            events.answered(who, day + 3, 4 + i // 2 % 2)
    return events


def looks(context: Context) -> list[Look]:
    with transaction(context.sessions) as session:
        return list(session.scalars(select(Look).order_by(Look.number)))


@ON_SQLITE
def test_group_sequential__boundary_crossed_at_the_second_look__answers_early(
    context: Context, store: EventStore, now: FakeClock
) -> None:
    started(context, now, METRICS, planned_units=800, monitoring_mode=LOOKS)
    put(store, batches(WIN).rows)
    assert run_at(context, store, now, at(15)).phase == ResultPhase.COUNTING

    first = run_at(context, store, now, at(22))
    assert (first.phase, first.verdict) == (ResultPhase.LOOK, Verdict.KEEP_RUNNING)
    assert "No answer yet at look 1" in (first.answer or "")
    shown = outcome_from_json(first.results[0].outcome)
    assert isinstance(shown, Estimate)
    # 25 of 100 against 50 of 100, read at the level of the first boundary.
    bound = boundaries([1.0], spent_by([0.25], 0.025, obrien_fleming)).upper[0]
    wide = two_proportions(Successes(100, 25), Successes(100, 50), level_of(bound))
    assert isinstance(wide, Estimate)
    assert shown.interval.low == pytest.approx(wide.interval.low)
    assert shown.interval.level == pytest.approx(0.95)
    assert shown.p_value is None
    # By hand: e = sqrt(.1875 / 100 + .25 / 100) = .066, prior of sd .01, so
    # Phi(.25 / e * .01 / sqrt(.01^2 + e^2)) = Phi(.565), whatever the boundary.
    belief = first.results[0].details["belief"]
    assert belief["better"] == pytest.approx(0.714, abs=0.005)

    between = run_at(context, store, now, at(45))
    assert between.phase == ResultPhase.COUNTING
    assert between.results == []
    stored = [between.counts, between.summaries, *[c.facts for c in between.checks]]
    assert not keys_in(stored) & set(FORBIDDEN)
    assert [chart.name for chart in between.charts] == ["enrolment"]
    assert "the next is at 50 % of the planned size" in (between.clause or "")

    second = run_at(context, store, now, at(52))
    assert (second.phase, second.verdict) == (ResultPhase.FINAL, Verdict.SHIP)
    assert "Decided at look 2, with 50 % of the planned size." in (second.clause or "")
    assert "adjusted for having looked 2 times" in (second.answer or "")
    adjusted = second.results[0].outcome
    assert adjusted["facts"]["adjusted_for_looks"] == 2
    assert 0.2 < adjusted["effect"] <= adjusted["facts"]["plain_effect"]
    assert adjusted["interval"]["low"] > 0
    assert "looks:treatment" in {chart.name for chart in second.charts}
    assert [(k.number, k.fraction, k.ended) for k in looks(context)] == [
        (1, 0.25, False),
        (2, 0.5, True),
    ]

    # What came since changes counts, and nothing that was found.
    later = run_at(context, store, now, at(115))
    assert (later.phase, later.verdict) == (ResultPhase.FINAL, Verdict.SHIP)
    assert [r.outcome for r in later.results] == [r.outcome for r in second.results]
    assert [r.details for r in later.results] == [r.details for r in second.results]
    assert later.answer == second.answer
    assert later.counts["mature_units"] == 800
    assert {s["kind"] for s in later.summaries} == {"sizes"}
    assert {c.name for c in later.charts} == {c.name for c in second.charts}
    assert len(looks(context)) == 2


@ON_SQLITE
@UNDRAWN
def test_group_sequential__no_effect__runs_to_its_end_and_looks_four_times(
    context: Context, store: EventStore, now: FakeClock
) -> None:
    started(context, now, METRICS, planned_units=800, monitoring_mode=LOOKS)
    put(store, batches(EVEN).rows)
    phases = [run_at(context, store, now, at(day)).phase for day in (22, 52, 82, 112)]
    assert phases == [*[ResultPhase.LOOK] * 3, ResultPhase.FINAL]
    taken = looks(context)
    assert [k.fraction for k in taken] == [0.25, 0.5, 0.75, 1]
    assert [k.ended for k in taken] == [False, False, False, True]
    assert taken[-1].spent == pytest.approx(0.05)
    bounds = [k.readings[0]["boundary"] for k in taken]
    # gsDesign, sfLDOF with four equal looks (Jennison and Turnbull, ch. 7).
    assert bounds == pytest.approx([4.333, 2.963, 2.359, 2.014], abs=0.001)


@ON_SQLITE
@UNDRAWN
def test_group_sequential__asked_about_the_past__takes_no_look_there(
    context: Context, store: EventStore, now: FakeClock
) -> None:
    """Nobody can look at many moments and keep the one that pleases."""
    started(context, now, METRICS, planned_units=800, monitoring_mode=LOOKS)
    put(store, batches(EVEN).rows)
    first = run_at(context, store, now, at(22))
    run_at(context, store, now, at(70))
    for day, phase in ((27, ResultPhase.COUNTING), (60, ResultPhase.COUNTING)):
        run_id = analyse(context, store, "exp", at(day))
        with transaction(context.sessions) as session:
            run = the_run(session, run_id)
            assert run.phase == phase
            assert run.results == []
    assert len(looks(context)) == 2
    # The same look again is the same look, to the last bit.
    assert analyse(context, store, "exp", at(22)) == first.id
    with transaction(context.sessions) as session:
        assert len(list(session.scalars(select(Look)))) == 2


@ON_SQLITE
@UNDRAWN
def test_group_sequential__stopped_after_a_look__spends_what_its_size_allows(
    context: Context, store: EventStore, now: FakeClock
) -> None:
    started(context, now, METRICS, planned_units=800, monitoring_mode=LOOKS)
    put(store, batches(EVEN, count=2).rows)
    run_at(context, store, now, at(22))
    now.time = at(35)
    with transaction(context.sessions) as session:
        actor = factories.make_actor(session, "Eve", PersonRole.ADMIN)
        lifecycle.transition(
            session, "exp", Action.STOP, actor, now(), reason="Enough."
        )
    last = run_at(context, store, now, at(55))
    assert last.phase == ResultPhase.FINAL
    final = looks(context)[-1]
    assert final.ended
    assert final.fraction == 0.5
    assert final.spent == pytest.approx(2 * obrien_fleming(0.5, 0.025))


@ON_SQLITE
@UNDRAWN
def test_group_sequential__check_failed__keeps_its_look_for_better_data(
    context: Context, store: EventStore, now: FakeClock
) -> None:
    started(context, now, METRICS, planned_units=800, monitoring_mode=LOOKS)
    rows = batches(WIN).rows
    put(store, [r for i, r in enumerate(rows) if r["variant"] != "control" or i % 3])
    run = run_at(context, store, now, at(22))
    assert (run.phase, run.verdict) == (ResultPhase.COUNTING, Verdict.DO_NOT_USE)
    assert run.results == []
    assert looks(context) == []


@ON_SQLITE
@UNDRAWN
def test_group_sequential__guardrail_harmed__stops_early(
    context: Context, store: EventStore, now: FakeClock
) -> None:
    started(context, now, METRICS, planned_units=800, monitoring_mode=LOOKS)
    events = batches(EVEN)
    treated = {r["customer"] for r in events.rows if r["variant"] == "treatment"}
    for row in events.rows:
        if row["value"] is not None and row["customer"] in treated:
            row["value"] -= 1.0
    put(store, events.rows)
    run = run_at(context, store, now, at(22))
    assert (run.phase, run.verdict) == (ResultPhase.FINAL, Verdict.DO_NOT_SHIP)
    assert "is beyond the limit agreed" in (run.clause or "")
    assert looks(context)[0].ended


@ON_SQLITE
@UNDRAWN
def test_always_valid__each_analysis_is_a_look__ranges_only_narrow(
    context: Context, store: EventStore, now: FakeClock
) -> None:
    mode = MonitoringMode.ALWAYS_VALID
    started(context, now, METRICS, planned_units=800, monitoring_mode=mode)
    put(store, batches(WIN).rows)
    early = run_at(context, store, now, at(6))
    assert early.phase == ResultPhase.COUNTING
    runs = [run_at(context, store, now, at(day)) for day in (22, 52, 82)]
    ranges = [r.results[0].outcome["interval"] for r in runs]
    assert runs[0].verdict in {Verdict.KEEP_RUNNING, Verdict.SHIP}
    assert runs[-1].verdict == Verdict.SHIP
    lows = [each["low"] for each in ranges]
    assert lows == sorted(lows)
    p_values = [r.results[0].outcome["p_value"] for r in runs]
    assert p_values == sorted(p_values, reverse=True)
    assert [k.number for k in looks(context)] == [1, 2, 3]
    assert not any(k.ended for k in looks(context))


@ON_SQLITE
@UNDRAWN
def test_always_valid__fewer_than_a_hundred__waits(
    context: Context, store: EventStore, now: FakeClock
) -> None:
    mode = MonitoringMode.ALWAYS_VALID
    started(context, now, METRICS, planned_units=800, monitoring_mode=mode)
    put(store, batches(WIN, size=90).rows)
    run = run_at(context, store, now, at(22))
    assert (run.phase, run.verdict) == (ResultPhase.COUNTING, Verdict.KEEP_RUNNING)
    assert run.results == []
    assert looks(context) == []


@ON_SQLITE
@UNDRAWN
def test_first_look_is_the_last__same_numbers_as_a_fixed_end(
    context: Context, store: EventStore, now: FakeClock
) -> None:
    started(context, now, METRICS, planned_units=800, monitoring_mode=LOOKS)
    put(store, batches(WIN).rows)
    run = run_at(context, store, now, at(115))
    assert run.phase == ResultPhase.FINAL
    shown = outcome_from_json(run.results[0].outcome)
    plain = two_proportions(Successes(400, 100), Successes(400, 200), 0.95)
    assert isinstance(shown, Estimate)
    assert isinstance(plain, Estimate)
    assert shown.interval == plain.interval
    assert shown.p_value == plain.p_value
    assert run.results[0].sentence_case == SentenceCase.BETTER
    # Likewise with 400 a group: e = .0331, Phi(2.19).
    belief = run.results[0].details["belief"]
    assert belief["better"] == pytest.approx(0.9857, abs=0.002)
    assert "adjusted" not in (run.answer or "")


def test_stored_look__of_a_run__is_read_back(
    context: Context, store: EventStore, now: FakeClock
) -> None:
    started(context, now, METRICS, planned_units=800, monitoring_mode=LOOKS)
    put(store, batches(EVEN).rows)
    run = run_at(context, store, now, at(22))
    with transaction(context.sessions) as session:
        stored = session.get_one(AnalysisRun, run.id)
        assert stored.look is not None
        assert {r["metric"] for r in stored.look.readings} == {"retained", "csat"}
