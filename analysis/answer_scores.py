"""What an answer to a survey counts, by the metric's kind: pure."""

from collections.abc import Callable

from analysis.stats.satisfaction import promotes
from experiments.metric_definition import MetricDefinition
from experiments.vocabulary import MetricKind


def score_of(definition: MetricDefinition) -> Callable[[float], float]:
    """Give the function from answer to score.

    Args:
        definition: of a survey metric.

    Returns:
        An answer's own number; 1 or 0 where the upper box counts; +-100 or 0 for NPS.
    """
    if definition.kind == MetricKind.NPS:
        return promotes
    if not definition.counts_upper_box:
        return float
    least = definition.satisfied_from

    def satisfied(score: float) -> float:
        return float(score >= least)

    return satisfied
