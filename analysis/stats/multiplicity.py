"""Several comparisons, one promise: at most 5 % false alarms over all of them."""

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


def in_steps(p_values: Sequence[float | None]) -> list[tuple[float, int]]:
    """Order p-values as Holm takes them, each with its place."""
    return sorted((p, i) for i, p in enumerate(p_values) if p is not None)
