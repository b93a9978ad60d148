"""What a metric means, in words."""

from analysis import wording
from experiments.metric_definition import MetricDefinition
from experiments.vocabulary import Direction, MetricKind, SurveyKind


def definition_in_words(definition: MetricDefinition) -> str:
    """Say how events become one outcome per customer.

    Args:
        definition: complete and checked.

    Returns:
        One or two sentences.
    """
    day = definition.day
    if definition.kind == MetricKind.RETENTION:
        when = f"on day {day}"
        if definition.window_days > 1:
            when = f"in days {day} to {day + definition.window_days - 1}"
        return (
            f"Share of customers who are active {when} after they first saw the"
            f" change. {_activity(definition)}"
        )
    if definition.kind == MetricKind.CHURN:
        return (
            f"Share of customers for whom {definition.gap_days} days without activity"
            f" begin by day {day}. {_activity(definition)}"
        )
    if definition.kind == MetricKind.TIME_TO_CHURN:
        return (
            f"Days until {definition.gap_days} days without activity begin, looked at"
            f" up to day {day}. {_activity(definition)}"
        )
    asks = (definition.survey_kind or SurveyKind.CSAT).value.upper()
    survey = f'"{definition.survey}"' if definition.survey else f"any {asks} survey"
    first = f"first answer to {survey} within {day} days"
    if definition.kind == MetricKind.NPS:
        return (
            f"Share of promoters (9 or 10) less share of detractors (0 to 6), in points"
            f" of 100, by the {first}."
        )
    if definition.is_mean_answer:
        return f"Mean of the {first}, on the {wording.scale(definition.scale)}."
    return (
        f"Share of customers whose {first} is {definition.satisfied_from} or more"
        f" of {definition.scale}."
    )


def better(definition: MetricDefinition) -> str:
    """Say which way is better for customers."""
    higher = definition.direction == Direction.INCREASE
    return "Higher is better" if higher else "Lower is better"


def _activity(definition: MetricDefinition) -> str:
    names = [f'"{name}"' for name in definition.events]
    return f"Activity is {' or '.join(names)}."
