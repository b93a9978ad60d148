"""Is a change too large to be true? What looks so good is mostly not (Twyman)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from scipy import special

from analysis.stats.estimate import Estimate, Lift, NotComputable
from analysis.stats.pooling import paule_mandel
from analysis.stats.standard_error import error_of

FARTHEST = 6.0  # standard errors from no change
LARGEST_LIFT = 0.5  # of control's value
CERTAIN_P_VALUE = 0.001  # above it a large change may be chance
LEAST_PAST = 5  # changes of earlier experiments that tell what is usual
USUAL = 4.0  # standard deviations of what the earlier ones lead to expect
TIMES_PLANNED = 5.0  # the change that matters


class Surprise(StrEnum):
    """Against what a change is too large."""

    ERRORS = "errors"  # its own standard error
    LIFT = "lift"  # control's value
    PAST = "past"  # what earlier experiments found
    PLAN = "plan"  # the change that matters


@dataclass(frozen=True, slots=True)
class _Size:
    """How large a change is, whatever its direction."""

    effect: float
    error: float
    p_value: float
    nearest: float  # end of its interval to 0; 0 where 0 is inside


def surprise(
    estimate: Estimate,
    change_that_matters: float,
    past: Sequence[tuple[float, float]] = (),
) -> tuple[Surprise, ...]:
    """Find against what a change is larger than such changes are.

    Past changes are taken as normal around 0 with the spread that their own errors
    leave (Paule and Mandel 1982).

    Args:
        estimate: of one metric and treatment.
        change_that_matters: of the plan, above 0, in the metric's unit.
        past: (change, standard error) of the metric in finished experiments.

    Returns:
        All that it is too large against; none for a change of a usual size.
    """
    size = _size(estimate)
    if size is None or size.p_value >= CERTAIN_P_VALUE:
        return ()
    found = []
    if size.p_value < 2 * float(special.ndtr(-FARTHEST)):
        found.append(Surprise.ERRORS)
    if isinstance(estimate.lift, Lift) and abs(estimate.lift.value) > LARGEST_LIFT:
        found.append(Surprise.LIFT)
    if _beyond_past(size, past):
        found.append(Surprise.PAST)
    if change_that_matters > 0 and size.nearest > TIMES_PLANNED * change_that_matters:
        found.append(Surprise.PLAN)
    return tuple(found)


def _size(estimate: Estimate) -> _Size | None:
    if estimate.p_value is None:
        return None
    low, high = estimate.interval.low, estimate.interval.high
    nearest = 0.0
    if low is not None and low > 0:
        nearest = low
    elif high is not None and high < 0:
        nearest = -high
    error = error_of(estimate)
    return _Size(abs(estimate.effect), error, estimate.p_value, nearest)


def _beyond_past(size: _Size, past: Sequence[tuple[float, float]]) -> bool:
    if len(past) < LEAST_PAST:
        return False
    pooled = paule_mandel([x for x, _ in past], [error for _, error in past], 0.0)
    if isinstance(pooled, NotComputable):
        return False
    usual = USUAL * math.sqrt(pooled.between + size.error * size.error)
    return size.effect > max(usual, *(abs(change) for change, _ in past))
