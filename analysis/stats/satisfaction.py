"""CSAT, NPS and effort from histograms of answers, and who answered at all."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from analysis.stats.estimate import (
    ArmValue,
    Interval,
    NotComputable,
    Outcome,
)
from analysis.stats.means import welch
from analysis.stats.proportions import two_proportions
from analysis.stats.summary import (
    Histogram,
    Successes,
    moments_of_histogram,
    successes_of_histogram,
)
from experiments.vocabulary import Reason

PROMOTERS_FROM, DETRACTORS_TO = 9, 6  # of answers from 0 to 10 (Reichheld 2003)
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
    intervals end there.

    Args:
        control: answers of control, 0 to 10.
        treatment: answers of treatment.
        level: confidence level, 0 to 1.

    Returns:
        Estimate of treatment minus control in NPS points, or the reason why not.
    """
    found = welch(
        moments_of_histogram(rescored(control, promotes)),
        moments_of_histogram(rescored(treatment, promotes)),
        level,
    )
    if isinstance(found, NotComputable):
        return found
    return replace(
        found,
        control=_within_scale(found.control),
        treatment=_within_scale(found.treatment),
        interval=_clipped(found.interval, 2 * NPS_UNIT),
        graded=tuple(_clipped(each, 2 * NPS_UNIT) for each in found.graded),
    )


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
