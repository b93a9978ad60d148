"""A difference that is really there, planted into one group, for the power.

Each kind of outcome has its way, which the certificate says:
- yes or no: so many customers of the group, drawn by chance, get the other outcome;
- answers: so many of them answer one point higher (or lower), of NPS 10 (or 0);
- times and cancellations: so many of those with the event are left without it, followed
  for as long as they would have been;
- amounts: everybody in the group has so much more; of a ratio, for each one below.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from analysis.certificates.customers import Flags, Known
from analysis.measure import Mark
from experiments.metric_definition import MetricDefinition
from experiments.survey_kinds import NPS_TOP
from experiments.vocabulary import Direction, MetricKind

UNDONE, FLIPPED, ANSWERED, SHIFTED = "undone", "flipped", "answered", "shifted"


@dataclass(frozen=True, slots=True)
class Planting:
    """How a difference is planted.

    Attributes:
        way: one of the four.
        rises: whether single outcomes are raised; False lowers them.
        share: of the group's customers who are changed; 1 for amounts.
        amount: of an amount, how much more each has; else 0.
        effect: the difference that this makes, on the metric's scale.
    """

    way: str
    rises: bool
    share: float
    amount: float = 0.0
    effect: float = 0.0


def way_of(definition: MetricDefinition) -> str:
    """Say in which way a metric's outcomes can be changed."""
    if definition.is_followed:
        return UNDONE
    if definition.is_amount:
        return SHIFTED
    return ANSWERED if definition.is_survey else FLIPPED


def is_good(definition: MetricDefinition) -> bool:
    """Whether a rise of the outcome is better for customers."""
    return definition.direction == Direction.INCREASE


def planted(
    definition: MetricDefinition, known: Known, planting: Planting, chosen: Flags
) -> Known:
    """Change what is known of some customers.

    Args:
        definition: of the metric.
        known: at one look.
        planting: how.
        chosen: of each customer known at the look, whether theirs is changed.

    Returns:
        What would be known.
    """
    there = chosen & (known.mark != int(Mark.IMMATURE)) & ~known.missing
    return _WAYS[planting.way](definition, known, planting, there)


def _undone(
    _definition: MetricDefinition, known: Known, _planting: Planting, there: Flags
) -> Known:
    hit = there & (known.mark == int(Mark.NOTED))
    return replace(
        known,
        value=np.where(hit, known.last_day, known.value),
        mark=np.where(hit, int(Mark.PLAIN), known.mark),
    )


def _flipped(
    definition: MetricDefinition, known: Known, planting: Planting, there: Flags
) -> Known:
    value = np.where(there, float(planting.rises), known.value)
    if definition.kind != MetricKind.FUNNEL:
        return replace(known, value=value)
    steps = len(definition.events) if planting.rises else 0
    changed = there & (known.value != float(planting.rises))
    return replace(known, value=value, mark=np.where(changed, steps, known.mark))


def _answered(
    definition: MetricDefinition, known: Known, planting: Planting, there: Flags
) -> Known:
    if definition.kind == MetricKind.NPS:
        moved = np.full_like(known.value, NPS_TOP if planting.rises else 0)
    elif definition.counts_upper_box:
        other = definition.scale if planting.rises else 1
        moved = np.full_like(known.value, other)
    else:
        step = 1.0 if planting.rises else -1.0
        moved = np.clip(known.value + step, 1.0, definition.scale)
    finite = there & np.isfinite(known.value)
    return replace(known, value=np.where(finite, moved, known.value))


def _shifted(
    definition: MetricDefinition, known: Known, planting: Planting, there: Flags
) -> Known:
    more = planting.amount if planting.rises else -planting.amount
    by = known.beside["per"] if definition.kind == MetricKind.RATIO else 1.0
    return replace(known, value=np.where(there, known.value + more * by, known.value))


_Way = Callable[[MetricDefinition, Known, Planting, Flags], Known]
_WAYS: dict[str, _Way] = {
    UNDONE: _undone,
    FLIPPED: _flipped,
    ANSWERED: _answered,
    SHIFTED: _shifted,
}
