"""How far a metric can change at all, whatever is done for customers."""

import math

from experiments.metric_definition import MetricDefinition


def too_wide(definition: MetricDefinition, change: float) -> str | None:
    """Say why a metric cannot change by so much.

    Args:
        definition: of the metric.
        change: absolute and positive, on its scale.

    Returns:
        A sentence for the field; None where it can.
    """
    if change < _width(definition):
        return None
    if definition.is_share:
        return "A share cannot change by 100 percentage points or more. Enter less."
    if definition.is_mean_answer:
        return f"Enter less than {definition.answer_width:g}, the length of the scale."
    return f"Enter fewer than {definition.day} days, the time looked at."


def _width(definition: MetricDefinition) -> float:
    if definition.is_share:
        return 1.0
    if definition.is_mean_answer:
        return definition.answer_width
    if definition.is_amount:
        return math.inf
    return float(definition.day)
