"""Fills the demo company and analyses it: what `abide up --demo` does once."""

import time
from urllib.request import urlopen

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from analysis import demo, pipeline
from analysis.store import EventStore
from experiments.context import Context
from experiments.errors import Unavailable
from experiments.installation import address_of
from experiments.vocabulary import KeyKind

CATCH_UP_SECONDS = 300.0


def fill_demo(context: Context) -> None:
    """Send the demo company through the doors, then analyse what arrived.

    A filling that was interrupted is continued.

    Args:
        context: settings and database of an Abide that is running.

    Raises:
        Conflict: there are experiments of another company.
        Unavailable: no server answers.
    """
    started = context.now()
    address = address_of(context.settings)
    demo.require_own_place(context)
    _require_server(address)
    person = demo.make_people(context)
    author = demo.Door(address, demo.make_key(context, KeyKind.ADMIN, person))
    app = demo.Door(address, demo.make_key(context, KeyKind.SERVER, person))
    demo.register(context, author)
    with _progress() as progress:
        task = progress.add_task("Customers", total=demo.customer_count())
        demo.send_history(context, app, lambda n: progress.advance(task, n))
        demo.run_assigned(context, app, lambda n: progress.advance(task, n))
    _wait_for_compaction(context)
    store = EventStore(context.settings)
    for key in demo.experiment_keys():
        pipeline.analyse(context, store, key)
    demo.decide(author)
    demo.ask_for_certificate(author)
    demo.note_filled(context)
    took = (context.now() - started).total_seconds()
    Console(stderr=True).print(f"The demo company is ready ({took:.0f} s).")


def _require_server(address: str) -> None:
    try:
        with urlopen(f"{address}/readyz", timeout=10):  # noqa: S310  # our own server
            return
    except OSError as error:
        raise Unavailable(
            f"No Abide answers at {address}. Start it first, in another terminal:"
            " abide up"
        ) from error


def _wait_for_compaction(context: Context) -> None:
    """Wait until everything sent so far can be analysed."""
    sent_at = context.now()
    deadline = time.monotonic() + CATCH_UP_SECONDS
    while time.monotonic() < deadline:
        if demo.is_compacted_through(context, sent_at):
            return
        time.sleep(0.5)


def _progress() -> Progress:
    return Progress(
        TextColumn("  Filling the demo company"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} customers"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )
