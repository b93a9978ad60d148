"""What pages cost the server with 500 experiments, and how large they are.

`python -m benchmarks pages` takes about a minute. Half of the experiments run, half are
decided; each has a stored run with its results, checks and drawings. Pages read stored
results, so events matter only where pages count them: by source and hour, by experiment
and day. Those tables say 5,000,000 events, all that a compactor would keep of them.

Times are the processor's, of one process with its database (SQLite), so that a busy
machine does not speak in them. The limit beside each is the emptiest page of the same
frame, asked for in turn with the others.
"""

import gc
import gzip
import tempfile
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from flask.testing import FlaskClient
from sqlalchemy import ColumnElement, Connection, insert, select
from sqlalchemy.orm import Session

from abide import create_flask_app
from benchmarks.harness import Figure, figure
from experiments import accounts, journey, lifecycle, sign_in_links
from experiments.context import Context, open_context
from experiments.db import Base, transaction
from experiments.decisions import Recommendation
from experiments.models import (
    AnalysisRun,
    Chart,
    CheckResult,
    EventSource,
    Experiment,
    ExperimentMetric,
    ExposureDay,
    Learning,
    PlanRow,
    Result,
    SourceHour,
    Variant,
)
from experiments.schema import upgrade
from experiments.vocabulary import (
    Action,
    Decision,
    Environment,
    PersonRole,
    ResultPhase,
    Verdict,
)
from tests.analysis.run_examples import finish
from tests.clock import FakeClock
from tests.factories import NOW, make_person, start_experiment
from tests.web.conftest import Visitor

EXPERIMENTS, EVENTS = 500, 5_000_000
SOURCES, DAYS = 4, 7
TIMES, P95 = 20, 0.95  # each page; the first answers are not counted
RESULTS_MS, LISTS_MS = 100, 200
RAW_KB, GZIP_KB = 600, 150
EMPTY = "/nothing-here"  # the frame, who is signed in, and a sentence
PAGES = {
    "results": ("/experiments/runs/results", RESULTS_MS),
    "experiment": ("/experiments/runs", LISTS_MS),
    "summary": ("/experiments/runs/summary", LISTS_MS),
    "experiments": ("/experiments", LISTS_MS),
    "experiments as a timeline": ("/experiments?view=timeline", LISTS_MS),
    "home": ("/", LISTS_MS),
    "backlog": ("/hypotheses", LISTS_MS),
    "learnings": ("/learnings", LISTS_MS),
    "segments": ("/segments", LISTS_MS),
    "catalogue": ("/catalogue", LISTS_MS),
    "data": ("/data", LISTS_MS),
}


def measure() -> list[Figure]:
    """Measure each page's time, and its size with everything it loads.

    Returns:
        The figures.
    """
    with tempfile.TemporaryDirectory() as folder:
        environ = {
            "ABIDE_DATA_DIR": folder,
            "DATABASE_URL": f"sqlite:///{Path(folder) / 'abide.db'}",
        }
        context = open_context(environ, clock := FakeClock())
        upgrade(context.sessions.kw["bind"])
        fill(context)
        clock.advance(days=60, hours=3)
        client = _signed_in(context)
        # What drew and stored all this is no part of a server: its objects shall not
        # be looked through whenever Python collects what a page has left behind.
        gc.collect()
        gc.freeze()
        figures = _figures(client)
        gc.unfreeze()
        context.close()
        return figures


def fill(context: Context) -> None:
    """Store a running and a decided experiment, and copy each until there are 500."""
    with transaction(context.sessions) as session:
        journey.seed(session)
        owner = accounts.actor_for(make_person(session, "Ada", PersonRole.ADMIN))
        later = NOW + timedelta(days=60)
        running = start_experiment(session, owner, key="runs")
        finish(session, running, at=later, segment_per_quarter=22_100)
        decided = start_experiment(session, owner, key="decided", hypothesis="other")
        finish(session, decided, at=later, segment_per_quarter=22_100)
        lifecycle.transition(
            session,
            "decided",
            Action.DECIDE,
            owner,
            later,
            decision=Decision.SHIP,
            variant="nudge",
            reason="More customers stay, and none is less satisfied.",
            recommendation=Recommendation(Verdict.SHIP, "nudge"),
        )
        counting = start_experiment(session, owner, key="counting", hypothesis="third")
        finish(session, counting, at=later, phase=ResultPhase.COUNTING)
        for row in (running, decided):
            for number in range(EXPERIMENTS // 2 - 1):
                _copy(session, row.id, f"{row.key}-{number}")
        _count_events(session, later)


def _copy(session: Session, source: int, key: str) -> None:
    """Copy an experiment with all that pages read of it, row by row."""
    connection = session.connection()
    new = _insert(connection, Experiment, Experiment.id == source, {"key": key})[source]
    for model in (Variant, ExperimentMetric, PlanRow):
        of = model.experiment_id == source
        _insert(connection, model, of, {"experiment_id": new})
    own = AnalysisRun.experiment_id == source
    runs = _insert(connection, AnalysisRun, own, {"experiment_id": new})
    for old, run in runs.items():
        for part in (Result, CheckResult, Chart):
            _insert(connection, part, part.run_id == old, {"run_id": run})
        learned = Learning.experiment_id == source
        changed = {"experiment_id": new, "run_id": run}
        _insert(connection, Learning, learned, changed)


def _insert(
    connection: Connection,
    model: type[Base],
    condition: ColumnElement[bool],
    changed: Mapping[str, object],
) -> dict[int, int]:
    """Insert copies of rows; give their new numbers by the old."""
    table = model.metadata.tables[model.__tablename__]
    made = {}
    for row in connection.execute(select(table).where(condition)).mappings().all():
        values = {**row, **changed}
        old = values.pop("id")
        done = connection.execute(insert(table).values(values))
        made[old] = done.inserted_primary_key[0] if done.inserted_primary_key else 0
    return made


def _count_events(session: Session, now: datetime) -> None:
    """Store what a compactor keeps in the database of 5,000,000 events."""
    hours = DAYS * 24
    production = Environment.PRODUCTION.value
    for number in range(SOURCES):
        source = f"source{number}"
        session.add(
            EventSource(
                source=source,
                environment=production,
                is_import=False,
                complete_through=now,
                last_event_at=now,
                last_received_at=now,
                event_count=EVENTS // SOURCES,
                duplicate_count=0,
                event_names=[f"Event {i}" for i in range(40)],
            )
        )
        session.add_all(
            SourceHour(
                source=source,
                environment=production,
                hour_at=now - timedelta(hours=hour),
                event_count=EVENTS // SOURCES // hours,
                late_count=0,
                duplicate_count=0,
                conflict_count=0,
                rejected_count=0,
            )
            for hour in range(hours)
        )
    for key in session.scalars(select(Experiment.key)).all():
        session.add_all(
            ExposureDay(
                source="source0",
                environment=production,
                experiment=key,
                variant=variant,
                day_at=now - timedelta(days=day),
                exposure_count=500,
                last_at=now,
            )
            for variant in ("control", "nudge")
            for day in range(DAYS)
        )


def _signed_in(context: Context) -> FlaskClient:
    app = create_flask_app(context)
    with transaction(context.sessions) as session:
        token = sign_in_links.create(session, 1, context.now())
    visitor = Visitor(app.test_client())
    visitor.post("/sign-in/link", {"token": token}, follow=True)
    return visitor.client


def _figures(client: FlaskClient) -> list[Figure]:
    visitor = Visitor(client)
    taken: dict[str, list[float]] = {name: [] for name in ("empty", *PAGES)}
    bodies: dict[str, bytes] = {}
    for turn in range(TIMES + 1):
        for name, times in taken.items():
            path = EMPTY if name == "empty" else PAGES[name][0]
            began = time.process_time()
            answer = visitor.get(path)
            spent = 1000 * (time.process_time() - began)
            if answer.status_code != (404 if name == "empty" else 200):
                raise RuntimeError(f"{path} answered {answer.status_code}")
            bodies[name] = answer.data
            if turn:
                times.append(spent)
    beside = _beside(client)
    figures = []
    for name, (_, most) in PAGES.items():
        figures += _times(name, taken[name], taken["empty"], most)
        figures += _sizes(name, [bodies[name], *beside])
    return figures


def _times(
    name: str, spent: list[float], empty: list[float], most: float
) -> list[Figure]:
    named = f"page {name}, {EXPERIMENTS} experiments"
    p95 = sorted(spent)[round(P95 * len(spent)) - 1]
    half = len(spent) // 2
    middle, least = sorted(spent)[half], sorted(empty)[half]
    return [
        figure(f"{named}, p95", p95, "ms CPU", at_most=most),
        figure(f"{named}, beside an empty page", middle, "ms CPU", limit=least),
    ]


def _sizes(name: str, bodies: list[bytes]) -> list[Figure]:
    raw = sum(len(body) for body in bodies) / 1000
    packed = sum(len(gzip.compress(body)) for body in bodies) / 1000
    return [
        figure(f"page {name}, raw", raw, "kB", at_most=RAW_KB),
        figure(f"page {name}, compressed", packed, "kB", at_most=GZIP_KB),
    ]


def _beside(client: FlaskClient) -> list[bytes]:
    """Load what a page loads beside itself: its styles and its script."""
    static = Path(client.application.root_path) / "web" / "static"
    files = [static / name for name in ("abide.css", "results.css", "abide.js")]
    return [file.read_bytes() for file in files]
