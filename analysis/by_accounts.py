"""Which estimator compares two variants where accounts are drawn: pure."""

from analysis.answer_scores import score_of
from analysis.stats.clustered import (
    NPS,
    SHARE,
    clustered_answers,
    clustered_share,
)
from analysis.stats.clusters import Clusters
from analysis.stats.estimate import Outcome
from analysis.stats.summary import Funnel, Histogram, Successes, Summary
from experiments.metric_definition import MetricDefinition
from experiments.vocabulary import MetricKind

Arm = tuple[Summary, Clusters]


def by_accounts(
    definition: MetricDefinition, control: Arm, treatment: Arm, level: float
) -> Outcome:
    """Compare two summaries by the estimator of the metric's kind.

    Args:
        definition: of the metric.
        control: summary and clusters of control.
        treatment: of the treatment, summary of the same kind.
        level: confidence level, 0 to 1.

    Returns:
        The estimate, whose errors are those of accounts, or the reason why not.

    Raises:
        TypeError: there is no estimator for such summaries.
    """
    (c, ours), (t, theirs) = control, treatment
    if isinstance(c, Successes) and isinstance(t, Successes):
        return clustered_share((c, ours), (t, theirs), level)
    if isinstance(c, Funnel) and isinstance(t, Funnel):
        return clustered_share((c.finished, ours), (t.finished, theirs), level)
    if isinstance(c, Histogram) and isinstance(t, Histogram):
        return _answers(definition, (c, ours), (t, theirs), level)
    raise TypeError(f"no estimator for {type(c).__name__} and {type(t).__name__}")


def _answers(
    definition: MetricDefinition,
    control: tuple[Histogram, Clusters],
    treatment: tuple[Histogram, Clusters],
    level: float,
) -> Outcome:
    limits = None
    if definition.kind == MetricKind.NPS:
        limits = NPS
    elif definition.counts_upper_box:
        limits = SHARE
    score = score_of(definition)
    return clustered_answers(control, treatment, score, level, limits)
