"""Where an analysis takes its numbers from: the store of events, or a unit table."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from analysis.bounds import Bounds
from analysis.cells import Summaries
from analysis.cutoff import Cutoff, data_cutoff
from analysis.exploring import Measuring
from analysis.progress import analysed_size
from analysis.segment_size import segment_per_quarter
from analysis.store import EventStore
from analysis.subject import Subject
from analysis.unit_store import UnitStore
from analysis.unit_table import summarise_units
from analysis.warehouse import summarise_events
from experiments.assigned_view import Assigned, assigned_until
from experiments.context import Context
from experiments.db import transaction
from experiments.metric_definition import KEEPING
from experiments.plan import Plan

SCRATCH = "scratch"


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the data say, and how far they go."""

    summaries: Summaries
    cutoff: Cutoff | None  # None for a unit table
    store_version: int
    as_of: datetime
    measure: Measuring  # of the same customers, whatever another plan asks
    files: tuple[str, ...] = ()  # of events; none for a unit table
    assigned: Assigned = field(default_factory=Assigned)  # by doors, of whole days


def gather(
    context: Context, store: EventStore, subject: Subject, as_of: datetime
) -> Gathered:
    """Read all that an analysis needs of an experiment's data.

    Args:
        context: database and settings.
        store: the events; a unit table of the experiment comes before them.
        subject: the experiment.
        as_of: what arrived later does not exist for it.

    Returns:
        The summaries, and the way to more of the same customers.
    """
    plan, settings = subject.plan, context.settings
    scratch = settings.data_dir / SCRATCH
    units = UnitStore(settings).of(plan.design.key)
    if units is not None:
        measure = partial(
            summarise_units,
            files=units.files,
            scratch=scratch,
            opted_out=subject.opted_out,
        )
        return Gathered(measure(plan), None, units.version, as_of, measure)
    snapshot = store.snapshot()
    cutoff = data_cutoff(plan, subject.sources, as_of, settings)
    bounds = Bounds(
        as_of=as_of,
        data_cutoff=cutoff.at,
        exposures_until=subject.closes_at,
        breaks=subject.breaks,
        size=analysed_size(plan),
        earlier_from=subject.earlier_from,
        listed=subject.listed,
        previews=subject.previews,
        opted_out=subject.opted_out,
    )
    measure = partial(
        summarise_events, files=snapshot.files, bounds=bounds, scratch=scratch
    )
    summaries = measure(plan, earlier=subject.earlier)
    with transaction(context.sessions) as session:
        assigned = assigned_until(
            session, plan.design.key, plan.phase, bounds.whole_days_until
        )
    again = partial(measure, with_makeup=False)
    version = snapshot.version
    return Gathered(summaries, cutoff, version, as_of, again, snapshot.files, assigned)


def segment_size(context: Context, plan: Plan, gathered: Gathered) -> int | None:
    """Count the customers of the segment, where a sentence can speak of them."""
    until = gathered.summaries.exposures.last_at
    kinds = {metric.definition.kind for metric in plan.metrics}
    if until is None or not kinds & KEEPING:
        return None
    scratch = context.settings.data_dir / SCRATCH
    return segment_per_quarter(plan, gathered.files, gathered.as_of, until, scratch)
