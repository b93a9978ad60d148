"""How many customers a comparison of shares or of means needs.

Two-sided tests. An input that no plan can have, and a plan that no number of
customers would carry out, come back as a typed reason, never as an exception. The
libraries are loaded inside the functions: web imports this module for one button.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

from analysis.stats.estimate import NotComputable
from analysis.stats.ranges import out_of_range, outside, wrong_proportions
from experiments.vocabulary import Reason

MIN_PER_ARM = 10  # below it no estimate is given, whatever the power
MAX_CUSTOMERS = 1e10  # more than there are people
MIN_EFFECT = 1e-12  # as a share; it would take more customers still
MIN_ALPHA, MAX_TREATMENTS = 1e-9, 100  # bounds of sense, well beyond any plan
# Above this statsmodels' noncentral t overflows to NaN, and the normal is exact enough.
MAX_N_FOR_T = 100_000


@dataclass(frozen=True, slots=True)
class Demand:
    """How sure the answer must be, and how customers are shared out.

    With several treatments alpha is divided by their number: Holm's first step, so
    that the size holds whichever treatment is the better one.
    """

    alpha: float = 0.05  # two-sided, for the whole family of treatments
    power: float = 0.8
    treatments: int = 1
    ratio: float = 1.0  # customers of one treatment per customer of control

    @property
    def alpha_each(self) -> float:
        """Two-sided alpha of a single treatment against control."""
        return self.alpha / self.treatments

    @property
    def reach(self) -> float:
        """Standard errors that an effect must measure to be detected."""
        normal = NormalDist()
        return normal.inv_cdf(self.power) - normal.inv_cdf(self.alpha_each / 2)


@dataclass(frozen=True, slots=True)
class SampleSize:
    """Mature customers needed: in control, and in each treatment."""

    control: int
    treatment: int


def size_for_proportions(
    baseline: float, effect: float, demand: Demand | None = None
) -> SampleSize | NotComputable:
    """Customers to detect a change of a share, such as retention on day N.

    Pooled variance under the null, as in the score test that analyses it: Fleiss,
    Levin, Paik (2003), "Statistical methods for rates and proportions", ch. 4.

    Args:
        baseline: control's share, between 0 and 1.
        effect: change to detect, as a share (0.015 is 1.5 points); either sign.
        demand: alpha, power, treatments and ratio; the usual ones when None.

    Returns:
        SampleSize, or the reason with the field at fault in its facts.
    """
    demand = demand or Demand()
    refused = wrong_demand(demand) or wrong_proportions(baseline, effect)
    if refused:
        return refused
    return sizes(customers_for_share(baseline, effect, demand), demand)


def size_for_means(
    sd: float, effect: float, demand: Demand | None = None
) -> SampleSize | NotComputable:
    """Customers (with an answer) to detect a change of a mean, such as CSAT.

    Args:
        sd: standard deviation of the outcome within a variant, in its unit.
        effect: change to detect, in the same unit; either sign.
        demand: alpha, power, treatments and ratio; the usual ones when None.

    Returns:
        SampleSize, or the reason with the field at fault in its facts.
    """
    demand = demand or Demand()
    refused = (
        wrong_demand(demand)
        or outside("sd", sd, 0, math.inf)
        or outside("effect", abs(effect), 0, math.inf, low_allowed=True)
    )
    if refused:
        return refused
    if not effect:
        return NotComputable(Reason.UNREACHABLE, {"field": "effect"})
    return sizes(answers_for_mean(abs(effect) / sd, demand), demand)


def size_with_silence(
    size: SampleSize | NotComputable, response_share: float
) -> SampleSize | NotComputable:
    """Customers to expose, so that enough of them answer the survey.

    Args:
        size: answers needed, as another function of this module gave it.
        response_share: answered among exposed, above 0 and up to 1.

    Returns:
        SampleSize of exposed customers, or the reason handed in or found.
    """
    if isinstance(size, NotComputable):
        return size
    refused = outside("response_share", response_share, 0, 1, high_allowed=True)
    if refused:
        return refused
    return whole_sizes(size.control / response_share, size.treatment / response_share)


def customers_for_share(baseline: float, effect: float, demand: Demand) -> float:
    """Customers of one treatment, not rounded, to find a change of a share.

    Args:
        baseline: control's share, between 0 and 1.
        effect: change to detect; either sign, and it must leave a share.
        demand: alpha, power, treatments and ratio.

    Returns:
        Customers; infinite for next to no effect.
    """
    if abs(effect) < MIN_EFFECT:
        return math.inf
    from statsmodels.stats.proportion import (  # noqa: PLC0415  # see the head
        samplesize_proportions_2indep_onetail,
    )

    # It halves alpha itself, for its default is the two-sided test.
    return float(
        samplesize_proportions_2indep_onetail(
            effect,
            baseline,
            demand.power,
            ratio=1 / demand.ratio,
            alpha=demand.alpha_each,
        )
    )


def answers_for_mean(standardised: float, demand: Demand) -> float:
    """Customers of one treatment, not rounded, by Student's t up to 100,000.

    Args:
        standardised: effect in standard deviations, 0 or more.
        demand: alpha, power, treatments and ratio.

    Returns:
        Customers; infinite for no effect.
    """
    if not standardised:
        return math.inf
    errors = demand.reach / standardised
    by_normal = (1 + demand.ratio) * errors * errors
    largest = max(by_normal, by_normal / demand.ratio)
    if not MIN_PER_ARM / 2 < largest <= MAX_N_FOR_T:
        return by_normal  # too many for t, or so few that the minimum decides
    from scipy.optimize import brentq  # noqa: PLC0415  # see the module's head

    def lacking(n: float) -> float:
        return _power_of_t(standardised, n, demand) - demand.power

    # Student's t asks for a few customers more than the normal. Not far beyond: the
    # noncentral t is NaN where power is all but 1.
    enough = by_normal
    while lacking(enough) < 0:
        enough *= 1.1
    return float(brentq(lacking, 0.9 * by_normal, enough))


def effect_for_answers(treatment: int, demand: Demand) -> float:
    """Smallest effect that so many customers of one treatment detect: the inverse.

    Args:
        treatment: customers of one treatment, `MIN_PER_ARM` or more.
        demand: alpha, power, treatments and ratio.

    Returns:
        Effect in standard deviations.
    """
    by_normal = demand.reach * math.sqrt((1 + demand.ratio) / treatment)
    if max(treatment, treatment / demand.ratio) > MAX_N_FOR_T:
        return by_normal
    from scipy.optimize import brentq  # noqa: PLC0415  # see the module's head

    def lacking(effect: float) -> float:
        return _power_of_t(effect, treatment, demand) - demand.power

    enough = by_normal
    while lacking(enough) < 0:
        enough *= 1.1
    return float(brentq(lacking, 0.9 * by_normal, enough))


def _power_of_t(standardised: float, treatment: float, demand: Demand) -> float:
    from statsmodels.stats.power import TTestIndPower  # noqa: PLC0415  # likewise

    # One tail: the far one adds nothing that counts, and is NaN at times.
    attained = TTestIndPower().power(
        standardised,
        treatment,
        demand.alpha_each / 2,
        ratio=1 / demand.ratio,
        alternative="larger",
    )
    return float(attained)


def sizes(treatment: float, demand: Demand) -> SampleSize | NotComputable:
    """Round the customers of a treatment, and those of control, up to whole ones."""
    return whole_sizes(treatment / demand.ratio, treatment)


def whole_sizes(control: float, treatment: float) -> SampleSize | NotComputable:
    """Round customers up to whole ones; too many for this world are a reason."""
    if not max(control, treatment) <= MAX_CUSTOMERS:
        return NotComputable(Reason.UNREACHABLE, {"field": "effect"})
    return SampleSize(
        control=max(MIN_PER_ARM, math.ceil(control)),
        treatment=max(MIN_PER_ARM, math.ceil(treatment)),
    )


def wrong_demand(demand: Demand) -> NotComputable | None:
    """Refuse a demand that no test can meet, naming the field at fault."""
    refused = (
        outside("alpha", demand.alpha, MIN_ALPHA, 1)
        or outside("power", demand.power, 0, 1)
        or outside("treatments", demand.treatments, 0, MAX_TREATMENTS)
        or outside("ratio", demand.ratio, 0, math.inf)
    )
    if refused:
        return refused
    # Power below alpha is had without any customers.
    return None if demand.reach > 0 else out_of_range("power", demand.power)
