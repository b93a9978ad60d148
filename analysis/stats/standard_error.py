"""The standard error of an estimate that is stored, without a library of statistics.

Pages and the digest add stored estimates up, and stay small for it.
"""

from statistics import NormalDist

from analysis.stats.estimate import Estimate


def normal_quantile(level: float) -> float:
    """How many standard errors a two-sided normal interval of a level reaches."""
    return NormalDist().inv_cdf((1 + level) / 2)


def error_of(estimate: Estimate) -> float:
    """Standard error of an estimate, where a read-out needs one number.

    Args:
        estimate: from any estimator.

    Returns:
        The stated error; where the method has none (Newcombe), what a normal interval
        of the same width would have. 0 where an end has no bound.
    """
    stated = estimate.facts.get("standard_error")
    if isinstance(stated, (int, float)):
        return float(stated)
    low, high = estimate.interval.low, estimate.interval.high
    if low is None or high is None:
        return 0.0
    return (high - low) / 2 / normal_quantile(estimate.interval.level)
