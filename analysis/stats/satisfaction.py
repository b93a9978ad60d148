"""CSAT, NPS and effort from histograms of answers, and who answered at all."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from analysis.stats.estimate import (
    ArmValue,
    Estimate,
    Interval,
    NotComputable,
    Outcome,
)
from analysis.stats.intervals import normal_value
from analysis.stats.means import welch
from analysis.stats.proportions import two_proportions
from analysis.stats.summary import (
    Histogram,
    Moments,
    Successes,
    moments_of_histogram,
    successes_of_histogram,
)
from experiments.vocabulary import Reason

PROMOTERS_FROM, DETRACTORS_TO = 9, 6  # of answers from 0 to 10 (Reichheld 2003)
FEW_PROMOTERS = 100  # answers; with fewer the normal interval is too sure of itself
NPS_UNIT = 100  # a promoter counts +100, a detractor -100


@dataclass(frozen=True, slots=True)
class ResponseRates:
    """How one variant went from exposed to asked to answered; shares of 0 to 1."""

    exposed: int  # mature exposed customers
    invited: int
    answered: int
    of_exposed: float | None  # answered among exposed; None when nobody was exposed
    of_invited: float | None  # None when fewer were asked than answered, or nobody


@dataclass(frozen=True, slots=True)
class ResponseBalance:
    """Whether customers answered equally often in both variants.

    The balance is judged among the exposed, for being asked may itself be a result of
    treatment; the rate among the invited stands beside it.
    """

    control: ResponseRates
    treatment: ResponseRates
    of_exposed: Outcome
    of_invited: Outcome

    @property
    def p_value(self) -> float | None:
        """P-value of equal response among the exposed; None where it has no test."""
        if isinstance(self.of_exposed, NotComputable):
            return None
        return self.of_exposed.p_value


def csat_mean(control: Histogram, treatment: Histogram, level: float = 0.95) -> Outcome:
    """Compare mean scores, by Welch's t on the answers.

    Args:
        control: answers of control.
        treatment: answers of treatment, on the same scale.
        level: confidence level, 0 to 1.

    Returns:
        Estimate of treatment minus control in score points, or the reason why not.
    """
    return welch(moments_of_histogram(control), moments_of_histogram(treatment), level)


def csat_share(
    control: Histogram,
    treatment: Histogram,
    satisfied_from: float,
    level: float = 0.95,
) -> Outcome:
    """Compare the shares of satisfied answers ("top box"), by Newcombe's interval.

    Args:
        control: answers of control.
        treatment: answers of treatment, on the same scale.
        satisfied_from: the lowest score that counts as satisfied.
        level: confidence level, 0 to 1.

    Returns:
        Estimate of treatment minus control as a share, or the reason why not.
    """
    return two_proportions(
        successes_of_histogram(control, satisfied_from),
        successes_of_histogram(treatment, satisfied_from),
        level,
    )


def net_promoter(
    control: Histogram, treatment: Histogram, level: float = 0.95
) -> Outcome:
    """Compare Net Promoter Scores: promoters less detractors, in points of 100.

    The score is the mean of +100, 0 and -100, so Welch's t compares two of them; its
    variance is that of the difference of two multinomial shares,
    ((p + d) - (p - d)^2) / n (statistics 4.4). No score lies beyond 100 points, so
    intervals end there. Where an arm has fewer than 100 answers the intervals are of
    Wilson's type instead: see `few_promoters`.

    Args:
        control: answers of control, 0 to 10.
        treatment: answers of treatment.
        level: confidence level, 0 to 1.

    Returns:
        Estimate of treatment minus control in NPS points, with `multinomial_error`
        (by n, not n - 1) among its facts; or the reason why not.
    """
    c, t = (
        moments_of_histogram(rescored(arm, promotes)) for arm in (control, treatment)
    )
    found = welch(c, t, level)
    if isinstance(found, NotComputable):
        return found
    error = math.sqrt(c.m2 / c.n / c.n + t.m2 / t.n / t.n)
    found = replace(found, facts={**found.facts, "multinomial_error": error})
    if min(c.n, t.n) < FEW_PROMOTERS:
        return few_promoters(found, c, t, level)
    return replace(
        found,
        control=_within_scale(found.control),
        treatment=_within_scale(found.treatment),
        interval=_clipped(found.interval, 2 * NPS_UNIT),
        graded=tuple(_clipped(each, 2 * NPS_UNIT) for each in found.graded),
    )


def few_promoters(
    found: Estimate, control: Moments, treatment: Moments, level: float
) -> Estimate:
    """Put intervals of Wilson's type in the place of Welch's.

    Of one score: those d for which (D - d)^2 <= z^2 (S - d^2) / n, where S is the
    share of answers that count (May and Johnson 1997, "Confidence intervals for
    differences in correlated binary proportions", Stat Med 16(18)). Of the difference:
    the hybrid of both arms', as Newcombe's is of Wilson's (Zou and Donner 2008,
    "Construction of confidence limits about effect measures", Stat Med 27(10)).

    Args:
        found: the estimate by Welch, of control and treatment.
        control: moments of control's +100, 0 and -100.
        treatment: of the treatment's.
        level: confidence level, 0 to 1.

    Returns:
        The estimate with its intervals replaced.
    """

    def hybrid(at: float) -> Interval:
        c_low, c_high = _score_interval(control, at)
        t_low, t_high = _score_interval(treatment, at)
        effect = treatment.mean - control.mean
        return Interval(
            effect - math.hypot(treatment.mean - t_low, c_high - control.mean),
            effect + math.hypot(t_high - treatment.mean, control.mean - c_low),
            at,
        )

    return replace(
        found,
        method="promoter_score",
        control=replace(
            found.control, interval=Interval(*_score_interval(control, level), level)
        ),
        treatment=replace(
            found.treatment,
            interval=Interval(*_score_interval(treatment, level), level),
        ),
        interval=hybrid(level),
        graded=tuple(hybrid(each.level) for each in found.graded),
    )


def _score_interval(arm: Moments, level: float) -> tuple[float, float]:
    """Solve the quadratic of one arm's score, in points of 100."""
    z, n = normal_value(level), arm.n
    score = arm.mean / NPS_UNIT
    # Mean square: the share of answers that are not 0. Nobody or everybody passive
    # would leave no width, so half an answer stands on either side.
    counting = arm.m2 / n / NPS_UNIT**2 + score * score
    counting = max(counting, 1 / n)
    spread = z * z / n
    reach = math.sqrt(max(0.0, spread * (counting * (1 + spread) - score * score)))
    low, high = ((score - reach) / (1 + spread), (score + reach) / (1 + spread))
    return max(-1.0, low) * NPS_UNIT, min(1.0, high) * NPS_UNIT


def rescored(arm: Histogram, score: Callable[[float], float]) -> Histogram:
    """Count answers by what they score instead of what they say.

    Args:
        arm: answers of one variant.
        score: what an answer counts.

    Returns:
        The same answers by their new scores; answers of equal score are added.
    """
    counts: Counter[float] = Counter()
    for answer, count in arm.counts:
        counts[score(answer)] += count
    return replace(arm, counts=tuple(sorted(counts.items())))


def promotes(score: float) -> float:
    """Count +100 for a promoter, -100 for a detractor, else 0."""
    if score >= PROMOTERS_FROM:
        return float(NPS_UNIT)
    return float(-NPS_UNIT) if score <= DETRACTORS_TO else 0.0


def _within_scale(arm: ArmValue) -> ArmValue:
    if arm.interval is None:
        return arm
    return replace(arm, interval=_clipped(arm.interval, NPS_UNIT))


def _clipped(interval: Interval, most: float) -> Interval:
    low, high = interval.low, interval.high
    return replace(
        interval,
        low=None if low is None else max(low, -most),
        high=None if high is None else min(high, most),
    )


def response_balance(
    control: Histogram, treatment: Histogram, level: float = 0.95
) -> ResponseBalance:
    """Compare how often customers answered, before what they answered.

    Args:
        control: answers of control.
        treatment: answers of treatment.
        level: confidence level, 0 to 1.

    Returns:
        Rates of both arms and their comparison (treatment minus control, as shares).
    """
    return ResponseBalance(
        control=response_rates(control),
        treatment=response_rates(treatment),
        of_exposed=two_proportions(
            _answers_of_exposed(control), _answers_of_exposed(treatment), level
        ),
        of_invited=_compare_of_invited(control, treatment, level),
    )


def response_rates(arm: Histogram) -> ResponseRates:
    """Count one arm's exposed, invited and answered customers, with the rates."""
    known = requests_are_known(arm) and arm.n_invited > 0
    return ResponseRates(
        exposed=arm.n_exposed,
        invited=arm.n_invited,
        answered=arm.answered,
        of_exposed=arm.answered / arm.n_exposed if arm.n_exposed else None,
        of_invited=arm.answered / arm.n_invited if known else None,
    )


def requests_are_known(arm: Histogram) -> bool:
    """Say whether survey requests are sent at all; nobody answers unasked."""
    return arm.n_invited >= arm.answered


def _answers_of_exposed(arm: Histogram) -> Successes:
    return Successes(n=arm.n_exposed, successes=arm.answered, n_immature=arm.n_immature)


def _compare_of_invited(
    control: Histogram, treatment: Histogram, level: float
) -> Outcome:
    if not (requests_are_known(control) and requests_are_known(treatment)):
        return NotComputable(
            Reason.NO_REQUESTS,
            {
                "control_invited": int(control.n_invited),
                "control_answered": int(control.answered),
                "treatment_invited": int(treatment.n_invited),
                "treatment_answered": int(treatment.answered),
            },
        )
    c, t = (
        Successes(n=arm.n_invited, successes=arm.answered)
        for arm in (control, treatment)
    )
    return two_proportions(c, t, level)
