"""Medians of times that may be censored: by hand, then promises by property."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats.estimate import ArmValue, Estimate, Lift, NotComputable
from analysis.stats.medians import median, median_difference
from analysis.stats.summary import LifeDay, LifeTable, life_table_of
from experiments.vocabulary import Reason
from tests.analysis.stats.examples import life_tables


def arm(found: object) -> ArmValue:
    assert isinstance(found, ArmValue)
    return found


def test_median__worked_by_hand__lies_within_its_day() -> None:
    # 20 of 100 on day 1, 40 more on day 2: one half is met three quarters into day 2.
    table = LifeTable(100, (LifeDay(1, 20, 0), LifeDay(2, 40, 0), LifeDay(9, 0, 40)))
    assert arm(median(table, 9)).value == pytest.approx(1.75)


def test_median__half_had_it_at_once__is_zero() -> None:
    table = LifeTable(100, (LifeDay(0, 60, 0), LifeDay(9, 0, 40)))
    assert arm(median(table, 9)).value == 0


def test_median__fewer_than_half_by_the_horizon__is_not_known() -> None:
    table = LifeTable(100, (LifeDay(1, 40, 0), LifeDay(9, 20, 40)))
    found = median(table, 8)
    assert isinstance(found, NotComputable)
    assert found.reason is Reason.MEDIAN_NOT_REACHED
    assert isinstance(median(table, 9), ArmValue)


def test_median__its_curves_lower_limit_never_meets_one_half__has_an_open_end() -> None:
    table = LifeTable(100, (LifeDay(5, 52, 0), LifeDay(9, 0, 48)))
    interval = arm(median(table, 9)).interval
    assert interval is not None
    assert interval.low is not None
    assert interval.high is None
    found = median_difference(table, table, 9)
    assert isinstance(found, Estimate)
    assert found.effect == 0
    assert found.interval.low is None
    assert found.interval.high is None


def test_median_difference__recovered_interval__from_those_of_both() -> None:
    # Zou and Donner (2008), eq. 5: from each side's own limits.
    rows = np.random.default_rng(3)
    c, t = (
        life_table_of((min(30, day), True) for day in rows.geometric(p, 200).tolist())
        for p in (0.1, 0.2)
    )
    found = median_difference(c, t, 30)
    assert isinstance(found, Estimate)
    ours, theirs = arm(median(c, 30)), arm(median(t, 30))
    assert ours.interval and theirs.interval and ours.value and theirs.value  # noqa: PT018
    assert ours.interval.high and ours.interval.low and theirs.interval.low  # noqa: PT018
    below = (theirs.value - theirs.interval.low) ** 2
    below += (ours.interval.high - ours.value) ** 2
    assert found.interval.low == pytest.approx(found.effect - below**0.5)
    assert found.p_value is None
    assert isinstance(found.lift, Lift)
    assert found.lift.value == pytest.approx(theirs.value / ours.value - 1)


@given(life_tables(), life_tables(), st.integers(1, 30))
def test_median_difference__any_two_tables__an_estimate_in_bounds_or_a_reason(
    control: LifeTable, treatment: LifeTable, horizon: int
) -> None:
    found = median_difference(control, treatment, horizon)
    if isinstance(found, NotComputable):
        return
    low, high = found.interval.low, found.interval.high
    assert low is None or low <= found.effect + 1e-9
    assert high is None or found.effect <= high + 1e-9
    assert (low, high) != (0, 0)
    for side in (found.control, found.treatment):
        assert side.value is not None
        assert 0 <= side.value <= horizon
