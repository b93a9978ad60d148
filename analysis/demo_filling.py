"""Fills the demo company and analyses it: what `abide up --demo` does once."""

import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from analysis import demo, pipeline
from analysis.store import EventStore
from experiments.context import Context
from experiments.vocabulary import KeyKind

CATCH_UP_SECONDS = 300.0


def fill_demo(context: Context) -> None:
    """Send the demo company through the doors, then analyse what arrived."""
    started = context.now()
    person = demo.make_people(context)
    author = demo.Door(
        context.settings.base_url, demo.make_key(context, KeyKind.ADMIN, person)
    )
    app = demo.Door(
        context.settings.base_url, demo.make_key(context, KeyKind.SERVER, person)
    )
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
    demo.note_filled(context)
    took = (context.now() - started).total_seconds()
    Console(stderr=True).print(f"The demo company is ready ({took:.0f} s).")


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
