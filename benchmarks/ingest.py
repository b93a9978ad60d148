"""How fast events come in, beside its limit; what follows is in `benchmarks.store`.

The limit of a door is the store behind it with the same durability: as many threads as
the server has append the same, already pseudonymised, events straight to the inbox and
wait until they are on the disk. `python -m benchmarks.ingest` takes about a minute.
"""

import itertools
import os
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pysqlite3.dbapi2 as sqlite

from benchmarks.harness import Figure, figure, record
from benchmarks.ingest_apps import FOLDER
from benchmarks.load import CONNECTIONS, Load, ask, at_rate, post, press, serving
from experiments import key_format
from experiments.config import Settings
from experiments.context import utc_now
from experiments.events import Envelope, Sender, read_messages
from experiments.inbox import Inbox
from experiments.parcels import EventRow, Parcel
from experiments.privacy import load_pseudonymiser
from experiments.ruleset_files import RulesetFolder
from experiments.ruleset_values import parse
from experiments.vocabulary import Environment, KeyKind

SECONDS = 2.0  # each measurement
SIZES = (1, 20, 100)  # events in one request
PACED_SIZE = 20  # as above, at a fixed rate
PACED_EVENTS = 5_000  # a second
PACED_MOST_MS = 150.0
CUSTOMERS = 50_000
EVENTS, EVENTS_A_DAY = 300_000, 100_000
ATTRIBUTES = frozenset({"plan"})
YESTERDAY = datetime.now(UTC) - timedelta(days=1)


def measure() -> list[Figure]:
    """Measure everything about intake.

    Returns:
        The figures.
    """
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_in(Path(folder))
        key = publish_key(settings)
        for size in SIZES:
            figures += door_figures(settings, key, size)
        figures += delay_figures(settings, key)
    return figures


def door_figures(settings: Settings, key: str, size: int) -> list[Figure]:
    """Put the door under load, and the inbox alone."""
    batch = orjson.dumps({"batch": messages(size, 0), "writeKey": key})
    environ = {FOLDER: str(settings.data_dir)}
    with serving("benchmarks.ingest_apps:abide", environ, CONNECTIONS) as server:
        request = post(server.port, "/v1/batch", batch)
        ask(server.port, request)
        door = press(server, request, SECONDS)
    raw = appends(settings, size)
    table = inserts(settings, size)
    name = f"ingest, {size} a request"
    rate = "events/s"
    return [
        figure(
            f"{name}, against a plain table",
            door.per_second * size,
            rate,
            limit=table * size,
            at_least=0.5,
        ),
        figure(
            f"{name}, against the inbox alone",
            door.per_second * size,
            rate,
            limit=raw.per_second * size,
        ),
        figure(f"{name}, server cost", door.cpu_ms / size, "CPU-ms per 1,000 events"),
    ]


def delay_figures(settings: Settings, key: str) -> list[Figure]:
    """Send at a fixed rate; each answer is charged from when it was due."""
    batch = orjson.dumps({"batch": messages(PACED_SIZE, 0), "writeKey": key})
    environ = {FOLDER: str(settings.data_dir)}
    with serving("benchmarks.ingest_apps:abide", environ, CONNECTIONS) as server:
        request = post(server.port, "/v1/batch", batch)
        ask(server.port, request)
        rate = PACED_EVENTS / PACED_SIZE
        took = at_rate(server, request, rate, 5 * SECONDS)
    name = f"ingest, {PACED_EVENTS:,} events a second, {PACED_SIZE} a request"
    return [
        figure(f"{name}, p50", took.p50, "ms"),
        figure(f"{name}, p99", took.p99, "ms", limit=PACED_MOST_MS, at_most=1),
        figure(f"{name}, longest", took.longest, "ms"),
    ]


def appends(settings: Settings, size: int) -> Load:
    """Append from as many threads as the server had connections."""
    inbox = Inbox.for_settings(settings)
    parcel = parcel_of(settings, size, 0)
    load = _press_threads(lambda: inbox.append(parcel))
    inbox.close()
    return load


def _press_threads(one_request: Callable[[], None]) -> Load:
    done = itertools.count()
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            one_request()
            next(done)

    threads = [threading.Thread(target=run) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    time.sleep(SECONDS / 4)
    before, cpu, began = next(done), time.process_time(), time.perf_counter()
    time.sleep(SECONDS)
    count = next(done) - before - 1
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    stop.set()
    for thread in threads:
        thread.join()
    return Load(count / took, cpu * 1e6 / count)


def inserts(settings: Settings, size: int, like: Settings | None = None) -> float:
    """Insert the same rows into a plain table, from as many threads as before.

    A row an event, each once by its message id, a commit a request, on the disk before
    it returns: what a store gives that promises the same and groups nothing.

    Args:
        settings: where to.
        size: rows in one transaction.
        like: of the installation whose events they are like; this one, if none.

    Returns:
        Transactions a second.
    """
    connection = sqlite.connect(
        str(settings.data_dir / f"plain-{size}.db"),
        isolation_level=None,
        check_same_thread=False,
    )
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    columns = ", ".join(EventRow._fields)
    connection.execute(f"CREATE TABLE event ({columns}, UNIQUE (message_id))")
    places = ", ".join("?" for _ in EventRow._fields)
    insert = f"INSERT OR IGNORE INTO event VALUES ({places})"  # noqa: S608  # ours
    row = EventRow(*parcel_of(like or settings, 1, 0).rows[0])
    turn = threading.Lock()

    def one_request() -> None:
        rows = [row._replace(message_id=os.urandom(16)) for _ in range(size)]
        with turn:
            connection.execute("BEGIN")
            connection.executemany(insert, rows)
            connection.execute("COMMIT")

    load = _press_threads(one_request)
    connection.close()
    return load.per_second


def messages(size: int, number: int, of: int = EVENTS) -> list[dict[str, object]]:
    """Write what a server client would send.

    Args:
        size: of the batch.
        number: of the batch, from 0.
        of: all events, which end yesterday: what is stamped ahead would be set aside.

    Returns:
        The messages.
    """
    step = timedelta(days=1) / EVENTS_A_DAY
    start = YESTERDAY - of * step
    first = number * size
    return [
        {
            "type": "track",
            "messageId": str(uuid.UUID(int=first + place + 1)),
            "timestamp": (start + (first + place) * step).isoformat(),
            "userId": f"customer-{(first + place) * 7919 % CUSTOMERS}",
            "event": "Song Played",
            "properties": {"plan": "pro", "minutes": 12},
            "context": {"library": {"name": "analytics-python", "version": "2.4.0"}},
            "integrations": {},
        }
        for place in range(size)
    ]


def parcel_of(settings: Settings, size: int, number: int) -> Parcel:
    """Read messages as the door does."""
    sender = Sender("benchmark", Environment.PRODUCTION, ATTRIBUTES)
    hide = load_pseudonymiser(settings)
    return read_messages(messages(size, number), sender, Envelope(utc_now()), hide)


def settings_in(folder: Path) -> Settings:
    """Settings of an installation in `folder`, on SQLite."""
    return Settings(folder, f"sqlite:///{folder / 'abide.db'}")


def publish_key(settings: Settings) -> str:
    """Write a ruleset with one write key, and give the key's text."""
    public_id, text = key_format.make(KeyKind.WRITE, Environment.PRODUCTION)
    body = orjson.dumps(
        {
            "format": 2,
            "revision": 1,
            "published_at": "2026-03-14T09:30:00+00:00",
            "experiments": [],
            "silent": {},
            "keys": [
                {
                    "public_id": public_id,
                    "digest": key_format.digest(text),
                    "kind": "write",
                    "environment": "production",
                    "revoked": False,
                }
            ],
            "attributes": sorted(ATTRIBUTES),
        }
    )
    RulesetFolder(settings.data_dir / "ruleset").write(parse(body), body)
    return text


if __name__ == "__main__":
    record(measure())
