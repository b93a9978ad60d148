"""When a comparison is not given, and why: the same rules for every estimator."""

import math
from dataclasses import replace
from typing import Protocol

from analysis.stats.estimate import (
    ArmValue,
    Estimate,
    Interval,
    Lift,
    NotComputable,
    Outcome,
)
from experiments.vocabulary import Reason

MIN_UNITS = 10  # in each arm; below it an interval says more about us than about them


class Counted(Protocol):
    """What every summary of mature units tells about who counts."""

    @property
    def n(self) -> int:
        """Units with a usable value."""

    @property
    def n_missing(self) -> int:
        """Mature units without a value."""

    @property
    def n_nonfinite(self) -> int:
        """Mature units whose value is not a finite number."""

    @property
    def n_immature(self) -> int:
        """Units that are not old enough yet."""


def too_few(control: Counted, treatment: Counted) -> NotComputable | None:
    """Say why two arms hold too little to be compared, or None when they hold enough.

    Args:
        control: summary of the control arm.
        treatment: summary of the treatment arm.

    Returns:
        The same reason whichever arm is called control; None to go on.
    """
    empty = [_why_empty(arm) for arm in (control, treatment) if not arm.n]
    if empty:
        # With two empty arms the graver reason speaks for both.
        reason = min(empty, key=_GRAVEST_FIRST.index)
    elif min(control.n, treatment.n) < MIN_UNITS:
        reason = Reason.TOO_FEW_UNITS
    else:
        return None
    return NotComputable(
        reason,
        {
            "control_n": int(control.n),
            "treatment_n": int(treatment.n),
            "needed": MIN_UNITS,
        },
    )


_GRAVEST_FIRST = (
    Reason.EMPTY_ARM,
    Reason.NO_MATURE_UNITS,
    Reason.NON_FINITE,
    Reason.NO_ANSWERS,
)


def _why_empty(arm: Counted) -> Reason:
    if arm.n_nonfinite:
        return Reason.NON_FINITE
    if arm.n_missing:
        return Reason.NO_ANSWERS
    if arm.n_immature:
        return Reason.NO_MATURE_UNITS
    return Reason.EMPTY_ARM


def unvaried(
    control_n: int,
    control_variance: float,
    treatment_n: int,
    treatment_variance: float,
) -> NotComputable | None:
    """Say whether an arm in which all units are alike can be taken at its word.

    Its error would count as zero. A large arm earns that; twelve equal answers beside
    five thousand varied ones say that twelve is few, not that they are certain.

    Args:
        control_n: units of control.
        control_variance: squared standard error of control's value.
        treatment_n: units of treatment.
        treatment_variance: squared standard error of treatment's value.

    Returns:
        The reason when neither arm varies, or when the one that does not has less than
        half of the other's units; None to go on.
    """
    arms = [(control_n, control_variance), (treatment_n, treatment_variance)]
    alike = [n for n, variance in arms if not variance > 0]
    if not alike or (len(alike) == 1 and 2 * alike[0] >= max(control_n, treatment_n)):
        return None
    return NotComputable(
        Reason.NO_VARIATION,
        {"control_n": int(control_n), "treatment_n": int(treatment_n)},
    )


def finite(estimate: Estimate) -> Outcome:
    """Let an estimate through only when each of its numbers is a finite number.

    Args:
        estimate: what an estimator worked out.

    Returns:
        The estimate; without its lift when only that overflowed; or the reason.
    """
    numbers = [
        estimate.effect,
        estimate.p_value,
        *_ends(estimate.interval, *estimate.graded),
        *_numbers(estimate.control),
        *_numbers(estimate.treatment),
    ]
    if not _all_finite(numbers):
        return NotComputable(Reason.NON_FINITE)
    if isinstance(estimate.lift, Lift):
        return replace(estimate, lift=_sound_lift(estimate.lift))
    return estimate


def _sound_lift(lift: Lift) -> Lift | NotComputable:
    """Refuse a lift that overflowed, or that would seem to be known exactly."""
    low, high = lift.interval.low, lift.interval.high
    if not _all_finite([lift.value, low, high]):
        return NotComputable(Reason.NON_FINITE)
    if low is not None and low == high:
        return NotComputable(Reason.NO_VARIATION)
    return lift


def _ends(*intervals: Interval | None) -> list[float | None]:
    return [end for each in intervals if each for end in (each.low, each.high)]


def _numbers(arm: ArmValue) -> list[float | None]:
    return [arm.value, *_ends(arm.interval)]


def _all_finite(numbers: list[float | None]) -> bool:
    return all(number is None or math.isfinite(number) for number in numbers)
