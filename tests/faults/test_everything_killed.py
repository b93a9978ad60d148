"""kill -9 of any process of a whole Abide, its database too, while events come in.

100 times on each database, for `make proof PART=faults` alone: each death costs the
start of a process. How doors and compactor survive, several times a second, is in
test_ingest_kill.py, and what a dead database does to them in test_database_outage.py.
"""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from analysis.compactor import compact_once
from experiments.context import open_context
from tests.company import Company
from tests.faults.test_database_outage import OwnPostgres, own_postgres, server_on
from tests.faults.test_ingest_kill import SendingClients, check, wait_for, workers_of
from tests.servers import RunningServer

KILLS = 100
SECONDS_BETWEEN = 1.0
RECOVERY_SECONDS = 180  # the supervisor waits longer after each death, up to 30 s

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(
        not os.environ.get("ABIDE_PROOF"), reason="a long run (make proof PART=faults)"
    ),
]
Kill = Callable[[], bool]


class Victims:
    """Everything that can die, by name."""

    def __init__(
        self,
        server: RunningServer,
        database: OwnPostgres | None,
        chance: random.Random,
    ) -> None:
        self._server = server
        self._chance = chance
        self.kills: dict[str, Kill] = {
            "worker": lambda: self._one(self._workers()),
            "server": lambda: self._one(self._named("serve")),
            "compactor": lambda: self._one(self._named("compact")),
            "scheduler": lambda: self._one(self._named("schedule")),
        }
        if database is not None:
            self.kills["postgresql"] = lambda: database.kill_hard(chance)

    def _named(self, command: str) -> list[int]:
        """List those that `abide up` itself has started."""
        children = set(workers_of(self._server.process.pid))
        return [pid for pid in self._server.command_pids(command) if pid in children]

    def _workers(self) -> list[int]:
        return [pid for master in self._named("serve") for pid in workers_of(master)]

    def _one(self, pids: list[int]) -> bool:
        with suppress(ProcessLookupError):
            if pids:
                os.kill(self._chance.choice(pids), signal.SIGKILL)
                return True
        return False


@contextmanager
def running(
    store: str, folder: Path, data_dir: Path
) -> Iterator[tuple[RunningServer, Company, OwnPostgres | None]]:
    with ExitStack() as stack:
        database = None
        url = f"sqlite:///{data_dir / 'abide.db'}"
        if store == "postgres":
            database = stack.enter_context(own_postgres(folder))
            url = database.url
        server, company = stack.enter_context(server_on(url, data_dir))
        yield server, company, database


@pytest.mark.parametrize(
    "store", [pytest.param("postgres", marks=pytest.mark.postgres), "sqlite"]
)
def test_everything__killed_at_random__loses_and_doubles_nothing(
    store: str,
    tmp_path: Path,
    data_dir: Path,
    record_property: Callable[[str, object], None],
) -> None:
    chance = random.Random(100)  # noqa: S311  # the same kills each time
    with running(store, tmp_path, data_dir) as (server, company, database):
        victims = Victims(server, database, chance)
        clients = SendingClients(server.port, company.write)
        clients.start()
        try:
            died = kill_all(victims, database, clients, chance)
            goes_on(database, clients)
        finally:
            clients.stop()
        context = open_context(server.environ)
        compact_once(context)
        check(context, company, clients)
        context.sessions.kw["bind"].dispose()
    for name, count in died.items():
        record_property(f"{name} killed", count)
    record_property("events acknowledged", len(clients.acknowledged))
    record_property("requests sent again", clients.retries)
    record_property("lost", 0)
    record_property("doubled", 0)


def kill_all(
    victims: Victims,
    database: OwnPostgres | None,
    clients: SendingClients,
    chance: random.Random,
) -> dict[str, int]:
    """Kill again and again, each time only when events come in again."""
    died = dict.fromkeys(victims.kills, 0)
    while sum(died.values()) < KILLS:
        goes_on(database, clients)
        time.sleep(SECONDS_BETWEEN * chance.random())
        name = chance.choice(list(died))
        died[name] += victims.kills[name]()
    return died


def goes_on(database: OwnPostgres | None, clients: SendingClients) -> None:
    """Wait for a new acknowledgement; start the database, as nobody else would."""
    before = len(clients.acknowledged)

    def acknowledged() -> bool:
        if database is not None:
            database.revived()
        return len(clients.acknowledged) > before

    wait_for(acknowledged, RECOVERY_SECONDS)
