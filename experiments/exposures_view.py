"""What exposures name: experiments and variants that are ours, and others."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from experiments.models import Experiment, ExposureDay
from experiments.vocabulary import Environment, NamedState, Status

SHOWN = timedelta(days=7)
MOST_SHOWN = 200
_NOT_BEGUN = frozenset({Status.DRAFT.value, Status.IN_REVIEW.value})


@dataclass(frozen=True, slots=True)
class Named:
    """What exposures of the last seven days name.

    Attributes:
        exposure_count: events, of all sources; a customer may send several.
        contradicting_count: those that the rules in force had not assigned.
        sources: public ids of the keys they came with.
    """

    experiment: str
    variant: str
    state: NamedState
    exposure_count: int
    contradicting_count: int
    sources: tuple[str, ...]
    last_at: datetime


def named(session: Session, now: datetime) -> list[Named]:
    """List what production exposures name, what is unknown first.

    Args:
        session: any session.
        now: aware UTC.

    Returns:
        At most 200 pairs of experiment and variant.
    """
    table = ExposureDay
    pairs = session.execute(
        select(
            table.experiment,
            table.variant,
            func.sum(table.exposure_count).label("total"),
            func.sum(table.contradicting_count).label("contradicting"),
            func.max(table.last_at).label("last_at"),
        )
        .where(
            table.environment == Environment.PRODUCTION.value,
            table.day_at >= now - SHOWN,
        )
        .group_by(table.experiment, table.variant)
        .order_by(func.sum(table.exposure_count).desc())
        .limit(MOST_SHOWN)
    ).all()
    keys = {pair.experiment for pair in pairs}
    known = {
        row.key: row
        for row in session.scalars(
            select(Experiment)
            .where(Experiment.key.in_(keys))
            .options(selectinload(Experiment.variants))
        )
    }
    found = [
        Named(
            pair.experiment,
            pair.variant,
            _state(known.get(pair.experiment), pair.variant),
            int(pair.total),
            int(pair.contradicting),
            _sources(session, pair.experiment, pair.variant, now),
            pair.last_at,
        )
        for pair in pairs
    ]
    order = list(NamedState)
    return sorted(found, key=lambda one: (order.index(one.state), -one.exposure_count))


def _state(experiment: Experiment | None, variant: str) -> NamedState:
    if experiment is None:
        return NamedState.UNKNOWN_EXPERIMENT
    if variant not in {one.name for one in experiment.variants}:
        return NamedState.UNKNOWN_VARIANT
    if experiment.status in _NOT_BEGUN:
        return NamedState.NOT_STARTED
    return NamedState.KNOWN


def _sources(
    session: Session, experiment: str, variant: str, now: datetime
) -> tuple[str, ...]:
    table = ExposureDay
    query = select(table.source).where(
        table.experiment == experiment,
        table.variant == variant,
        table.environment == Environment.PRODUCTION.value,
        table.day_at >= now - SHOWN,
    )
    return tuple(session.scalars(query.distinct().order_by(table.source)))


def by_day(session: Session, experiment: str) -> list[ExposureDay]:
    """Read an experiment's production exposures by day, source and variant.

    Args:
        session: any session.
        experiment: its key.

    Returns:
        Newest day first; of the last 60 days at most.
    """
    table = ExposureDay
    query = select(table).where(
        table.experiment == experiment,
        table.environment == Environment.PRODUCTION.value,
    )
    return list(
        session.scalars(
            query.order_by(table.day_at.desc(), table.source, table.variant)
        )
    )
