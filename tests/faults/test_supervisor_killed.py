"""kill -9 of `abide up` itself: nothing is left behind, and the next start works."""

import os
import signal
from pathlib import Path

import pytest

from tests.faults.test_ingest_kill import wait_for
from tests.servers import running_server

pytestmark = [
    pytest.mark.faults,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_up__killed__takes_its_processes_along_and_starts_again(
    environ: dict[str, str],
) -> None:
    with running_server(environ) as server:
        # The server's master and workers, the compactor, the scheduler.
        wait_for(lambda: len(server.descendants()) >= 5, 20)
        left = server.descendants()
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
        wait_for(lambda: not any(is_alive(pid) for pid in left), 40)
    with running_server(environ) as again:
        assert again.request("GET", "/readyz")[0] == 200
