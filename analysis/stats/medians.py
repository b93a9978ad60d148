"""When half of a variant had the event: the median of a time that may be censored.

Events of day k came in (k - 1, k], so a curve rises evenly over that day; the median is
where it meets one half. Its interval holds the times at which the curve's own interval
meets one half (Brookmeyer and Crowley 1982, "A confidence interval for the median
survival time", Biometrics 38(1)). The difference of two takes its interval from theirs
by the method of variance estimates recovery, which needs no density: Zou and Donner
(2008), "Construction of confidence limits about effect measures", Stat Med 27(10).
"""

import math
from collections.abc import Callable

from analysis.stats.estimate import (
    ArmValue,
    Estimate,
    Interval,
    Lift,
    NotComputable,
    Outcome,
)
from analysis.stats.incidence import IncidencePoint, Table, incidence_curve
from analysis.stats.intervals import GRADES
from analysis.stats.refusals import finite
from experiments.vocabulary import Reason

HALF = 0.5
Median = tuple[float, Interval]


def median(table: Table, horizon: int, level: float = 0.95) -> ArmValue | NotComputable:
    """Days until half of one variant's units had the event.

    Args:
        table: life table of the variant, with or without competing causes.
        horizon: day up to which units were watched; a later median is not known.
        level: confidence level, 0 to 1.

    Returns:
        Median in days with its interval, or the reason why there is none. An end of
        the interval is open where the curve's own has not met one half by then.
    """
    points = incidence_curve(table, level)
    if isinstance(points, NotComputable):
        return points
    points = tuple(point for point in points if point.day <= horizon)
    value = _meets_half(points, lambda point: point.share)
    if value is None:
        return NotComputable(Reason.MEDIAN_NOT_REACHED, {"day": int(horizon)})
    early = _meets_half(points, _highest)
    late = _meets_half(points, _lowest)
    interval = Interval(
        value if early is None else min(early, value),
        None if late is None else max(late, value),
        level,
    )
    return ArmValue(table.n, value, interval, n_missing=table.n_missing)


def median_difference(
    control: Table, treatment: Table, horizon: int, level: float = 0.95
) -> Outcome:
    """Compare the days until half of all units had the event.

    Args:
        control: life table of control, with or without competing causes.
        treatment: of the treatment.
        horizon: day up to which units were watched.
        level: confidence level, 0 to 1.

    Returns:
        Estimate of treatment minus control in days, without a test: log-rank and the
        restricted mean stand for it. Facts: `horizon`. Or the reason why there is no
        estimate.
    """
    found: list[tuple[ArmValue, ArmValue]] = []
    for each in (level, *GRADES):
        c, t = (median(table, horizon, each) for table in (control, treatment))
        if isinstance(c, NotComputable):
            return c
        if isinstance(t, NotComputable):
            return t
        found.append((c, t))
    interval, *graded = (_recovered(*pair) for pair in found)
    c, t = found[0]
    if interval.low is not None and interval.low == interval.high:
        facts: dict[str, float | int | str] = {"control_n": c.n, "treatment_n": t.n}
        return NotComputable(Reason.NO_VARIATION, facts)
    return finite(
        Estimate(
            method="median_difference",
            control=c,
            treatment=t,
            effect=_value(t) - _value(c),
            interval=interval,
            p_value=None,
            lift=_lift(c, t),
            graded=tuple(graded),
            facts={"horizon": int(horizon)},
        )
    )


def _recovered(control: ArmValue, treatment: ArmValue) -> Interval:
    """Interval of a difference from the intervals of its two sides."""
    (c, (c_low, c_high)), (t, (t_low, t_high)) = map(_ends, (control, treatment))
    below = None if c_high is None else math.hypot(t - (t_low or 0.0), c_high - c)
    above = None if t_high is None else math.hypot(t_high - t, c - (c_low or 0.0))
    return Interval(
        None if below is None else t - c - below,
        None if above is None else t - c + above,
        control.interval.level if control.interval else 0.95,
    )


def _lift(control: ArmValue, treatment: ArmValue) -> Lift | NotComputable:
    """Ratio of two medians, its interval recovered on the scale of logarithms."""
    (c, (c_low, c_high)), (t, (t_low, t_high)) = map(_ends, (control, treatment))
    if not c > 0:
        return NotComputable(Reason.BASELINE_NOT_POSITIVE)
    if not c_low or not t_low or not t > 0:
        return NotComputable(Reason.BASELINE_NEAR_ZERO)
    ratio = t / c
    low = high = None
    if c_high is not None:
        low = ratio * math.exp(-math.hypot(math.log(t / t_low), math.log(c_high / c)))
    if t_high is not None:
        high = ratio * math.exp(math.hypot(math.log(t_high / t), math.log(c / c_low)))
    level = control.interval.level if control.interval else 0.95
    return Lift(
        value=ratio - 1,
        interval=Interval(
            None if low is None else low - 1, None if high is None else high - 1, level
        ),
        method="recovered",
    )


def _ends(arm: ArmValue) -> tuple[float, tuple[float | None, float | None]]:
    interval = arm.interval
    ends = (None, None) if interval is None else (interval.low, interval.high)
    return _value(arm), ends


def _value(arm: ArmValue) -> float:
    return 0.0 if arm.value is None else arm.value


def _meets_half(
    points: tuple[IncidencePoint, ...], height: Callable[[IncidencePoint], float]
) -> float | None:
    """Time at which a curve meets one half; None when it does not."""
    before = 0.0
    for point in points:
        here = height(point)
        if here >= HALF:
            if not point.day:  # had it at the very start
                return 0.0
            return point.day - (here - HALF) / (here - before) if here > before else 0.0
        before = max(before, here)
    return None


def _highest(point: IncidencePoint) -> float:
    if point.interval is None or point.interval.high is None:
        return point.share
    return point.interval.high


def _lowest(point: IncidencePoint) -> float:
    if point.interval is None or point.interval.low is None:
        return point.share
    return point.interval.low
