"""Events by exposure, when events come one by one: contacts per customer-day."""

import math
from dataclasses import dataclass

from analysis.stats.estimate import (
    ArmValue,
    Estimate,
    Interval,
    Lift,
    NotComputable,
    Outcome,
)
from analysis.stats.intervals import GRADES, normal_p_value, normal_value, tail
from analysis.stats.refusals import finite
from experiments.vocabulary import Reason

MIN_EVENTS = 10  # over both variants; below it the score test's normal fails
_SMALLEST_SHARE = 1e-12  # of the exposure: less is a fault, and its rate no number


@dataclass(frozen=True, slots=True)
class Rate:
    """How many events one variant had, over how much exposure."""

    events: int
    exposure: float  # customer-days, or whatever both variants are counted in

    def __post_init__(self) -> None:
        if self.events < 0:
            raise ValueError("Rate: events is negative")
        if not self.exposure >= 0:
            raise ValueError("Rate: exposure is negative or no number")


def poisson_rates(control: Rate, treatment: Rate, level: float = 0.95) -> Outcome:
    """Compare two rates of independent events.

    Score test (Ng and Tang 2005, "Testing the equality of two Poisson means using the
    rate ratio", Stat Med 24(6)) and score intervals. It takes every event for a witness
    of its own. Events of one customer are not: what a customer adds up to belongs in
    `welch`, which is what metrics use.

    Args:
        control: events and exposure of control.
        treatment: of the treatment, in the same unit.
        level: confidence level, 0 to 1.

    Returns:
        Estimate of treatment minus control in events per unit of exposure. Or the
        reason why there is no estimate.
    """
    refused = _refused(control, treatment)
    if refused:
        return refused
    z = _score(control, treatment)
    ours, theirs = (arm.events / arm.exposure for arm in (control, treatment))
    return finite(
        Estimate(
            method="poisson",
            control=_rate(control, level),
            treatment=_rate(treatment, level),
            effect=theirs - ours,
            interval=_difference(control, treatment, level),
            p_value=normal_p_value(z),
            lift=_lift(control, treatment, level),
            graded=tuple(_difference(control, treatment, each) for each in GRADES),
            facts={
                "z": z,
                "control_events": control.events,
                "treatment_events": treatment.events,
            },
        )
    )


def _refused(control: Rate, treatment: Rate) -> NotComputable | None:
    if not (control.exposure > 0 and treatment.exposure > 0):
        return NotComputable(Reason.EMPTY_ARM)
    exposure = control.exposure + treatment.exposure
    shares = control.exposure / exposure, treatment.exposure / exposure
    if not (exposure < math.inf and min(shares) > _SMALLEST_SHARE):
        return NotComputable(Reason.NON_FINITE)
    events = control.events + treatment.events
    if events < MIN_EVENTS:
        return NotComputable(
            Reason.TOO_FEW_EVENTS, {"events": events, "needed": MIN_EVENTS}
        )
    return None


def _rate(arm: Rate, level: float) -> ArmValue:
    return ArmValue(
        n=arm.events,
        value=arm.events / arm.exposure,
        interval=_alone(arm, level),
    )


def _alone(arm: Rate, level: float) -> Interval:
    """Score interval of one rate, the counterpart of Wilson's."""
    z, x = normal_value(level), arm.events
    half_width = z * math.sqrt(x + z * z / 4)
    low = x + z * z / 2 - half_width if x else 0.0
    return Interval(
        low / arm.exposure, (x + z * z / 2 + half_width) / arm.exposure, level
    )


def _lift(control: Rate, treatment: Rate, level: float) -> Lift | NotComputable:
    if not control.events:
        return NotComputable(Reason.BASELINE_NOT_POSITIVE)
    # Loads for seconds; see the head of proportions.
    from statsmodels.stats.proportion import proportion_confint  # noqa: PLC0415

    # Given how many events there were, treatment's are binomial; its odds are the
    # ratio of rates times that of exposures.
    low, high = proportion_confint(
        treatment.events,
        treatment.events + control.events,
        alpha=2 * tail(level),
        method="wilson",
    )
    scale = control.exposure / treatment.exposure
    low = low / (1 - low) * scale if treatment.events else 0.0
    return Lift(
        value=treatment.events / control.events * scale - 1,
        interval=Interval(float(low) - 1, float(high / (1 - high) * scale) - 1, level),
        method="score",
    )


def _score(control: Rate, treatment: Rate) -> float:
    """Score statistic of equal rates: events are shared as exposure is."""
    events = control.events + treatment.events
    exposure = control.exposure + treatment.exposure
    share = treatment.exposure / exposure
    return (treatment.events - events * share) / math.sqrt(
        events * share * (control.exposure / exposure)
    )


def _difference(control: Rate, treatment: Rate, level: float) -> Interval:
    """Hybrid of the two score intervals (Li, Tang and Wong 2014, as Newcombe's)."""
    low, high = [], []
    for arm in (control, treatment):
        alone, rate = _alone(arm, level), arm.events / arm.exposure
        low.append(rate - (alone.low or 0.0))
        high.append((alone.high or 0.0) - rate)
    effect = treatment.events / treatment.exposure - control.events / control.exposure
    return Interval(
        effect - math.hypot(low[1], high[0]),
        effect + math.hypot(high[1], low[0]),
        level,
    )
