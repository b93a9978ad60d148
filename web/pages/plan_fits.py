"""What would fit where a plan takes too long: earlier signals, and wider segments."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from analysis.baselines import EVERYBODY, Baseline, known_baseline
from experiments import metrics, segments
from experiments.metric_definition import MetricDefinition
from experiments.models import Metric

if TYPE_CHECKING:
    from analysis.plan_values import PlanQuestion

MOST_LOOKED_AT = 100  # metrics, and segments
MOST_NAMED = 2  # of each
DAYS_A_WEEK = 7


def others_that_fit(
    database: Session, question: "PlanQuestion", row: Metric, where: tuple[str, int]
) -> str:
    """Name metrics and segments by which the same change would be found in time.

    Only what is known from the project's own data is named: a metric of the same kind
    whose outcome is known earlier, for the same customers; or the same metric for other
    customers.

    Args:
        database: any session.
        question: what takes too long; for customers that are drawn one by one.
        row: the primary metric.
        where: key and version of the segment; "" for all customers.

    Returns:
        A sentence; "" where nothing is known that fits.
    """
    if question.scheme.accounts is not None:
        return ""
    signals = _shortest(_signals(database, question, row, where))
    wider = _shortest(_segments(database, question, row, where))
    said = [
        *(
            f"{name} for the same customers, in {weeks} weeks"
            for weeks, name in signals
        ),
        *(f"the same metric for {name}, in {weeks} weeks" for weeks, name in wider),
    ]
    return f"By your own data this would fit: {'; or '.join(said)}." if said else ""


def _shortest(found: Iterator[tuple[int, str]]) -> list[tuple[int, str]]:
    return sorted(found)[:MOST_NAMED]


def _signals(
    database: Session, question: "PlanQuestion", row: Metric, where: tuple[str, int]
) -> Iterator[tuple[int, str]]:
    for other in metrics.listing(database, limit=MOST_LOOKED_AT):
        version = other.versions[-1]
        definition = metrics.definition_of(version)
        if other.id == row.id or not _is_earlier(definition, question.definition):
            continue
        known = known_baseline(database, version, *where)
        weeks = _weeks(replace(question, definition=definition), known)
        if weeks is not None:
            yield weeks, other.name


def _is_earlier(one: MetricDefinition, asked: MetricDefinition) -> bool:
    """Whether a metric says the same kind of thing, on the same scale, sooner."""
    alike = (one.kind, one.direction, one.scale, one.unit)
    return (
        alike == (asked.kind, asked.direction, asked.scale, asked.unit)
        and one.maturity < asked.maturity
    )


def _segments(
    database: Session, question: "PlanQuestion", row: Metric, where: tuple[str, int]
) -> Iterator[tuple[int, str]]:
    version = row.versions[-1]
    if where[0] != EVERYBODY:
        weeks = _weeks(question, known_baseline(database, version, EVERYBODY, 0))
        if weeks is not None:
            yield weeks, "all customers"
    for other in segments.listing(database, limit=MOST_LOOKED_AT):
        newest = other.versions[-1].version
        if other.key != where[0] and other.versions[-1].condition:
            known = known_baseline(database, version, other.key, newest)
            weeks = _weeks(question, known)
            if weeks is not None:
                yield weeks, f'the segment "{other.name}"'


def _weeks(question: "PlanQuestion", known: Baseline | None) -> int | None:
    """Weeks until the last customer counts; None where it takes too long as well."""
    from analysis.planner import plan_ahead  # noqa: PLC0415  # only who asks pays

    if known is None or known.arrivals is None:
        return None
    scheme = replace(question.scheme, arrivals=known.arrivals)
    asked = replace(question, basis=known.basis, scheme=scheme, guardrails=(), parts=())
    lasts = plan_ahead(asked).lasts
    return None if lasts is None else math.ceil(lasts.total_days / DAYS_A_WEEK)
