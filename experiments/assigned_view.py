"""How many customers were assigned, as the doors have counted."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from experiments import sketch
from experiments.models import AssignedDay

SHOWN = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class AssignedCount:
    """What one key asked about one variant on one day of arrival (UTC).

    Attributes:
        evaluation_count: how often it was assigned.
        customer_count: to about how many customers, within some 2 %.
    """

    day_at: datetime
    source: str
    variant: str
    evaluation_count: int
    customer_count: int


@dataclass(frozen=True, slots=True)
class Assigned:
    """How many customers the doors have assigned, within some 2 %.

    Attributes:
        by_variant: variant -> customers; nothing where nobody asked.
        by_place: day (UTC) and key that asked -> customers, each once on each day.
    """

    by_variant: Mapping[str, int] = field(default_factory=dict)
    by_place: Mapping[tuple[date, str], int] = field(default_factory=dict)


def assigned_until(
    session: Session, experiment: str, phase: int, until: datetime
) -> Assigned:
    """Estimate how many customers were assigned in a phase before a midnight.

    Args:
        session: any session.
        experiment: its key.
        phase: from 1.
        until: aware UTC; counts are kept by day.

    Returns:
        Assigned, of days of arrival before `until`.
    """
    rows = session.execute(
        select(
            AssignedDay.variant,
            AssignedDay.day_at,
            AssignedDay.source,
            AssignedDay.customers,
        ).where(
            AssignedDay.experiment == experiment,
            AssignedDay.phase == phase,
            AssignedDay.day_at < until,
        )
    )
    variants: dict[str, bytearray] = defaultdict(sketch.new)
    places: dict[tuple[date, str], bytearray] = defaultdict(sketch.new)
    for variant, day_at, source, customers in rows:
        found = sketch.unpack(customers)
        sketch.merge(variants[variant], found)
        sketch.merge(places[day_at.date(), source], found)
    return Assigned(
        {variant: sketch.estimate(found) for variant, found in variants.items()},
        {place: sketch.estimate(found) for place, found in sorted(places.items())},
    )


def by_day(session: Session, experiment: str, now: datetime) -> list[AssignedCount]:
    """Read an experiment's assignments by day, source and variant, newest first.

    Args:
        session: any session.
        experiment: its key.
        now: aware UTC.

    Returns:
        Of the last 60 days.
    """
    table = AssignedDay
    query = select(table).where(
        table.experiment == experiment, table.day_at >= now - SHOWN
    )
    ordered = query.order_by(table.day_at.desc(), table.source, table.variant)
    return [
        AssignedCount(
            row.day_at,
            row.source,
            row.variant,
            row.evaluation_count,
            # An estimate may be above what can be: nobody was assigned without asking.
            min(sketch.estimate(sketch.unpack(row.customers)), row.evaluation_count),
        )
        for row in session.scalars(ordered)
    ]
