"""Analysis killed or stopped anywhere: nothing half stored, and the same on rerun."""

import multiprocessing
import os
import signal
from collections.abc import Iterator, Mapping
from datetime import timedelta
from multiprocessing.context import ForkServerContext
from typing import Any

import pytest
from sqlalchemy import func, select

from analysis import pipeline, run_record
from analysis.store import EventStore
from experiments.context import Context
from experiments.db import Base, transaction
from experiments.models import AnalysisRun, Chart, CheckResult, Result
from tests.analysis.event_files import EventFile, at, csat, retention
from tests.analysis.stored_events import put, source_seen
from tests.analysis.test_pipeline import started, the_run
from tests.clock import FakeClock
from tests.faults.dying_analysis import LEASE_LOST, analyse_and_die, analyse_and_stop
from tests.waiting import wait_until

pytestmark = pytest.mark.faults
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
NEW = timedelta(seconds=31)  # after it the lease of a dead process is free

# One of each kind: with a lease and nothing done, all computed, half of it written, all
# written and not kept, kept. ABIDE_PROOF=1 adds the places between.
PLACES: tuple[str, ...] = (
    "after analysis.leases.acquire",
    "before analysis.run_record.store",
    "SQL INSERT INTO chart",
    "SQL COMMIT",
    "after analysis.run_record.store",
)
if os.environ.get("ABIDE_PROOF"):
    PLACES += (
        "after analysis.pipeline.read_subject",
        "before analysis.gathering.summarise_events",
        "after analysis.gathering.summarise_events",
        "after analysis.pipeline.judge",
        "SQL INSERT INTO analysis_run",
        "SQL INSERT INTO result",
    )
Children = ForkServerContext


@pytest.fixture(scope="module")
def children() -> ForkServerContext:
    """Start processes from one that has loaded everything and done nothing."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(["tests.faults.dying_analysis"])
    return made


@pytest.fixture
def store(context: Context) -> EventStore:
    return EventStore(context.settings)


@pytest.fixture
def reference(
    context: Context, store: EventStore, now: FakeClock
) -> Iterator[dict[str, Any]]:
    """What an undisturbed analysis says, with all kinds of parts."""
    metrics = {"retained": retention(), "csat": csat()}
    started(context, now, metrics, planned_units=120)
    events = EventFile()
    for i in range(120):
        # A split so wrong that one chart is drawn, not all: they take the most time.
        events.exposed(f"u{i}", "control" if i % 4 else "treatment", at(0, hours=1))
        events.active(f"u{i}", 7.5 + i % 2).answered(f"u{i}", 2, 1 + i % 5)
    put(store, events.rows)
    now.time = at(30)
    source_seen(context.sessions, now(), "Opened", "CSAT Submitted", "CSAT Requested")
    run_id = pipeline.analyse(context, store, "exp")
    with transaction(context.sessions) as session:
        run = the_run(session, run_id)
        yield run_record.content_of(run)


def forget_runs(context: Context) -> None:
    with transaction(context.sessions) as session:
        for run in session.scalars(select(AnalysisRun)):
            session.delete(run)


def count(context: Context, model: type[Base]) -> int:
    with transaction(context.sessions) as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_analysis__killed_anywhere__nothing_partial_and_rerun_is_equal(
    children: Children,
    environ: Mapping[str, str],
    reference: dict[str, Any],
    context: Context,
    store: EventStore,
    now: FakeClock,
) -> None:
    everywhere = context.settings.is_sqlite
    # Only what the database does differs between the two.
    places = [p for p in PLACES if everywhere or p.startswith("SQL")]
    for place in places:
        forget_runs(context)
        now.advance(seconds=NEW.total_seconds())
        child = children.Process(
            target=analyse_and_die, args=(dict(environ), now(), place)
        )
        child.start()
        child.join(120)
        assert child.exitcode == -signal.SIGKILL, place
        whole = place == "after analysis.run_record.store"
        assert count(context, AnalysisRun) == int(whole), place
        for part in (Result, CheckResult, Chart):
            assert (count(context, part) > 0) == whole, place
        as_of = now()
        now.advance(seconds=NEW.total_seconds())
        run_id = pipeline.analyse(context, store, "exp", as_of)
        assert count(context, AnalysisRun) == 1, place
        with transaction(context.sessions) as session:
            content = run_record.content_of(the_run(session, run_id))
        assert content == {**reference, "as_of": as_of}, place


@ON_SQLITE
def test_analysis__stopped_and_woken_after_takeover__cannot_write(
    children: Children,
    environ: Mapping[str, str],
    reference: dict[str, Any],
    context: Context,
    store: EventStore,
    now: FakeClock,
) -> None:
    forget_runs(context)
    now.advance(seconds=NEW.total_seconds())
    place = "before analysis.run_record.store"
    child = children.Process(
        target=analyse_and_stop, args=(dict(environ), now(), place)
    )
    child.start()
    assert child.pid is not None
    wait_until(lambda: is_stopped(child.pid or 0), seconds=120)
    now.advance(seconds=NEW.total_seconds())
    run_id = pipeline.analyse(context, store, "exp", patience=timedelta(0))
    os.kill(child.pid, signal.SIGCONT)
    child.join(60)
    assert child.exitcode == LEASE_LOST
    with transaction(context.sessions) as session:
        assert session.scalars(select(AnalysisRun.id)).all() == [run_id]
    assert reference["verdict"] is not None


def is_stopped(pid: int) -> bool:
    with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123  # no file on a disk
        return stat.read().rpartition(")")[2].split()[0] == "T"
