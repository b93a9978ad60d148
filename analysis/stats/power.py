"""How many customers, how long, and what change a plan could detect.

Two-sided tests. An input that no plan can have, and a plan that no number of
customers would carry out, come back as a typed reason, never as an exception. The
libraries are loaded inside the functions: web imports this module for one button.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import NormalDist

from analysis.stats.estimate import NotComputable
from analysis.stats.ranges import (
    out_of_range,
    outside,
    wrong_proportions,
    wrong_split,
)
from experiments.vocabulary import Reason

MIN_PER_ARM = 10  # below it no estimate is given, whatever the power
MIN_DAYS = 7  # weekdays differ: enrolment covers at least one of each
DAYS_A_WEEK = 7
MAX_WEEKS = 52
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


@dataclass(frozen=True, slots=True)
class SurvivalSize:
    """What a comparison of whole retention curves needs."""

    events: int  # churned customers in control and one treatment together
    hazard_ratio: float  # of treatment against control
    size: SampleSize


@dataclass(frozen=True, slots=True)
class Duration:
    """How long an experiment takes until its last customer has matured."""

    enrolment_days: int
    total_days: int
    enrolment_weeks: float
    total_weeks: float


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
    refused = _wrong_demand(demand) or wrong_proportions(baseline, effect)
    if refused:
        return refused
    return _sizes(_n_for_proportions(baseline, effect, demand), demand)


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
        _wrong_demand(demand)
        or outside("sd", sd, 0, math.inf)
        or outside("effect", abs(effect), 0, math.inf, low_allowed=True)
    )
    if refused:
        return refused
    if not effect:
        return NotComputable(Reason.UNREACHABLE, {"field": "effect"})
    return _sizes(answers_for_mean(abs(effect) / sd, demand), demand)


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
    return _whole(size.control / response_share, size.treatment / response_share)


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
    refused = _wrong_demand(demand) or wrong_proportions(baseline, effect)
    if refused:
        return refused
    hazard_ratio = math.log(baseline + effect) / math.log(baseline)
    events = _events(hazard_ratio, demand)
    churned = 1 - (baseline + (baseline + effect) * demand.ratio) / (1 + demand.ratio)
    size = _sizes(events / churned / (1 + 1 / demand.ratio), demand)
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
    refused = _wrong_demand(demand) or outside(
        "hazard_ratio", hazard_ratio, 0, math.inf
    )
    if refused:
        return refused
    if hazard_ratio == 1:
        return NotComputable(Reason.UNREACHABLE, {"field": "hazard_ratio"})
    return math.ceil(_events(hazard_ratio, demand))


def detectable_proportion(
    baseline: float, size: SampleSize, demand: Demand | None = None, *, rise: bool
) -> float | NotComputable:
    """Smallest change of a share that a size detects, one way.

    Args:
        baseline: control's share, between 0 and 1.
        size: mature customers in control and in one treatment.
        demand: alpha, power and treatments; the ratio is the size's own.
        rise: whether the change looked for is upward.

    Returns:
        Change as a share, negative for a fall, or the reason why there is none.
    """
    demand = _with_ratio(demand or Demand(), size)
    refused = _wrong_demand(demand) or outside("baseline", baseline, 0, 1)
    if refused:
        return refused
    sign = 1 if rise else -1
    room = (1 - baseline) if rise else baseline
    found = _smallest(
        lambda change: _n_for_proportions(baseline, sign * change, demand),
        size.treatment,
        room,
    )
    if found is None:
        return NotComputable(Reason.UNREACHABLE, {"field": "size"})
    return sign * found


def detectable_mean(
    sd: float, size: SampleSize, demand: Demand | None = None
) -> float | NotComputable:
    """Smallest change of a mean that a size detects, either way.

    Args:
        sd: standard deviation of the outcome within a variant, in its unit.
        size: customers with an answer in control and in one treatment.
        demand: alpha, power and treatments; the ratio is the size's own.

    Returns:
        Change in the outcome's unit, above 0, or the reason why there is none.
    """
    demand = _with_ratio(demand or Demand(), size)
    refused = _wrong_demand(demand) or outside("sd", sd, 0, math.inf)
    if refused:
        return refused
    found = _smallest(lambda d: answers_for_mean(d, demand), size.treatment, 1e3)
    if found is None:
        return NotComputable(Reason.UNREACHABLE, {"field": "size"})
    return found * sd


def duration(
    size: SampleSize | NotComputable,
    weekly_customers: float,
    maturation_days: float,
    coverage: float = 1.0,
    split: tuple[float, ...] = (0.5, 0.5),
    max_weeks: float = MAX_WEEKS,
) -> Duration | NotComputable:
    """Days until every variant has its size and its last customer has matured.

    Args:
        size: customers needed, as another function of this module gave it.
        weekly_customers: new customers of the segment who reach the change each week.
        maturation_days: days from exposure until the metric is known; N + 1 for
            retention on day N.
        coverage: share of the segment that is enrolled, above 0 and up to 1.
        split: share of each variant, control first; at least two.
        max_weeks: longest total that still counts as reachable.

    Returns:
        Duration, at least one full week of enrolment; or the reason, with the weeks
        it would take in its facts when that is too long.
    """
    if isinstance(size, NotComputable):
        return size
    refused = (
        outside("weekly_customers", weekly_customers, 0, math.inf, low_allowed=True)
        or outside("maturation_days", maturation_days, 0, math.inf, low_allowed=True)
        or outside("coverage", coverage, 0, 1, low_allowed=True, high_allowed=True)
        or wrong_split(split)
    )
    if refused:
        return refused
    daily = weekly_customers * coverage / DAYS_A_WEEK / math.fsum(split)
    needed = (size.control, *[size.treatment] * (len(split) - 1))
    arrivals = [daily * share for share in split]
    if min(arrivals) <= 0:
        return NotComputable(Reason.UNREACHABLE, {"field": "weekly_customers"})
    # A hair less before rounding up: 70 customers at 10 a day take 7 days, not 8.
    days = max(n / each for n, each in zip(needed, arrivals, strict=True)) * (1 - 1e-9)
    weeks = (max(days, MIN_DAYS) + maturation_days) / DAYS_A_WEEK
    if weeks > max_weeks:
        facts: dict[str, float | int | str] = {"max_weeks": float(max_weeks)}
        if math.isfinite(weeks):
            facts["weeks"] = weeks
        return NotComputable(Reason.UNREACHABLE, facts)
    enrolment = max(MIN_DAYS, math.ceil(days))
    total = enrolment + math.ceil(maturation_days)
    return Duration(enrolment, total, enrolment / DAYS_A_WEEK, total / DAYS_A_WEEK)


def _n_for_proportions(baseline: float, effect: float, demand: Demand) -> float:
    """Customers of one treatment, not rounded."""
    if abs(effect) < MIN_EFFECT:
        return math.inf
    from statsmodels.stats.proportion import (  # noqa: PLC0415  # see the module's head
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
    from statsmodels.stats.power import TTestIndPower  # noqa: PLC0415

    def lacking(n: float) -> float:
        # One tail: the far one adds nothing that counts, and is NaN at times.
        attained = TTestIndPower().power(
            standardised,
            n,
            demand.alpha_each / 2,
            ratio=1 / demand.ratio,
            alternative="larger",
        )
        return float(attained) - demand.power

    # Student's t asks for a few customers more than the normal. Not far beyond: the
    # noncentral t is NaN where power is all but 1.
    enough = by_normal
    while lacking(enough) < 0:
        enough *= 1.1
    return float(brentq(lacking, 0.9 * by_normal, enough))


def _events(hazard_ratio: float, demand: Demand) -> float:
    log_ratio = math.log(hazard_ratio)
    if not log_ratio:
        return math.inf
    errors = demand.reach / log_ratio
    return errors * errors * (1 + demand.ratio) * (1 + 1 / demand.ratio)


def _smallest(
    needed: Callable[[float], float], available: int, largest: float
) -> float | None:
    """Change at which the customers needed, which fall with it, meet those there."""
    from scipy.optimize import brentq  # noqa: PLC0415  # see the module's head

    def excess(log_change: float) -> float:
        return math.log(needed(math.exp(log_change)) / available)

    low, high = math.log(largest * 1e-9), math.log(largest * (1 - 1e-9))
    if available < MIN_PER_ARM or excess(high) > 0:
        return None
    return math.exp(float(brentq(excess, low, high, xtol=1e-12)))


def _sizes(treatment: float, demand: Demand) -> SampleSize | NotComputable:
    return _whole(treatment / demand.ratio, treatment)


def _whole(control: float, treatment: float) -> SampleSize | NotComputable:
    if not max(control, treatment) <= MAX_CUSTOMERS:
        return NotComputable(Reason.UNREACHABLE, {"field": "effect"})
    return SampleSize(
        control=max(MIN_PER_ARM, math.ceil(control)),
        treatment=max(MIN_PER_ARM, math.ceil(treatment)),
    )


def _with_ratio(demand: Demand, size: SampleSize) -> Demand:
    return replace(demand, ratio=size.treatment / max(1, size.control))


def _wrong_demand(demand: Demand) -> NotComputable | None:
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
