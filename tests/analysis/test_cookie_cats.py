"""Real players through the real store: published numbers come out of it.

Expected: reference records cookie.retention_7.*, cookie.retention_1.diff, cookie.srm.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from analysis.pipeline import analyse
from analysis.store import EventStore
from experiments.context import Context
from experiments.db import transaction
from experiments.models import AnalysisRun
from experiments.vocabulary import (
    CheckState,
    HealthCheck,
    PersonRole,
    ResultPhase,
    Role,
    Verdict,
)
from tests import factories
from tests.analysis.event_files import EventFile
from tests.analysis.stored_events import put, source_seen
from tests.analysis.test_pipeline import the_run
from tests.clock import FakeClock
from tests.journeys import cookie_cats


def cookie_events(reference_data: Path) -> EventFile:
    events = EventFile()
    for player in cookie_cats.players(reference_data):
        who, variant = player.user_id, player.variant
        events.exposed(who, variant, player.exposed_at, experiment=cookie_cats.KEY)
        for moment in cookie_cats.activity(player):
            events.add("activity", who, moment, name="Game Opened")
    return events


def register(context: Context, now: FakeClock) -> None:
    with transaction(context.sessions) as session:
        actor = factories.make_actor(session, role=PersonRole.ADMIN)
        for metric in cookie_cats.METRICS:
            factories.make_metric(
                session,
                metric["key"],
                name=metric["name"],
                definition=factories.definition(
                    events=("Game Opened",), day=metric["definition"]["day"]
                ),
            )
        design = factories.external_design(
            key=cookie_cats.KEY,
            variants=(
                factories.variant("gate_30", is_control=True),
                factories.variant("gate_40"),
            ),
            metrics=tuple(
                factories.choice(choice["metric"], role, change_that_matters=0.005)
                for choice, role in zip(
                    cookie_cats.EXPERIMENT["metrics"],
                    (Role.PRIMARY, Role.SECONDARY),
                    strict=True,
                )
            ),
            planned_units=cookie_cats.EXPERIMENT["planned_units"],
            exposures_from=cookie_cats.EXPOSED_FROM,
            planned_end_at=cookie_cats.EXPOSED_FROM.replace(month=2, day=10),
        )
        factories.start_experiment(session, actor, design, now=now())


def numbers(reference_data: Path, record: str) -> dict[str, Any]:
    records = json.loads((reference_data / "reference_numbers.json").read_text())
    found: dict[str, Any] = next(r for r in records if r["id"] == record)["expected"]
    return found


def check_published_numbers(run: AnalysisRun, reference_data: Path) -> None:
    """Compare a stored run with the reference records."""
    by_metric = {row.metric: row.outcome for row in run.results}
    day_7, day_1 = by_metric["day-7-retention"], by_metric["day-1-retention"]
    expected = numbers(reference_data, "cookie.retention_7.diff")
    lift = numbers(reference_data, "cookie.retention_7.relative")
    assert day_7["control"]["value"] == pytest.approx(expected["p_c"], rel=1e-12)
    assert day_7["treatment"]["value"] == pytest.approx(expected["p_t"], rel=1e-12)
    assert day_7["effect"] == pytest.approx(expected["diff"], rel=1e-9)
    ends = [day_7["interval"]["low"], day_7["interval"]["high"]]
    assert ends == pytest.approx(expected["newcombe"], rel=1e-5)
    assert day_7["p_value"] == pytest.approx(expected["p_pooled_z"], rel=1e-5)
    assert day_7["lift"]["value"] == pytest.approx(lift["lift"], rel=1e-9)
    ends = [day_7["lift"]["interval"]["low"], day_7["lift"]["interval"]["high"]]
    assert ends == pytest.approx(lift["koopman"], rel=1e-3)
    expected = numbers(reference_data, "cookie.retention_1.diff")
    assert day_1["p_value"] == pytest.approx(expected["p_pooled_z"], rel=1e-5)
    split = next(row for row in run.checks if row.name == HealthCheck.SAMPLE_RATIO)
    assert split.state == CheckState.NOTICE
    expected = numbers(reference_data, "cookie.srm")
    assert split.facts["p_value"] == pytest.approx(expected["p"], rel=1e-6)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_cookie_cats__as_stored_events__gives_the_published_numbers(
    context: Context, reference_data: Path, now: FakeClock
) -> None:
    register(context, now)
    store = EventStore(context.settings)
    put(store, cookie_events(reference_data).rows)
    source_seen(context.sessions, now(), "Game Opened", "Experiment Viewed")
    run_id = analyse(context, store, cookie_cats.KEY)
    with transaction(context.sessions) as session:
        run = the_run(session, run_id)
        assert run.phase == ResultPhase.FINAL
        assert run.verdict == Verdict.DO_NOT_SHIP
        assert run.counts["exposed"] == {"gate_30": 44_700, "gate_40": 45_489}
        check_published_numbers(run, reference_data)
