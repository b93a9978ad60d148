"""Counts out of so many tries: exact intervals of their chance, and usual counts."""

from analysis.stats.estimate import Interval
from analysis.stats.intervals import tail


def clopper_pearson(found: int, tries: int, level: float = 0.95) -> Interval:
    """Interval of a chance that holds at least as often as it says, whatever it is.

    Clopper and Pearson (1934), "The use of confidence or fiducial limits illustrated
    in the case of the binomial", Biometrika 26(4).

    Args:
        found: how often it happened.
        tries: out of so many, above 0.
        level: confidence level, 0 to 1.

    Returns:
        Interval of the chance, within 0 and 1.

    Raises:
        ValueError: there were no tries, or more was found than tried.
    """
    from scipy import special  # noqa: PLC0415  # takes a while to load

    if not 0 <= found <= tries or not tries:
        raise ValueError(f"{found} of {tries} is no count")
    outside = tail(level)
    low = special.betaincinv(found, tries - found + 1, outside) if found else 0.0
    high = 1.0
    if found < tries:
        high = special.betaincinv(found + 1, tries - found, 1 - outside)
    return Interval(float(low), float(high), level)


def usual_counts(tries: int, chance: float, level: float = 0.99) -> tuple[int, int]:
    """Counts that are usual where the chance is known.

    Args:
        tries: how many.
        chance: of each, 0 to 1.
        level: how much of the distribution is called usual.

    Returns:
        The smallest and the largest; beyond either lies at most half of the rest.
    """
    from scipy.stats import binom  # noqa: PLC0415  # takes a while to load

    outside = tail(level)
    return (
        int(binom.ppf(outside, tries, chance)),
        int(binom.ppf(1 - outside, tries, chance)),
    )
