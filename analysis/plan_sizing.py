"""Sizes for every kind of metric, in customers, for one look at the end.

What the estimator of the kind is, decides: shares, means (also of ratios and quantiles,
by the spread of what they linearise to), or days without an event. Adjustment takes
1 - rho^2 of the customers, and where not everybody answers, more have to be asked.
"""

import math
from dataclasses import dataclass, replace

from analysis.plan_basis import Basis, lacks, spread_of
from analysis.stats.detectable import detectable_mean, detectable_proportion
from analysis.stats.estimate import NotComputable
from analysis.stats.event_power import SurvivalSize
from analysis.stats.harm_power import chance_to_rule_out, size_to_rule_out
from analysis.stats.power import (
    Demand,
    SampleSize,
    size_for_means,
    size_for_proportions,
    size_with_silence,
    whole_sizes,
)
from analysis.stats.power_factors import adjusted_share
from analysis.stats.time_power import detectable_days, size_for_days
from experiments.metric_definition import MetricDefinition
from experiments.vocabulary import Direction, Reason


@dataclass(frozen=True, slots=True)
class Needed:
    """What a comparison needs.

    Attributes:
        size: customers to expose.
        events: of a time, those in control and one treatment together.
        hazard_ratio: of a time, treatment against control.
    """

    size: SampleSize
    events: int | None = None
    hazard_ratio: float | None = None


def needed(
    definition: MetricDefinition, basis: Basis, effect: float, demand: Demand
) -> Needed | NotComputable:
    """Work out who has to be exposed to find a change towards better.

    Args:
        definition: of the metric.
        basis: what is known of it.
        effect: change to detect, absolute and positive, on the metric's scale.
        demand: alpha, power, treatments and ratio.

    Returns:
        The size, or the reason with the field at fault in its facts.
    """
    field = lacks(definition, basis)
    if field is not None:
        return NotComputable(Reason.OUT_OF_RANGE, {"field": field})
    towards = effect if _rises(definition) else -effect
    if definition.is_time:
        found = size_for_days(basis.shares, towards, demand)
        if isinstance(found, NotComputable):
            return found
        size = exposed(found.size, basis)
        return size if isinstance(size, NotComputable) else _of_times(found, size)
    if definition.has_spread:
        plain = size_for_means(basis.sd or 0, effect, demand)
    else:
        plain = size_for_proportions(basis.value or 0, towards, demand)
    size = exposed(plain, basis)
    return size if isinstance(size, NotComputable) else Needed(size)


def needed_to_rule_out(
    definition: MetricDefinition, basis: Basis, margin: float, demand: Demand
) -> SampleSize | NotComputable:
    """Work out who has to be exposed to rule harm out, where there is none.

    Args:
        definition: of the metric.
        basis: what is known of it.
        margin: harm that is still accepted, on the metric's scale.
        demand: alpha, power and ratio.

    Returns:
        The size, or the reason with the field at fault in its facts.
    """
    sd = spread_of(definition, basis)
    if sd is None:
        field = lacks(definition, basis) or "baseline"
        return NotComputable(Reason.OUT_OF_RANGE, {"field": field})
    return exposed(size_to_rule_out(sd, margin, demand), basis)


def detectable(
    definition: MetricDefinition, basis: Basis, size: SampleSize, demand: Demand
) -> float | None:
    """Find the smallest change towards better that a size detects.

    Args:
        definition: of the metric.
        basis: what is known of it.
        size: customers exposed in control and in one treatment.
        demand: alpha, power and treatments; the ratio is the size's own.

    Returns:
        Change, absolute and positive; None where no change is found by so many.
    """
    counted = counting(size, basis)
    rise = _rises(definition)
    if lacks(definition, basis) is not None or not min(
        counted.control, counted.treatment
    ):
        return None
    if definition.is_time:
        found = detectable_days(basis.shares, counted, demand, rise=rise)
    elif definition.has_spread:
        found = detectable_mean(basis.sd or 0, counted, demand)
    else:
        found = detectable_proportion(basis.value or 0, counted, demand, rise=rise)
    return None if isinstance(found, NotComputable) else abs(found)


def chance_of_no_harm(
    definition: MetricDefinition,
    basis: Basis,
    margin: float,
    size: SampleSize,
    alpha: float,
) -> float | None:
    """Tell the chance that harm is ruled out, where there is none.

    Args:
        definition: of the metric.
        basis: what is known of it.
        margin: harm that is still accepted, on the metric's scale.
        size: customers exposed in control and in one treatment.
        alpha: two-sided.

    Returns:
        0 to 1; None where it cannot be worked out.
    """
    sd = spread_of(definition, basis)
    if sd is None:
        return None
    found = chance_to_rule_out(sd, margin, counting(size, basis), alpha)
    return None if isinstance(found, NotComputable) else found


def exposed(
    size: SampleSize | NotComputable, basis: Basis
) -> SampleSize | NotComputable:
    """Tell who has to be exposed, so that so many count."""
    if isinstance(size, NotComputable):
        return size
    share = adjusted_share(basis.correlation)
    if isinstance(share, NotComputable):
        return share
    if share < 1:
        size = whole_sizes(size.control * share, size.treatment * share)
    return size_with_silence(size, basis.counted_share)


def counting(size: SampleSize, basis: Basis) -> SampleSize:
    """Tell as how many customers those exposed count; the other way of `exposed`."""
    share = 1 - basis.correlation * basis.correlation
    times = basis.counted_share / share
    return replace(
        size,
        control=math.floor(size.control * times),
        treatment=math.floor(size.treatment * times),
    )


def _rises(definition: MetricDefinition) -> bool:
    return definition.direction == Direction.INCREASE


def _of_times(found: SurvivalSize, size: SampleSize) -> Needed:
    return Needed(size, found.events, found.hazard_ratio)
