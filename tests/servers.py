"""Real Abide processes for tests: started on a free port, watched, stopped."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

START_SECONDS = 120  # a machine that runs the suite is slow
# Each request is a connection of its own, which any of the server's processes may take:
# this many answers alike, one after the other, and all of them know.
ALIKE = 20


@dataclass(slots=True)
class RunningServer:
    """A whole Abide (server, compactor, scheduler) under `abide up`."""

    port: int
    environ: dict[str, str]
    process: subprocess.Popen[bytes]
    log_path: Path

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def request(  # one place for every call of a test
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30,
    ) -> tuple[int, Any]:
        """Send one request; the answer's JSON where it is JSON, else its text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        sent = {"Content-Type": "application/json", **(headers or {})}
        if key:
            sent["Authorization"] = f"Bearer {key}"
        try:
            payload = body if isinstance(body, bytes) else json.dumps(body).encode()
            connection.request(
                method, path, payload if body is not None else None, sent
            )
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        try:
            return response.status, json.loads(text)
        except ValueError:
            return response.status, text

    def descendants(self) -> list[int]:
        """List the ids of all processes below `abide up`, parents first."""
        return _descendants(self.process.pid)

    def command_pids(self, command: str) -> list[int]:
        """List processes whose command line holds `abide <command>`."""
        found = []
        for pid in self.descendants():
            try:
                line = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if command.encode() in line:
                found.append(pid)
        return found

    def wait_printed(self, words: str, seconds: float) -> None:
        """Wait until these words stand on its terminal."""
        deadline = time.monotonic() + seconds
        while words not in self.log_path.read_text():
            assert time.monotonic() < deadline, self.log_path.read_text()[-4000:]
            time.sleep(0.1)

    def wait_ready(self, seconds: float = START_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                if self._is_ready():
                    return
            except OSError:
                pass
            time.sleep(0.1)
        raise AssertionError(
            f"Abide did not start:\n{self.log_path.read_text()[-4000:]}"
        )

    def _is_ready(self) -> bool:
        return all(
            self.request("GET", "/readyz", timeout=2)[0] == 200 for _ in range(ALIKE)
        )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running_server(environ: Mapping[str, str]) -> Iterator[RunningServer]:
    """Run `abide up` with these settings on a free port until the block ends."""
    port = free_port()
    complete = {
        **{k: v for k, v in os.environ.items() if not k.startswith("COV_")},
        **environ,
        "ABIDE_PORT": str(port),
    }
    log_path = Path(environ["ABIDE_DATA_DIR"]) / "up.txt"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "abide", "up"],
            env=complete,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = RunningServer(port, complete, process, log_path)
    try:
        server.wait_ready()
        yield server
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=40)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _descendants(pid: int) -> list[int]:
    children_file = Path(f"/proc/{pid}/task/{pid}/children")
    found = []
    try:
        for child in children_file.read_text().split():
            found += [int(child), *_descendants(int(child))]
    except OSError:
        pass
    return found
