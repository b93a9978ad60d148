import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.stats.estimate import ArmValue, Estimate, NotComputable
from analysis.stats.intervals import normal_interval, normal_p_value, normal_value
from analysis.stats.many_to_one import together
from analysis.stats.means import welch
from analysis.stats.proportions import two_proportions
from analysis.stats.summary import Successes, moments_of
from experiments.vocabulary import Reason
from tests.reference.reading import estimated

NO_LIFT = NotComputable(Reason.BASELINE_NEAR_ZERO)


def compared(z: float, control: float = 1.0, treatment: float = 1.0) -> Estimate:
    """An estimate whose statistic is z, of two groups with these standard errors."""
    error = math.hypot(control, treatment)
    ours, theirs = (
        ArmValue(100, 0.0, normal_interval(0.0, each, 0.95))
        for each in (control, treatment)
    )
    return Estimate(
        method="normal",
        control=ours,
        treatment=theirs,
        effect=z * error,
        interval=normal_interval(z * error, error, 0.95),
        p_value=normal_p_value(z),
        lift=NO_LIFT,
    )


def test_together__means_of_equal_spread__scipy_on_the_single_values() -> None:
    chance = np.random.default_rng(3)
    sizes = [(0.0, 400), (0.1, 300), (0.2, 500), (-0.05, 400)]
    values = [chance.normal(mean, 1, n).tolist() for mean, n in sizes]
    alone = stats.dunnett(*values[1:], control=values[0], rng=chance)
    control, *treatments = map(moments_of, values)

    found = together([welch(control, each) for each in treatments])

    # scipy simulates, and pools the variance, which is the same in all groups here.
    assert [each.p_value for each in found] == pytest.approx(
        list(alone.pvalue), abs=0.01
    )
    ends = alone.confidence_interval(0.95)
    for each, one, low in zip(found, treatments, ends.low, strict=True):
        ours = estimated(welch(control, one, each.level))
        assert ours.interval.low == pytest.approx(low, abs=0.01)


def test_together__shares__normal_probability_of_the_rectangle() -> None:
    control = Successes(200, 50)
    blue, red = (two_proportions(control, Successes(200, n)) for n in (67, 100))

    found = together([blue, red])

    # By hand: variances of the shares .25, .335 and .5 of 200 each.
    ours, *theirs = (p * (1 - p) / 200 for p in (0.25, 0.335, 0.5))
    shared = ours / math.sqrt((ours + theirs[0]) * (ours + theirs[1]))
    both = stats.multivariate_normal([0, 0], [[1, shared], [shared, 1]])
    z = stats.norm.isf((estimated(blue).p_value or 0) / 2)
    outside = 1 - both.cdf([z, z], lower_limit=[-z, -z])
    assert found[0].p_value == pytest.approx(outside, abs=2e-4)
    c = -stats.norm.ppf((1 - found[0].level) / 2)
    assert both.cdf([c, c], lower_limit=[-c, -c]) == pytest.approx(0.95, abs=2e-4)


def test_together__one_treatment__its_own_level_and_p_value() -> None:
    [found] = together([compared(1.7)])

    assert found.level == pytest.approx(0.95, abs=1e-6)
    assert found.p_value == pytest.approx(normal_p_value(1.7), rel=1e-6)


def test_together__treatment_without_an_estimate__still_in_the_family() -> None:
    known, unknown = together([compared(2.1), NotComputable(Reason.EMPTY_ARM)])

    # As of two independent comparisons (Sidak).
    assert known.level == pytest.approx(math.sqrt(0.95), abs=1e-6)
    assert known.p_value == pytest.approx(1 - (1 - normal_p_value(2.1)) ** 2, rel=1e-5)
    assert unknown.p_value is None


def test_together__group_without_an_interval__correlates_as_its_size_says() -> None:
    whole = compared(2.0)
    bare = replace(whole, control=replace(whole.control, interval=None))

    assert together([bare, bare]) == together([whole, whole])


def test_together__far_from_0__p_value_does_not_vanish_below_the_plain_one() -> None:
    found, _ = together([compared(30.0), compared(0.0)])

    assert found.p_value is not None
    assert normal_p_value(30.0) <= found.p_value < 1e-190


errors = st.floats(0.05, 20)
statistics = st.lists(st.floats(-6, 6), min_size=2, max_size=5)


@given(statistics, errors)
def test_together__any_estimates__range_leaves_out_0_as_the_p_value_says(
    zs: list[float], control: float
) -> None:
    found = together([compared(z, control) for z in zs])

    one, bonferroni = normal_value(0.95), normal_value(1 - 0.05 / len(zs))
    for z, each in zip(zs, found, strict=True):
        reach = normal_value(each.level)
        assert one - 1e-6 <= reach <= bonferroni + 1e-6
        assert each.p_value is not None
        if abs(abs(z) - reach) > 1e-6:
            assert (abs(z) > reach) == (each.p_value < 0.05)
