"""The Bayesian read-out: what to believe after the data, given what was known before.

It stands beside the confidence interval and never replaces it. A flat prior gives no
protection against looking often: with 30 daily looks a rule "ship at 97.5 %" cries
wolf as often as repeated tests do (statistics section 4). The verdict does not use it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import special

from analysis.stats.estimate import Interval, NotComputable
from analysis.stats.intervals import normal_interval
from analysis.stats.pooling import paule_mandel
from experiments.vocabulary import Reason

MIN_HISTORY = 5  # finished experiments from which a prior can be learned


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed of a change before the data: normal, in the change's unit."""

    mean: float
    sd: float


@dataclass(frozen=True, slots=True)
class Belief:
    """What is believed of a change after the data. Higher is better.

    Attributes:
        mean: expected change, shrunk towards the prior; in the change's unit.
        sd: its standard deviation.
        interval: credible interval.
        better: probability that the change is above 0.
        beyond: probability that it is above what matters.
        loss_of_shipping: expected harm of shipping, where the change is negative.
        loss_of_keeping: expected benefit forgone by keeping control.
    """

    mean: float
    sd: float
    interval: Interval
    better: float
    beyond: float
    loss_of_shipping: float
    loss_of_keeping: float


def believe(
    effect: float,
    standard_error: float,
    prior: Prior | None,
    matters: float = 0.0,
    level: float = 0.95,
) -> Belief | NotComputable:
    """Combine an estimate with a normal prior (Gelman et al., BDA3, sec. 2.5).

    Args:
        effect: estimated change; any scale on which the estimate is about normal. For a
            metric of which less is better, its negative.
        standard_error: of the estimate.
        prior: None for the flat one, which shrinks nothing.
        matters: the smallest change that matters, at least 0.
        level: of the credible interval, 0 to 1.

    Returns:
        Belief in the effect's unit, or the reason why there is none.
    """
    if not (math.isfinite(effect) and math.isfinite(standard_error)):
        return NotComputable(Reason.NON_FINITE)
    if not standard_error > 0:
        return NotComputable(Reason.NO_VARIATION)
    mean, sd = effect, standard_error
    if prior is not None:
        if not prior.sd > 0:
            return NotComputable(Reason.OUT_OF_RANGE, {"field": "prior.sd"})
        # Relative to the larger one, so that no square can overflow.
        trust = 1 / (1 + (standard_error / prior.sd) ** 2)
        mean = prior.mean + trust * (effect - prior.mean)
        sd = standard_error * math.sqrt(trust)
    found = Belief(
        mean=mean,
        sd=sd,
        interval=normal_interval(mean, sd, level),
        better=float(special.ndtr(mean / sd)),
        beyond=float(special.ndtr((mean - matters) / sd)),
        loss_of_shipping=_expected_excess(-mean, sd),
        loss_of_keeping=_expected_excess(mean, sd),
    )
    if not all(map(math.isfinite, (found.mean, found.sd, found.loss_of_keeping))):
        return NotComputable(Reason.NON_FINITE)
    return found


def learned_prior(
    effects: Sequence[float], standard_errors: Sequence[float]
) -> Prior | NotComputable:
    """Learn from finished experiments how large changes usually are.

    N(0, tau^2) with the tau^2 of Paule and Mandel (1982) about 0: most changes are
    small, of either sign, and only the part of their spread that their errors do not
    explain is real.

    Args:
        effects: of finished experiments, on the scale of the one to be read.
        standard_errors: of each.

    Returns:
        The prior; the reason where fewer than `MIN_HISTORY` experiments are there, or
        where their changes are no larger than their errors.
    """
    if len(effects) < MIN_HISTORY:
        return NotComputable(
            Reason.NO_HISTORY, {"experiments": len(effects), "needed": MIN_HISTORY}
        )
    found = paule_mandel(effects, standard_errors, about=0.0)
    if isinstance(found, NotComputable):
        return found
    if not found.between > 0:
        return NotComputable(Reason.NO_HISTORY, {"experiments": len(effects)})
    return Prior(0.0, math.sqrt(found.between))


def relative_error(
    control: float, control_variance: float, treatment: float, treatment_variance: float
) -> float:
    """Standard error of treatment / control - 1 by the delta method.

    Priors about relative changes serve all metrics of a kind; a belief needs one error,
    not Fieller's two sides.

    Args:
        control: value of control, above 0.
        control_variance: squared standard error of that value.
        treatment: value of the treatment.
        treatment_variance: squared standard error of that value.

    Returns:
        The standard error, as a share of control.
    """
    ratio = treatment / control
    return math.hypot(
        math.sqrt(treatment_variance) / control,
        ratio * math.sqrt(control_variance) / control,
    )


def _expected_excess(mean: float, sd: float) -> float:
    """E[max(X, 0)] of a normal, without cancelling in the far tail.

    sd (phi(z) + z Phi(z)); for z far below 0 by Mills' ratio in the scaled error
    function (DLMF 7.8).
    """
    z = mean / sd
    density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    if z > -1:
        return float(sd * (density + z * special.ndtr(z)))
    # phi(z) (1 + z Phi(z)/phi(z)), Phi(z)/phi(z) = sqrt(pi/2) erfcx(-z/sqrt 2).
    mills = math.sqrt(math.pi / 2) * float(special.erfcx(-z / math.sqrt(2)))
    return max(0.0, sd * density * (1 + z * mills))
