import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.regression.linear_model import WLS

from analysis.stats.estimate import Estimate, NotComputable
from analysis.stats.means import squared_error
from analysis.stats.ratio import linearised, ratio_difference
from analysis.stats.summary import VectorMoments, vector_moments_of
from experiments.vocabulary import Reason
from tests.analysis.stats.test_edges import assert_sound
from tests.analysis.stats.test_symmetry import assert_mirrored

pairs = st.lists(st.tuples(st.floats(-1e5, 1e5), st.floats(-1, 1e4)), max_size=30).map(
    lambda listed: vector_moments_of(listed, size=2)
)


def test_linearised__few_customers__weighted_regression_on_the_rows() -> None:
    # R = sum y / sum x is the WLS mean of y/x with weights x; its HC0 variance is the
    # linearised one with n instead of n - 1 (statistics 4.6).
    chance = np.random.default_rng(4)
    x = chance.integers(1, 9, 40).astype(float)
    y = x * chance.normal(3.0, 1.0, 40)
    fit = WLS(y / x, np.ones(40), weights=x).fit(cov_type="HC0")

    found = linearised(vector_moments_of(zip(y.tolist(), x.tolist(), strict=True)))

    assert found.mean == pytest.approx(fit.params[0], rel=1e-12)
    assert squared_error(found) * 39 / 40 == pytest.approx(fit.bse[0] ** 2, rel=1e-9)


def test_linearised__every_customer_has_the_same_ratio__no_error() -> None:
    same = vector_moments_of([(0.1 * k, float(k)) for k in range(1, 60)])

    assert linearised(same).m2 == 0
    found = ratio_difference(same, same)
    assert isinstance(found, NotComputable)
    assert found.reason is Reason.NO_VARIATION


@pytest.mark.parametrize(
    ("listed", "reason"),
    [
        ([], Reason.EMPTY_ARM),
        ([(1.0, 2.0)], Reason.TOO_FEW_UNITS),
        ([(1.0, 0.0), (2.0, 0.0)] * 20, Reason.DENOMINATOR_NEAR_ZERO),
        ([(1.0, -1.0), (2.0, 1.0)] * 20, Reason.DENOMINATOR_NEAR_ZERO),
        ([(1.0, 1.0)] + [(0.0, 0.0)] * 40, Reason.DENOMINATOR_NEAR_ZERO),
    ],
)
def test_ratio__edges__typed_reason(
    listed: list[tuple[float, float]], reason: Reason
) -> None:
    arm = vector_moments_of(listed, size=2)
    usual = vector_moments_of([(float(k % 3), float(1 + k % 2)) for k in range(50)])

    for arms in ((arm, usual), (usual, arm), (arm, arm)):
        found = ratio_difference(*arms)
        assert isinstance(found, NotComputable)
        assert found.reason is reason


def test_ratio__sums_that_are_no_numbers__non_finite() -> None:
    wrong = VectorMoments(50, (math.nan, 1.0), ((1.0, 0.0), (0.0, 1.0)))

    found = ratio_difference(wrong, wrong)

    assert isinstance(found, NotComputable)
    assert found.reason is Reason.NON_FINITE


@given(pairs, pairs)
def test_ratio__any_customers__sound_and_mirrored(
    control: VectorMoments, treatment: VectorMoments
) -> None:
    found, swapped = (
        ratio_difference(control, treatment),
        ratio_difference(treatment, control),
    )

    assert_sound(found)
    assert isinstance(found, NotComputable) == isinstance(swapped, NotComputable)
    if isinstance(found, Estimate):
        assert_mirrored(found, swapped)


@given(st.floats(0.01, 100), st.floats(0.01, 100))
def test_ratio__other_units__scaled(of_y: float, of_x: float) -> None:
    base = [(float(k % 5), float(1 + k % 3)) for k in range(60)]
    more = [(float(k % 7), float(1 + k % 2)) for k in range(60)]

    def scaled(listed: list[tuple[float, float]]) -> VectorMoments:
        return vector_moments_of([(y * of_y, x * of_x) for y, x in listed])

    one = ratio_difference(vector_moments_of(base), vector_moments_of(more))
    other = ratio_difference(scaled(base), scaled(more))

    assert isinstance(one, Estimate)
    assert isinstance(other, Estimate)
    assert other.effect == pytest.approx(one.effect * of_y / of_x, rel=1e-9)
    assert other.p_value == pytest.approx(one.p_value, rel=1e-6)
