"""The compactor's process: goes on by itself whatever happens, stops when told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from analysis import compactor as compactor_module
from analysis import leases
from analysis.compactor import LEASE, run_compactor
from analysis.store import STORE_FOLDER, EventStore
from experiments.context import Context, utc_now
from tests.analysis.intake import events, send
from tests.experiments.sent_messages import track
from tests.waiting import wait_until

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def live(context: Context, monkeypatch: pytest.MonkeyPatch) -> Context:
    """Give a context whose clock goes, and quick pauses."""
    monkeypatch.setattr(compactor_module, "TICK_SECONDS", 0.05)
    monkeypatch.setattr(compactor_module, "CALM_SECONDS", 0.05)
    return Context(context.settings, context.sessions, utc_now)


@contextmanager
def compacting(context: Context) -> Iterator[threading.Thread]:
    stop = threading.Event()
    thread = threading.Thread(target=run_compactor, args=(context, stop))
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


def test_compactor__while_it_runs__stores_what_comes(live: Context) -> None:
    with compacting(live):
        for number in range(3):
            send(live, track(messageId=f"m{number}"))
            wait_until(lambda: len(EventStore(live.settings).files()) > 0, 10)
        wait_until(lambda: len(events(live)) == 3, 10)


def test_compactor__beside_another__waits_until_that_one_is_gone(
    live: Context,
) -> None:
    holder = leases.acquire(
        live.sessions, LEASE, "other", timedelta(minutes=1), utc_now()
    )
    assert holder is not None
    send(live, track())
    with compacting(live):
        with pytest.raises(pytest.fail.Exception):
            wait_until(lambda: len(events(live)) == 1, 0.5)
        leases.release(live.sessions, LEASE, holder, utc_now())
        wait_until(lambda: len(events(live)) == 1, 10)


@on_sqlite
def test_compactor__that_cannot_write__goes_on_when_it_can(live: Context) -> None:
    in_the_way = live.settings.data_dir / STORE_FOLDER
    in_the_way.write_text("a file where the folder should be")
    send(live, track())
    with compacting(live) as thread:
        thread.join(0.5)
        assert thread.is_alive()
        in_the_way.unlink()
        wait_until(lambda: len(events(live)) == 1, 10)
