"""Assignments beside exposures, by day, key and variant."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from experiments import assigned_view, exposures_view


@dataclass(frozen=True, slots=True)
class ReconciledDay:
    """One day of arrival (UTC), as one key brought it.

    Attributes:
        assigned_count: customers it was assigned for, within some 2 %; None where the
            key asked for none.
        evaluation_count: how often it was assigned; None likewise.
        exposure_count: exposures that came; a customer may send several.
        contradicting_count: those that the rules in force had not assigned.
    """

    day_at: datetime
    source: str
    variant: str
    assigned_count: int | None
    evaluation_count: int | None
    exposure_count: int
    contradicting_count: int


def by_day(session: Session, experiment: str, now: datetime) -> list[ReconciledDay]:
    """Put an experiment's assignments and exposures side by side.

    Args:
        session: any session.
        experiment: its key.
        now: aware UTC.

    Returns:
        Of the last 60 days, newest first, then by source and variant.
    """
    assigned = {
        (row.day_at, row.source, row.variant): row
        for row in assigned_view.by_day(session, experiment, now)
    }
    exposed = {
        (row.day_at, row.source, row.variant): row
        for row in exposures_view.by_day(session, experiment)
    }
    places = sorted(assigned.keys() | exposed.keys(), key=lambda place: place[1:])
    places.sort(key=lambda place: place[0], reverse=True)
    found = []
    for place in places:
        asked, seen = assigned.get(place), exposed.get(place)
        found.append(
            ReconciledDay(
                *place,
                None if asked is None else asked.customer_count,
                None if asked is None else asked.evaluation_count,
                0 if seen is None else seen.exposure_count,
                0 if seen is None else seen.contradicting_count,
            )
        )
    return found
