"""What a metric means, in words."""

from collections.abc import Callable, Mapping

from analysis import wording
from analysis.plan_basis import Basis
from experiments.metric_definition import NO_CAP, MetricDefinition
from experiments.vocabulary import Amount, Direction, MetricKind, SurveyKind


def definition_in_words(definition: MetricDefinition) -> str:
    """Say how events become one outcome per customer.

    Args:
        definition: complete and checked.

    Returns:
        One to three sentences.
    """
    return f"{_outcome(definition)}{_before(definition)}"


def _outcome(definition: MetricDefinition) -> str:
    if definition.is_amount:
        return _amount(definition)
    if definition.is_survey:
        return _answers(definition)
    day = definition.day
    if definition.kind == MetricKind.RETENTION:
        when = f"on day {day}"
        if definition.window_days > 1:
            when = f"in days {day} to {day + definition.window_days - 1}"
        return (
            f"Share of customers who are active {when} after they first saw the"
            f" change. {_activity(definition)}"
        )
    return _WRITERS[definition.kind](definition)


def _answers(definition: MetricDefinition) -> str:
    day = definition.day
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


def _amount(definition: MetricDefinition) -> str:
    above = _taken(definition.events, adds=definition.adds_values)
    when = _window(definition)
    if definition.kind == MetricKind.RATIO:
        adds = definition.per_amount == Amount.SUM
        below = _taken(definition.per_events, adds=adds)
        return f"{_capital(above)} for each one of {below}, of all customers {when}."
    if definition.kind == MetricKind.VALUE_QUANTILE:
        return (
            f"{_capital(above)} of a customer {when}: what"
            f" {_share_below(definition)} of customers stay below, those without any"
            " as 0."
        )
    return (
        f"{_capital(above)} of a customer {when}, on average, those without any as 0."
        f"{_cap(definition)}"
    )


def amount_in_words(definition: MetricDefinition) -> str:
    """Say in a few words what the number of an amount is.

    Args:
        definition: of any metric.

    Returns:
        Such as "capped mean per customer"; "" where the metric is no amount.
    """
    if definition.kind == MetricKind.RATIO:
        return "ratio of two sums"
    if definition.kind == MetricKind.VALUE_QUANTILE:
        return f"{_share_below(definition)} of customers are below"
    if not definition.is_amount:
        return ""
    capped = "capped mean" if definition.cap_share < NO_CAP else "mean"
    return f"{capped} per customer"


def _share_below(definition: MetricDefinition) -> str:
    return f"{wording.exact(definition.quantile_share * 100)} %"


def _taken(events: tuple[str, ...], *, adds: bool) -> str:
    names = wording.joined([f'"{name}"' for name in events])
    return f"sum of the values of {names}" if adds else f"number of {names}"


def _window(definition: MetricDefinition) -> str:
    day, days = definition.day, definition.window_days
    if day == 0:
        return f"within {days} days after they first saw the change"
    return f"from day {day} to {day + days - 1} after they first saw the change"


def _cap(definition: MetricDefinition) -> str:
    if definition.cap_share == NO_CAP:
        return ""
    above = wording.exact((1 - definition.cap_share) * 100)
    return (
        f" The {above} % of customers with the most count as the one just below them"
        " (capped mean)."
    )


def _before(definition: MetricDefinition) -> str:
    if not definition.covariate_days:
        return ""
    what = "the same"
    if definition.is_survey:
        what = _taken(definition.events, adds=False)
    return f" Adjusted for {what} in the {definition.covariate_days} days before that."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _came_back(definition: MetricDefinition) -> str:
    end = definition.day + definition.window_days
    return (
        f"Share of customers who came back on day {definition.day} or later, watched to"
        f" day {end}. {_activity(definition)}"
    )


def _churn(definition: MetricDefinition) -> str:
    return (
        f"Share of customers for whom {definition.gap_days} days without activity"
        f" begin by day {definition.day}. {_activity(definition)}"
    )


def _time_to_churn(definition: MetricDefinition) -> str:
    return (
        f"Days until {definition.gap_days} days without activity begin, looked at"
        f" up to day {definition.day}. {_activity(definition)}"
    )


def _cancellation(definition: MetricDefinition) -> str:
    return (
        f"Share of customers with {_either(definition.events)} by day"
        f" {definition.day}.{_beside(definition)}"
    )


def _time_to_cancellation(definition: MetricDefinition) -> str:
    return (
        f"Days until {_either(definition.events)}, looked at up to day"
        f" {definition.day}.{_beside(definition)}"
    )


def _time_to_event(definition: MetricDefinition) -> str:
    until = f"until {_either(definition.events)}, looked at up to day {definition.day}"
    if not definition.start_events:
        return f"Days from first seeing the change {until}."
    return (
        f"Days from the first {_either(definition.start_events)} {until}. It counts"
        f" when it starts within {definition.window_days} days of first seeing the"
        " change."
    )


def _event_share(definition: MetricDefinition) -> str:
    begin, length = definition.day, definition.window_days
    when = (
        f"in days {begin} to {begin + length - 1} after"
        if begin
        else (f"within {length} {'day' if length == 1 else 'days'} after")
    )
    times = {1: "", 2: " twice or more"}.get(
        definition.at_least, f" {definition.at_least} times or more"
    )
    return (
        f"Share of customers with {_either(definition.events)}{times} {when} they first"
        " saw the change."
    )


def _funnel(definition: MetricDefinition) -> str:
    steps = ", then ".join(f'"{name}"' for name in definition.events)
    return (
        f"Share of customers who did {steps} within {definition.day} days after they"
        " first saw the change."
    )


def _first_contact(definition: MetricDefinition) -> str:
    return (
        f"Of customers with {_either(definition.events)} within {definition.day} days"
        " after they first saw the change, the share for whom no other follows within"
        f" {definition.gap_days} days."
    )


_WRITERS: Mapping[MetricKind, Callable[[MetricDefinition], str]] = {
    MetricKind.UNBOUNDED_RETENTION: _came_back,
    MetricKind.CHURN: _churn,
    MetricKind.TIME_TO_CHURN: _time_to_churn,
    MetricKind.CANCELLATION: _cancellation,
    MetricKind.TIME_TO_CANCELLATION: _time_to_cancellation,
    MetricKind.TIME_TO_EVENT: _time_to_event,
    MetricKind.EVENT_SHARE: _event_share,
    MetricKind.FUNNEL: _funnel,
    MetricKind.FIRST_CONTACT_RESOLUTION: _first_contact,
}


def stands_at(definition: MetricDefinition, basis: Basis) -> str:
    """Say where a metric stands, by the project's own data.

    Args:
        definition: of the metric.
        basis: with its source.

    Returns:
        One sentence; "" where nothing is known.
    """
    source = basis.source
    if source is None or basis.value is None:
        return ""
    error = (basis.sd or 0.5) / source.customers**0.5  # of a share at most
    if definition.is_time:
        share = wording.percent(basis.value)
        stands = f"{share} are still without the event after {definition.day} days"
    else:
        measure = wording.measure_of(definition)
        decimals = wording.decimals_for(measure.shown(2 * error))
        value = wording.value_on_scale(basis.value, definition, decimals)
        stands = f"it stands at {value}"
    return (
        f"By your own data, {stands}: of {wording.count(source.customers)} customers,"
        f" seen from {wording.date(source.since)} to {wording.date(source.until)},"
        " each from their first day in these weeks."
    )


def better(definition: MetricDefinition) -> str:
    """Say which way is better for customers."""
    higher = definition.direction == Direction.INCREASE
    return "Higher is better" if higher else "Lower is better"


def _activity(definition: MetricDefinition) -> str:
    return f"Activity is {_either(definition.events)}."


def _either(names: tuple[str, ...]) -> str:
    return " or ".join(f'"{name}"' for name in names)


def _beside(definition: MetricDefinition) -> str:
    """Say which other cause takes customers away."""
    if not definition.competing_events:
        return ""
    return (
        f" Who had {_either(definition.competing_events)} before can no longer cancel,"
        " and is not taken for somebody who stays."
    )
