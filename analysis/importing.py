"""`abide import`: a file becomes stored data, a registered experiment and a result.

Nothing is stored of a file that has a fault. The same file imported twice is stored
once; a corrected one takes the place of what it corrects (one row per customer), or
adds what is new (events).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from analysis import pipeline
from analysis.compactor import compact_once
from analysis.import_events import EventImport, Found, moment
from analysis.import_fit import (
    planned_outcomes,
    require_fit,
    require_stored,
    require_variants,
)
from analysis.import_outcomes import Outcome, Scale, read_outcomes
from analysis.import_plan import (
    Finished,
    Wish,
    existing_plan,
    importing_actor,
    register,
    require_experiment,
)
from analysis.import_recording import recorded
from analysis.import_request import Request
from analysis.import_units import Columns, UnitRows, attribute_columns, import_id_of
from analysis.imported_rows import RowFile
from analysis.row_faults import RowFaults
from analysis.store import EventStore
from analysis.unit_store import UnitStore
from experiments import data_requests, lifecycle, opt_outs
from experiments.context import Context
from experiments.db import transaction
from experiments.errors import Conflict, InvalidInput
from experiments.events import Sender
from experiments.field_faults import Faults, check_key
from experiments.inbox import Inbox
from experiments.models import Attribute, EventSource
from experiments.plan import Plan
from experiments.privacy import load_pseudonymiser
from experiments.vocabulary import Environment

USUAL_LENGTH = timedelta(days=30)  # of an experiment whose file has no times
MAX_SOURCE = 64

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
        if request.variant is None:
            return _import_events(context, request, file, faults, progress)
        return _import_units(context, request, file, faults, progress)


# One row per customer


def _import_units(
    context: Context,
    request: Request,
    file: RowFile,
    faults: RowFaults,
    progress: Progress,
) -> Imported:
    key = _required_key(request)
    store = UnitStore(context.settings)
    with transaction(context.sessions) as session:
        plan = existing_plan(session, key)
    outcomes = _outcomes(request, plan, columns=True)
    if plan:
        require_fit(request, plan)
        require_stored(store.metrics(key), [o.key for o in outcomes], key)
    columns = Columns(
        request.customer,
        request.variant or "",
        {outcome.name: outcome for outcome in outcomes},
        attribute_columns(plan, file),
    )
    columns.require_in(file)
    units = UnitRows(columns, faults, load_pseudonymiser(context.settings))
    with progress("Checking rows", file.row_count) as advance:
        units.read(file, advance)
    gone = _leave_out_unwilling(context, units)
    if plan:
        require_variants(units.variants, plan)
    else:
        require_experiment(units.variants, file.path.name)
    said = f"{_people(units.variants)} in {file.path.name}"
    if gone:
        said += f", without {gone:,} who were erased or opted out,"
    if request.dry_run:
        return Imported(f"{said}: no faults. Nothing was stored (dry run).")
    finished = Finished(
        variants=units.variants,
        begins_at=request.begins_at
        or (request.ends_at or context.now()) - USUAL_LENGTH,
        enrolled_until=None,
        ends_at=request.ends_at or context.now(),
        file_name=file.path.name,
    )
    if plan:
        keys = [outcome.key for outcome in outcomes]
    else:
        plan = _registered(context, request, outcomes, finished)
        keys = [_metric_key(plan, outcome) for outcome in outcomes]
    import_id = import_id_of(file, columns, keys)
    if store.import_id(key) == import_id:
        said += " were stored already"
    else:
        store.replace(key, units.table(keys, import_id))
        # Who was erased meanwhile may have been looked for before this was there.
        while _leave_out_unwilling(context, units):
            store.replace(key, units.table(keys, import_id))
        said += " are stored"
    return Imported(f"{said}.", _analysed(context, key))


def _leave_out_unwilling(context: Context, units: UnitRows) -> int:
    with transaction(context.sessions) as session:
        stones = data_requests.tombstones(session)
        return units.forget({*stones, *opt_outs.opted_out(session)})


# Events


def _import_events(
    context: Context,
    request: Request,
    file: RowFile,
    faults: RowFaults,
    progress: Progress,
) -> Imported:
    key = None if request.experiment is None else _required_key(request)
    with transaction(context.sessions) as session:
        plan = None if key is None else existing_plan(session, key)
        listed = frozenset(session.scalars(select(Attribute.name)))
    if request.begins_at or request.ends_at:
        raise InvalidInput(
            "--began and --ended are for one row per customer (--variant COLUMN);"
            " events have their own times."
        )
    outcomes = _event_outcomes(request, plan)
    sender = Sender(_source(request), Environment.PRODUCTION, listed)
    hide = load_pseudonymiser(context.settings)
    events = EventImport(file, sender, hide, context.now)
    with progress("Checking rows", file.row_count) as advance:
        found = events.check(key, faults, advance)
    if plan:
        require_fit(request, plan)
        require_variants(found.variants, plan)
    elif key is not None and found.variants:
        require_experiment(found.variants, file.path.name)
    said = f"{found.count:,} events in {file.path.name}"
    if request.dry_run:
        return Imported(f"{said}: no faults. Nothing was stored (dry run).")
    if key is not None and plan is None:
        finished = _finished_events(request, found, file)
        plan = _registered(context, request, outcomes, finished)
    _declare_source(context, request, sender.source, found, plan)
    known = _repeats(context, sender.source)
    inbox = Inbox.for_settings(context.settings)
    try:
        with progress("Storing rows", file.row_count) as advance:
            events.send(inbox, advance)
    finally:
        inbox.close()
    compact_once(context)
    # Counted at the source: another process may have taken them into the store.
    repeated = _repeats(context, sender.source) - known
    before = f" ({repeated:,} were stored before)"
    summary = f"{said} are stored{before if repeated else ''}."
    return Imported(summary, None if key is None else _analysed(context, key))


def _repeats(context: Context, source: str) -> int:
    with transaction(context.sessions) as session:
        row = session.get(EventSource, (source, Environment.PRODUCTION.value))
        return 0 if row is None else row.duplicate_count


def _event_outcomes(request: Request, plan: Plan | None) -> tuple[Outcome, ...]:
    if request.experiment is None or (plan and not request.outcomes):
        return ()
    return _outcomes(request, plan, columns=False)


def _finished_events(request: Request, found: Found, file: RowFile) -> Finished:
    first, last = found.first_exposed_us, found.last_exposed_us
    if first is None or last is None:
        raise InvalidInput(
            f'{file.path.name} has no "Experiment Viewed" event of'
            f' "{request.experiment}".'
        )
    until = moment(last) + timedelta(microseconds=1)
    return Finished(
        variants=found.variants,
        begins_at=moment(first),
        enrolled_until=until,
        ends_at=max(moment(found.last_us), until),
        file_name=file.path.name,
    )


def _declare_source(
    context: Context, request: Request, source: str, found: Found, plan: Plan | None
) -> None:
    """Tell up to when the file is complete, before its first event is stored."""
    windows = [metric.definition.maturity for metric in plan.metrics] if plan else []
    through = request.complete_through or (
        moment(found.last_us) + max(windows, default=timedelta(0))
    )
    with transaction(context.sessions) as session:
        row = session.get(EventSource, (source, Environment.PRODUCTION.value))
        if row is not None and not row.is_import:
            raise Conflict(f'"{source}" is a live source. Choose another --source.')
        if row is None:
            row = EventSource(
                source=source,
                environment=Environment.PRODUCTION.value,
                is_import=True,
                complete_through=through,
                event_count=0,
                duplicate_count=0,
                event_names=[],
            )
            session.add(row)
        row.complete_through = max(row.complete_through, through)


def _source(request: Request) -> str:
    return (request.source or f"import-{request.path.stem}")[:MAX_SOURCE]


# Both


def _required_key(request: Request) -> str:
    if request.experiment is None:
        raise InvalidInput("Say of which experiment the file is: --experiment KEY")
    faults = Faults()
    check_key(faults, "--experiment", request.experiment)
    for fault in faults.fields.values():
        raise InvalidInput(f"--experiment: {fault}")
    return request.experiment


def _outcomes(
    request: Request, plan: Plan | None, *, columns: bool
) -> tuple[Outcome, ...]:
    """Read the outcomes; those of a planned experiment are its metrics."""
    if not request.outcomes:
        raise InvalidInput(
            "Say what to measure, as in --outcome came_back=retention:7 (once for each"
            " metric; the first decides)."
        )
    texts, scale = request.outcomes, request.scale
    names = [text.partition("=")[0].strip() for text in texts]
    double = sorted({name for name in names if columns and names.count(name) > 1})
    if double:
        raise InvalidInput(
            f"{', '.join(double)} can be the column of one outcome only."
        )
    if plan:
        return planned_outcomes(texts, scale, plan, columns=columns)
    return read_outcomes(texts, scale or Scale(), columns=columns)


def _metric_key(plan: Plan, outcome: Outcome) -> str:
    """Find the metric of the plan that an outcome became."""
    same = (m for m in plan.metrics if m.definition == outcome.definition)
    return next(same).choice.metric


def _registered(
    context: Context,
    request: Request,
    outcomes: tuple[Outcome, ...],
    finished: Finished,
) -> Plan:
    wish = Wish(
        key=_required_key(request),
        name=request.name,
        control=request.control,
        matters=request.matters,
        outcomes=outcomes,
    )
    with transaction(context.sessions) as session:
        actor = importing_actor(session, request.owner)
        experiment = register(session, wish, finished, actor, context.now())
        return lifecycle.locked_plan(session, experiment)[0]


def _analysed(context: Context, key: str) -> int:
    return pipeline.analyse(context, EventStore(context.settings), key)


def _people(variants: Mapping[str, int]) -> str:
    parts = [f"{name} {count:,}" for name, count in sorted(variants.items())]
    return f"{sum(variants.values()):,} customers ({', '.join(parts)})"


@contextmanager
def silently(_what: str, _total: int) -> Iterator[Callable[[int], None]]:
    """Show nothing of the progress."""
    yield lambda _done: None
