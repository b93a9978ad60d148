"""The read side of a trail: assigned, exposed, analysed, with an outcome, by day.

Everything was counted by the last good run, up to one midnight; nothing is counted
here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy.orm import Session

from analysis import glossary, results, wording
from analysis.reconciliation import counted, explained
from analysis.trail import Place, Trail, from_json
from experiments.models import Experiment
from experiments.vocabulary import Reached, Unit

SHOWN = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Difference:
    """How many customers are not in the next count, and why."""

    reason: Reached
    customer_count: int
    words: str  # to be read after the number


@dataclass(frozen=True, slots=True)
class Counts:
    """How many customers came how far; accounts where these are drawn.

    Attributes:
        assigned_count: within some 2 %; None where no door was asked.
        with_outcome_count: None where a metric failed, so that nobody counted them.
        differences: from exposed to analysed to with an outcome; with those that have
            one they add up to the exposed.
    """

    assigned_count: int | None
    exposed_count: int
    analysed_count: int
    with_outcome_count: int | None
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class CountedDay:
    """The customers whose first exposure came on one day (UTC) with one source.

    `counts.assigned_count` are those the key was asked for on that day: who is asked
    for on several days is in each of them.
    """

    day_at: datetime
    source: str
    counts: Counts


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What the last good run counted.

    Attributes:
        until: a midnight (UTC); what happened later is in no count.
        sentences: the totals in words, and where their differences come from.
        total: of all days and sources.
        days: of the last 60, newest first, then by source.
    """

    until: datetime
    sentences: tuple[str, ...]
    total: Counts
    days: tuple[CountedDay, ...]


def read(session: Session, experiment: Experiment) -> Reconciliation | None:
    """Read how far an experiment's customers came.

    Args:
        session: any session.
        experiment: whose.

    Returns:
        What the last good run of its present phase counted; None before there is one,
        or where its data have no times.
    """
    run = results.latest(session, experiment)
    body = None if run is None else run.counts.get("trail")
    if run is None or body is None:
        return None
    trail = from_json(body)
    assigned = run.counts["assigned"]
    asked = _assigned_by_place(assigned)
    found = trail.by_place()
    since = (trail.until - SHOWN).date()
    places = sorted(
        (place for place in found.keys() | asked.keys() if place.day >= since),
        key=lambda place: (-place.day.toordinal(), place.source),
    )
    total, unit = assigned["customers"], Unit(experiment.unit)
    said = counted(total or 0, trail), *explained(total or 0, trail)
    return Reconciliation(
        trail.until,
        tuple(wording.of_units(sentence, unit) for sentence in said),
        _counts(total, trail),
        tuple(
            CountedDay(
                datetime.combine(place.day, time(), trail.until.tzinfo),
                place.source,
                _counts(asked.get(place), found.get(place, Trail(trail.until))),
            )
            for place in places
        ),
    )


def _assigned_by_place(assigned: Mapping[str, Any]) -> dict[Place, int]:
    return {
        Place(datetime.fromisoformat(day).date(), key): n
        for day, key, n in assigned["places"]
    }


def _counts(assigned: int | None, trail: Trail) -> Counts:
    return Counts(
        assigned,
        trail.exposed,
        trail.analysed,
        trail.with_outcome,
        tuple(
            Difference(reached, n, glossary.REACHED_WORDS[reached])
            for reached, n in trail.differences.items()
        ),
    )
