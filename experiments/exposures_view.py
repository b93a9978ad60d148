"""What exposures name: experiments and variants that are ours, and others."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, selectinload

from experiments.models import Experiment, ExposureDay, RecentExposure
from experiments.vocabulary import Environment, NamedState, Status

SHOWN = timedelta(days=7)
MOST_SHOWN = 200
LATEST = 10  # exposures of one experiment that are kept to be looked at
START_BYTES = 2  # of a pseudonym: four letters
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
    sources = _sources(session, now)
    found = [
        Named(
            pair.experiment,
            pair.variant,
            _state(known.get(pair.experiment), pair.variant),
            int(pair.total),
            int(pair.contradicting),
            sources[pair.experiment, pair.variant],
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


def _sources(session: Session, now: datetime) -> dict[tuple[str, str], tuple[str, ...]]:
    """Read who sent what, by experiment and variant, with one question."""
    table = ExposureDay
    query = (
        select(table.experiment, table.variant, table.source)
        .where(
            table.environment == Environment.PRODUCTION.value,
            table.day_at >= now - SHOWN,
        )
        .distinct()
        .order_by(table.source)
    )
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for experiment, variant, source in session.execute(query):
        place = (experiment, variant)
        found[place] = (*found.get(place, ()), source)
    return found


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


def start_of(pseudonym: bytes) -> str:
    """Give the first letters of a pseudonym, by which own tests are found again."""
    return pseudonym[:START_BYTES].hex()


def latest(session: Session, experiment: str) -> list[RecentExposure]:
    """Read the last production exposures of an experiment, newest first."""
    table = RecentExposure
    query = select(table).where(table.experiment == experiment)
    return list(session.scalars(query.order_by(table.id.desc()).limit(LATEST)))


def erase(session: Session, ids: Collection[bytes]) -> None:
    """Drop what may be of these customers."""
    starts = {start_of(pseudonym) for pseudonym in ids}
    session.execute(
        delete(RecentExposure).where(RecentExposure.customer_start.in_(starts))
    )


@dataclass(frozen=True, slots=True)
class Arrived:
    """What came for one experiment within seven days, to find why nobody counts.

    Attributes:
        counted: production exposures that name it and one of its variants.
        misnamed: production exposures that name it and another variant.
        unknown: experiments named by production exposures that nobody has here.
        development: exposures that name it and came with development keys.
    """

    counted: int
    misnamed: int
    unknown: tuple[str, ...]
    development: int


def arrived(session: Session, experiment: Experiment, now: datetime) -> Arrived:
    """Look for the usual causes of an experiment without customers.

    Args:
        session: any session.
        experiment: whose.
        now: aware UTC.

    Returns:
        Counts of events; a customer may send several.
    """
    table = ExposureDay
    rows = session.execute(
        select(table.environment, table.variant, func.sum(table.exposure_count))
        .where(table.experiment == experiment.key, table.day_at >= now - SHOWN)
        .group_by(table.environment, table.variant)
    ).all()
    names = {variant.name for variant in experiment.variants}
    counted = misnamed = development = 0
    for environment, variant, count in rows:
        if environment != Environment.PRODUCTION.value:
            development += int(count)
        elif variant in names:
            counted += int(count)
        else:
            misnamed += int(count)
    others = (
        select(table.experiment)
        .where(
            table.environment == Environment.PRODUCTION.value,
            table.day_at >= now - SHOWN,
            table.experiment.not_in(select(Experiment.key)),
        )
        .distinct()
        .order_by(table.experiment)
        .limit(3)
    )
    unknown = tuple(session.scalars(others))
    return Arrived(counted, misnamed, unknown, development)
