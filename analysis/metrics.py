"""Which measure reads a metric: one for each kind, in the file of its family."""

from analysis.measure import Gauge, Measure
from analysis.measures_activity import Churn, Retention, TimeToChurn
from analysis.measures_paths import EventShare, FirstContactResolution, FunnelSteps
from analysis.measures_survey import Survey
from analysis.measures_time import Cancellation, TimeToEvent
from analysis.measures_value import AmountMeasure
from experiments.metric_definition import AMOUNTS, MetricDefinition
from experiments.vocabulary import MetricKind

MEASURES: dict[MetricKind, type[Measure]] = {
    MetricKind.RETENTION: Retention,
    MetricKind.UNBOUNDED_RETENTION: Retention,
    MetricKind.CHURN: Churn,
    MetricKind.TIME_TO_CHURN: TimeToChurn,
    MetricKind.CANCELLATION: Cancellation,
    MetricKind.TIME_TO_CANCELLATION: Cancellation,
    MetricKind.TIME_TO_EVENT: TimeToEvent,
    MetricKind.EVENT_SHARE: EventShare,
    MetricKind.FUNNEL: FunnelSteps,
    MetricKind.FIRST_CONTACT_RESOLUTION: FirstContactResolution,
    MetricKind.CSAT_MEAN: Survey,
    MetricKind.CSAT_SHARE: Survey,
    MetricKind.NPS: Survey,
    MetricKind.CES_MEAN: Survey,
    MetricKind.CES_SHARE: Survey,
}


def measure_of(definition: MetricDefinition, name: str, exponent: int = 0) -> Gauge:
    """Say how a metric is measured.

    Args:
        definition: of the metric.
        name: prefix of its columns, unique in one query.
        exponent: the power of two by which values of events become whole numbers.

    Returns:
        The measure of its kind.
    """
    if definition.kind in AMOUNTS:
        return AmountMeasure(name, definition, exponent)
    return MEASURES[definition.kind](name, definition)
