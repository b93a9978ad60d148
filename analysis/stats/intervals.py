"""Critical values, p-values and intervals that the estimators share."""

from scipy import special

from analysis.stats.estimate import Interval

GRADES = (0.5, 0.8)  # levels of the inner intervals of the chart, narrowest first


def tail(level: float) -> float:
    """Probability left out at either side of a two-sided interval.

    Args:
        level: confidence level, between 0 and 1.

    Returns:
        Half of what the level leaves; 0.025 for 0.95.

    Raises:
        ValueError: when the level is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"a confidence level lies between 0 and 1: {level}")
    return (1 - level) / 2


def normal_value(level: float) -> float:
    """Critical value of the standard normal for a two-sided interval.

    Args:
        level: confidence level, 0 to 1.

    Returns:
        z such that -z to z holds `level` of the distribution; 1.96 for 0.95.
    """
    return -float(special.ndtri(tail(level)))


def t_value(level: float, dof: float) -> float:
    """Critical value of Student's t for a two-sided interval.

    Args:
        level: confidence level, 0 to 1.
        dof: degrees of freedom, above 0, need not be whole.

    Returns:
        t such that -t to t holds `level` of the distribution.
    """
    return -float(special.stdtrit(dof, tail(level)))


def normal_p_value(z: float) -> float:
    """Two-sided p-value of a standard normal; from the tail, so it does not cancel."""
    return 2 * float(special.ndtr(-abs(z)))


def t_p_value(t: float, dof: float) -> float:
    """Two-sided p-value of Student's t; from the tail, so it does not cancel."""
    return 2 * float(special.stdtr(dof, -abs(t)))


def around(centre: float, half_width: float, level: float) -> Interval:
    """Symmetric interval around an estimate."""
    return Interval(centre - half_width, centre + half_width, level)


def normal_interval(value: float, standard_error: float, level: float) -> Interval:
    """Normal (Wald) interval of an estimate with its standard error."""
    return around(value, normal_value(level) * standard_error, level)
