import math
from collections.abc import Mapping

import numpy as np
import pytest
from scipy import stats

from analysis.stats.estimate import Estimate, Lift, NotComputable
from analysis.stats.lift import fieller
from analysis.stats.means import mean_value, squared_error, welch
from analysis.stats.summary import Moments, moments_of
from experiments.vocabulary import Reason
from tests.analysis.stats.conftest import RecordOf, RowsOf, ends

Rounds = Mapping[str, list[int]]


@pytest.fixture(scope="module")
def rounds(rows: RowsOf) -> Rounds:
    """Game rounds of each customer of Cookie Cats, by arm."""
    by_arm: dict[str, list[int]] = {"gate_30": [], "gate_40": []}
    for row in rows("cookie_cats/cookie_cats.csv"):
        by_arm[row["version"]].append(int(row["sum_game_rounds"]))
    return by_arm


def estimate(control: Moments, treatment: Moments) -> Estimate:
    found = welch(control, treatment)
    assert isinstance(found, Estimate)
    return found


def reason(control: Moments, treatment: Moments) -> Reason:
    found = welch(control, treatment)
    assert isinstance(found, NotComputable)
    return found.reason


@pytest.mark.parametrize("name", ["raw", "wins99.9", "wins99"])
def test_welch__game_rounds_of_cookie_cats__reference_numbers(
    name: str, record: RecordOf, rounds: Rounds
) -> None:
    reference = record(f"cookie.rounds.{name}")
    cap = reference.inputs["cap"] or math.inf
    control, treatment = (
        moments_of(min(each, cap) for each in rounds[arm])
        for arm in ("gate_30", "gate_40")
    )

    found = estimate(control, treatment)

    assert found.control.value == reference.about("mean_c")
    assert found.treatment.value == reference.about("mean_t")
    assert found.effect == reference.about("diff")
    assert found.facts["standard_error"] == reference.about("se")
    assert found.facts["t"] == reference.about("t")
    assert found.facts["dof"] == reference.about("df")
    assert found.p_value == reference.about("p")
    assert found.interval.low == reference.about("lo")
    assert found.interval.high == reference.about("hi")
    # The record's Fieller interval takes z; that of an estimate takes the test's t.
    by_z = fieller(
        control.mean, squared_error(control), treatment.mean, squared_error(treatment)
    )
    assert isinstance(by_z, Lift)
    assert ends(by_z.interval) == reference.about("lift_fieller")
    assert isinstance(found.lift, Lift)
    assert found.lift.value == reference.about("lift")
    assert ends(found.lift.interval) == pytest.approx(ends(by_z.interval), abs=2e-6)


def test_welch__few_units__scipy_on_the_single_values() -> None:
    control = [3.1, 2.2, 5.9, 4.4, 3.3, 2.8, 4.1, 3.9, 2.5, 3.6]
    treatment = [6.1, 2.9, 7.7, 5.2, 4.8, 6.6, 5.5, 3.4, 9.2, 4.0, 5.1]
    alone = stats.ttest_ind(treatment, control, equal_var=False)
    interval = alone.confidence_interval(0.95)

    found = estimate(moments_of(control), moments_of(treatment))

    assert found.p_value == pytest.approx(alone.pvalue, rel=1e-12)
    assert ends(found.interval) == pytest.approx(
        [interval.low, interval.high], rel=1e-12
    )
    assert found.facts["dof"] == pytest.approx(alone.df, rel=1e-12)
    arm = stats.t.interval(0.95, 9, np.mean(control), stats.sem(control))
    assert found.control.interval is not None
    assert ends(found.control.interval) == pytest.approx(list(arm), rel=1e-12)


def test_welch__values_at_a_large_offset__same_difference() -> None:
    # Shifting both arms changes neither difference nor error.
    control, treatment = [0.0, 1.0, 2.0] * 50, [1.0, 2.0, 3.0] * 50
    near = estimate(moments_of(control), moments_of(treatment))

    far = estimate(
        moments_of(1e9 + each for each in control),
        moments_of(1e9 + each for each in treatment),
    )

    assert far.effect == pytest.approx(near.effect, rel=1e-6)
    assert ends(far.interval) == pytest.approx(ends(near.interval), rel=1e-6)


def test_welch__values_missing_and_not_finite__n_drives_the_error() -> None:
    answered = [1.0, 2.0, 3.0, 4.0, 5.0] * 4
    silent = [*answered, *[None] * 500, math.nan, math.inf]

    found = estimate(moments_of(silent, 7), moments_of(silent, 8))

    alone = estimate(moments_of(answered), moments_of(answered))
    assert found.interval == alone.interval
    assert (found.control.n, found.control.n_missing) == (20, 500)
    assert (found.control.n_nonfinite, found.control.n_immature) == (2, 7)


def test_welch__control_mean_of_zero__effect_survives_without_lift() -> None:
    found = estimate(
        moments_of([-1.0, 1.0] * 10), moments_of([float(k) for k in range(20)])
    )

    assert found.effect == 9.5
    assert isinstance(found.lift, NotComputable)
    assert found.lift.reason is Reason.BASELINE_NOT_POSITIVE


def test_welch__control_mean_lost_in_its_noise__lift_refused() -> None:
    found = estimate(moments_of([-10.0, 11.0] * 10), moments_of([-9.0, 12.0] * 10))

    assert isinstance(found.lift, NotComputable)
    assert found.lift.reason is Reason.BASELINE_NEAR_ZERO


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9 + 0.1])
def test_welch__all_values_alike__no_variation(value: float) -> None:
    arm = moments_of([value] * 30)
    # A warehouse leaves a little rounding in M2, and may not tell the extremes.
    rounded = Moments(30, value, 30 * (2e-16 * value) ** 2)

    assert reason(arm, arm) is Reason.NO_VARIATION
    assert reason(rounded, rounded) is Reason.NO_VARIATION


def test_welch__few_equal_values_beside_many_varied__not_taken_for_certain() -> None:
    few = moments_of([5.0] * 12)
    many = moments_of([1.0, 2.0, 3.0, 4.0, 5.0] * 1000)

    assert reason(few, many) is Reason.NO_VARIATION
    assert reason(many, few) is Reason.NO_VARIATION


def test_welch__one_large_arm_without_variation__error_of_the_other() -> None:
    found = estimate(moments_of([0.0] * 100), moments_of([0.0, 1.0] * 50))

    # By hand: only treatment varies, with variance (1/4) 100 / 99.
    assert found.facts["standard_error"] == pytest.approx(math.sqrt(0.25 / 99))
    assert found.facts["dof"] == pytest.approx(99)
    assert found.control.interval is None


@pytest.mark.parametrize(
    ("arm", "why"),
    [
        (Moments(0, 0.0, 0.0), Reason.EMPTY_ARM),
        (Moments(0, 0.0, 0.0, n_missing=80), Reason.NO_ANSWERS),
        (Moments(0, 0.0, 0.0, n_immature=80), Reason.NO_MATURE_UNITS),
        (Moments(0, 0.0, 0.0, n_missing=80, n_nonfinite=2), Reason.NON_FINITE),
        (Moments(9, 1.0, 3.0), Reason.TOO_FEW_UNITS),
        (Moments(20, math.nan, 3.0), Reason.NON_FINITE),
        (Moments(20, 1.0, math.inf), Reason.NON_FINITE),
    ],
)
def test_welch__nothing_to_compare__typed_reason_either_way_round(
    arm: Moments, why: Reason
) -> None:
    other = Moments(20, 2.0, 3.0)

    assert reason(arm, other) is why
    assert reason(other, arm) is why


def test_mean_value__one_unit__value_without_interval() -> None:
    arm = mean_value(moments_of([4.0]))

    assert (arm.n, arm.value, arm.interval) == (1, 4.0, None)


def test_mean_value__no_unit__no_value() -> None:
    assert mean_value(moments_of([])).value is None
