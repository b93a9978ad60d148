"""What would fit where a plan takes too long: earlier signals, and wider segments."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from analysis.baselines import Baseline, known_baseline
from analysis.plan_values import PlanQuestion
from analysis.planner import plan_ahead
from analysis.stats.duration import DAYS_A_WEEK
from experiments import metrics, segments
from experiments.metric_definition import MetricDefinition
from experiments.models import Metric
from experiments.vocabulary import EVERYBODY

MOST_LOOKED_AT = 100  # metrics, and segments
MOST_NAMED = 2  # of each


@dataclass(frozen=True, slots=True)
class OtherPlan:
    """Another metric, or other customers, by which the same change is found in time.

    Attributes:
        weeks: until the last customer counts.
        metric: key of it.
        segment: key of it; "" for all customers.
        name: of what is other: of the metric, or of the segment.
        is_wider: whether the customers are other ones, and not the metric.
    """

    weeks: int
    metric: str
    segment: str
    name: str
    is_wider: bool = False


def others_that_fit(
    database: Session, question: PlanQuestion, row: Metric, where: tuple[str, int]
) -> tuple[OtherPlan, ...]:
    """Find metrics and segments by which the same change would be found in time.

    Only what is known from the project's own data is named: a metric of the same kind
    whose outcome is known earlier, for the same customers; or the same metric for other
    customers.

    Args:
        database: any session.
        question: what takes too long.
        row: the primary metric.
        where: key and version of the segment; "" for all customers.

    Returns:
        At most two of each, the shortest first; none where accounts are drawn, of which
        baselines say nothing.
    """
    if question.scheme.accounts is not None:
        return ()
    signals = _shortest(_signals(database, question, row, where))
    return (*signals, *_shortest(_segments(database, question, row, where)))


def others_in_words(others: tuple[OtherPlan, ...]) -> str:
    """Name what would fit; "" where nothing is known that does."""
    said = [
        f"the same metric for {each.name}, in {each.weeks} weeks"
        if each.is_wider
        else f"{each.name} for the same customers, in {each.weeks} weeks"
        for each in others
    ]
    return f"By your own data this would fit: {'; or '.join(said)}." if said else ""


def _shortest(found: Iterator[OtherPlan]) -> list[OtherPlan]:
    return sorted(found, key=lambda each: (each.weeks, each.name))[:MOST_NAMED]


def _signals(
    database: Session, question: PlanQuestion, row: Metric, where: tuple[str, int]
) -> Iterator[OtherPlan]:
    for other in metrics.listing(database, limit=MOST_LOOKED_AT):
        version = other.versions[-1]
        definition = metrics.definition_of(version)
        if other.id == row.id or not _is_earlier(definition, question.definition):
            continue
        known = known_baseline(database, version, *where)
        weeks = _weeks(replace(question, definition=definition), known)
        if weeks is not None:
            yield OtherPlan(weeks, other.key, where[0], other.name)


def _is_earlier(one: MetricDefinition, asked: MetricDefinition) -> bool:
    """Whether a metric says the same kind of thing, on the same scale, sooner."""
    alike = (one.kind, one.direction, one.scale, one.unit)
    return (
        alike == (asked.kind, asked.direction, asked.scale, asked.unit)
        and one.maturity < asked.maturity
    )


def _segments(
    database: Session, question: PlanQuestion, row: Metric, where: tuple[str, int]
) -> Iterator[OtherPlan]:
    version = row.versions[-1]
    named = [(EVERYBODY, 0, "all customers")]
    named += [
        (other.key, other.versions[-1].version, f'the segment "{other.name}"')
        for other in segments.listing(database, limit=MOST_LOOKED_AT)
        if other.versions[-1].condition
    ]
    for key, number, name in named:
        if key != where[0]:
            known = known_baseline(database, version, key, number)
            weeks = _weeks(question, known)
            if weeks is not None:
                yield OtherPlan(weeks, row.key, key, name, is_wider=True)


def _weeks(question: PlanQuestion, known: Baseline | None) -> int | None:
    """Weeks until the last customer counts; None where it takes too long as well."""
    if known is None or known.arrivals is None:
        return None
    scheme = replace(question.scheme, arrivals=known.arrivals)
    asked = replace(question, basis=known.basis, scheme=scheme, guardrails=(), parts=())
    lasts = plan_ahead(asked).lasts
    return None if lasts is None else math.ceil(lasts.total_days / DAYS_A_WEEK)
