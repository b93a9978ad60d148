"""Running several processes as one: start, restart with back-off, stop together."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TextIO

import structlog

from experiments.errors import ConfigurationFault

log = structlog.get_logger(__name__)

PR_SET_PDEATHSIG = 1  # prctl(2)
PARENT = "ABIDE_PARENT_PID"  # set by `name_parent` for those it starts
FIRST_BACK_OFF_SECONDS = 0.5
LONGEST_BACK_OFF_SECONDS = 30.0
STEADY_SECONDS = 20.0  # a child that ran this long starts afresh with its back-off
STOP_SECONDS = 35.0  # the server itself gives requests in flight 30
LEAST_FREE_BYTES = 200_000_000
PORT_PATIENCE_SECONDS = 5.0  # what a killed Abide left behind needs to end


def name_parent() -> None:
    """Let the processes that this one starts know whom to end with."""
    os.environ[PARENT] = str(os.getpid())


def die_with_parent(sign: signal.Signals) -> None:
    """Ask the kernel to end this process when its parent is killed.

    Without it, a master that got kill -9 would leave processes behind that hold the
    port, leases and inbox slots while a second set starts. Does nothing where no
    parent named itself. Linux only; elsewhere the orphans notice nothing, and the
    port check says so at start.

    Args:
        sign: SIGTERM to end in peace, SIGKILL to end at once.
    """
    parent = os.environ.get(PARENT)
    if parent is None or sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, sign)
    # Not "is it 1": in a container the parent itself may be process 1.
    if os.getppid() != int(parent):  # the parent died before the call
        os._exit(1)


def end_when_told() -> None:
    """Let a signal to end do so at once, until the server's own handlers are there.

    A worker begins as a copy of its master, whose handlers only take note: told to end
    while it still loads, it went on, and was killed half a minute later. Does nothing
    where no parent named itself.
    """
    if os.environ.get(PARENT) is not None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)


def require_free_port(host: str, port: int) -> None:
    """Refuse to start on a port that another program holds.

    Args:
        host: address to listen on.
        port: TCP port; 0 is always free.

    Raises:
        ConfigurationFault: the port is taken, or must not be used.
    """
    deadline = time.monotonic() + PORT_PATIENCE_SECONDS
    while True:
        try:
            return _bind(host, port)
        except PermissionError as error:
            raise ConfigurationFault(
                f"Port {port} needs root. Choose one above 1023: make run PORT=8000"
            ) from error
        except OSError as error:
            if time.monotonic() > deadline:
                raise ConfigurationFault(
                    f"Port {port} on {host} is taken by another program. Stop that"
                    f" program, or choose another port: make run PORT={port + 1}"
                ) from error
        time.sleep(0.1)


def _bind(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


def require_free_disk(folder: Path) -> None:
    """Refuse to start on a disk that is as good as full.

    Args:
        folder: a folder on the disk in question.

    Raises:
        ConfigurationFault: says how much is free and how much it takes.
    """
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        raise ConfigurationFault(
            f"The disk that holds {folder} is full: {free // 1_000_000} MB are free,"
            f" Abide needs {LEAST_FREE_BYTES // 1_000_000} MB to start. Free some"
            " space, or choose another folder: make run DATA_DIR=/path/to/folder"
        )


@dataclass(slots=True)
class _Child:
    name: str
    command: Sequence[str]
    output: TextIO | None
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    retry_at: float = 0.0
    back_off: float = FIRST_BACK_OFF_SECONDS

    def start(self) -> None:
        self.process = subprocess.Popen(  # noqa: S603  # our own commands
            self.command, stdout=self.output, stderr=self.output
        )
        self.started_at = time.monotonic()
        log.info("process_started", process=self.name, pid=self.process.pid)

    def tend(self) -> None:
        """Restart the child when it has ended and its waiting time is over."""
        clock = time.monotonic()
        if self.process is None:
            if clock >= self.retry_at:
                self.start()
            return
        code = self.process.poll()
        if code is None:
            return
        if clock - self.started_at > STEADY_SECONDS:
            self.back_off = FIRST_BACK_OFF_SECONDS
        log.error(
            "process_ended", process=self.name, code=code, restart_in=self.back_off
        )
        self.process = None
        self.retry_at = clock + self.back_off
        self.back_off = min(self.back_off * 2, LONGEST_BACK_OFF_SECONDS)


@dataclass(slots=True)
class Supervisor:
    """Keeps named commands running until it is told to stop."""

    output: TextIO | None = None  # where all of them write; None is the terminal
    _children: list[_Child] = field(default_factory=list)
    _stopping: bool = False

    def obey_signals(self) -> None:
        """Take SIGTERM and SIGINT as the wish to stop everything."""
        signal.signal(signal.SIGTERM, self._ask_to_stop)
        signal.signal(signal.SIGINT, self._ask_to_stop)

    def launch(self, name: str, command: Sequence[str]) -> None:
        """Start one more command, and keep it running."""
        child = _Child(name, command, self.output)
        child.start()
        self._children.append(child)

    @property
    def stopping(self) -> bool:
        """Whether somebody asked for the end."""
        return self._stopping

    def tend(self) -> None:
        """Restart what has ended; call this often."""
        for child in self._children:
            child.tend()

    def run(self) -> None:
        """Tend until asked to stop, then stop everything."""
        while not self._stopping:
            self.tend()
            time.sleep(0.2)
        self.stop()

    def stop(self) -> None:
        """End every child in peace, and by force what does not end."""
        running = [c.process for c in self._children if c.process is not None]
        for process in running:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for process in running:
            try:
                process.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _ask_to_stop(self, _signal: int, _frame: FrameType | None) -> None:
        self._stopping = True
