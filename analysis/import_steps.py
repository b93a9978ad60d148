"""What every import does, whether from a terminal or uploaded, step by step."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

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
from analysis.import_request import Request
from analysis.import_units import Columns, UnitRows, attribute_columns, import_id_of
from analysis.imported_rows import RowFile
from analysis.unit_store import UnitStore
from experiments import audit, data_requests, imported_sources, lifecycle, opt_outs
from experiments.actors import Actor
from experiments.context import Context
from experiments.db import transaction
from experiments.errors import InvalidInput
from experiments.events import Sender
from experiments.field_faults import Faults, check_key
from experiments.models import Attribute, EventSource
from experiments.plan import Plan
from experiments.privacy import load_pseudonymiser
from experiments.vocabulary import Environment

USUAL_LENGTH = timedelta(days=30)  # of an experiment whose file has no times
MAX_SOURCE = 64
LONGEST_NAME = 255  # of a file


@dataclass(frozen=True, slots=True)
class Asked:
    """What an import is asked to do, read against what is there.

    Attributes:
        request: as it was sent.
        key: of the experiment; None imports events alone.
        plan: of the experiment; None where it is registered from the file.
        outcomes: the first is the primary metric.
        actor: who imports, where that is known; else the request names the owner.
    """

    request: Request
    key: str | None
    plan: Plan | None
    outcomes: tuple[Outcome, ...]
    actor: Actor | None = None

    @property
    def source(self) -> str:
        """Name of the source that its events are stored under."""
        return (self.request.source or f"import-{self.request.path.stem}")[:MAX_SOURCE]

    def columns(self, attributes: tuple[str, ...]) -> Columns:
        """Say which column is what, where rows are customers."""
        request = self.request
        outcomes = {outcome.name: outcome for outcome in self.outcomes}
        return Columns(request.customer, request.variant or "", outcomes, attributes)


def read_asked(context: Context, request: Request, actor: Actor | None = None) -> Asked:
    """Read what is asked, and refuse what does not fit the experiment that is there.

    Args:
        context: settings and database.
        request: what and how.
        actor: who imports, where that is known.

    Returns:
        The same, as values.

    Raises:
        InvalidInput: something is missing, or cannot be read.
        Conflict: the experiment's plan says otherwise.
    """
    is_events = request.variant is None
    if is_events and (request.begins_at or request.ends_at):
        raise InvalidInput(
            "--began and --ended are for one row per customer (--variant COLUMN);"
            " events have their own times."
        )
    alone = is_events and request.experiment is None
    key = None if alone else _required_key(request)
    with transaction(context.sessions) as session:
        plan = None if key is None else existing_plan(session, key)
    as_planned = is_events and plan is not None and not request.outcomes
    needless = alone or as_planned
    outcomes = () if needless else _outcomes(request, plan, columns=not is_events)
    asked = Asked(request, key, plan, outcomes, actor)
    if plan and not is_events:
        require_fit(request, plan)
        stored = UnitStore(context.settings).metrics(plan.design.key)
        named = [outcome.key for outcome in outcomes]
        require_stored(stored, named, plan.design.key)
    return asked


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


# One row per customer


def unit_columns(asked: Asked, file: RowFile) -> Columns:
    """Find the columns of a file with one row per customer.

    Args:
        asked: of such a file.
        file: with a header.

    Returns:
        Its columns.

    Raises:
        InvalidInput: some are missing.
    """
    columns = asked.columns(attribute_columns(asked.plan, file))
    columns.require_in(file)
    return columns


def require_units(asked: Asked, variants: Mapping[str, int]) -> None:
    """Refuse variants that the plan does not have, or that make no experiment."""
    if asked.plan:
        require_variants(variants, asked.plan)
    else:
        require_experiment(variants, asked.request.path.name)


def store_units(context: Context, asked: Asked, units: UnitRows, digest: str) -> str:
    """Store checked units, in the place of what is stored.

    Args:
        context: settings, database and clock.
        asked: with the key of the experiment, which is registered where it is new.
        units: those who are willing.
        digest: of their file.

    Returns:
        What became of them, to follow how many they are.
    """
    key, plan = asked.key or "", asked.plan
    keys = [outcome.key for outcome in asked.outcomes]
    if plan is None:
        plan = registered(context, asked, _finished_units(asked, units, context.now()))
        keys = [_metric_key(plan, outcome) for outcome in asked.outcomes]
    store = UnitStore(context.settings)
    import_id = import_id_of(digest, units.columns, keys)
    if store.import_id(key) == import_id:
        return "were stored already"
    store.replace(key, units.table(keys, import_id))
    # Who was erased meanwhile may have been looked for before this was there.
    while leave_out_unwilling(context, units):
        store.replace(key, units.table(keys, import_id))
    return "are stored"


def leave_out_unwilling(context: Context, units: UnitRows) -> int:
    """Leave out who was erased or opted out, and say how many that takes away."""
    with transaction(context.sessions) as session:
        stones = data_requests.tombstones(session)
        return units.forget({*stones, *opt_outs.opted_out(session)})


def people(variants: Mapping[str, int]) -> str:
    """Say how many customers had which variant."""
    parts = [f"{name} {count:,}" for name, count in sorted(variants.items())]
    return f"{sum(variants.values()):,} customers ({', '.join(parts)})"


def _finished_units(asked: Asked, units: UnitRows, now: datetime) -> Finished:
    request = asked.request
    ends_at = request.ends_at or now
    return Finished(
        variants=units.variants,
        begins_at=request.begins_at or ends_at - USUAL_LENGTH,
        enrolled_until=None,
        ends_at=ends_at,
        file_name=request.path.name,
    )


def _metric_key(plan: Plan, outcome: Outcome) -> str:
    """Find the metric of the plan that an outcome became."""
    same = (m for m in plan.metrics if m.definition == outcome.definition)
    return next(same).choice.metric


# Events


def event_import(context: Context, asked: Asked, file: RowFile) -> EventImport:
    """Open a file of events for reading.

    Args:
        context: settings, database and clock.
        asked: of such a file.
        file: with a header.

    Returns:
        What reads it.
    """
    with transaction(context.sessions) as session:
        listed = frozenset(session.scalars(select(Attribute.name)))
    sender = Sender(asked.source, Environment.PRODUCTION, listed)
    hide = load_pseudonymiser(context.settings)
    return EventImport(file, sender, hide, context.now)


def require_events(asked: Asked, found: Found) -> None:
    """Refuse events that do not fit the plan, or that make no experiment."""
    if asked.plan:
        require_fit(asked.request, asked.plan)
        require_variants(found.variants, asked.plan)
    elif asked.key is not None and found.variants:
        require_experiment(found.variants, asked.request.path.name)


def require_other(context: Context, asked: Asked, found: Found) -> None:
    """Refuse the same events under the name of another source.

    Args:
        context: database.
        asked: of a file of events.
        found: in it.

    Raises:
        Conflict: names the source that had them.
    """
    if not asked.request.again:
        with transaction(context.sessions) as session:
            imported_sources.require_other(session, found.content, asked.source)


def prepare_events(context: Context, asked: Asked, found: Found) -> None:
    """Register the experiment and declare the source, before the first is stored.

    Args:
        context: settings, database and clock.
        asked: of a file of events.
        found: in it.

    Raises:
        InvalidInput: nobody was exposed.
        Conflict: the source is a live one, or another one had the same events.
    """
    require_other(context, asked, found)
    plan = asked.plan
    if asked.key is not None and plan is None:
        plan = registered(context, asked, _finished_events(asked, found))
    _declare_source(context, asked, found, plan)


def finish_events(context: Context, asked: Asked) -> None:
    """Say that a file is stored whole: its source is complete as it was declared.

    Args:
        context: database.
        asked: of a file of events, the last of which is in the store.
    """
    with transaction(context.sessions) as session:
        imported_sources.finish(session, asked.source)


def repeats(context: Context, source: str) -> int:
    """Count the messages that a source has sent more than once."""
    with transaction(context.sessions) as session:
        row = session.get(EventSource, (source, Environment.PRODUCTION.value))
        return 0 if row is None else row.duplicate_count


def _finished_events(asked: Asked, found: Found) -> Finished:
    first, last = found.first_exposed_us, found.last_exposed_us
    name = asked.request.path.name
    if first is None or last is None:
        raise InvalidInput(f'{name} has no "Experiment Viewed" event of "{asked.key}".')
    until = moment(last) + timedelta(microseconds=1)
    return Finished(
        variants=found.variants,
        begins_at=moment(first),
        enrolled_until=until,
        ends_at=max(moment(found.last_us), until),
        file_name=name,
    )


def _declare_source(
    context: Context, asked: Asked, found: Found, plan: Plan | None
) -> None:
    """Tell up to when the file will be complete, before its first event is stored."""
    windows = [metric.definition.maturity for metric in plan.metrics] if plan else []
    through = asked.request.complete_through or (
        moment(found.last_us) + max(windows, default=timedelta(0))
    )
    name = asked.request.path.name[:LONGEST_NAME]
    with transaction(context.sessions) as session:
        audit.take_turn(session)  # two imports may begin at the same moment
        if not asked.request.again:
            imported_sources.require_other(session, found.content, asked.source)
        imported_sources.begin(session, asked.source, through, found.names)
        imported_sources.note_content(
            session, found.content, asked.source, name, context.now()
        )


# Both


def registered(context: Context, asked: Asked, finished: Finished) -> Plan:
    """Register the experiment that a file is of, and give its plan.

    Args:
        context: database and clock.
        asked: with its key and outcomes.
        finished: what the file says of it.

    Returns:
        The plan, locked.
    """
    request = asked.request
    wish = Wish(
        key=asked.key or "",
        name=request.name,
        control=request.control,
        matters=request.matters,
        outcomes=asked.outcomes,
    )
    with transaction(context.sessions) as session:
        actor = asked.actor or importing_actor(session, request.owner)
        experiment = register(session, wish, finished, actor, context.now())
        return lifecycle.locked_plan(session, experiment)[0]
