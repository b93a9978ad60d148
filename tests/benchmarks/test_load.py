"""The client of the benchmarks: it charges a server for everybody who had to wait."""

import itertools
import socket
import threading
from collections.abc import Iterator

import pytest

from benchmarks.load import Server, at_rate

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
PAUSE_SECONDS = 0.2
PAUSED = 60  # this request, counted from the first


@pytest.fixture
def port() -> Iterator[int]:
    """Serve many connections; one of all their requests has to wait."""
    numbers = itertools.count(1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, numbers), daemon=True).start()
        yield listener.getsockname()[1]


def _accept(listener: socket.socket, numbers: Iterator[int]) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return  # the test is over
        threading.Thread(
            target=_answer, args=(connection, numbers), daemon=True
        ).start()


def _answer(connection: socket.socket, numbers: Iterator[int]) -> None:
    with connection:
        while connection.recv(1000):
            if next(numbers) == PAUSED:
                threading.Event().wait(PAUSE_SECONDS)
            connection.sendall(ANSWER)


def test_at_rate__one_answer_is_late__is_the_longest_and_others_go_on(
    port: int,
) -> None:
    # 25 requests to warm up and 100 that count, among them the one that waits.
    delays = at_rate(Server(port, 0), b"GET / HTTP/1.1\r\n\r\n", 200, 0.5)

    assert delays.longest >= 1000 * PAUSE_SECONDS
    assert delays.p50 < 1000 * PAUSE_SECONDS
