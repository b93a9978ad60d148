"""Do several groups fall into ordered classes alike? Pearson's chi-square."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import special

from analysis.stats.estimate import NotComputable
from experiments.vocabulary import Reason

MIN_EXPECTED = 5  # fewer in a class and chi-square is not to be relied on


@dataclass(frozen=True, slots=True)
class Homogeneity:
    """Whether groups differ in which class their members are in."""

    chi2: float
    dof: int
    p_value: float


def homogeneity(groups: Sequence[Sequence[int]]) -> Homogeneity | NotComputable:
    """Compare counts by ordered classes between groups.

    Neighbouring classes are put together until every group is expected to have five in
    each, by the sums over groups alone, so that it favours no difference.

    Args:
        groups: of each group how many are in each class.

    Returns:
        Homogeneity, or the reason why there is none.
    """
    sizes = [sum(group) for group in groups]
    if len(groups) < 2 or not all(sizes):  # noqa: PLR2004  # nothing to compare
        return NotComputable(Reason.EMPTY_ARM)
    n = sum(sizes)
    needed = MIN_EXPECTED * n / min(sizes)
    classes: list[list[int]] = []
    for column in zip(*groups, strict=True):
        if classes and sum(classes[-1]) < needed:
            classes[-1] = [a + b for a, b in zip(classes[-1], column, strict=True)]
        else:
            classes.append(list(column))
    if len(classes) > 1 and sum(classes[-1]) < needed:
        last = classes.pop()
        classes[-1] = [a + b for a, b in zip(classes[-1], last, strict=True)]
    if len(classes) < 2:  # noqa: PLR2004  # all are in one
        return NotComputable(Reason.NO_VARIATION)
    chi2 = math.fsum(
        (count - by_sums) ** 2 / by_sums
        for column in classes
        for count, size in zip(column, sizes, strict=True)
        for by_sums in (sum(column) * size / n,)
    )
    dof = (len(classes) - 1) * (len(groups) - 1)
    return Homogeneity(chi2, dof, float(special.chdtrc(dof, chi2)))
