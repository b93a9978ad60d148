"""A18: for every summary that can be, a typed outcome; no NaN and no false zero."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats.estimate import (
    ArmValue,
    Estimate,
    Interval,
    Lift,
    NotComputable,
    Outcome,
)
from analysis.stats.many_to_one import together
from analysis.stats.means import welch
from analysis.stats.multiplicity import holm
from analysis.stats.proportions import two_proportions
from analysis.stats.satisfaction import csat_mean, csat_share, response_balance
from analysis.stats.srm import sample_ratio
from analysis.stats.summary import (
    Histogram,
    LifeDay,
    LifeTable,
    Moments,
    Successes,
    moments_of,
)
from analysis.stats.survival import (
    LogRank,
    kaplan_meier,
    km_difference,
    largest_tau,
    logrank,
    rmst,
    rmst_difference,
)
from experiments.vocabulary import Reason
from tests.analysis.stats.examples import (
    histograms,
    life_tables,
    moments,
    successes,
)

BILLION = 10**9

SHARES = {
    "nobody": Successes(0, 0),
    "all immature": Successes(0, 0, n_immature=500),
    "all missing": Successes(0, 0, n_missing=500),
    "one": Successes(1, 1),
    "ten": Successes(10, 5),
    "none of many": Successes(1000, 0),
    "all of many": Successes(1000, 1000),
    "one of many": Successes(100_000, 1),
    "85 % missing": Successes(150, 60, n_missing=850),
    "usual": Successes(1000, 200),
    "a billion": Successes(BILLION, 190_000_000),
    "none of a billion": Successes(BILLION, 0),
    "all but one of a million": Successes(10**6, 10**6 - 1),
}

MEANS = {
    "nobody": moments_of([]),
    "one": moments_of([3.0]),
    "ten": moments_of([float(k) for k in range(10)]),
    "all zero": moments_of([0.0] * 50),
    "all one": moments_of([1.0] * 50),
    "all a tenth": moments_of([0.1] * 51),
    "mean zero": moments_of([-1.0, 1.0] * 50),
    "mean below zero": moments_of([-3.0, -1.0] * 50),
    "NaN and infinity": moments_of([math.nan, math.inf, -math.inf, 1.0, 2.0] * 9),
    "only NaN": moments_of([math.nan] * 50),
    "NaN mean": Moments(50, math.nan, math.nan),
    "infinite mean": Moments(50, math.inf, math.nan),
    "infinite spread": Moments(50, 0.0, math.inf),
    "85 % missing": moments_of([1.0, 2.0, 5.0] * 5 + [None] * 85),
    "huge": moments_of([1e300, 2e300] * 20),
    "huge below zero": moments_of([-1e300, -2e300] * 20),
    "tiny": moments_of([1e-300, 2e-300] * 20),
    "subnormal": moments_of([5e-324, 1e-323] * 20),
    "wide": moments_of([-1e150, 1e150] * 20),
    "offset": moments_of([1e9 - 1, 1e9 + 1] * 20),
    "usual": moments_of([float(k % 7) for k in range(700)]),
    "a billion": Moments(BILLION, 4.2, 1.1 * BILLION),
}

ANSWERS = {
    "nobody": Histogram((), 0, 0),
    "nobody mature": Histogram((), 0, 0, n_immature=90),
    "nobody answered": Histogram((), 90, 90),
    "one answered": Histogram(((3.0, 1),), 90, 90),
    "all alike": Histogram(((5.0, 90),), 90, 90),
    "none of a score": Histogram(((1.0, 0), (5.0, 0)), 90, 90),
    "85 % silent": Histogram(((1.0, 20), (3.0, 60), (5.0, 70)), 1000, 1000),
    "answered unasked": Histogram(((1.0, 20), (5.0, 70)), 900, 0),
    "one asked of all who answered": Histogram(((1.0, 50), (5.0, 50)), 100, 100),
    "usual": Histogram(((1.0, 9), (2.0, 35), (3.0, 50), (5.0, 54)), 200, 180),
    "a billion": Histogram(((1.0, BILLION // 3), (2.0, 7)), BILLION, BILLION),
}

LIVES = {
    "nobody": LifeTable(0, ()),
    "one": LifeTable(1, (LifeDay(3, 1, 0),)),
    "no days": LifeTable(50, ()),
    "all leave at once": LifeTable(50, (LifeDay(0, 50, 0),)),
    "all leave on day 7": LifeTable(50, (LifeDay(7, 50, 0),)),
    "all stay": LifeTable(50, (LifeDay(30, 0, 50),)),
    "all lost early": LifeTable(50, (LifeDay(1, 5, 45),)),
    "nobody listed as ended": LifeTable(50, (LifeDay(30, 0, 0),)),
    "last ones leave": LifeTable(50, (LifeDay(2, 10, 30), LifeDay(8, 10, 0))),
    "usual": LifeTable(
        500, (LifeDay(1, 50, 9), LifeDay(5, 60, 9), LifeDay(30, 9, 300))
    ),
    "a billion": LifeTable(BILLION, (LifeDay(1, 9, 0), LifeDay(30, BILLION // 2, 9))),
}


def assert_sound(outcome: Outcome) -> None:
    """Check that an outcome is a reason, or nothing but finite numbers that agree."""
    if isinstance(outcome, NotComputable):
        assert isinstance(outcome.reason, Reason)
        numbers = (f for f in outcome.facts.values() if not isinstance(f, str))
        assert all(map(math.isfinite, numbers))
        return
    assert isinstance(outcome, Estimate)
    assert math.isfinite(outcome.effect)
    for interval in (outcome.interval, *outcome.graded):
        assert_interval(interval, outcome.effect)
    for arm in (outcome.control, outcome.treatment):
        assert_arm(arm)
    assert outcome.p_value is None or 0 <= outcome.p_value <= 1
    if isinstance(outcome.lift, Lift):
        assert math.isfinite(outcome.lift.value)
        assert_interval(outcome.lift.interval, outcome.lift.value)
    else:
        assert isinstance(outcome.lift.reason, Reason)


def assert_interval(interval: Interval, value: float) -> None:
    low, high = interval.low, interval.high
    assert low is not None
    assert high is not None
    assert math.isfinite(low)
    assert math.isfinite(high)
    assert low < high  # never (0, 0)
    slack = 1e-9 * max(abs(low), abs(high))
    assert low - slack <= value <= high + slack


def assert_arm(arm: ArmValue) -> None:
    assert arm.value is not None
    assert math.isfinite(arm.value)
    assert arm.n >= 10
    if arm.interval is not None:
        assert_interval(arm.interval, arm.value)


@pytest.mark.parametrize("control", SHARES.values(), ids=SHARES)
def test_shares__any_two_edges__typed_outcome(control: Successes) -> None:
    for treatment in SHARES.values():
        assert_sound(two_proportions(control, treatment))


@pytest.mark.parametrize("control", MEANS.values(), ids=MEANS)
def test_means__any_two_edges__typed_outcome(control: Moments) -> None:
    for treatment in MEANS.values():
        assert_sound(welch(control, treatment))


@pytest.mark.parametrize("control", ANSWERS.values(), ids=ANSWERS)
def test_answers__any_two_edges__typed_outcome(control: Histogram) -> None:
    for treatment in ANSWERS.values():
        assert_sound(csat_mean(control, treatment))
        assert_sound(csat_share(control, treatment, satisfied_from=4))
        balance = response_balance(control, treatment)
        assert_sound(balance.of_exposed)
        assert_sound(balance.of_invited)


@pytest.mark.parametrize("control", LIVES.values(), ids=LIVES)
def test_lives__any_two_edges__typed_outcome(control: LifeTable) -> None:
    for treatment in LIVES.values():
        for day in (0, 1, 7, 30, 31, 730):
            assert_sound(km_difference(control, treatment, day))
            assert_sound(rmst_difference(control, treatment, day))
        assert_logrank(logrank([control, treatment]))
        tau = largest_tau([control, treatment])
        assert isinstance(tau, NotComputable) or tau >= 1


def assert_logrank(found: LogRank | NotComputable) -> None:
    if isinstance(found, NotComputable):
        return
    assert math.isfinite(found.chi2)
    assert 0 <= found.p_value <= 1
    assert found.dof >= 1


@pytest.mark.parametrize("table", LIVES.values(), ids=LIVES)
def test_life__any_edge__typed_curve_and_days(table: LifeTable) -> None:
    curve = kaplan_meier(table)
    if isinstance(curve, tuple):
        shares = [point.survival for point in curve]
        assert shares == sorted(shares, reverse=True)
        assert all(math.isfinite(point.standard_error) for point in curve)
    days = rmst(table, 7)
    if isinstance(days, ArmValue):
        assert_arm(days)
        assert days.value is not None
        assert 0 <= days.value <= 7


def test_arms__three_of_which_one_is_empty__typed_outcome() -> None:
    usual, nobody = LIVES["usual"], LIVES["nobody"]

    found = logrank([usual, nobody, usual])

    assert isinstance(found, NotComputable)
    assert found.reason is Reason.EMPTY_ARM
    counts = {"control": 500, "a": 500, "b": 0}
    ratio = sample_ratio(counts, dict.fromkeys(counts, 1 / 3))
    assert ratio.p_value is not None
    assert ratio.p_value < 1e-9
    assert holm([0.01, None]) == (0.02, None)
    every = together([NotComputable(Reason.EMPTY_ARM)] * 2)
    assert [each.p_value for each in every] == [None, None]


@given(successes(), successes(), st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.999]))
def test_shares__any_customers__typed_outcome(
    control: Successes, treatment: Successes, level: float
) -> None:
    assert_sound(two_proportions(control, treatment, level))


@given(moments(), moments(), st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.999]))
def test_means__any_customers__typed_outcome(
    control: Moments, treatment: Moments, level: float
) -> None:
    assert_sound(welch(control, treatment, level))


@given(histograms(), histograms(), st.floats(0, 6))
def test_answers__any_customers__typed_outcome(
    control: Histogram, treatment: Histogram, satisfied_from: float
) -> None:
    assert_sound(csat_mean(control, treatment))
    assert_sound(csat_share(control, treatment, satisfied_from))
    assert_sound(response_balance(control, treatment).of_exposed)


@given(life_tables(), life_tables(), st.integers(0, 40))
def test_lives__any_customers__typed_outcome(
    control: LifeTable, treatment: LifeTable, day: int
) -> None:
    assert_sound(km_difference(control, treatment, day))
    assert_sound(rmst_difference(control, treatment, day))
    assert_logrank(logrank([control, treatment]))


@pytest.mark.parametrize("level", [0.0, 1.0, 95, math.nan])
def test_estimators__level_that_is_none__refused_in_words(level: float) -> None:
    share, mean, life = SHARES["usual"], MEANS["usual"], LIVES["usual"]

    words = "confidence level lies between 0 and 1"
    with pytest.raises(ValueError, match=words):
        two_proportions(share, share, level)
    with pytest.raises(ValueError, match=words):
        welch(mean, mean, level)
    with pytest.raises(ValueError, match=words):
        rmst_difference(life, life, 7, level)
