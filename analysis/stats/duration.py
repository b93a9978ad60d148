"""How long an experiment takes: until every variant has its size, and has aged."""

import math
from dataclasses import dataclass

from analysis.stats.arrivals import Arrivals
from analysis.stats.estimate import NotComputable
from analysis.stats.power import SampleSize
from analysis.stats.ranges import outside, wrong_arrivals, wrong_split
from experiments.vocabulary import Reason

MIN_DAYS = 7  # weekdays differ: enrolment covers at least one of each
DAYS_A_WEEK = 7
MAX_WEEKS = 52


@dataclass(frozen=True, slots=True)
class Duration:
    """How long an experiment takes until its last customer has matured."""

    enrolment_days: int
    total_days: int
    enrolment_weeks: float
    total_weeks: float


def duration(
    size: SampleSize | NotComputable,
    arrivals: Arrivals,
    maturation_days: float,
    coverage: float = 1.0,
    split: tuple[float, ...] = (0.5, 0.5),
    max_weeks: float = MAX_WEEKS,
) -> Duration | NotComputable:
    """Days until every variant has its size and its last customer has matured.

    Args:
        size: customers needed, as another function of this module gave it.
        arrivals: customers of the segment who reach the change, week by week.
        maturation_days: days from exposure until the metric is known; N + 1 for
            retention on day N.
        coverage: share of the segment that is enrolled, above 0 and up to 1.
        split: share of each variant, control first; at least two.
        max_weeks: longest total that still counts as reachable.

    Returns:
        Duration, at least one full week of enrolment; or the reason. When that is too
        long, its facts say the weeks that it would take, or, where so many never come,
        how many are needed and how many come in the longest time.
    """
    if isinstance(size, NotComputable):
        return size
    refused = (
        wrong_arrivals(arrivals)
        or outside("maturation_days", maturation_days, 0, math.inf, low_allowed=True)
        or outside("coverage", coverage, 0, 1, low_allowed=True, high_allowed=True)
        or wrong_split(split)
    )
    if refused:
        return refused
    needed = to_come(size, coverage, split)
    days = days_until(needed, arrivals)
    weeks = (max(days, MIN_DAYS) + maturation_days) / DAYS_A_WEEK
    if weeks > max_weeks:
        facts: dict[str, float | int | str] = {"max_weeks": float(max_weeks)}
        if math.isfinite(weeks):
            facts["weeks"] = weeks
        else:
            facts["field"] = "weekly_customers"
            if math.isfinite(needed):
                facts |= {"needed": needed, "come": arrivals.by(max_weeks)}
        return NotComputable(Reason.UNREACHABLE, facts)
    enrolment = max(MIN_DAYS, math.ceil(days))
    total = enrolment + math.ceil(maturation_days)
    return Duration(enrolment, total, enrolment / DAYS_A_WEEK, total / DAYS_A_WEEK)


def to_come(size: SampleSize, coverage: float, split: tuple[float, ...]) -> float:
    """Count who of the segment must have come for every variant to have its size.

    Args:
        size: of control, and of each treatment.
        coverage: share of those who come that is enrolled.
        split: share of each variant, control first.

    Returns:
        So many, enrolled or not; infinite where they cannot be.
    """
    each = (size.control, *[size.treatment] * (len(split) - 1))
    enrolled = max(n / share for n, share in zip(each, split, strict=True))
    return enrolled * math.fsum(split) / coverage if coverage else math.inf


def days_until(units: float, arrivals: Arrivals) -> float:
    """Tell after how many days so many have come.

    A hair less than exactly, so that rounding up adds no day for an error of floats:
    70 customers at 10 a day take 7 days, not 8.
    """
    return arrivals.weeks_until(units * (1 - 1e-9)) * DAYS_A_WEEK
