"""How long an experiment takes: until every variant has its size, and has aged."""

import math
from dataclasses import dataclass

from analysis.stats.estimate import NotComputable
from analysis.stats.power import SampleSize
from analysis.stats.ranges import outside, wrong_split
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
