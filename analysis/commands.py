"""`abide analyse`, `compact`, `erase`, `import` and more: from a terminal."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import click

from experiments import data_requests, logs
from experiments.actors import SYSTEM
from experiments.commands import command_context, refusals_in_words
from experiments.context import Context
from experiments.db import transaction
from experiments.errors import InvalidInput, Unavailable
from experiments.installation import address_of, require_set_up
from experiments.models import AnalysisRun, Certificate
from experiments.privacy import load_pseudonymiser
from experiments.vocabulary import ErasureState, IdKind, RunState

# Each command loads the statistics it needs itself: servers, which know the commands
# too, must start without them.

PATIENCE = timedelta(minutes=10)
ERASURE_SECONDS = 120.0
WAIT_SECONDS = 0.5
FOR_PEOPLE = "WARNING"  # what is logged where somebody reads the terminal
# Customers' requests come first: these processes take what time is left.
COMPACTOR_NICENESS = 5
SCHEDULER_NICENESS = 19


@click.command()
@click.argument("key")
@click.option(
    "--as-of",
    type=click.DateTime(),
    help="Use only what had arrived by then (UTC). Pages go on showing the latest.",
)
def analyse(key: str, as_of: datetime | None) -> None:
    """Analyse the experiment KEY now and store the result."""
    from analysis import pipeline  # noqa: PLC0415
    from analysis.store import EventStore  # noqa: PLC0415

    context = _context(FOR_PEOPLE)
    with refusals_in_words():
        require_set_up(context.settings)
        _refuse_future(context, as_of)
        _take_in(context)
        store = EventStore(context.settings)
        run_id = pipeline.analyse(context, store, key, _utc(as_of), patience=PATIENCE)
        say_result(context, run_id)


@click.command()
@click.argument("metric")
@click.option(
    "--comparisons",
    type=int,
    default=1000,
    show_default=True,
    help="Of equal groups; a quarter as many with a planted difference.",
)
@click.option("--simulate", is_flag=True, help="Invent the customers.")
def certify(metric: str, comparisons: int, *, simulate: bool) -> None:
    """Compare equal groups by METRIC, again and again, and store what they say."""
    from analysis.certificates.certify import certify_now, trial_size  # noqa: PLC0415
    from analysis.certificates.report import printed  # noqa: PLC0415
    from analysis.store import EventStore  # noqa: PLC0415

    context = _context(FOR_PEOPLE)
    with refusals_in_words():
        require_set_up(context.settings)
        _take_in(context)
        size = trial_size(comparisons)
        with _shown_progress("Comparing equal groups", size) as advance:
            number = certify_now(
                context,
                EventStore(context.settings),
                metric,
                comparisons=comparisons,
                simulate=simulate,
                told=lambda: advance(1),
            )
    with transaction(context.sessions) as session:
        row = session.get_one(Certificate, number)
        if row.error is not None:
            raise click.ClickException(row.error)
        click.echo(printed(row))


@click.command()
def demo() -> None:
    """Fill the demo company into the Abide that runs here."""
    from analysis.demo import is_filled  # noqa: PLC0415
    from analysis.demo_filling import fill_demo  # noqa: PLC0415

    context = _context(FOR_PEOPLE)
    with refusals_in_words():
        require_set_up(context.settings)
        if is_filled(context):
            click.echo("The demo company is here already.")
        else:
            fill_demo(context)


@click.command()
@click.pass_obj
def schedule(works: Mapping[str, Callable[[Context], object]] | None) -> None:
    """Analyse at the planned times, until stopped."""
    from analysis.scheduler import further_jobs, run_scheduler  # noqa: PLC0415

    os.nice(SCHEDULER_NICENESS)
    context = _context()
    further = further_jobs(context, works or {})
    run_scheduler(context, _stopped_by_signals(), further)


@click.command()
def compact() -> None:
    """Take events from the inboxes into the analytic store, until stopped."""
    from analysis.compactor import run_compactor  # noqa: PLC0415

    os.nice(COMPACTOR_NICENESS)
    run_compactor(_context(), _stopped_by_signals())


@click.command()
@click.argument("customer_id")
@click.option("--anonymous", is_flag=True, help="The id is an anonymousId.")
def erase(customer_id: str, *, anonymous: bool) -> None:
    """Erase everything about the customer CUSTOMER_ID, and drop what still comes."""
    from analysis.compactor import erase_once  # noqa: PLC0415

    context = _context(FOR_PEOPLE)
    with refusals_in_words():
        with transaction(context.sessions) as session:
            number = data_requests.request_erasure(
                session,
                load_pseudonymiser(context.settings),
                customer_id,
                _id_kind(anonymous),
                actor=SYSTEM,
                now=context.now(),
            ).id
        deadline = time.monotonic() + ERASURE_SECONDS
        while not _is_erased(context, number):
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"Erasure {number} waits: an analysis is running. Events of this"
                    " customer are dropped from now on; the rest follows by itself."
                )
            if not erase_once(context) or not _is_erased(context, number):
                time.sleep(WAIT_SECONDS)
    with transaction(context.sessions) as session:
        count = data_requests.get(session, number).event_count
    click.echo(f"Erased: {count:,} rows. Results that were stored before stay.")


def _is_erased(context: Context, number: int) -> bool:
    with transaction(context.sessions) as session:
        state = data_requests.get(session, number).state
    return state == ErasureState.DONE.value


def _id_kind(anonymous: bool) -> IdKind:  # noqa: FBT001  # it is the whole question
    return IdKind.ANONYMOUS if anonymous else IdKind.CUSTOMER


@click.command("export-customer")
@click.argument("customer_id")
@click.option("--anonymous", is_flag=True, help="The id is an anonymousId.")
def export_customer(customer_id: str, *, anonymous: bool) -> None:
    """Print everything that is stored about CUSTOMER_ID, as JSON."""
    import orjson  # noqa: PLC0415

    from analysis.customer_data import copy_of  # noqa: PLC0415

    context, kind = _context(FOR_PEOPLE), _id_kind(anonymous)
    with refusals_in_words():
        _take_in(context)
        hide = load_pseudonymiser(context.settings)
        with transaction(context.sessions) as session:
            copy = copy_of(context, hide, customer_id, kind)
            data_requests.note_export(session, kind, actor=SYSTEM, now=context.now())
    click.echo(orjson.dumps(copy, option=orjson.OPT_INDENT_2).decode())


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--experiment", help="Key of the experiment; registered when new.")
@click.option(
    "--outcome",
    multiple=True,
    help="NAME=KIND[:DAY], as in came_back=retention:7. NAME is a column, or with"
    " events an event. The first one decides.",
)
@click.option("--variant", help="Column of the variant; says that rows are customers.")
@click.option("--customer", default="customer", show_default=True, help="Its column.")
@click.option("--control", help="The variant that is control.")
@click.option("--name", default="", help="Name of the experiment.")
@click.option("--owner", help="E-mail of its owner; the first administrator if none.")
@click.option("--matters", type=float, help="Smallest change that matters, as 0.01.")
@click.option("--scale", type=int, help="Top survey score; 5, or as planned.")
@click.option("--satisfied-from", type=int, help="A good score; 4, or as planned.")
@click.option("--source", help="Name of the events' source; the file's if none.")
@click.option("--began", type=click.DateTime(), help="When the experiment began (UTC).")
@click.option("--ended", type=click.DateTime(), help="When it ended (UTC).")
@click.option(
    "--complete-through",
    type=click.DateTime(),
    help="Events are complete up to then (UTC).",
)
@click.option(
    "--again",
    is_flag=True,
    help="Store events although another source had the very same ones.",
)
@click.option("--dry-run", is_flag=True, help="Check the file and store nothing.")
@click.option(
    "--rejects",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write every fault of a row into this CSV file.",
)
def import_file(file: Path, **asked: Any) -> None:  # noqa: ANN401  # click's options
    """Import FILE: a finished experiment as CSV or Parquet, with its result."""
    from analysis import importing  # noqa: PLC0415
    from analysis.import_outcomes import Scale  # noqa: PLC0415
    from analysis.import_request import Request  # noqa: PLC0415

    context = _context(FOR_PEOPLE)
    parts = {"top": asked["scale"], "satisfied_from": asked["satisfied_from"]}
    said = {part: score for part, score in parts.items() if score is not None}
    request = Request(
        path=file,
        experiment=asked["experiment"],
        name=asked["name"],
        owner=asked["owner"],
        control=asked["control"],
        matters=asked["matters"],
        outcomes=asked["outcome"],
        scale=Scale(**said) if said else None,
        variant=asked["variant"],
        customer=asked["customer"],
        source=asked["source"],
        begins_at=_utc(asked["began"]),
        ends_at=_utc(asked["ended"]),
        complete_through=_utc(asked["complete_through"]),
        again=asked["again"],
        dry_run=asked["dry_run"],
        rejects=asked["rejects"],
    )
    with refusals_in_words():
        _refuse_same(file, request.rejects)
        imported = importing.import_file(context, request, _shown_progress)
        click.echo(imported.summary)
        if imported.run_id is not None:
            say_result(context, imported.run_id)
            page = f"/experiments/{request.experiment}/results"
            click.echo(f"{address_of(context.settings)}{page}")


def _refuse_same(file: Path, rejects: Path | None) -> None:
    if rejects is not None and rejects.exists() and rejects.samefile(file):
        raise InvalidInput("--rejects is the file that is imported. Name another.")


@contextmanager
def _shown_progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import Progress  # noqa: PLC0415

    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=total or None)
        yield lambda done: bar.advance(task, done)
        bar.update(task, total=total, completed=total)


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)


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


def _refuse_future(context: Context, as_of: datetime | None) -> None:
    moment, now = _utc(as_of), context.now()
    if moment is not None and moment > now:
        raise InvalidInput(
            "An analysis cannot look into the future.",
            {"as_of": f"Give a time before now, {now:%Y-%m-%d %H:%M} UTC."},
        )


def _take_in(context: Context) -> None:
    """Take in what waits in the inboxes; say so when it could not be had in time."""
    from analysis.compactor import compact_once  # noqa: PLC0415

    try:
        compact_once(context)
    except Unavailable as error:
        click.echo(f"{error.message} Analysing what is there.", err=True)


def _context(log_level: str | None = None) -> Context:
    context = command_context()
    logs.configure(log_level or context.settings.log_level)
    return context


def _stopped_by_signals() -> threading.Event:
    stop = threading.Event()

    def tell(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, tell)
    return stop
