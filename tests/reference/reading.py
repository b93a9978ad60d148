"""Taking what estimators return apart: a reason where a number is due is a fault."""

from analysis.stats.estimate import Estimate, Interval, Lift, NotComputable


def estimated(found: object) -> Estimate:
    assert isinstance(found, Estimate), found
    return found


def lifted(found: Lift | NotComputable) -> Lift:
    assert isinstance(found, Lift), found
    return found


def ends(interval: Interval) -> list[float]:
    """Write an interval as the records do."""
    assert interval.low is not None
    assert interval.high is not None
    return [interval.low, interval.high]
