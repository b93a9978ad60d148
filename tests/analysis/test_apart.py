"""Analyses in processes of their own: what they store, and what is said if they die."""

import sys
import threading
import time
from collections.abc import Iterator, Mapping

import pytest
from sqlalchemy import select

from analysis import apart, leases, scheduler
from analysis.timetable import EVERY_MINUTE
from experiments.context import Context
from experiments.db import transaction
from experiments.errors import Unavailable
from experiments.models import AnalysisRun, JobRecord
from experiments.vocabulary import RunState
from tests import factories

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
real_command = apart.command


@pytest.fixture
def running(
    context: Context, environ: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> str:
    """Start an experiment, where processes that begin now find its database."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with transaction(context.sessions) as session:
        return factories.start_experiment(session, factories.make_actor(session)).key


def stored(context: Context) -> AnalysisRun:
    with transaction(context.sessions) as session:
        return session.scalars(select(AnalysisRun)).one()


def test_analyse__whose_process_dies_once__is_tried_again_and_stored(
    context: Context, running: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying = [[sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]]

    def command(*work: str) -> list[str]:
        return dying.pop() if dying else real_command(*work)

    monkeypatch.setattr(apart, "command", command)
    assert apart.analyse(running) is None
    assert stored(context).state == RunState.DONE.value
    with pytest.raises(Unavailable, match='no experiment "gone"'):
        apart.analyse("gone")


@pytest.mark.parametrize(
    ("grief", "words"),
    [
        ("os.kill(os.getpid(), 9)", r"was killed \(SIGKILL\), twice"),
        ("os._exit(7)", r"ended early \(exit code 7\), twice"),
    ],
)
def test_analyse__whose_process_dies_twice__is_stored_as_failed_in_words(
    context: Context,
    running: str,
    monkeypatch: pytest.MonkeyPatch,
    grief: str,
    words: str,
) -> None:
    tried = []

    def command(*work: str) -> list[str]:
        tried.append(work[0])
        dying = [sys.executable, "-c", f"import os; {grief}"]
        return dying if work[0] == apart.ANALYSE else real_command(*work)

    monkeypatch.setattr(apart, "command", command)
    with pytest.raises(apart.EndedEarly, match=words) as ended:
        apart.analyse(running)
    assert tried == [apart.ANALYSE, apart.ANALYSE, apart.NOTE_FAILURE]
    run = stored(context)
    assert (run.state, run.error) == (RunState.FAILED.value, ended.value.message)


@pytest.fixture
def resumed() -> Iterator[None]:
    yield
    apart.resume()


@pytest.mark.usefixtures("resumed")
def test_work__halted_while_it_runs__ends_at_once_and_is_no_failure(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleeping = [sys.executable, "-c", "import time; time.sleep(600)"]
    monkeypatch.setattr(apart, "command", lambda *_work: sleeping)
    token = leases.acquire(
        context.sessions, scheduler.LEASE, "a", leases.TTL, context.now()
    )
    assert token is not None
    job = scheduler.Job("daily", apart.certify, EVERY_MINUTE)
    working = threading.Thread(target=scheduler.do_if_due, args=(context, job, token))
    working.start()
    deadline = time.monotonic() + 60
    while not apart._running and time.monotonic() < deadline:  # noqa: SLF001
        time.sleep(0.01)
    apart.halt()
    working.join(60)
    assert not working.is_alive()
    with transaction(context.sessions) as session:
        record = session.get_one(JobRecord, "daily")
        # Still due: who works next begins anew.
        assert (record.last_finished_at, record.failure_count) == (None, 0)
    with pytest.raises(apart.HaltedError):
        apart.certify()
