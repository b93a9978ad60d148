import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects

from analysis.stats.estimate import Estimate, NotComputable
from analysis.stats.heterogeneity import Heterogeneity, heterogeneity
from analysis.stats.means import welch
from analysis.stats.no_segment_worse import (
    NoSegmentWorse,
    SegmentState,
    no_segment_worse,
)
from analysis.stats.summary import moments_of
from experiments.vocabulary import Reason

Effects = list[tuple[str, float, float]]

EFFECTS: Effects = [
    ("free", 0.08, 0.03),
    ("team", -0.02, 0.02),
    ("company", 0.15, 0.05),
    ("abroad", 0.01, 0.04),
]
drawn = st.lists(
    st.tuples(st.floats(-5, 5), st.floats(0.01, 3)), min_size=2, max_size=8
).map(lambda listed: [(f"s{i}", *each) for i, each in enumerate(listed)])


def found(effects: Effects) -> Heterogeneity:
    outcome = heterogeneity(effects)
    assert isinstance(outcome, Heterogeneity)
    return outcome


def test_heterogeneity__four_segments__as_statsmodels() -> None:
    effects = np.array([effect for _, effect, _ in EFFECTS])
    errors = np.array([error for _, _, error in EFFECTS])
    alone = combine_effects(effects, errors**2, method_re="iterated", atol=1e-12)
    test = alone.test_homogeneity()

    whole = found(EFFECTS)

    assert whole.q == pytest.approx(test.statistic, rel=1e-9)
    assert whole.p_value == pytest.approx(test.pvalue, rel=1e-9)
    assert whole.share_real == pytest.approx(alone.i2, rel=1e-9)
    assert whole.between == pytest.approx(alone.tau2, rel=1e-6)
    assert whole.mean == pytest.approx(alone.mean_effect_re, rel=1e-6)


def test_heterogeneity__rows_of_three_segments__interaction_with_hc2() -> None:
    chance = np.random.default_rng(5)
    segment = chance.integers(0, 3, 600)
    t = chance.integers(0, 2, 600)
    y = segment + t * (0.2 + 0.3 * segment) + chance.normal(0, 1 + 0.5 * segment, 600)
    dummies = np.eye(3)[segment]
    x = np.column_stack([dummies, t[:, None] * dummies])
    fit = sm.OLS(y, x).fit(cov_type="HC2")
    contrast = np.array([[0, 0, 0, -1, 1, 0], [0, 0, 0, -1, 0, 1]])
    wald = fit.wald_test(contrast, use_f=False, scalar=True)

    effects = []
    for each in range(3):
        arms = [
            moments_of(y[(segment == each) & (t == arm)].tolist()) for arm in (0, 1)
        ]
        outcome = welch(arms[0], arms[1])
        assert isinstance(outcome, Estimate)
        error = outcome.facts["standard_error"]
        assert isinstance(error, float)
        effects.append((str(each), outcome.effect, error))

    assert found(effects).q == pytest.approx(wald.statistic, rel=1e-9)


def test_shrunk__one_segment_far_off_with_a_large_error__pulled_most() -> None:
    whole = found(EFFECTS)

    for name, effect, error in EFFECTS:
        shrunk = whole.shrunk[name]
        low, high = sorted([effect, whole.mean])
        assert low <= shrunk.value <= high
        kept = whole.between / (whole.between + error**2)
        assert shrunk.value - whole.mean == pytest.approx(kept * (effect - whole.mean))


def test_shrunk__segments_alike__all_at_the_mean_with_its_error() -> None:
    whole = found([("a", 0.1, 0.2), ("b", 0.12, 0.2)])

    assert whole.between == 0
    assert whole.share_real == 0
    for each in whole.shrunk.values():
        assert each.value == pytest.approx(0.11)
        assert each.standard_error == pytest.approx(0.2 / math.sqrt(2))


@given(drawn, st.sampled_from([1e-8, 1e6]))
def test_heterogeneity__order_sign_and_unit__same_test(
    effects: Effects, k: float
) -> None:
    one = found(effects)
    turned = found([(name, -k * effect, k * error) for name, effect, error in effects])
    reordered = found(effects[::-1])

    assert turned.q == pytest.approx(one.q, rel=1e-6, abs=1e-9)
    assert reordered.p_value == pytest.approx(one.p_value, rel=1e-6, abs=1e-12)
    for name, shrunk in one.shrunk.items():
        assert turned.shrunk[name].value == pytest.approx(
            -k * shrunk.value, rel=1e-4, abs=k * 1e-6
        )
        assert math.isfinite(shrunk.value)
        assert shrunk.standard_error > 0


@pytest.mark.parametrize(
    ("effects", "reason"),
    [
        ([], Reason.TOO_FEW_SEGMENTS),
        ([("a", 0.1, 0.1)], Reason.TOO_FEW_SEGMENTS),
        ([("a", 0.1, 0.1), ("b", math.nan, 0.1)], Reason.NON_FINITE),
        ([("a", 0.1, 0.1), ("b", 0.1, math.inf)], Reason.NON_FINITE),
        ([("a", 0.1, 0.1), ("b", 0.1, 0.0)], Reason.NO_VARIATION),
        ([("a", 0.1, 1e-200), ("b", 0.1, 1.0)], Reason.NON_FINITE),
        ([("a", 1e200, 1.0), ("b", 0.1, 1.0)], Reason.NON_FINITE),
    ],
)
def test_heterogeneity__edges__typed_reason(effects: Effects, reason: Reason) -> None:
    outcome = heterogeneity(effects)

    assert isinstance(outcome, NotComputable)
    assert outcome.reason is reason


def claim(effects: Effects, margin: float) -> NoSegmentWorse:
    outcome = no_segment_worse(effects, margin)
    assert isinstance(outcome, NoSegmentWorse)
    return outcome


def test_no_segment_worse__each_within_the_margin__holds() -> None:
    whole = claim([("a", 0.02, 0.01), ("b", 0.0, 0.02)], margin=0.05)

    assert whole.holds
    assert whole.worst.segment == "b"
    assert whole.worst.low == pytest.approx(-1.959964 * 0.02)


def test_no_segment_worse__average_good_and_one_segment_harmed__named() -> None:
    whole = claim([("a", 0.3, 0.01), ("b", -0.2, 0.02), ("c", 0.0, 0.2)], margin=0.05)

    assert not whole.holds
    assert [bound.state for bound in whole.bounds] == [
        SegmentState.UNHARMED,
        SegmentState.HARMED,
        SegmentState.UNCLEAR,
    ]
    # Sidak over three segments at one-sided 2.5 %.
    z = stats.norm.isf(1 - 0.975 ** (1 / 3))
    assert whole.bounds[1].high_together == pytest.approx(-0.2 + z * 0.02)
    assert whole.bounds[1].low_together == pytest.approx(-0.2 - z * 0.02)


@given(drawn, st.floats(0, 2))
def test_no_segment_worse__another_segment_added__never_easier(
    effects: Effects, margin: float
) -> None:
    whole, fewer = claim(effects, margin), claim(effects[:-1], margin)

    assert whole.holds <= fewer.holds
    assert whole.holds == (whole.worst.state == SegmentState.UNHARMED)
    for bound in whole.bounds:
        assert bound.low_together <= bound.low < bound.effect < bound.high_together


@pytest.mark.parametrize(
    ("effects", "margin", "reason"),
    [
        ([], 0.1, Reason.TOO_FEW_SEGMENTS),
        ([("a", 0.1, 0.1)], -0.1, Reason.OUT_OF_RANGE),
        ([("a", 0.1, 0.1)], math.nan, Reason.OUT_OF_RANGE),
        ([("a", math.inf, 0.1)], 0.1, Reason.NON_FINITE),
        ([("a", 0.1, 0.0)], 0.1, Reason.NO_VARIATION),
    ],
)
def test_no_segment_worse__edges__typed_reason(
    effects: Effects, margin: float, reason: Reason
) -> None:
    outcome = no_segment_worse(effects, margin)

    assert isinstance(outcome, NotComputable)
    assert outcome.reason is reason
