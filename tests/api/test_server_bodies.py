"""Bodies over a real socket, through the server that production runs."""

import socket
import time

import pytest

from experiments.context import Context
from experiments.db import transaction
from experiments.vocabulary import PersonRole
from tests.api.conftest import make_key
from tests.servers import RunningServer

CHUNK = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
ENOUGH = 100_000_000


@pytest.fixture
def key(context: Context) -> str:
    with transaction(context.sessions) as session:
        return make_key(session, "Ada", PersonRole.ADMIN)


def send_chunks(server: RunningServer, key: str, count: int) -> tuple[bytes, int]:
    """Send a chunked body; give the answer's first bytes and how much was sent."""
    head = (
        f"POST /api/v1/metrics HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        f"Authorization: Bearer {key}\r\nContent-Type: application/json\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    )
    sent = 0
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as wire:
        wire.sendall(head.encode())
        try:
            for _ in range(count):
                wire.sendall(CHUNK)
                sent += len(CHUNK)
            wire.sendall(b"0\r\n\r\n")
        except OSError:
            pass  # the server has answered and hung up
        return wire.recv(4096), sent


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_bodies__of_any_size_and_shape__are_refused_in_words(
    server: RunningServer, key: str
) -> None:
    for body, expected in (
        (b" " * 2_000_000, 413),
        (b"[" * 100_000, 400),
        (b'{"a": NaN}', 400),
        (b'{"key": 1}', 422),
    ):
        begun = time.monotonic()
        status, answer = server.request("POST", "/api/v1/metrics", body, key=key)
        assert (status, set(answer)) == (expected, {"code", "message", "fields"})
        assert time.monotonic() - begun < 10
    small, _ = send_chunks(server, key, 2)
    assert small.startswith(b"HTTP/1.1 422 ")  # read whole: spaces are no object
    endless, sent = send_chunks(server, key, ENOUGH // len(CHUNK))
    assert endless.startswith(b"HTTP/1.1 413 ")
    assert sent < ENOUGH / 2
    assert server.request("GET", "/api/v1/metrics", key=key)[0] == 200
