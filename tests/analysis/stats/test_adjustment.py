import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from statsmodels.stats.multivariate import test_mvmean_2indep as mvmean_2indep

from analysis.stats.adjustment import cuped, lin
from analysis.stats.covariates import kept_covariates
from analysis.stats.estimate import Estimate, Interval, Lift, NotComputable, Outcome
from analysis.stats.lift import fieller, fieller_of_change
from analysis.stats.means import welch
from analysis.stats.stratified import post_stratified, with_strata
from analysis.stats.summary import Moments, VectorMoments, moments_of, vector_moments_of
from experiments.vocabulary import Reason
from tests.analysis.stats.conftest import ends
from tests.analysis.stats.test_edges import MEANS, assert_sound

Rows = NDArray[np.float64]


def customers(seed: int, n: int, effect: float = 0.0, p: int = 2) -> Rows:
    """Draw customers whose outcome follows their covariates: outcome, covariates."""
    chance = np.random.default_rng(seed)
    x = chance.normal(3.0, 2.0, (n, p))
    y = effect + x @ np.arange(1, p + 1) * (1 + 0.3 * effect) + chance.normal(0, 1, n)
    return np.column_stack([y, x])


def summed(rows: Rows) -> VectorMoments:
    return vector_moments_of(rows.tolist(), size=rows.shape[1])


def by_lin(control: Rows, treatment: Rows) -> Estimate:
    return estimate(lin(summed(control), summed(treatment)))


def by_welch(control: Rows, treatment: Rows) -> Estimate:
    return estimate(welch(moments_of(control.tolist()), moments_of(treatment.tolist())))


def estimate(found: Outcome) -> Estimate:
    assert isinstance(found, Estimate)
    return found


def test_lin__few_customers__interacted_regression_on_the_rows() -> None:
    control, treatment = customers(1, 60), customers(2, 45, effect=1.0)
    rows = np.vstack([control, treatment])
    t = np.repeat([0.0, 1.0], [60, 45])
    x = rows[:, 1:] - rows[:, 1:].mean(axis=0)
    fit = sm.OLS(
        rows[:, 0], np.column_stack([np.ones(105), t, x, t[:, None] * x])
    ).fit()

    found = by_lin(control, treatment)

    assert found.effect == pytest.approx(fit.params[1], rel=1e-10)
    assert found.control.value == pytest.approx(fit.params[0], rel=1e-10)
    # The error, from the two regressions of which the interacted one consists.
    parts = []
    for arm in (control, treatment):
        alone = sm.OLS(arm[:, 0], sm.add_constant(arm[:, 1:])).fit()
        parts.append((alone.mse_resid / len(arm), alone.params[1:]))
    apart = parts[1][1] - parts[0][1]
    spread = np.cov(rows[:, 1:].T)
    variance = parts[0][0] + parts[1][0] + apart @ spread @ apart / 105
    assert found.facts["standard_error"] == pytest.approx(math.sqrt(variance), rel=1e-9)
    balance = mvmean_2indep(control[:, 1:], treatment[:, 1:])
    assert found.facts["balance_p_value"] == pytest.approx(balance.pvalue, rel=1e-9)


def test_lin__good_covariate__unadjusted_stands_beside_with_its_larger_error() -> None:
    control, treatment = customers(3, 400), customers(4, 380, effect=0.2)

    found = by_lin(control, treatment)

    plain = by_welch(control[:, 0], treatment[:, 0])
    assert found.facts["unadjusted_effect"] == pytest.approx(plain.effect, rel=1e-9)
    assert found.facts["unadjusted_low"] == pytest.approx(plain.interval.low, rel=1e-9)
    assert found.facts["unadjusted_high"] == pytest.approx(
        plain.interval.high, rel=1e-9
    )
    # One part in 21 of the variance is left: 1 / (1 + 4 + 16) before the effect's own.
    ratio = found.facts["variance_ratio"]
    assert isinstance(ratio, float)
    assert 0.03 < ratio < 0.08
    assert found.facts["covariates"] == 2


def test_lin__collinear_and_constant_covariates__dropped_and_nothing_changes() -> None:
    control, treatment = customers(5, 80), customers(6, 90, effect=0.5)

    def padded(rows: Rows) -> VectorMoments:
        x = rows[:, 1:]
        more = [
            x[:, 0] * 100 + 7,
            x.sum(axis=1),
            np.zeros(len(rows)),
            np.ones(len(rows)),
        ]
        return summed(np.column_stack([rows, *more]))

    found = estimate(lin(padded(control), padded(treatment)))

    alone = by_lin(control, treatment)
    assert found.facts["covariates"] == 2
    assert found.facts["covariates_dropped"] == 4
    assert found.effect == pytest.approx(alone.effect, rel=1e-7)
    assert found.interval.low == pytest.approx(alone.interval.low, rel=1e-7)


def test_kept__indicator_of_nobody_in_one_variant__left_out() -> None:
    control, treatment = customers(7, 50), customers(8, 50)
    known = np.zeros(50)
    some = known.copy()
    some[:9] = 1.0

    found = kept_covariates(
        (
            summed(np.column_stack([control, some])),
            summed(np.column_stack([treatment, known])),
        )
    )

    assert found == [0, 1]


def test_lin__no_usable_covariate__is_welch() -> None:
    control, treatment = customers(9, 50)[:, :1], customers(10, 50)[:, :1]

    for more in (np.zeros((50, 0)), np.ones((50, 2))):
        arms = [summed(np.hstack([arm, more])) for arm in (control, treatment)]
        found = estimate(lin(arms[0], arms[1]))
        plain = estimate(welch(arms[0].outcome, arms[1].outcome))
        assert found.method == "welch"
        assert found.interval == plain.interval
        assert found.facts["covariates_dropped"] == more.shape[1]


def test_lin__fewer_customers_than_covariates_need__refused() -> None:
    control, treatment = customers(11, 14, p=6), customers(12, 200, p=6)

    found = lin(summed(control), summed(treatment))

    assert isinstance(found, NotComputable)
    assert found.reason is Reason.TOO_FEW_UNITS
    assert found.facts["needed"] == 16


def test_lin__covariate_is_the_outcome__no_variation() -> None:
    x = customers(13, 60, p=1)[:, 1:]

    found = lin(summed(np.hstack([2 * x + 1, x])), summed(np.hstack([2 * x + 1, x])))

    assert isinstance(found, NotComputable)
    assert found.reason is Reason.NO_VARIATION


@given(st.integers(0, 10**6), st.sampled_from([1e-3, 7.0, 1e4]))
def test_lin__arms_swapped_units_changed_rows_reordered__same_answer(
    seed: int, k: float
) -> None:
    control, treatment = customers(seed, 40), customers(seed + 1, 30, effect=0.3)

    one = by_lin(control, treatment)
    swapped = by_lin(treatment, control)
    units = [k, 1 / k, 1000.0]
    scaled = by_lin(control * units, treatment * units)
    reordered = by_lin(control[::-1], treatment[::-1])
    turned = by_lin(control[:, [0, 2, 1]], treatment[:, [0, 2, 1]])

    assert swapped.effect == pytest.approx(-one.effect, rel=1e-9)
    assert swapped.p_value == pytest.approx(one.p_value, rel=1e-6)
    assert scaled.effect == pytest.approx(k * one.effect, rel=1e-7, abs=k * 1e-9)
    assert scaled.p_value == pytest.approx(one.p_value, rel=1e-5)
    assert reordered == one
    assert turned.effect == pytest.approx(one.effect, rel=1e-9)


def edge(moments: Moments) -> VectorMoments:
    """Give the outcome of an edge two covariates: one that varies and one that not."""
    return VectorMoments(
        n=moments.n,
        mean=(moments.mean, 5.0, 1.0),
        m2=(
            (moments.m2, 0.0, 0.0),
            (0.0, float(moments.n), 0.0),
            (0.0, 0.0, 0.0),
        ),
        minimum=moments.minimum,
        maximum=moments.maximum,
        n_missing=moments.n_missing,
        n_nonfinite=moments.n_nonfinite,
        n_immature=moments.n_immature,
    )


@pytest.mark.parametrize("control", MEANS.values(), ids=MEANS)
def test_adjusted__any_two_edges__typed_outcome(control: Moments) -> None:
    for treatment in MEANS.values():
        assert_sound(lin(edge(control), edge(treatment)))
        ours, theirs = (
            VectorMoments(arm.n, arm.mean[:2], tuple(row[:2] for row in arm.m2[:2]))
            for arm in map(edge, (control, treatment))
        )
        assert_sound(cuped(ours, theirs))
        usual = MEANS["usual"]
        assert_sound(post_stratified({"a": (control, treatment)}))
        assert_sound(post_stratified({"a": (control, treatment), "b": (usual, usual)}))


def test_adjusted__covariate_sums_that_are_no_numbers__non_finite() -> None:
    good = summed(customers(14, 50, p=1))
    wrong = replace(good, mean=(good.mean[0], math.nan))

    for adjust in (lin, cuped):
        found = adjust(good, wrong)
        assert isinstance(found, NotComputable)
        assert found.reason is Reason.NON_FINITE


def test_cuped__two_covariates__refused_in_words() -> None:
    rows = summed(customers(15, 50))

    with pytest.raises(ValueError, match="one covariate"):
        cuped(rows, rows)


@given(
    st.floats(0.5, 100), st.floats(0.01, 0.2), st.floats(0.5, 100), st.floats(0.01, 0.2)
)
def test_lift_of_change__plain_difference__as_fieller(
    ours: float, ours_cv: float, theirs: float, theirs_cv: float
) -> None:
    v_c, v_t = (ours * ours_cv) ** 2, (theirs * theirs_cv) ** 2

    found = fieller_of_change(theirs - ours, v_c + v_t, ours, v_c, -v_c)

    alone = fieller(ours, v_c, theirs, v_t)
    assert isinstance(found, Lift)
    assert isinstance(alone, Lift)
    assert found.value == pytest.approx(alone.value, rel=1e-9, abs=1e-12)
    assert ends(found.interval) == pytest.approx(ends(alone.interval), rel=1e-6)


@given(st.floats(-3, 3), st.floats(-0.9, 0.9))
def test_lift_of_change__any_covariance__excludes_0_as_the_change_does(
    change: float, correlation: float
) -> None:
    found = fieller_of_change(change, 1.0, 20.0, 4.0, correlation * 2.0)

    assert isinstance(found, Lift)
    low, high = ends(found.interval)
    assert low is not None
    assert high is not None
    if abs(abs(change) - 1.959964) > 1e-5:
        assert (low > 0 or high < 0) == (abs(change) > 1.959964)


def strata_of(rows: Sequence[tuple[Rows, Rows]]) -> dict[str, tuple[Moments, Moments]]:
    return {
        f"s{i}": (moments_of(control.tolist()), moments_of(treatment.tolist()))
        for i, (control, treatment) in enumerate(rows)
    }


def test_post_stratified__two_strata__by_hand() -> None:
    chance = np.random.default_rng(16)
    rows = [
        (chance.normal(0, 1, 30), chance.normal(1, 1, 50)),
        (chance.normal(10, 2, 70), chance.normal(10.5, 2, 50)),
    ]

    found = estimate(post_stratified(strata_of(rows)))

    effects = [t.mean() - c.mean() for c, t in rows]
    weights = np.array([80, 120]) / 200
    effect = weights @ effects
    within = [c.var(ddof=1) / len(c) + t.var(ddof=1) / len(t) for c, t in rows]
    variance = weights**2 @ within + weights @ (effects - effect) ** 2 / 200
    assert found.effect == pytest.approx(effect, rel=1e-12)
    assert found.facts["standard_error"] == pytest.approx(
        math.sqrt(variance), rel=1e-12
    )
    assert found.facts["strata"] == 2
    assert found.facts["variance_ratio"] < 0.2  # type: ignore[operator]


def test_post_stratified__small_strata__put_together() -> None:
    chance = np.random.default_rng(17)
    large = (chance.normal(0, 1, 90), chance.normal(0, 1, 90))
    small = [(chance.normal(0, 1, 4), chance.normal(0, 1, 30)) for _ in range(3)]

    found = estimate(post_stratified(strata_of([large, *small])))
    lonely = estimate(post_stratified(strata_of([large, small[0]])))
    one = estimate(post_stratified(strata_of([large])))

    assert found.facts["strata"] == 2
    assert lonely.facts["strata"] == 1
    plain = by_welch(large[0], large[1])
    assert one.effect == pytest.approx(plain.effect, rel=1e-12)
    assert width(one.interval) == pytest.approx(width(plain.interval), rel=1e-12)


def width(interval: Interval) -> float:
    assert interval.low is not None
    assert interval.high is not None
    return interval.high - interval.low


def test_with_strata__no_other_covariate__lin_agrees_with_post_stratified() -> None:
    chance = np.random.default_rng(5)
    strata = {
        f"{i}": tuple(
            vector_moments_of(chance.normal(i, 1, (n, 1)).tolist())
            for n in (40 + 10 * i, 60 - 10 * i)
        )
        for i in range(4)
    }
    pairs = {name: (c, t) for name, (c, t) in strata.items()}

    found = estimate(lin(*with_strata(pairs)))

    apart = estimate(
        post_stratified({k: (c.outcome, t.outcome) for k, (c, t) in pairs.items()})
    )
    assert found.effect == pytest.approx(apart.effect, rel=1e-9)
    assert found.facts["standard_error"] == pytest.approx(
        apart.facts["standard_error"], rel=0.05
    )


def test_post_stratified__no_strata__typed_reason() -> None:
    found = post_stratified({})

    assert isinstance(found, NotComputable)
    assert found.reason is Reason.EMPTY_ARM
