"""CSAT from histograms of answers, and who answered at all."""

from dataclasses import dataclass

from analysis.stats.estimate import NotComputable, Outcome
from analysis.stats.means import welch
from analysis.stats.proportions import two_proportions
from analysis.stats.summary import (
    Histogram,
    Successes,
    moments_of_histogram,
    successes_of_histogram,
)
from experiments.vocabulary import Reason


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
    known = _requests_are_known(arm) and arm.n_invited > 0
    return ResponseRates(
        exposed=arm.n_exposed,
        invited=arm.n_invited,
        answered=arm.answered,
        of_exposed=arm.answered / arm.n_exposed if arm.n_exposed else None,
        of_invited=arm.answered / arm.n_invited if known else None,
    )


def _requests_are_known(arm: Histogram) -> bool:
    """Say whether survey requests are sent at all; nobody answers unasked."""
    return arm.n_invited >= arm.answered


def _answers_of_exposed(arm: Histogram) -> Successes:
    return Successes(n=arm.n_exposed, successes=arm.answered, n_immature=arm.n_immature)


def _compare_of_invited(
    control: Histogram, treatment: Histogram, level: float
) -> Outcome:
    if not (_requests_are_known(control) and _requests_are_known(treatment)):
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
