"""A server under load: start it, send the same request as fast as it answers."""

import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0  # a busy machine
STOP_SECONDS = 20.0
ANSWER_SECONDS = 60.0
CONNECTIONS = 16
_ANSWERED = b"HTTP/1.1 200"
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Load:
    """What a server did under load."""

    per_second: float  # answers
    cpu_ms: float  # of the server, for 1,000 answers


@dataclass(frozen=True, slots=True)
class Delays:
    """How long answers took, in milliseconds from when their request was due."""

    p50: float
    p99: float
    longest: float


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    port: int
    pid: int

    def cpu_seconds(self) -> float:
        """Add up the processor time of the server and its workers."""
        return sum(_cpu_seconds(pid) for pid in (self.pid, *_children(self.pid)))

    def resident_mb(self) -> float:
        """Measure the memory that the one worker holds, in megabytes."""
        (worker,) = _children(self.pid)
        status = Path(f"/proc/{worker}/status").read_text()
        line = next(x for x in status.splitlines() if x.startswith("VmRSS"))
        return int(line.split()[1]) / 1000


@contextmanager
def serving(
    factory: str, environ: Mapping[str, str], threads: int = 1
) -> Iterator[Server]:
    """Serve a WSGI app with one worker, on a free port.

    One, so that the server has one core and the client the other; for work that is
    all computing, more threads in a worker only take turns.

    Args:
        factory: of the app, as "module:function".
        environ: added to this process's environment.
        threads: of the worker; more than one for work that waits.

    Yields:
        Server: ready to be asked.
    """
    port = _free_port()
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--factory"]
    options = ["--port", str(port), "--log-level", "error"]
    options += ["--blocking-threads", str(threads)]
    process = subprocess.Popen(  # noqa: S603  # our own server
        [*command, *options, factory], cwd=ROOT, env={**os.environ, **environ}
    )
    try:
        _wait(port)
        yield Server(port, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()  # its worker ends with it
            process.wait()


def post(port: int, path: str, body: bytes, headers: str = "") -> bytes:
    """Write a request as bytes, to send again and again."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def ask(port: int, request: bytes) -> bytes:
    """Send a request once, and return the answer's body.

    Args:
        port: of the server.
        request: as `post` writes it.

    Returns:
        The body.

    Raises:
        RuntimeError: the answer is not 200.
    """
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += connection.recv(1 << 16)
        head, _, body = answer.partition(b"\r\n\r\n")
        if not head.startswith(_ANSWERED):
            raise RuntimeError(answer.decode(errors="replace"))
        lines = head.lower().split(b"\r\n")
        length = int(
            next(x for x in lines if x.startswith(b"content-length")).split()[1]
        )
        while len(body) < length:
            body += connection.recv(1 << 16)
    return body


def press(server: Server, request: bytes, seconds: float) -> Load:
    """Keep a server busy and count its answers.

    Args:
        server: to be measured.
        request: sent all the time.
        seconds: how long, after a quarter of it to warm up.

    Returns:
        Answers a second, and what they cost the server.
    """
    with closing(_Client(server.port, request)) as client:
        client.run(seconds / 4)
        cpu, began = server.cpu_seconds(), time.perf_counter()
        answers = client.run(seconds)
        took = time.perf_counter() - began
        cpu = server.cpu_seconds() - cpu
    return Load(answers / took, cpu * 1e6 / answers)


def at_rate(server: Server, request: bytes, rate: float, seconds: float) -> Delays:
    """Send at fixed times, whether earlier requests were answered or not.

    Args:
        server: to be measured.
        request: sent each time.
        rate: requests a second.
        seconds: how long, after a quarter of it to warm up.

    Returns:
        How long answers took from when their request was due, so that a server that
        stands still is charged for all who would have come meanwhile.
    """
    with closing(_Client(server.port, request, idle=True)) as client:
        client.send_on_time(rate, seconds / 4)
        took = sorted(client.send_on_time(rate, seconds))
    last = len(took) - 1
    return Delays(took[last // 2], took[round(last * 0.99)], took[last])


def deliver(server: Server, requests: Iterator[bytes]) -> Load:
    """Send each request once, as fast as they are answered.

    Args:
        server: to be measured.
        requests: each another one; more than there are connections.

    Returns:
        Answers a second, and what they cost the server; each was a 200.
    """
    with closing(_Client(server.port, b"", idle=True)) as client:
        cpu, began = server.cpu_seconds(), time.perf_counter()
        answers = client.send_each(requests)
        took = time.perf_counter() - began
        cpu = server.cpu_seconds() - cpu
    return Load(answers / took, cpu * 1e6 / answers)


class _Client:
    """Some connections, each with one request always on the way."""

    def __init__(self, port: int, request: bytes, *, idle: bool = False) -> None:
        self._request = request
        self._selector = selectors.DefaultSelector()
        self._connections = [
            (socket.create_connection(("127.0.0.1", port)), _Tail())
            for _ in range(CONNECTIONS)
        ]
        for number, (connection, _) in enumerate(self._connections):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(connection, selectors.EVENT_READ, number)
            if not idle:
                connection.sendall(request)

    def close(self) -> None:
        """Hang up."""
        for connection, _ in self._connections:
            connection.close()
        self._selector.close()

    def run(self, seconds: float) -> int:
        """Go on for a time, and count the answers that came in it."""
        until = time.perf_counter() + seconds
        answers = 0
        while time.perf_counter() < until:
            for key, _ in self._selector.select(timeout=1):
                connection, tail = self._connections[key.data]
                if tail.count(connection.recv(1 << 18)):
                    connection.sendall(self._request)
                    answers += 1
        return answers

    def send_each(self, requests: Iterator[bytes]) -> int:
        """Send all there are, and count the answers."""
        answers, waiting = 0, 0
        for connection, _ in self._connections:
            connection.sendall(next(requests))
            waiting += 1
        while waiting:
            ready = self._selector.select(timeout=ANSWER_SECONDS)
            if not ready:
                msg = "a request was refused, or never answered"
                raise TimeoutError(msg)
            for key, _ in ready:
                connection, tail = self._connections[key.data]
                if tail.count(connection.recv(1 << 18)):
                    answers, waiting = answers + 1, waiting - 1
                    another = next(requests, None)
                    if another is not None:
                        connection.sendall(another)
                        waiting += 1
        return answers

    def send_on_time(self, rate: float, seconds: float) -> list[float]:
        """Send at a rate; give the milliseconds from due to answered of each."""
        began, count = time.perf_counter(), round(rate * seconds)
        free = list(range(len(self._connections)))
        due: dict[int, float] = {}  # by connection
        took: list[float] = []
        sent = 0
        while len(took) < count:
            clock = time.perf_counter()
            while sent < count and free and began + sent / rate <= clock:
                number = free.pop()
                due[number] = began + sent / rate
                self._connections[number][0].sendall(self._request)
                sent += 1
            pause = began + sent / rate - time.perf_counter()
            # With all connections busy only an answer can help.
            wait = max(0.0, pause) if free and sent < count else 1.0
            for key, _ in self._selector.select(wait):
                connection, tail = self._connections[key.data]
                if tail.count(connection.recv(1 << 18)):
                    took.append((time.perf_counter() - due[key.data]) * 1e3)
                    free.append(key.data)
        return took


class _Tail:
    """Counts answers in a stream that is cut anywhere."""

    def __init__(self) -> None:
        self._rest = b""

    def count(self, part: bytes) -> int:
        if not part:
            msg = "the server closed a connection"
            raise ConnectionError(msg)
        text = self._rest + part
        self._rest = text[-len(_ANSWERED) + 1 :]
        return text.count(_ANSWERED)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _wait(port: int) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found]


def _cpu_seconds(pid: int) -> float:
    # After the name in brackets: fields 14 and 15 are user and system time (proc(5)).
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
