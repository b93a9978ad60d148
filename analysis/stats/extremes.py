"""How much single customers weigh in a difference of means."""

from dataclasses import dataclass

from analysis.stats.estimate import NotComputable
from analysis.stats.summary import Moments
from experiments.vocabulary import Reason

MIN_UNITS = 100  # customers a variant; of fewer, each one weighs much
LARGEST_INFLUENCE = 0.5  # standard errors; beyond it one customer weighs too much


@dataclass(frozen=True, slots=True)
class Influence:
    """What leaving out the one customer who weighs most would change.

    Attributes:
        shift: of the variant's mean, in its unit; above 0 where the mean would fall.
        errors: the same without its sign, in standard errors of the difference.
        arm: place of the customer's variant, from 0.
    """

    shift: float
    errors: float
    arm: int


def influence(
    arms: tuple[Moments, ...], standard_error: float
) -> Influence | NotComputable:
    """Find the customer whose absence would move a difference of means most.

    The mean of the others is off by (x - m) / (n - 1): the deletion diagnostic (DFBETA)
    of Belsley, Kuh and Welsch (1980), "Regression diagnostics", for one mean.

    Args:
        arms: moments of the variants, with their smallest and largest value.
        standard_error: of the difference, above 0.

    Returns:
        Influence, or the reason why there is none.
    """
    fewest = min((arm.n for arm in arms), default=0)
    if fewest < MIN_UNITS:
        return NotComputable(Reason.TOO_FEW_UNITS, {"n": fewest, "needed": MIN_UNITS})
    if not standard_error > 0:
        return NotComputable(Reason.NO_VARIATION)
    shifts = [
        ((value - arm.mean) / (arm.n - 1), place)
        for place, arm in enumerate(arms)
        for value in (arm.minimum, arm.maximum)
        if value is not None
    ]
    if not shifts:
        return NotComputable(Reason.EMPTY_ARM)
    shift, place = max(shifts, key=lambda each: abs(each[0]))
    errors = abs(shift) / standard_error
    if not errors < float("inf"):
        return NotComputable(Reason.NON_FINITE)
    return Influence(shift, errors, place)
