"""kill -9, again and again, of whoever takes events in: none is lost, none doubled."""

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import orjson
import pytest
from sqlalchemy import text

from analysis.compactor import Compactor, compact_once
from analysis.store import EventStore
from experiments.context import Context, open_context
from experiments.privacy import load_pseudonymiser
from experiments.ruleset_files import RulesetFolder
from experiments.ruleset_mirror import RulesetMirror
from tests.analysis.intake import events
from tests.company import Company, found_company
from tests.servers import free_port

KILLS = 40 if os.environ.get("ABIDE_PROOF") else 8
LEAST_BATCHES = 20  # acknowledged
SECONDS_BETWEEN = 0.4
CLIENTS = 3
BATCH = 20

pytestmark = pytest.mark.faults


class SendingClients:
    """Clients as Segment's are: the same batch again until it is acknowledged."""

    def __init__(self, port: int, key: str) -> None:
        self.acknowledged: set[str] = set()
        self.sent: set[str] = set()
        self.retries = 0
        self._port = port
        self._key = key
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(number,))
            for number in range(CLIENTS)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, client: int) -> None:
        number = 0
        while not self._stop.is_set():
            number += 1
            ids = [f"{client}-{number}-{place}" for place in range(BATCH)]
            body = orjson.dumps(
                {
                    "batch": [
                        {
                            "type": "track",
                            "messageId": one,
                            "userId": f"customer-{place}",
                            "event": "App Opened",
                        }
                        for place, one in enumerate(ids)
                    ],
                    "writeKey": self._key,
                }
            )
            self.sent.update(ids)
            while not self._post(body):
                self.retries += 1
                if self._stop.wait(0.05):
                    return
            self.acknowledged.update(ids)

    def _post(self, body: bytes) -> bool:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=5)
        with closing(connection), suppress(OSError, HTTPException):
            connection.request("POST", "/v1/batch", body)
            response = connection.getresponse()
            response.read()
            return response.status == 200
        return False


class Serving:
    """The doors alone, with two workers; started again when its master gives up.

    granian ends when a worker dies twice within seconds, and `abide up` starts it
    again: here the test stands in for `abide up`.
    """

    def __init__(self, environ: Mapping[str, str], port: int) -> None:
        self._environ = {
            **os.environ,
            **environ,
            "ABIDE_PORT": str(port),
            "ABIDE_WORKERS": "2",
        }
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "abide", "serve", "--pool", "assign"],
            env=self._environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill_one(self, chance: random.Random) -> None:
        """Kill a worker, or the master when it has none."""
        self.revived()
        pids = workers_of(self._process.pid) or [self._process.pid]
        with suppress(ProcessLookupError):
            os.kill(chance.choice(pids), signal.SIGKILL)

    def revived(self) -> bool:
        """Start the master again if it has ended; true in any case."""
        if self._process.poll() is not None:
            self._process = self._start()
        return True

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()  # its workers die with it
            self._process.wait()


def workers_of(master: int) -> list[int]:
    with suppress(OSError):
        children = Path(f"/proc/{master}/task/{master}/children").read_text()
        return [int(pid) for pid in children.split()]
    return []


def compact_for_ever(environ: dict[str, str]) -> None:
    """Do round after round, as a process of its own, until it is killed.

    It cleans after every round, and not once an hour: what a killed worker left
    half compacted must survive that too.
    """
    context = open_context(environ)
    compactor = Compactor(context, EventStore(context.settings))
    while True:
        compactor.clean()
        compactor.round()
        compactor.tidy()


def start_compactor(environ: dict[str, str]) -> ForkServerProcess:
    # Forked from a process that has loaded everything, so that it is at work at once.
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["tests.faults.test_ingest_kill"])
    process = forks.Process(target=compact_for_ever, args=(environ,), daemon=True)
    process.start()
    return process


def found(context: Context, environ: dict[str, str]) -> Company:
    company = found_company(environ)
    folder = RulesetFolder(context.settings.data_dir / "ruleset")
    RulesetMirror(company.context.sessions, folder).copy()
    company.context.sessions.kw["bind"].dispose()
    return company


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come back"
        time.sleep(0.05)


def test_ingest__with_random_processes_killed__loses_and_doubles_nothing(
    context: Context, environ: dict[str, str]
) -> None:
    company = found(context, environ)
    port = free_port()
    chance = random.Random(17)  # noqa: S311  # the same kills each time
    serving = Serving(environ, port)
    clients = SendingClients(port, company.write)
    compactor = start_compactor(environ)
    clients.start()
    try:
        wait_for(lambda: len(clients.acknowledged) > 0, 30)
        for _ in range(KILLS):
            time.sleep(SECONDS_BETWEEN * chance.uniform(0.5, 1.5))
            if chance.random() < 0.5:
                serving.kill_one(chance)
            else:
                compactor.kill()
                compactor.join()
                compactor = start_compactor(environ)
        least = max(len(clients.acknowledged), LEAST_BATCHES * BATCH)
        wait_for(lambda: serving.revived() and len(clients.acknowledged) > least, 60)
    finally:
        clients.stop()
        compactor.kill()
        compactor.join()
        serving.stop()
    own = Context(context.settings, context.sessions, company.context.now)
    compact_once(own)
    check(own, company, clients)


def check(context: Context, company: Company, clients: SendingClients) -> None:
    hide = load_pseudonymiser(context.settings)
    source = company.write.split("_")[3]
    stored = [row["message_id"] for row in events(context)]
    doubled = len(stored) - len(set(stored))
    acknowledged = {hide.message(source, one.encode()) for one in clients.acknowledged}
    sent = {hide.message(source, one.encode()) for one in clients.sent}
    lost = acknowledged - set(stored)
    assert (len(lost), doubled, len(set(stored) - sent)) == (0, 0, 0)
    assert len(acknowledged) > LEAST_BATCHES * BATCH
    assert clients.retries > 0
    with context.sessions() as session:
        counted = session.scalar(text("SELECT sum(event_count) FROM event_source"))
    assert counted == len(stored)
