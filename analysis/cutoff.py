"""Up to when a result's sources are complete: the watermark, never simply "now".

A customer counts only when the whole window lies before it; otherwise an hour of
delay in the data would look like an hour of inactivity (statistics 4.1).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from experiments.config import Settings
from experiments.imported_sources import names_under_way, through_when_whole
from experiments.models import ApiKey, EventSource
from experiments.plan import Plan, PlannedMetric
from experiments.survey_kinds import FACTS, HOSTED_SOURCE
from experiments.vocabulary import Environment


@dataclass(frozen=True, slots=True)
class Source:
    """How far one source of production events is known.

    Attributes:
        name: public id of its key, or id of an import.
        is_import: whether it was read from a file.
        is_closed: its key was revoked, so that nothing more can come from it.
        complete_through: live: receipt time up to which all of it is stored; import:
            as declared, None before it is whole.
        importing_through: up to when an import under way, or broken off, would make
            it complete; None when there is none.
        last_received_at: when the last event arrived; None before the first.
        event_names: which events it has sent, or is about to.
    """

    name: str
    is_import: bool
    is_closed: bool
    complete_through: datetime | None
    last_received_at: datetime | None
    event_names: frozenset[str]
    importing_through: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cutoff:
    """The watermark of one analysis, and what holds it back.

    Attributes:
        at: data are complete up to here.
        frozen: sources that fell silent, so that `at` stands still at their last event.
        primary_frozen: those of them that the primary metric needs.
        unseen: events that the plan's metrics name and no source has sent yet.
        unfinished: imports that are not whole, so that `at` stands where they began.
        primary_unfinished: those of them that the primary metric needs.
    """

    at: datetime
    frozen: tuple[str, ...] = ()
    primary_frozen: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    primary_unfinished: tuple[str, ...] = ()


def read_sources(session: Session) -> list[Source]:
    """Read all sources of production events, in order of their name."""
    production = Environment.PRODUCTION.value
    rows = session.scalars(
        select(EventSource)
        .where(EventSource.environment == production)
        .order_by(EventSource.source)
    )
    revoked = set(
        session.scalars(select(ApiKey.public_id).where(ApiKey.revoked_at.is_not(None)))
    )
    return [
        Source(
            name=row.source,
            is_import=row.is_import,
            is_closed=row.source in revoked,
            complete_through=row.complete_through,
            last_received_at=row.last_received_at,
            event_names=frozenset([*row.event_names, *names_under_way(row)]),
            importing_through=through_when_whole(row),
        )
        for row in rows
    ]


def data_cutoff(
    plan: Plan, sources: Sequence[Source], as_of: datetime, settings: Settings
) -> Cutoff:
    """Find up to when the data that the plan's metrics name are complete.

    The earliest of their sources decides. A live source is complete up to what is
    stored of it, less its allowed lateness; silent for longer than is usual, it is
    complete up to its last event only. An import is complete up to what was declared,
    and one that is not whole up to the experiment's beginning; one that ends before
    has no part in it. A source whose key was revoked can hold nothing back: whatever
    it had to say has been said.

    Args:
        plan: names the events by its metrics.
        sources: of production events.
        as_of: nothing later is known.
        settings: allowed lateness and usual silence, in hours.

    Returns:
        Cutoff. Where no source has sent any of the events, all live sources decide.
    """
    wanted = {event for metric in plan.metrics for event in _events_of(metric)}
    open_ones = [source for source in sources if not source.is_closed]
    named = [
        source
        for source in open_ones
        if source.event_names & wanted and not _is_over(source, plan)
    ]
    named = named or [source for source in open_ones if not source.is_import]
    known = {s.name: _known(s, plan.exposures_from, as_of, settings) for s in named}
    lateness = timedelta(hours=settings.allowed_lateness_hours)
    frozen = [source for source in named if known[source.name][1]]
    unfinished = [source for source in named if source.importing_through is not None]
    primary = set(_events_of(plan.primary))
    sent = {event for source in sources for event in source.event_names}
    return Cutoff(
        at=min((at for at, _ in known.values()), default=as_of - lateness),
        frozen=_names(frozen),
        primary_frozen=_names(s for s in frozen if s.event_names & primary),
        unseen=tuple(sorted(wanted - sent)),
        unfinished=_names(unfinished),
        primary_unfinished=_names(s for s in unfinished if s.event_names & primary),
    )


def _names(sources: Iterable[Source]) -> tuple[str, ...]:
    return tuple(source.name for source in sources)


def _events_of(metric: PlannedMetric) -> Iterable[str]:
    """Name the events a metric reads, as a source lists them."""
    asks = metric.definition.survey_kind
    if asks is not None:
        return (FACTS[asks].request_name, FACTS[asks].answer_name)
    return metric.definition.all_events


def _is_over(source: Source, plan: Plan) -> bool:
    began = plan.exposures_from
    ends = (source.complete_through, source.importing_through)
    return source.is_import and all(at is None or at <= began for at in ends)


def _known(
    source: Source, begins_at: datetime, as_of: datetime, settings: Settings
) -> tuple[datetime, bool]:
    """Up to when a source is complete, and whether it fell silent."""
    through = min(source.complete_through or begins_at, as_of)
    if source.is_import:
        return through, False
    lateness = timedelta(hours=settings.allowed_lateness_hours)
    if source.name == HOSTED_SOURCE:  # our own page cannot stop telling us
        return through - lateness, False
    last = source.last_received_at or through
    silence = timedelta(hours=settings.source_silence_hours)
    if through - last > silence:
        return last - lateness, True
    return through - lateness, False
