"""Who comes week by week: by hand, and one way as the other."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.stats.arrivals import Arrivals, observed, stated, steady

COUNTS = st.integers(0, 10**9)


def test_by__standing_base__first_its_customers_then_who_is_new() -> None:
    come = Arrivals((4200, 900, 600), 500)

    # Half of the first week, all of it, and two weeks beyond those that are known.
    assert [come.by(weeks) for weeks in (0, 0.5, 1, 2, 5)] == [
        0, 2100, 4200, 5100, 6700
    ]  # fmt: skip


def test_weeks_until__standing_base__the_other_way() -> None:
    come = Arrivals((4200, 900, 600), 500)

    assert [come.weeks_until(n) for n in (0, 2100, 4200, 4650, 6700)] == [
        0, 0.5, 1, 1.5, 5
    ]  # fmt: skip


def test_weeks_until__nobody_is_new_any_more__never() -> None:
    assert Arrivals((4200, 900), 0).weeks_until(5100) == 2
    assert Arrivals((4200, 900), 0).weeks_until(5101) == math.inf
    assert steady(0).weeks_until(1) == math.inf


def test_observed__one_good_week_at_the_end__promises_nothing() -> None:
    assert observed((4200, 900, 600)) == Arrivals((4200, 900, 600), 600)
    assert observed((4200, 600, 900)) == Arrivals((4200, 600, 900), 750)


def test_stated__first_week_alone__does_not_say_who_is_new() -> None:
    assert stated(4200, None) is None
    assert stated(None, None) is None
    assert stated(4200, 0) == Arrivals((4200,), 0)
    assert stated(None, 500) == steady(500)
    assert steady(500).is_steady
    assert not Arrivals((4200,), 500).is_steady


@settings(max_examples=50)
@given(st.lists(COUNTS, max_size=8), COUNTS, st.floats(0, 60))
def test_weeks_until__any_arrivals__no_sooner_than_so_many_have_come(
    weeks: list[int], later: int, after: float
) -> None:
    come = Arrivals(tuple(weeks), later)

    found = come.weeks_until(come.by(after))

    assert found <= after * (1 + 1e-9) + 1e-9
    assert come.by(found) == pytest.approx(come.by(after), rel=1e-6, abs=1e-6)
