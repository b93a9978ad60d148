"""`abide import`: a file becomes stored data, a registered experiment and a result.

Nothing is stored of a file that has a fault. The same file imported twice is stored
once; a corrected one takes the place of what it corrects (one row per customer), or
adds what is new (events).
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from analysis import import_steps as steps
from analysis import pipeline
from analysis.compactor import compact_once
from analysis.import_recording import recorded
from analysis.import_request import Request
from analysis.import_steps import Asked
from analysis.import_units import UnitRows
from analysis.imported_rows import RowFile
from analysis.row_faults import RowFaults
from analysis.store import EventStore
from experiments.context import Context
from experiments.inbox import Inbox
from experiments.privacy import load_pseudonymiser

# Given what is counted and how much of it there is; yields what is told of progress.
Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, or in a dry run would do.

    Attributes:
        summary: in words.
        run_id: of the analysis that followed; None where there was none.
    """

    summary: str
    run_id: int | None = None


def import_file(context: Context, request: Request, progress: Progress) -> Imported:
    """Import a file, and analyse the experiment it is of.

    Args:
        context: settings, database and clock.
        request: what and how.
        progress: shows how far it is.

    Returns:
        What was done.

    Raises:
        InvalidInput: the file or the request has faults; nothing was stored.
        Conflict: what is there already does not fit.
    """
    file = RowFile(request.path)
    with recorded(context, request, file.row_count) as faults:
        asked = steps.read_asked(context, request)
        if request.variant is None:
            return _import_events(context, asked, file, faults, progress)
        return _import_units(context, asked, file, faults, progress)


def _import_units(
    context: Context,
    asked: Asked,
    file: RowFile,
    faults: RowFaults,
    progress: Progress,
) -> Imported:
    columns = steps.unit_columns(asked, file)
    units = UnitRows(columns, faults, load_pseudonymiser(context.settings))
    with progress("Checking rows", file.row_count) as advance:
        units.read(file, advance)
    gone = steps.leave_out_unwilling(context, units)
    steps.require_units(asked, units.variants)
    said = f"{steps.people(units.variants)} in {file.path.name}"
    if gone:
        said += f", without {gone:,} who were erased or opted out,"
    if asked.request.dry_run:
        return Imported(f"{said}: no faults. Nothing was stored (dry run).")
    stored = steps.store_units(context, asked, units, file.digest())
    return Imported(f"{said} {stored}.", _analysed(context, asked.key))


def _import_events(
    context: Context,
    asked: Asked,
    file: RowFile,
    faults: RowFaults,
    progress: Progress,
) -> Imported:
    events = steps.event_import(context, asked, file)
    with progress("Checking rows", file.row_count) as advance:
        found = events.check(asked.key, faults, advance)
    steps.require_events(asked, found)
    steps.require_other(context, asked, found)
    said = f"{found.count:,} events in {file.path.name}"
    if asked.request.dry_run:
        return Imported(f"{said}: no faults. Nothing was stored (dry run).")
    steps.prepare_events(context, asked, found)
    known = steps.repeats(context, asked.source)
    inbox = Inbox.for_settings(context.settings)
    try:
        with progress("Storing rows", file.row_count) as advance:
            events.send(inbox, advance)
    finally:
        inbox.close()
    compact_once(context)
    steps.finish_events(context, asked)
    # Counted at the source: another process may have taken them into the store.
    repeated = steps.repeats(context, asked.source) - known
    before = f" ({repeated:,} were stored before)"
    summary = f"{said} are stored{before if repeated else ''}."
    return Imported(summary, _analysed(context, asked.key))


def _analysed(context: Context, key: str | None) -> int | None:
    if key is None:
        return None
    return pipeline.analyse(context, EventStore(context.settings), key)


@contextmanager
def silently(_what: str, _total: int) -> Iterator[Callable[[int], None]]:
    """Show nothing of the progress."""
    yield lambda _done: None
