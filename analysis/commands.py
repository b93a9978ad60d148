"""`abide analyse`, `schedule`, `compact`, `import`: analysis from a terminal."""

import os
import signal
import threading
from datetime import UTC, datetime, timedelta
from types import FrameType

import click

from experiments import logs
from experiments.context import Context, open_context
from experiments.db import transaction
from experiments.errors import AbideError, Unavailable
from experiments.models import AnalysisRun
from experiments.vocabulary import RunState

# Each command loads the statistics it needs itself: servers, which know the commands
# too, must start without them.

PATIENCE = timedelta(minutes=10)
# Customers' requests come first: these processes take what time is left.
COMPACTOR_NICENESS = 5
SCHEDULER_NICENESS = 19


@click.command()
@click.argument("key")
@click.option(
    "--as-of",
    type=click.DateTime(),
    help="Use only what had arrived by then (UTC).",
)
def analyse(key: str, as_of: datetime | None) -> None:
    """Analyse the experiment KEY now and store the result."""
    from analysis import pipeline  # noqa: PLC0415
    from analysis.store import EventStore  # noqa: PLC0415

    context = _context()
    try:
        _take_in(context)
        store = EventStore(context.settings)
        moment = None if as_of is None else as_of.replace(tzinfo=UTC)
        run_id = pipeline.analyse(context, store, key, moment, patience=PATIENCE)
        say_result(context, run_id)
    except AbideError as error:
        raise click.ClickException(error.message) from error


@click.command()
def schedule() -> None:
    """Analyse at the planned times, until stopped."""
    from analysis.scheduler import run_scheduler  # noqa: PLC0415

    os.nice(SCHEDULER_NICENESS)
    run_scheduler(_context(), _stopped_by_signals())


@click.command()
def compact() -> None:
    """Take events from the inboxes into the analytic store, until stopped."""
    from analysis.compactor import run_compactor  # noqa: PLC0415

    os.nice(COMPACTOR_NICENESS)
    run_compactor(_context(), _stopped_by_signals())


def say_result(context: Context, run_id: int) -> None:
    """Print what a run says, and where to read it.

    Args:
        context: settings and database.
        run_id: of a stored run.

    Raises:
        ClickException: the run failed.
    """
    with transaction(context.sessions) as session:
        run = session.get_one(AnalysisRun, run_id)
        if run.state == RunState.FAILED.value:
            raise click.ClickException(run.error or "The analysis failed.")
        click.echo(run.answer)
        click.echo(run.clause)


def _take_in(context: Context) -> None:
    """Take in what waits in the inboxes; say so when it could not be had in time."""
    from analysis.compactor import compact_once  # noqa: PLC0415

    try:
        compact_once(context)
    except Unavailable as error:
        click.echo(f"{error.message} Analysing what is there.", err=True)


def _context() -> Context:
    try:
        context = open_context()
    except AbideError as error:
        raise click.ClickException(error.message) from error
    logs.configure(context.settings.log_level)
    return context


def _stopped_by_signals() -> threading.Event:
    stop = threading.Event()

    def tell(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, tell)
    return stop
