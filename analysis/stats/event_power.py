"""How many events, and customers, a comparison of times needs."""

import math
from dataclasses import dataclass

from analysis.stats.estimate import NotComputable
from analysis.stats.power import (
    Demand,
    SampleSize,
    sizes,
    wrong_demand,
)
from analysis.stats.ranges import outside, wrong_proportions
from experiments.vocabulary import Reason


@dataclass(frozen=True, slots=True)
class SurvivalSize:
    """What a comparison of whole retention curves needs."""

    events: int  # churned customers in control and one treatment together
    hazard_ratio: float  # of treatment against control
    size: SampleSize


def size_for_survival(
    baseline: float, effect: float, demand: Demand | None = None
) -> SurvivalSize | NotComputable:
    """Churned customers, and customers, to detect a change of a retention curve.

    Schoenfeld (1981), "The asymptotic properties of nonparametric tests for comparing
    survival distributions", Biometrika 68(1); proportional hazards, everyone followed
    to the horizon.

    Args:
        baseline: share of control still retained at the horizon, between 0 and 1.
        effect: change of that share to detect; either sign.
        demand: alpha, power, treatments and ratio; the usual ones when None.

    Returns:
        SurvivalSize, or the reason with the field at fault in its facts.
    """
    demand = demand or Demand()
    refused = wrong_demand(demand) or wrong_proportions(baseline, effect)
    if refused:
        return refused
    hazard_ratio = math.log(baseline + effect) / math.log(baseline)
    events = _events(hazard_ratio, demand)
    churned = 1 - (baseline + (baseline + effect) * demand.ratio) / (1 + demand.ratio)
    size = sizes(events / churned / (1 + 1 / demand.ratio), demand)
    if isinstance(size, NotComputable):
        return size
    return SurvivalSize(math.ceil(events), hazard_ratio, size)


def events_for_hazard_ratio(
    hazard_ratio: float, demand: Demand | None = None
) -> int | NotComputable:
    """Churned customers, both variants together, to detect a hazard ratio.

    Schoenfeld (1981): (z_alpha/2 + z_beta)^2 / (p_c p_t log(HR)^2).

    Args:
        hazard_ratio: of treatment against control, above 0 and not 1.
        demand: alpha, power, treatments and ratio; the usual ones when None.

    Returns:
        Number of events, or the reason with the field at fault in its facts.
    """
    demand = demand or Demand()
    refused = wrong_demand(demand) or outside("hazard_ratio", hazard_ratio, 0, math.inf)
    if refused:
        return refused
    if hazard_ratio == 1:
        return NotComputable(Reason.UNREACHABLE, {"field": "hazard_ratio"})
    return math.ceil(_events(hazard_ratio, demand))


def _events(hazard_ratio: float, demand: Demand) -> float:
    log_ratio = math.log(hazard_ratio)
    if not log_ratio:
        return math.inf
    errors = demand.reach / log_ratio
    return errors * errors * (1 + demand.ratio) * (1 + 1 / demand.ratio)
