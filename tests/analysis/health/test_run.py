"""Trust checks of whole runs: faults as apps make them, from events to the store."""

import json
from datetime import timedelta

import pytest

from analysis.health import OF_ANSWER
from analysis.results import latest, to_json
from analysis.store import EventStore
from experiments import catalog
from experiments.context import Context
from experiments.db import transaction
from experiments.models import AnalysisRun
from experiments.vocabulary import CheckState, HealthCheck, Verdict
from tests.analysis.event_files import EventFile, at, retention
from tests.analysis.stored_events import put
from tests.analysis.test_pipeline import run_at, started, store
from tests.clock import FakeClock

__all__ = ["store"]  # a fixture

# What is checked is the same on both.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def faulty() -> EventFile:
    """600 customers; the web loses most of the treatment and sends the rest late."""
    events = EventFile()
    for i in range(600):
        who, variant = f"c{i}", ("control", "treatment")[i % 2]
        source = ("app", "web")[i // 2 % 2]
        if source == "web" and variant == "treatment" and i // 4 % 4:
            continue
        when = at(i / 60)
        late = timedelta(hours=3 if variant == "treatment" and source == "web" else 0)
        events.exposed(who, variant, when, source=source, received_at=when + late)
        events.active(who, i / 60 - 1, i / 60 + 0.5)
        if i % 3:
            events.active(who, i / 60 + 7.5)
    return events


def test_run__a_source_loses_one_variant__is_blocked_and_told_where(
    context: Context, store: EventStore, now: FakeClock
) -> None:
    metrics = {"retained": retention(), "guard": retention(3)}
    started(context, now, metrics, planned_units=488)
    put(store, faulty().rows)

    run = run_at(context, store, now, at(61))

    found = {row.name: row for row in run.checks}
    assert set(found) == {check.value for check in HealthCheck}
    assert run.verdict == Verdict.DO_NOT_USE
    # 150 of each variant through the app; 150 and 38 through the web, 20.2 %.
    web = found[HealthCheck.SPLIT_BY_SOURCE]
    assert web.state == CheckState.NOTICE
    assert web.sentence == (
        "20.2 % of those who came through web got treatment where 50.0 % was planned."
        " All others were split as planned: the cause is there."
    )
    late = found[HealthCheck.EXPOSURE_DELAY]
    assert late.state == CheckState.NOTICE
    assert "0.0 % of control and 20.2 % of treatment" in late.sentence
    # Everybody had opened once before, so that there is nothing to compare.
    assert found[HealthCheck.ALIKE_BEFORE].state == CheckState.NOT_APPLICABLE
    # A blocked run looks at no answer.
    for name in OF_ANSWER:
        assert found[name].sentence == "Looked at when there is an answer."


def test_run__while_counting__tells_the_split_and_no_figure_of_a_test(
    context: Context, store: EventStore, now: FakeClock
) -> None:
    started(context, now, {"retained": retention(), "guard": retention(3)})
    put(store, [row for row in faulty().rows if row["source"] == "app"])

    run_at(context, store, now, at(20))

    with transaction(context.sessions) as session:
        shown = latest(session, catalog.get(session, "exp"))
        assert shown is not None
        text = json.dumps(to_json(shown)["checks"])
        stored = json.dumps([c.facts for c in session.query(AnalysisRun).one().checks])
    assert "Customers were split as planned on each of" in text
    assert "p_value" not in text + stored
    assert '"n"' in stored


def test_run__a_change_too_large__is_a_notice_beside_the_answer(
    context: Context, store: EventStore, now: FakeClock
) -> None:
    started(context, now, {"retained": retention(), "guard": retention(3)})
    events = EventFile()
    for i in range(400):
        who, variant = f"c{i}", ("control", "treatment")[i % 2]
        events.exposed(who, variant, at(i / 40))
        events.active(who, i / 40 + 3.5)
        if variant == "treatment" or i % 8 == 0:  # 25 % against 100 %
            events.active(who, i / 40 + 7.5)
    put(store, events.rows)

    run = run_at(context, store, now, at(61))

    found = {row.name: row for row in run.checks}
    assert found[HealthCheck.TOO_GOOD].state == CheckState.NOTICE
    assert found[HealthCheck.TOO_GOOD].sentence == (
        "Larger than such changes are: Retained is 6 standard errors or more from no"
        " change. Look for a fault in tracking or split before believing it."
    )
    assert found[HealthCheck.OUTLIERS].state == CheckState.NOT_APPLICABLE
    assert run.verdict != Verdict.DO_NOT_USE
