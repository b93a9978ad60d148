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

from statsmodels.stats.multitest import multipletests


def holm(p_values: Sequence[float | None]) -> tuple[float | None, ...]:
    """Adjust p-values by Holm's step-down method (Holm 1979, Scand J Statist 6(2)).

    Args:
        p_values: one for each treatment of the plan; None where it has none. Such a
            treatment still counts in the family, which was fixed beforehand.

    Returns:
        Adjusted p-values in the same order; None where there was none.
    """
    if not p_values:
        return ()
    filled = [1.0 if p is None else p for p in p_values]
    adjusted = multipletests(filled, method="holm")[1].tolist()
    return tuple(
        None if p is None else float(each)
        for p, each in zip(p_values, adjusted, strict=True)
    )


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
    steps = sorted((p, i) for i, p in enumerate(p_values) if p is not None)
    for done, (p, i) in enumerate(steps):
        if p > alpha / (family - done):
            break
        if p > alpha / family:
            levels[i] = bonferroni_level(family - done, level)
    return tuple(levels)
