"""How many customers were assigned, as the doors have counted."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

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


def by_variant(session: Session, experiment: str, phase: int) -> dict[str, int]:
    """Estimate how many customers got each variant in a phase.

    Args:
        session: any session.
        experiment: its key.
        phase: from 1.

    Returns:
        Variant -> customers, within some 2 %; nothing where nobody asked.
    """
    rows = session.execute(
        select(AssignedDay.variant, AssignedDay.customers).where(
            AssignedDay.experiment == experiment, AssignedDay.phase == phase
        )
    )
    merged: dict[str, bytearray] = defaultdict(sketch.new)
    for variant, customers in rows:
        sketch.merge(merged[variant], sketch.unpack(customers))
    return {variant: sketch.estimate(found) for variant, found in merged.items()}


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
