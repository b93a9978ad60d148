import math
from dataclasses import replace

import pytest

from analysis.stats.estimate import ArmValue, Estimate, Interval, Lift, NotComputable
from analysis.stats.refusals import finite, unvaried
from experiments.vocabulary import Reason

SOUND = Estimate(
    method="welch",
    control=ArmValue(20, 1.0, Interval(0.5, 1.5)),
    treatment=ArmValue(20, 2.0),
    effect=1.0,
    interval=Interval(0.2, 1.8),
    p_value=0.01,
    lift=Lift(1.0, Interval(0.1, 2.2), "fieller"),
)


def test_finite__sound_estimate__passed_on() -> None:
    assert finite(SOUND) == SOUND


@pytest.mark.parametrize(
    "broken",
    [
        replace(SOUND, effect=math.nan),
        replace(SOUND, p_value=math.nan),
        replace(SOUND, interval=Interval(-math.inf, 1.0)),
        replace(SOUND, graded=(Interval(0.9, math.nan, 0.5),)),
        replace(SOUND, treatment=ArmValue(20, math.inf)),
        replace(SOUND, control=ArmValue(20, 1.0, Interval(math.nan, 1.5))),
    ],
)
def test_finite__a_number_that_is_none__typed_reason(broken: Estimate) -> None:
    assert finite(broken) == NotComputable(Reason.NON_FINITE)


@pytest.mark.parametrize(
    ("interval", "why"),
    [
        (Interval(0.1, math.inf), Reason.NON_FINITE),
        (Interval(-1.0, -1.0), Reason.NO_VARIATION),
    ],
)
def test_finite__only_the_lift_unsound__effect_survives(
    interval: Interval, why: Reason
) -> None:
    found = finite(replace(SOUND, lift=Lift(1.0, interval, "fieller")))

    assert found == replace(SOUND, lift=NotComputable(why))


@pytest.mark.parametrize(
    ("alike", "varied", "refused"),
    [(49, 100, True), (50, 100, False), (500, 100, False)],
)
def test_unvaried__one_arm_all_alike__refused_below_half_of_the_other(
    alike: int,
    varied: int,
    refused: bool,  # noqa: FBT001  # pytest gives it by name
) -> None:
    assert (unvaried(alike, 0.0, varied, 0.1) is not None) is refused
    assert (unvaried(varied, 0.1, alike, 0.0) is not None) is refused


def test_unvaried__both_arms_vary__go_on() -> None:
    assert unvaried(10, 0.1, 1000, 0.1) is None
