"""Which rows of events the metrics of a plan read, and what one reading may serve."""

from collections.abc import Sequence

from analysis.event_rows import Rows
from analysis.measure import Gauge
from experiments.survey_kinds import ANSWERS, REQUESTS
from experiments.vocabulary import EventKind

SURVEY_KINDS = frozenset({*REQUESTS, *ANSWERS})


def asked_for(events: Rows, measures: Sequence[Gauge]) -> Rows:
    """Keep the events that some of these metrics read."""
    if _are_surveys(measures):
        return events.filter(events.kind.isin([kind.value for kind in SURVEY_KINDS]))
    names = {name for m in measures for name in m.definition.all_events}
    return events.filter(
        events.kind == EventKind.ACTIVITY.value, events.name.isin(sorted(names))
    )


def read_alike(measures: Sequence[Gauge]) -> bool:
    """Whether every row that is read counts alike for all these metrics."""
    if _are_surveys(measures) or any(measure.needs_names for measure in measures):
        return False
    asked = [m.definition for m in measures]
    sides = {frozenset(names) for d in asked for names in (d.events, d.per_events)}
    return len(sides - {frozenset()}) == 1


def can_read_before_too(measures: Sequence[Gauge]) -> bool:
    """Whether one pass can read what came before the exposure and after it."""
    return all(m.bears_earlier_rows for m in measures)


def _are_surveys(measures: Sequence[Gauge]) -> bool:
    return bool(measures[0].kinds == SURVEY_KINDS)
