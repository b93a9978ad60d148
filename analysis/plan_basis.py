"""What is known of a metric before an experiment: where it stands, and its spread.

It comes from the project's own data, or was stated by whoever plans. All kinds of
metrics need but one of three things: a share, a standard deviation, or the share that
is still without an event day by day.
"""

from dataclasses import dataclass
from datetime import datetime

from analysis.stats.estimate import NotComputable
from analysis.stats.power_factors import quantile_spread
from analysis.stats.time_power import Shares, days_without, steady
from experiments.metric_definition import MetricDefinition
from experiments.vocabulary import MetricKind


@dataclass(frozen=True, slots=True)
class Source:
    """The customers from whom something is known.

    Attributes:
        customers: how many counted.
        since: first of the days on which they were first seen.
        until: end of these days.
        segment: key of the segment they are of; "" for all customers.
    """

    customers: int
    since: datetime
    until: datetime
    segment: str = ""


@dataclass(frozen=True, slots=True)
class Basis:
    """What is known of one metric.

    Attributes:
        value: where it stands, on its scale; of a time, the share without the event at
            the end of the last day.
        sd: standard deviation of one customer who counts, as the estimator of the kind
            sees it; None for shares and times, which need none.
        counted_share: customers who answer, or are counted at all, 0 to 1.
        correlation: of the outcome with what came before, where it is adjusted for.
        shares: of a time, still without the event at the end of day 1, 2, ...
        source: None where it was stated.
    """

    value: float | None = None
    sd: float | None = None
    counted_share: float = 1.0
    correlation: float = 0.0
    shares: Shares = ()
    source: Source | None = None


def stated(
    definition: MetricDefinition,
    value: float | None,
    sd: float | None,
    counted_share: float = 1.0,
) -> Basis:
    """Take what somebody says of a metric.

    Args:
        definition: of the metric.
        value: where it stands; of a time, the share without the event on the last day.
        sd: standard deviation of the outcome over customers.
        counted_share: customers who answer, or are counted at all.

    Returns:
        The basis. A quantile's spread is that of a bell curve, and a time's hazard the
        same on every day.
    """
    shares: Shares = ()
    if definition.is_time and value is not None:
        found = steady(value, definition.day)
        shares = () if isinstance(found, NotComputable) else found
    if definition.kind == MetricKind.VALUE_QUANTILE and sd is not None:
        spread = quantile_spread(sd, definition.quantile_share)
        sd = None if isinstance(spread, NotComputable) else spread
    return Basis(value, sd, counted_share, shares=shares)


def lacks(definition: MetricDefinition, basis: Basis) -> str | None:
    """Name what a size needs and is not known: "baseline" or "sd"; None for nothing."""
    if definition.has_spread:
        return "sd" if basis.sd is None else None
    return "baseline" if basis.value is None else None


def spread_of(definition: MetricDefinition, basis: Basis) -> float | None:
    """Tell the standard deviation of one customer; None where it is not known."""
    if definition.has_spread:
        return basis.sd
    if definition.is_time:
        return days_without(basis.shares)[1] if basis.shares else None
    if basis.value is None or not 0 < basis.value < 1:
        return None
    return float((basis.value * (1 - basis.value)) ** 0.5)
