"""Several treatments, one promise: at most 5 % false alarms over all of them.

Choice: Holm decides which treatments differ from control; the intervals are
Bonferroni's, which hold together at the promised level, except where such an interval
would cover 0 although Holm rejects 0. There the interval is taken at the narrower
level of the Holm step that rejected, so that page and test never contradict each
other. Excluding 0 is thereby Holm's, and wrong in at most 1 - level of families. What
is given up: a narrowed interval has no part in the joint promise. Some loss there must
be: compatible intervals for Holm that keep it say nothing but the sign (Strassburger
and Bretz 2008, "Compatible simultaneous lower confidence bounds for the Holm procedure
and other Bonferroni-based closed tests", Stat Med 27(24)).
"""

from collections.abc import Sequence


def holm(p_values: Sequence[float | None]) -> tuple[float | None, ...]:
    """Adjust p-values by Holm's step-down method (Holm 1979, Scand J Statist 6(2)).

    Written out, for statsmodels' `multipletests` collects all garbage on every call
    (40 ms in a process that has loaded pandas); tests hold the two together.

    Args:
        p_values: one for each treatment of the plan; None where it has none. Such a
            treatment still counts in the family, which was fixed beforehand.

    Returns:
        Adjusted p-values in the same order; None where there was none.
    """
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for done, (p, i) in enumerate(in_steps(p_values)):
        largest = max(largest, min(1.0, p * (len(p_values) - done)))
        adjusted[i] = largest
    return tuple(adjusted)


def bonferroni_level(comparisons: int, level: float = 0.95) -> float:
    """Level of each interval at which all of them hold together at `level`."""
    return 1 - (1 - level) / max(1, comparisons)


def holm_levels(
    p_values: Sequence[float | None], level: float = 0.95
) -> tuple[float, ...]:
    """Level for each treatment's interval, matched to Holm's rejections.

    An interval that belongs to the same test as its p-value then excludes 0 exactly
    when Holm rejects at 1 - `level`; see the head of this module.

    Args:
        p_values: one for each treatment of the plan, unadjusted; None where none.
        level: confidence level of the family, 0 to 1.

    Returns:
        Levels in the same order, from Bonferroni's down to `level` itself.
    """
    alpha, family = 1 - level, len(p_values)
    levels = [bonferroni_level(family, level)] * family
    for done, (p, i) in enumerate(in_steps(p_values)):
        if p > alpha / (family - done):
            break
        if p > alpha / family:
            levels[i] = bonferroni_level(family - done, level)
    return tuple(levels)


def in_steps(p_values: Sequence[float | None]) -> list[tuple[float, int]]:
    """Order p-values as Holm takes them, each with its place."""
    return sorted((p, i) for i, p in enumerate(p_values) if p is not None)
