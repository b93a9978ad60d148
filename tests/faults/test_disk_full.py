"""A full disk under the whole server: doors go on, no acknowledged event is lost."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import DEVNULL, Popen

import orjson
import pytest

from analysis.compactor import compact_once
from experiments.context import open_context
from experiments.preparing import prepare
from experiments.ruleset_files import RulesetFolder
from experiments.ruleset_mirror import RulesetMirror
from tests.analysis.intake import events
from tests.company import Company, found_company
from tests.faults.small_disks import fill, small_disk
from tests.faults.test_ingest_kill import wait_for, workers_of
from tests.servers import RunningServer, free_port

SIZE_MB = 40
BATCH = 100
pytestmark = pytest.mark.faults


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "small", SIZE_MB) as folder:
        yield folder


@pytest.fixture
def environ(disk: Path) -> dict[str, str]:
    return {"ABIDE_DATA_DIR": str(disk / "var"), "ABIDE_WORKERS": "2"}


@pytest.fixture
def company(environ: dict[str, str]) -> Company:
    context = open_context(environ)
    prepare(context)
    company = found_company(environ)
    folder = RulesetFolder(context.settings.data_dir / "ruleset")
    RulesetMirror(context.sessions, folder).copy()
    return company


@pytest.fixture
def doors(
    environ: dict[str, str], company: Company, tmp_path: Path
) -> Iterator[RunningServer]:
    assert company.write
    port = free_port()
    complete = {**os.environ, **environ, "ABIDE_PORT": str(port)}
    command = [sys.executable, "-m", "abide", "serve", "--pool", "assign"]
    with Popen(  # noqa: S603  # our own command
        command, env=complete, stdout=DEVNULL, stderr=DEVNULL
    ) as process:
        server = RunningServer(port, complete, process, tmp_path / "none")
        server.wait_ready()
        yield server
        process.terminate()


def test_server__on_a_full_disk__refuses_events_and_goes_on_assigning(
    doors: RunningServer, company: Company, environ: dict[str, str], disk: Path
) -> None:
    workers = workers_of(doors.process.pid)
    acknowledged = 0
    acknowledged += BATCH * sent(doors, company, "before").count(200)
    ballast = fill(disk, leave=200_000)
    while_full = sent(doors, company, "full")
    assert set(while_full) <= {200, 507}
    assert while_full.count(507) > 20
    acknowledged += BATCH * while_full.count(200)
    question = {"unit": "customer-1", "attributes": {}}
    for _ in range(40):
        status, _ = doors.request(
            "POST", "/api/v1/assignments", question, key=company.server
        )
        assert status == 200
    assert workers_of(doors.process.pid) == workers
    ballast.unlink()
    wait_for(lambda: 200 in sent(doors, company, f"after-{time.monotonic()}", 1), 10)
    acknowledged += BATCH
    doors.process.terminate()
    doors.process.wait(30)
    context = open_context(environ)
    compact_once(context)
    assert len(events(context)) == acknowledged


def sent(
    doors: RunningServer, company: Company, name: str, count: int = 60
) -> list[int]:
    """Send batches of events; give the status of each answer."""
    return [
        doors.request(
            "POST", "/v1/batch", batch(f"{name}-{number}"), key=company.write
        )[0]
        for number in range(count)
    ]


def batch(name: str) -> bytes:
    return orjson.dumps(
        {
            "batch": [
                {
                    "type": "track",
                    "messageId": f"{name}-{place}",
                    "userId": f"customer-{place}",
                    "event": "App Opened",
                }
                for place in range(BATCH)
            ]
        }
    )
