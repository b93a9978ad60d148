"""Values read off curves of follow-up: when two of them can be compared, and how."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from analysis.stats.estimate import (
    ArmValue,
    Estimate,
    Interval,
    Lift,
    NotComputable,
    Outcome,
)
from analysis.stats.intervals import (
    GRADES,
    normal_interval,
    normal_p_value,
    normal_value,
)
from analysis.stats.lifetable import curve_of
from analysis.stats.refusals import MIN_UNITS, finite, unvaried
from analysis.stats.summary import LifeTable
from experiments.vocabulary import Reason

MIN_AT_RISK = 10  # below it the end of a curve is a handful of customers

MOST_REACH = 700.0  # its exponential is the largest that a float holds; 0 to 1 by then


class Side(NamedTuple):
    """One variant's value with the squared standard error of it."""

    n: int
    value: float
    variance: float
    n_missing: int = 0


def arm_value(side: Side, interval: Interval | None) -> ArmValue:
    """Write a variant's value; one that does not vary has no interval."""
    shown = interval if side.variance > 0 else None
    return ArmValue(side.n, side.value, shown, n_missing=side.n_missing)


def difference(
    method: str,
    control: tuple[Side, ArmValue],
    treatment: tuple[Side, ArmValue],
    lift: Lift | NotComputable,
    facts: dict[str, float | int | str],
    level: float,
    largest: float,
) -> Outcome:
    """Compare two values that are normal with known errors, within +-largest.

    Args:
        method: name of the estimator.
        control: value of control, and as it is shown.
        treatment: of the treatment.
        lift: relative change, or why there is none.
        facts: what else is known.
        level: confidence level, 0 to 1.
        largest: the most that the values can differ by.

    Returns:
        Estimate of treatment minus control, or the reason why there is none.
    """
    (c, control_arm), (t, treatment_arm) = control, treatment
    refused = unvaried(c.n, c.variance, t.n, t.variance)
    if refused:
        return refused
    effect = t.value - c.value
    standard_error = math.sqrt(c.variance + t.variance)
    z = effect / standard_error
    interval, *graded = (
        within(normal_interval(effect, standard_error, each), -largest, largest)
        for each in (level, *GRADES)
    )
    return finite(
        Estimate(
            method=method,
            control=control_arm,
            treatment=treatment_arm,
            effect=effect,
            interval=interval,
            p_value=normal_p_value(z),
            lift=lift,
            graded=tuple(graded),
            facts={**facts, "z": z, "standard_error": standard_error},
        )
    )


def within(interval: Interval, lowest: float, highest: float) -> Interval:
    """Cut an interval to what the value can be; open ends stay open."""
    low, high = interval.low, interval.high
    return Interval(
        None if low is None else max(low, lowest),
        None if high is None else min(high, highest),
        interval.level,
    )


def log_log_interval(share: float, variance: float, level: float) -> Interval | None:
    """Interval of S on the scale of log(-log S), which keeps it within 0 and 1."""
    if not 0 < share < 1:
        return Interval(1.0, 1.0, level) if share else None
    reach = normal_value(level) * math.sqrt(variance) / (share * -math.log(share))
    reach = min(reach, MOST_REACH)
    return Interval(share ** math.exp(reach), share ** math.exp(-reach), level)


def too_few(tables: Sequence[LifeTable]) -> NotComputable | None:
    """Refuse variants with fewer units than an interval can speak of."""
    smallest = min((table.n for table in tables), default=0)
    if smallest >= MIN_UNITS:
        return None
    reason = Reason.TOO_FEW_UNITS if smallest else Reason.EMPTY_ARM
    return NotComputable(reason, {"smallest_n": int(smallest), "needed": MIN_UNITS})


def too_short(tables: Sequence[LifeTable], day: int) -> NotComputable | None:
    """Refuse a day that too few units of some variant were followed to.

    Units that had their event before are known to the end; so a curve that lost
    nobody from sight is a plain share, however few are left.
    """
    followed = min(
        int(curve.at_risk_on(np.array([day]))[0])
        if curve.censored_before(day)
        else MIN_AT_RISK
        for curve in map(curve_of, tables)
    )
    if followed >= MIN_AT_RISK and day >= 1:
        return None
    return NotComputable(
        Reason.FOLLOW_UP_TOO_SHORT,
        {"day": int(day), "followed": followed, "needed": MIN_AT_RISK},
    )
