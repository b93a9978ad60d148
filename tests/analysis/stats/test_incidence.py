"""Cumulative incidence: by hand, beside Kaplan-Meier, and beside statsmodels."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.duration.survfunc import CumIncidenceRight

from analysis.stats.competing import CompetingDay, CompetingTable, competing_table_of
from analysis.stats.estimate import Estimate, NotComputable
from analysis.stats.incidence import (
    days_free_difference,
    incidence_curve,
    incidence_difference,
    one_cause,
)
from analysis.stats.lifetable import curve_of
from analysis.stats.proportions import two_proportions
from analysis.stats.summary import LifeDay, LifeTable, Successes
from analysis.stats.survival import km_difference, rmst_difference
from experiments.vocabulary import Reason
from tests.analysis.stats.examples import competing_tables, life_tables

# 20 units: on day 1 four cancel and two fail to pay; on day 2 five are lost from sight;
# on day 3 three cancel. By hand: F(1) = 4/20; S(1) = 14/20; nine are at risk on day 3,
# so F(3) = 4/20 + 14/20 x 3/9 = 0.433333...
WORKED = CompetingTable(
    20, (CompetingDay(1, 4, 2, 0), CompetingDay(2, 0, 0, 5), CompetingDay(3, 3, 0, 6))
)


def ends(seed: int, n: int, hazards: tuple[float, float]) -> list[tuple[int, int]]:
    """Draw (day, cause) of units, half of which are watched for less than 30 days."""
    drawn = np.random.default_rng(seed)
    watched = np.where(drawn.random(n) < 0.5, 30, drawn.integers(1, 31, n))
    day = drawn.geometric(sum(hazards), n)
    cause = np.where(drawn.random(n) < hazards[0] / sum(hazards), 1, 2)
    seen = day <= watched
    return list(
        zip(
            np.where(seen, day, watched).tolist(),
            np.where(seen, cause, 0).tolist(),
            strict=True,
        )
    )


def estimate(outcome: object) -> Estimate:
    assert isinstance(outcome, Estimate)
    return outcome


def reason(outcome: object) -> Reason:
    assert isinstance(outcome, NotComputable)
    return outcome.reason


def test_incidence_curve__worked_by_hand__shares_and_variances() -> None:
    points = incidence_curve(WORKED)
    assert not isinstance(points, NotComputable)
    by_day = {point.day: point for point in points}
    assert by_day[1].share == pytest.approx(0.2)
    # A share of 20 units on day 1: 0.2 x 0.8 / 20.
    assert by_day[1].standard_error == pytest.approx(math.sqrt(0.2 * 0.8 / 20))
    assert by_day[3].share == pytest.approx(0.2 + 0.7 * 3 / 9)
    # Delta method by hand: dF/dh of the cause on day 1 is 1 - (7/30)/(14/20) = 2/3, of
    # the other -1/3, of the cause on day 3 it is 0.7; multinomial hazards 4/20, 2/20.
    first = (2 / 3) ** 2 * 0.2 * 0.8 + (1 / 3) ** 2 * 0.1 * 0.9
    first += 2 * (2 / 3) * (1 / 3) * 0.2 * 0.1
    third = 0.49 * (1 / 3) * (2 / 3) / 9
    assert by_day[3].standard_error == pytest.approx(math.sqrt(first / 20 + third))
    assert by_day[3].others == pytest.approx(0.1)
    assert [by_day[day].at_risk for day in (0, 1, 2, 3)] == [20, 20, 14, 9]


@pytest.mark.parametrize("seed", range(5))
def test_incidence_curve__censored_units__agrees_with_statsmodels(seed: int) -> None:
    times = ends(seed, 400, (0.02, 0.01))
    points = incidence_curve(competing_table_of(times))
    assert not isinstance(points, NotComputable)
    theirs = CumIncidenceRight(
        np.array([day for day, _ in times]), np.array([cause for _, cause in times])
    )
    for day, share, error, others in zip(
        theirs.times, theirs.cinc[0], theirs.cinc_se[0], theirs.cinc[1], strict=True
    ):
        ours = next(point for point in points if point.day == day)
        assert ours.share == pytest.approx(share, rel=1e-10)
        assert ours.standard_error == pytest.approx(error, rel=1e-9, abs=1e-12)
        assert ours.others == pytest.approx(others, rel=1e-9, abs=1e-12)


def test_incidence_difference__censored_units__by_statsmodels_errors() -> None:
    arms = [ends(seed, 500, (0.02, 0.01)) for seed in (11, 12)]
    c, t = map(competing_table_of, arms)
    found = estimate(incidence_difference(c, t, 20))
    shares, variances = [], []
    for times in arms:
        theirs = CumIncidenceRight(
            *(np.array(each) for each in zip(*times, strict=True))
        )
        last = np.searchsorted(theirs.times, 20, side="right") - 1
        shares.append(theirs.cinc[0][last])
        variances.append(theirs.cinc_se[0][last] ** 2)
    assert found.method == "incidence_difference"
    assert found.effect == pytest.approx(shares[1] - shares[0], rel=1e-9)
    assert found.facts["standard_error"] == pytest.approx(math.sqrt(sum(variances)))


def test_incidence_difference__others_left_first__cannot_cancel_any_more() -> None:
    # Nobody is lost from sight: 100 of 1,000 cancel on day 5, after 500 left otherwise
    # on day 2. The share that cancelled is 10 %; Kaplan-Meier would say 20 %.
    table = CompetingTable(
        1000,
        (
            CompetingDay(2, 0, 500, 0),
            CompetingDay(5, 100, 0, 0),
            CompetingDay(9, 0, 0, 400),
        ),
    )
    found = estimate(incidence_difference(table, table, 9))
    assert found.control.value == pytest.approx(0.1)
    assert curve_of(one_cause(table)).at(9)[0] == pytest.approx(0.8)


def test_incidence_difference__nobody_out_of_sight__is_a_difference_of_shares() -> None:
    control = CompetingTable(
        900, (CompetingDay(3, 60, 9, 0), CompetingDay(8, 0, 0, 831))
    )
    treatment = LifeTable(900, (LifeDay(2, 2, 0), LifeDay(8, 0, 898)))
    found = incidence_difference(control, treatment, 8)
    assert found == two_proportions(Successes(900, 60), Successes(900, 2))


@given(life_tables(min_n=10), life_tables(min_n=10), st.integers(1, 20))
def test_incidence__no_other_cause__is_what_kaplan_meier_leaves(
    control: LifeTable, treatment: LifeTable, day: int
) -> None:
    ours = incidence_difference(control, treatment, day)
    theirs = km_difference(control, treatment, day)
    if isinstance(ours, Estimate) and ours.method == "incidence_difference":
        assert isinstance(theirs, Estimate)
        assert ours.effect == pytest.approx(-theirs.effect, abs=1e-12)
        assert ours.facts["standard_error"] == pytest.approx(
            theirs.facts["standard_error"], rel=1e-9
        )
        assert ours.p_value == pytest.approx(theirs.p_value, rel=1e-6)
    free = days_free_difference(control, treatment, day)
    mean = rmst_difference(control, treatment, day)
    if isinstance(free, NotComputable):
        # Rounding can leave 1e-19 where the other has 0; both then refuse or not.
        return
    assert isinstance(mean, Estimate)
    assert free.effect == pytest.approx(mean.effect, abs=1e-9)
    assert free.facts["standard_error"] == pytest.approx(
        mean.facts["standard_error"], rel=1e-6
    )


def test_days_free__competing_causes__error_is_that_of_the_jackknife() -> None:
    # Leaving out one unit at a time needs no formula; 3 % is its usual distance.
    times = ends(5, 300, (0.04, 0.03))
    found = estimate(
        days_free_difference(competing_table_of(times), competing_table_of(times), 25)
    )
    n = len(times)
    without = []
    for each in sorted(set(times)):
        rest = list(times)
        rest.remove(each)
        left_out = competing_table_of(rest)
        value = estimate(days_free_difference(left_out, left_out, 25)).control.value
        assert value is not None
        without += [value] * times.count(each)
    variance = (n - 1) / n * float(np.sum((np.array(without) - np.mean(without)) ** 2))
    error = float(found.facts["standard_error"]) / math.sqrt(2)
    assert error == pytest.approx(math.sqrt(variance), rel=0.03)


def test_incidence__handed_a_day_nobody_was_followed_to__is_refused() -> None:
    assert reason(incidence_difference(WORKED, WORKED, 3)) is Reason.FOLLOW_UP_TOO_SHORT
    assert reason(days_free_difference(WORKED, WORKED, 0)) is Reason.FOLLOW_UP_TOO_SHORT
    few = CompetingTable(9, ())
    assert reason(incidence_difference(WORKED, few, 1)) is Reason.TOO_FEW_UNITS
    empty = CompetingTable(0, ())
    assert reason(incidence_difference(WORKED, empty, 1)) is Reason.EMPTY_ARM


@given(competing_tables(), competing_tables(), st.integers(0, 40))
def test_incidence__any_two_tables__an_estimate_within_bounds_or_a_reason(
    control: CompetingTable, treatment: CompetingTable, day: int
) -> None:
    share = incidence_difference(control, treatment, day)
    free = days_free_difference(control, treatment, day)
    for outcome, most in ((share, 1.0), (free, float(day))):
        if isinstance(outcome, NotComputable):
            continue
        low, high = outcome.interval.low, outcome.interval.high
        assert low is not None and high is not None  # noqa: PT018  # for the checker
        assert -most <= low <= outcome.effect + 1e-12
        assert outcome.effect - 1e-12 <= high <= most
        assert low < high
        for arm in (outcome.control, outcome.treatment):
            assert arm.value is not None
            assert -1e-12 <= arm.value <= most + 1e-12


@given(competing_tables(min_n=10), competing_tables(min_n=10), st.integers(1, 20))
def test_incidence__arms_swapped__turns_the_sign(
    control: CompetingTable, treatment: CompetingTable, day: int
) -> None:
    one = incidence_difference(control, treatment, day)
    other = incidence_difference(treatment, control, day)
    if isinstance(one, NotComputable):
        assert isinstance(other, NotComputable)
        assert one.reason == other.reason
        return
    assert isinstance(other, Estimate)
    assert one.effect == pytest.approx(-other.effect, abs=1e-12)
    assert (one.p_value is None) == (other.p_value is None)
    assert (one.p_value or 0) == pytest.approx(other.p_value or 0, rel=1e-9)
