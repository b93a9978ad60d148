"""A19: what must not depend on which arm comes first, on units or on empty parts."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats.estimate import Estimate, Interval, Lift, NotComputable, Outcome
from analysis.stats.means import welch
from analysis.stats.merging import merge
from analysis.stats.proportions import two_proportions
from analysis.stats.satisfaction import csat_mean, csat_share, response_balance
from analysis.stats.srm import sample_ratio
from analysis.stats.summary import (
    Histogram,
    LifeTable,
    Moments,
    Successes,
    moments_of,
)
from analysis.stats.survival import (
    LogRank,
    km_difference,
    logrank,
    rmst_difference,
)
from tests.analysis.stats.examples import (
    histograms,
    life_tables,
    moments,
    successes,
)

positive = st.lists(st.floats(0.5, 100.0), min_size=10, max_size=60).map(moments_of)


def assert_mirrored(one: Outcome, other: Outcome) -> None:
    """Check that `other` says of swapped arms what `one` says."""
    if isinstance(one, NotComputable) or isinstance(other, NotComputable):
        assert isinstance(one, NotComputable)
        assert isinstance(other, NotComputable)
        assert one.reason is other.reason
        return
    assert (one.control, one.treatment) == (other.treatment, other.control)
    assert other.effect == -one.effect
    assert near(other.p_value, one.p_value)
    for a, b in zip(
        (one.interval, *one.graded), (other.interval, *other.graded), strict=True
    ):
        scale = max(abs(end) for end in ends(a))
        assert ends(b) == pytest.approx(
            (-ends(a)[1], -ends(a)[0]), rel=1e-9, abs=1e-12 * scale
        )
    if isinstance(one.lift, Lift) and isinstance(other.lift, Lift):
        assert_reciprocal(one.lift, other.lift)


def near(a: float | None, b: float | None) -> bool:
    """Compare two numbers of which both or none may be missing."""
    if a is None or b is None:
        return a is b
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)


def ends(interval: Interval) -> tuple[float, float]:
    assert interval.low is not None
    assert interval.high is not None
    return interval.low, interval.high


def assert_reciprocal(one: Lift, other: Lift) -> None:
    """Check 1 + lift against its reciprocal; a ratio of 0 or less has none."""
    (low, high), (low_, high_) = ends(one.interval), ends(other.interval)
    for a, b in ((one.value, other.value), (low, high_), (high, low_)):
        if min(1 + a, 1 + b) > 1e-6:
            assert (1 + a) * (1 + b) == pytest.approx(1, rel=1e-6)


@given(successes(), successes())
def test_two_proportions__arms_swapped__mirrored(a: Successes, b: Successes) -> None:
    assert_mirrored(two_proportions(a, b), two_proportions(b, a))


@given(moments(), moments())
def test_welch__arms_swapped__mirrored(a: Moments, b: Moments) -> None:
    assert_mirrored(welch(a, b), welch(b, a))


@given(positive, positive)
def test_welch__arms_of_positive_values_swapped__mirrored(
    a: Moments, b: Moments
) -> None:
    assert_mirrored(welch(a, b), welch(b, a))


@given(histograms(), histograms())
def test_csat__arms_swapped__mirrored(a: Histogram, b: Histogram) -> None:
    assert_mirrored(csat_mean(a, b), csat_mean(b, a))
    assert_mirrored(csat_share(a, b, 4), csat_share(b, a, 4))
    one, other = response_balance(a, b), response_balance(b, a)
    assert_mirrored(one.of_exposed, other.of_exposed)
    assert_mirrored(one.of_invited, other.of_invited)
    assert (one.control, one.treatment) == (other.treatment, other.control)


@given(life_tables(min_n=10), life_tables(min_n=10), st.integers(1, 12))
def test_survival__arms_swapped__mirrored(a: LifeTable, b: LifeTable, day: int) -> None:
    assert_mirrored(km_difference(a, b, day), km_difference(b, a, day))
    assert_mirrored(rmst_difference(a, b, day), rmst_difference(b, a, day))


@given(st.lists(life_tables(min_n=10), min_size=2, max_size=4))
def test_logrank__arms_in_another_order__same_test(arms: list[LifeTable]) -> None:
    one, other = logrank(arms), logrank(arms[1:] + arms[:1])

    if isinstance(one, NotComputable) or isinstance(other, NotComputable):
        assert one == other
        return
    assert isinstance(one, LogRank)
    assert other.chi2 == pytest.approx(one.chi2, rel=1e-6, abs=1e-9)
    assert other.dof == one.dof


@given(st.integers(0, 5000), st.integers(0, 5000), st.floats(0.05, 0.95))
def test_sample_ratio__variants_in_another_order__same_test(
    a: int, b: int, share: float
) -> None:
    one = sample_ratio({"a": a, "b": b}, {"a": share, "b": 1 - share})
    other = sample_ratio({"b": b, "a": a}, {"b": 1 - share, "a": share})

    assert near(other.p_value, one.p_value)
    assert near(other.log_e_value, one.log_e_value)
    assert other.state is one.state


@given(positive, positive, st.sampled_from([0.01, 3.0, 1000.0]))
def test_welch__values_in_another_unit__same_test_and_lift(
    a: Moments, b: Moments, k: float
) -> None:
    one = welch(a, b)
    other = welch(scaled(a, k), scaled(b, k))

    if isinstance(one, NotComputable):
        assert isinstance(other, NotComputable)
        return
    assert isinstance(other, Estimate)
    assert other.effect == pytest.approx(k * one.effect, rel=1e-9, abs=1e-9)
    assert other.p_value == pytest.approx(one.p_value, rel=1e-6)
    if isinstance(one.lift, Lift):
        assert isinstance(other.lift, Lift)
        assert ends(other.lift.interval) == pytest.approx(
            ends(one.lift.interval), rel=1e-6, abs=1e-9
        )


def scaled(arm: Moments, k: float) -> Moments:
    assert arm.minimum is not None
    assert arm.maximum is not None
    return replace(
        arm,
        mean=k * arm.mean,
        m2=k * k * arm.m2,
        minimum=k * arm.minimum,
        maximum=k * arm.maximum,
    )


@given(histograms(), histograms())
def test_csat_mean__scale_reversed__sign_turns(a: Histogram, b: Histogram) -> None:
    one, other = csat_mean(a, b), csat_mean(reversed_scale(a), reversed_scale(b))

    if isinstance(one, NotComputable) or isinstance(other, NotComputable):
        assert one == other
        return
    assert other.effect == pytest.approx(-one.effect, abs=1e-12)
    assert other.p_value == pytest.approx(one.p_value, rel=1e-9)


def reversed_scale(arm: Histogram) -> Histogram:
    return replace(arm, counts=tuple((6 - s, k) for s, k in reversed(arm.counts)))


@given(successes(), successes(), moments(), histograms(), life_tables())
def test_estimators__empty_segment_added__nothing_changes(
    a: Successes, b: Successes, m: Moments, h: Histogram, t: LifeTable
) -> None:
    more = merge(m, moments_of([]))
    table = merge(t, LifeTable(0, ()))

    assert two_proportions(merge(a, Successes(0, 0)), b) == two_proportions(a, b)
    assert welch(more, more) == welch(m, m)
    assert csat_mean(merge(h, Histogram((), 0, 0)), h) == csat_mean(h, h)
    assert km_difference(table, t, 5) == km_difference(t, t, 5)


@pytest.mark.parametrize(
    "run",
    [
        lambda: two_proportions(Successes(44_700, 8_502), Successes(45_489, 8_279)),
        lambda: two_proportions(Successes(40, 1), Successes(40, 5)),
        lambda: sample_ratio({"a": 501, "b": 478}, {"a": 0.5, "b": 0.5}),
    ],
)
def test_estimators__hundred_repeats__the_same_bits(run: Callable[[], object]) -> None:
    assert len({repr(run()) for _ in range(100)}) == 1
