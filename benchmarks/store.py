"""How fast events are compacted, how small they lie, how soon one customer is erased.

`python -m benchmarks.store` takes 300,000 events, and about 15 s;
`ABIDE_BENCH_EVENTS=10000000`, or any number of thousands, gives the same of another
size beside them; ten million take some minutes and 2 GB of disk.
"""

import itertools
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from analysis.compactor import Compactor, erase_once
from analysis.store import EventStore
from benchmarks.harness import Figure, figure, record
from benchmarks.ingest import parcel_of, settings_in
from experiments import data_requests
from experiments.actors import SYSTEM
from experiments.config import Settings
from experiments.context import Context, utc_now
from experiments.db import make_engine, make_sessions, transaction
from experiments.inbox import Inbox
from experiments.parcels import EventRow, Parcel
from experiments.privacy import load_pseudonymiser
from experiments.schema import upgrade
from experiments.vocabulary import IdKind

AT_ONCE = 300_000  # events that wait in the inbox when it is emptied
EVENTS = int(os.environ.get("ABIDE_BENCH_EVENTS", AT_ONCE))
# Over all days: of ten million events hardly two of a customer fall on one day, so that
# each lies with its customer's 16 bytes; of 300,000, all six do.
EVENTS_A_CUSTOMER = 6
EVENTS_A_DAY = 350_000
A_REQUEST = 1000  # events
ERASED = "customer-0"


def measure() -> list[Figure]:
    """Measure the store.

    Returns:
        The figures, which name the number of events.
    """
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_in(Path(folder))
        engine = make_engine(settings.database_url)
        upgrade(engine)
        context = Context(settings, make_sessions(engine), utc_now)
        figures = [*_compaction(context), *_erasure(context)]
        engine.dispose()
    return figures


def _compaction(context: Context) -> list[Figure]:
    store = EventStore(context.settings)
    compactor = Compactor(context, store)
    inbox = Inbox.for_settings(context.settings)
    inbox.append(parcel_of(context.settings, A_REQUEST, 0))
    _empty(compactor)  # loads what is loaded once
    began_with = _size(store)
    took, cpu = 0.0, 0.0
    last: list[Parcel] = []
    stream = _parcels(context.settings)
    for done in range(0, EVENTS, AT_ONCE):
        part = min(AT_ONCE, EVENTS - done)
        last = list(itertools.islice(stream, part // A_REQUEST))
        for parcel in last:
            inbox.append(parcel)
        began_cpu = time.process_time()
        took += _seconds(lambda: _empty(compactor))
        cpu += time.process_time() - began_cpu
    _merge(compactor)
    stored = _size(store) - began_with
    for parcel in last:
        inbox.append(parcel)
    repeats = _seconds(lambda: _empty(compactor))
    inbox.close()
    repeated = A_REQUEST * len(last)
    return [
        figure(_name("compaction"), EVENTS / took, "events/s", at_least=100_000),
        figure(_name("compaction, cost"), cpu * 1e6 / EVENTS, "CPU-s a million"),
        figure(_name("compaction of repeats"), repeated / repeats, "events/s"),
        figure(_name("size of a stored event"), stored / EVENTS, "bytes", at_most=45),
    ]


def _erasure(context: Context) -> list[Figure]:
    hide = load_pseudonymiser(context.settings)
    with transaction(context.sessions) as session:
        data_requests.request_erasure(
            session, hide, ERASED, IdKind.CUSTOMER, actor=SYSTEM, now=context.now()
        )
    took = _seconds(lambda: erase_once(context))
    return [figure(_name("erasure of a customer"), took, "s", at_most=60)]


def _name(what: str) -> str:
    return what if EVENTS == AT_ONCE else f"{what}, {EVENTS:,} events"


def _parcels(settings: Settings) -> Iterator[Parcel]:
    """Give parcels without end: the same message, by customers in turn, in time.

    Ids are random bytes, as pseudonyms are for who has no key; each day its customers.
    """
    chance = random.Random(1)  # noqa: S311  # made up, not secret
    first = load_pseudonymiser(settings).customer(ERASED)
    customers = [first]
    customers += [chance.randbytes(16) for _ in range(EVENTS // EVENTS_A_CUSTOMER)]
    like = parcel_of(settings, 1, 0)
    row = EventRow(*like.rows[0])
    start = datetime.now(UTC) - timedelta(days=1 + EVENTS / EVENTS_A_DAY)
    start_us = int(start.timestamp() * 1e6)
    step_us = 86_400_000_000 / EVENTS_A_DAY
    for number in itertools.count():
        rows = []
        for place in range(number * A_REQUEST, (number + 1) * A_REQUEST):
            at_us = start_us + int(place * step_us) + chance.randrange(1_000_000)
            rows.append(
                row._replace(
                    occurred_us=at_us,
                    original_us=at_us,
                    customer=customers[place * 7919 % len(customers)],
                    message_id=chance.randbytes(16),
                    payload_hash=chance.getrandbits(63),
                )
            )
        yield replace(like, rows=rows)


def _size(store: EventStore) -> int:
    return sum(Path(file).stat().st_size for file in store.files())


def _merge(compactor: Compactor) -> None:
    while compactor.tidy():
        pass


def _empty(compactor: Compactor) -> None:
    while compactor.round().group_count:
        pass


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    record(measure())
