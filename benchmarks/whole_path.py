"""Events all the way: through HTTP into the inbox, compacted, counted, one erased.

Each is another event, and in the end as many are stored as were acknowledged. Turn by
turn the door, its limit (a plain table with the same durability) and the compaction
have the machine, so that what else it does weighs on all of them alike.

`python -m benchmarks.whole_path` sends 300,000 events, in about a minute;
`ABIDE_BENCH_EVENTS=10000000`, or any number of hundreds of thousands, gives the same of
another size beside them; ten million take a quarter of an hour and 3 GB of disk.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import orjson
import pyarrow.parquet as pq

from analysis.compactor import Compactor, erase_once
from analysis.store import EventStore
from benchmarks.harness import Figure, figure, record
from benchmarks.ingest import inserts, messages, publish_key, settings_in
from benchmarks.ingest_apps import FOLDER
from benchmarks.load import CONNECTIONS, Server, deliver, post, serving
from experiments import data_requests
from experiments.actors import SYSTEM
from experiments.config import Settings
from experiments.context import Context, utc_now
from experiments.db import make_engine, make_sessions, transaction
from experiments.privacy import load_pseudonymiser
from experiments.schema import upgrade
from experiments.vocabulary import IdKind

USUAL = 300_000
EVENTS = int(os.environ.get("ABIDE_BENCH_EVENTS", USUAL))
A_TURN = 100_000  # events
A_REQUEST = 100
ERASED = "customer-0"


@dataclass(slots=True)
class Seconds:
    """What each turn took, added up."""

    door: float = 0.0
    door_cpu: float = 0.0
    limit: float = 0.0  # what the plain table needs for as many
    compaction: float = 0.0


def measure() -> list[Figure]:
    """Measure the way of events, from the first byte to the erasure.

    Returns:
        The figures, which name the number of events.

    Raises:
        RuntimeError: an acknowledged event is missing, or is there twice.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        settings = settings_in(folder)
        engine = make_engine(settings.database_url)
        upgrade(engine)
        stack.callback(engine.dispose)
        context = Context(settings, make_sessions(engine), utc_now)
        key = publish_key(settings)
        environ = {FOLDER: str(settings.data_dir)}
        server = stack.enter_context(
            serving("benchmarks.ingest_apps:abide", environ, CONNECTIONS)
        )
        took = _turns(context, server, key)
        store = EventStore(settings)
        size = sum(Path(file).stat().st_size for file in store.files())
        return [*_figures(took, size), _erasure(context)]


def _turns(context: Context, server: Server, key: str) -> Seconds:
    compactor = Compactor(context, EventStore(context.settings))
    took = Seconds()
    for first in range(0, EVENTS, A_TURN):
        load = deliver(server, _requests(server.port, key, first))
        took.door += A_TURN / A_REQUEST / load.per_second
        took.door_cpu += load.cpu_ms * A_TURN / A_REQUEST / 1e6
        took.limit += A_TURN / A_REQUEST / _plain_table(context.settings)
        began = time.perf_counter()
        while compactor.round().group_count:
            pass
        took.compaction += time.perf_counter() - began
        _check(EventStore(context.settings), first + A_TURN)
    while compactor.tidy():
        pass
    _check(EventStore(context.settings), EVENTS)
    return took


def _check(store: EventStore, sent: int) -> None:
    stored = sum(pq.ParquetFile(file).metadata.num_rows for file in store.files())
    if stored != sent:
        msg = f"{sent:,} events were acknowledged, and {stored:,} are stored"
        raise RuntimeError(msg)


def _requests(port: int, key: str, first: int) -> Iterator[bytes]:
    for number in range(first // A_REQUEST, (first + A_TURN) // A_REQUEST):
        sent = {"batch": messages(A_REQUEST, number, EVENTS), "writeKey": key}
        yield post(port, "/v1/batch", orjson.dumps(sent))


def _plain_table(settings: Settings) -> float:
    with tempfile.TemporaryDirectory(dir=settings.data_dir) as folder:
        return inserts(
            Settings(Path(folder), settings.database_url), A_REQUEST, like=settings
        )


def _figures(took: Seconds, size: int) -> list[Figure]:
    return [
        figure(
            _name("whole path, door against a plain table"),
            EVENTS / took.door,
            "events/s",
            limit=EVENTS / took.limit,
            at_least=0.5,
        ),
        figure(
            _name("whole path, door cost"),
            took.door_cpu * 1e6 / EVENTS,
            "CPU-ms per 1,000 events",
        ),
        figure(_name("whole path, compaction"), EVENTS / took.compaction, "events/s"),
        figure(_name("whole path, size of a stored event"), size / EVENTS, "bytes"),
    ]


def _erasure(context: Context) -> Figure:
    hide = load_pseudonymiser(context.settings)
    with transaction(context.sessions) as session:
        data_requests.request_erasure(
            session, hide, ERASED, IdKind.CUSTOMER, actor=SYSTEM, now=context.now()
        )
    began = time.perf_counter()
    erase_once(context)
    took = time.perf_counter() - began
    return figure(_name("whole path, erasure of a customer"), took, "s", at_most=60)


def _name(what: str) -> str:
    return what if EVENTS == USUAL else f"{what}, {EVENTS:,} events"


if __name__ == "__main__":
    record(measure())
