"""Many secondary metrics: few of those called changed are false.

Holm, for the primary family, promises that no false alarm happens in 95 % of plans;
over twenty secondary metrics that promise would hide most real changes. Here the
promise is a share: of the metrics called changed at most `q` are expected to be false.
"""

from collections.abc import Sequence

from analysis.stats.multiplicity import in_steps


def benjamini_hochberg(p_values: Sequence[float | None]) -> tuple[float | None, ...]:
    """Adjust p-values so that the expected share of false discoveries is kept.

    Benjamini and Hochberg (1995), "Controlling the false discovery rate", JRSS B 57(1);
    under positive dependence by Benjamini and Yekutieli (2001), theorem 1.2. Written
    out for the reason `holm` gives.

    Args:
        p_values: one for each comparison of the family; None where it has none. Such a
            comparison still counts in the family, which was fixed beforehand.

    Returns:
        Adjusted p-values in the same order; None where there was none.
    """
    return _step_up(p_values, [len(p_values) / (i + 1) for i in range(len(p_values))])


def benjamini_yekutieli(p_values: Sequence[float | None]) -> tuple[float | None, ...]:
    """Adjust p-values likewise, under any dependence between the comparisons.

    Benjamini and Yekutieli (2001), "The control of the false discovery rate in
    multiple testing under dependency", Ann Statist 29(4), theorem 1.3.

    Args:
        p_values: as in `benjamini_hochberg`.

    Returns:
        Adjusted p-values in the same order; None where there was none.
    """
    family = len(p_values)
    harmonic = sum(1 / (i + 1) for i in range(family))
    return _step_up(p_values, [harmonic * family / (i + 1) for i in range(family)])


def hochberg(p_values: Sequence[float | None]) -> tuple[float | None, ...]:
    """Adjust p-values by Hochberg's step-up method, for a family without false alarm.

    Hochberg (1988), "A sharper Bonferroni procedure for multiple tests of
    significance", Biometrika 75(4); valid under positive dependence.

    Args:
        p_values: as in `benjamini_hochberg`.

    Returns:
        Adjusted p-values in the same order; None where there was none.
    """
    return _step_up(p_values, [len(p_values) - i for i in range(len(p_values))])


def false_coverage_level(
    p_values: Sequence[float | None], level: float = 0.95
) -> float:
    """Level at which each interval of the family is shown beside its adjusted p-value.

    Benjamini and Yekutieli (2005), "False discovery rate-adjusted multiple confidence
    intervals for selected parameters", JASA 100(469): with R discoveries among m the
    intervals at 1 - R q / m miss in at most a share q of those selected. An interval
    that belongs to the test of its p-value then excludes 0 exactly when
    `benjamini_hochberg` calls the comparison a discovery; so the same level serves
    those that are none.

    Args:
        p_values: as in `benjamini_hochberg`, unadjusted.
        level: 1 - q, 0 to 1.

    Returns:
        The level, at least `level`; that of Bonferroni where nothing is discovered.
    """
    q, family = 1 - level, max(1, len(p_values))
    found = sum(p is not None and p <= q for p in benjamini_hochberg(p_values))
    return 1 - q * max(1, found) / family


def _step_up(
    p_values: Sequence[float | None], factors: Sequence[float]
) -> tuple[float | None, ...]:
    """Multiply the i-th smallest by its factor, and let none pass a larger one."""
    adjusted: list[float | None] = [None] * len(p_values)
    smallest = 1.0
    steps = list(enumerate(in_steps(p_values)))
    for done, (p, i) in reversed(steps):
        smallest = min(smallest, p * factors[done])
        adjusted[i] = smallest
    return tuple(adjusted)
