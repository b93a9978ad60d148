import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from experiments.errors import ConfigurationFault
from experiments.processes import (
    Supervisor,
    require_free_disk,
    require_free_port,
)


def test_worker__told_to_end_while_it_loads__ends() -> None:
    script = (
        "import os, signal, time\n"
        "from experiments import processes\n"
        "signal.signal(signal.SIGTERM, lambda *_: None)\n"  # as a server's master does
        "processes.name_parent()\n"
        "reading, writing = os.pipe()\n"
        "worker = os.fork()\n"
        "if not worker:\n"
        "    processes.end_when_told()\n"
        "    os.write(writing, b'.')\n"
        "    time.sleep(60)\n"
        "    os._exit(7)\n"
        "os.read(reading, 1)\n"
        "os.kill(worker, signal.SIGTERM)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]))\n"
    )
    ended = subprocess.run(  # noqa: S603  # our own words
        [sys.executable, "-c", script], capture_output=True, timeout=50, check=True
    )
    assert ended.stdout.split() == [b"-15"]


def test_port__taken__is_refused_with_a_way_out() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(ConfigurationFault, match=f"PORT={port + 1}"):
            require_free_port("127.0.0.1", port)


def test_port__free__is_accepted() -> None:
    require_free_port("127.0.0.1", 0)


def test_disk__nearly_full__is_refused_with_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("experiments.processes.LEAST_FREE_BYTES", 10**18)
    with pytest.raises(ConfigurationFault, match="MB are free"):
        require_free_disk(tmp_path)


def test_supervisor__child_killed__comes_back(tmp_path: Path) -> None:
    marker = tmp_path / "starts"
    script = (
        f"import time, pathlib; p = pathlib.Path({str(marker)!r});"
        "p.open('a').write('x'); time.sleep(60)"
    )
    supervisor = Supervisor()
    supervisor.launch("sleeper", [sys.executable, "-c", script])
    try:
        _wait(lambda: marker.exists() and len(marker.read_text()) == 1)
        process = supervisor._children[0].process  # noqa: SLF001
        assert process is not None
        process.kill()
        _wait(lambda: _tended(supervisor) and len(marker.read_text()) == 2)
    finally:
        supervisor.stop()


def _tended(supervisor: Supervisor) -> bool:
    supervisor.tend()
    return True


def _wait(condition: object, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():  # type: ignore[operator]
            return
        time.sleep(0.05)
    pytest.fail("waited in vain")
