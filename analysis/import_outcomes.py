"""Outcomes of a file as they are written on the command line."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from experiments.errors import InvalidInput
from experiments.metric_definition import (
    AMOUNTS,
    SURVEYS,
    USUAL_CAP_SHARE,
    MetricDefinition,
)
from experiments.survey_kinds import NPS_TOP, PROMOTERS_FROM
from experiments.vocabulary import Direction, MetricKind, SurveyKind

# A file says of these, in one column or one event, all that their definition needs.
IMPORTED = (
    MetricKind.RETENTION,
    MetricKind.CHURN,
    MetricKind.TIME_TO_CHURN,
    MetricKind.CSAT_MEAN,
    MetricKind.CSAT_SHARE,
    MetricKind.NPS,
    MetricKind.CES_MEAN,
    MetricKind.CES_SHARE,
    MetricKind.EVENT_COUNT,
    MetricKind.VALUE_SUM,
)
KIND_WORDS = ", ".join(kind.value for kind in IMPORTED)
DEFAULT_SURVEY_DAY = 30
ANY_SURVEY = frozenset(kind.value for kind in SurveyKind)
_SPEC = re.compile(r"(?P<name>.+)=(?P<kind>[a-z_]+)(:(?P<day>\d{1,3}))?")


class Scale(NamedTuple):
    """How a file's survey scores are read."""

    top: int = 5
    satisfied_from: int = 4


@dataclass(frozen=True, slots=True)
class Outcome:
    """An outcome that the file is to be read for.

    Attributes:
        name: column of a file with one row per customer; else an event, or for a
            survey its name ("csat", "nps" and "ces" are any).
        definition: of the metric.
        key: of the metric.
        title: its name.
    """

    name: str
    definition: MetricDefinition
    key: str
    title: str


def read_outcomes(
    texts: Sequence[str], scale: Scale, *, columns: bool
) -> tuple[Outcome, ...]:
    """Read outcomes as they are written on the command line.

    Args:
        texts: NAME=KIND or NAME=KIND:DAY each, as in "came_back=retention:7".
        scale: of surveys.
        columns: whether names are columns; else they are events.

    Returns:
        The outcomes in order; the first is the primary metric.

    Raises:
        InvalidInput: names what cannot be read.
    """
    outcomes = [_read_outcome(text, scale, columns=columns) for text in texts]
    titles = [outcome.title for outcome in outcomes]
    for i, outcome in enumerate(outcomes):
        if titles.count(outcome.title) > 1:
            outcomes[i] = replace(outcome, title=f"{outcome.title} ({outcome.name})")
    return tuple(outcomes)


def _read_outcome(text: str, scale: Scale, *, columns: bool) -> Outcome:
    found = _SPEC.fullmatch(text)
    kinds = {kind.value for kind in IMPORTED}
    if found is None or found["kind"] not in kinds:
        raise InvalidInput(
            f'"{text}" must be NAME=KIND or NAME=KIND:DAY, as in came_back=retention:7;'
            f" the kinds are {KIND_WORDS}."
        )
    kind, name = MetricKind(found["kind"]), found["name"].strip()
    if found["day"] is None and kind not in SURVEYS:
        raise InvalidInput(f'"{text}" needs a day, as in {name}={kind.value}:30.')
    if columns and kind == MetricKind.TIME_TO_CHURN:
        raise InvalidInput(
            f'"{text}" needs event times; a file with one row per customer has none.'
        )
    day = int(found["day"] or DEFAULT_SURVEY_DAY)
    definition = _definition(kind, name, day, scale)
    definition.check()
    parts = [name] if columns else [name, kind.value, str(day)]
    return Outcome(name, definition, _slug("-".join(parts)), _title(kind, day))


def _definition(
    kind: MetricKind, name: str, day: int, scale: Scale
) -> MetricDefinition:
    falls = kind == MetricKind.CHURN
    if kind == MetricKind.NPS:
        scale = Scale(NPS_TOP, PROMOTERS_FROM)
    if kind in AMOUNTS:
        return MetricDefinition(
            kind=kind,
            direction=Direction.INCREASE,
            events=(name,),
            day=0,
            window_days=day,
            cap_share=USUAL_CAP_SHARE[kind],
        )
    return MetricDefinition(
        kind=kind,
        direction=Direction.DECREASE if falls else Direction.INCREASE,
        events=() if kind in SURVEYS else (name,),
        day=day,
        survey=name if kind in SURVEYS and name not in ANY_SURVEY else "",
        scale=scale.top,
        satisfied_from=scale.satisfied_from,
    )


def _title(kind: MetricKind, day: int) -> str:
    return {
        MetricKind.RETENTION: f"Day-{day} retention",
        MetricKind.CHURN: f"Churn by day {day}",
        MetricKind.TIME_TO_CHURN: "Time to churn",
        MetricKind.EVENT_COUNT: f"Events in {day} days",
        MetricKind.VALUE_SUM: f"Sum of values in {day} days",
        MetricKind.CSAT_MEAN: "CSAT",
        MetricKind.CSAT_SHARE: "Satisfied customers",
        MetricKind.NPS: "NPS",
        MetricKind.CES_MEAN: "Effort score",
        MetricKind.CES_SHARE: "Found it easy",
    }[kind]


def _slug(text: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return (slug or "outcome")[:64]
