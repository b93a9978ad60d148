import socket
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
