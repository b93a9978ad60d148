"""Spending, boundaries, and what a test says once it has stopped."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from analysis.stats.boundaries import (
    MAX_Z,
    NO_BOUND,
    Bounds,
    boundaries,
    exit_chances,
    level_of,
    rising,
)
from analysis.stats.intervals import normal_value
from analysis.stats.sequential_power import (
    conditional_power,
    inflation,
    inflation_of_looks,
    power_of,
)
from analysis.stats.spending import (
    Spending,
    obrien_fleming,
    pocock,
    power,
    spent_by,
)
from analysis.stats.stagewise import Stopped, interval, median_unbiased, p_value
from tests.analysis.stats.conftest import RecordOf

QUARTERS = (0.25, 0.5, 0.75, 1.0)
ALPHA = 0.025  # of one side


def symmetric(information: tuple[float, ...], upper: tuple[float, ...]) -> Bounds:
    return Bounds(information, upper, tuple(-b for b in upper))


def of_quarters(spend: Spending = obrien_fleming) -> Bounds:
    return boundaries(QUARTERS, spent_by(QUARTERS, ALPHA, spend))


@pytest.mark.parametrize(
    ("name", "spend"),
    [
        ("gs.LD_OBF.K5", obrien_fleming),
        ("gs.LD_Pocock.K5", pocock),
        ("gs.power2.K5", power(2)),
    ],
)
def test_boundaries__five_equal_looks__reference_numbers(
    name: str, spend: Spending, record: RecordOf
) -> None:
    reference = record(name)
    times = reference.inputs["t"]

    found = boundaries(times, spent_by(times, reference.inputs["alpha"] / 2, spend))

    assert list(found.upper) == reference.about("bounds")
    up, down = exit_chances(found, 0.0)
    assert up.sum() + down.sum() == reference.about("total_alpha")


@pytest.mark.parametrize(("shape", "key"), [(0.5, "C_obf"), (0.0, "C_pocock")])
def test_exit_chances__classical_constants__reference_numbers(
    shape: float, key: str, record: RecordOf
) -> None:
    reference = record("gs.classical.K5")
    looks = tuple(k / 5 for k in range(1, 6))

    def excess(constant: float) -> float:
        upper = tuple(constant / t**shape for t in looks)
        return power_of(symmetric(looks, upper), 0.0) - 0.05

    assert optimize.brentq(excess, 1.5, 3) == reference.about(key)


@pytest.mark.parametrize(("name", "shape"), [("OBF", 0.5), ("Pocock", 0.0)])
def test_inflation__classical_boundaries__reference_numbers(
    name: str, shape: float, record: RecordOf
) -> None:
    reference = record(f"gs.inflation.{name}.K5")
    constant = record("gs.classical.K5").expected[f"C_{name.lower()}"]
    looks = tuple(k / 5 for k in range(1, 6))
    bounds = symmetric(looks, tuple(constant / t**shape for t in looks))

    found = inflation(bounds, 0.05, reference.inputs["power"])

    assert found == reference.about("inflation")


def test_boundaries__two_looks__bivariate_normal_of_scipy() -> None:
    # Independent tool: scipy's multivariate normal, correlation sqrt(I1 / I2).
    information, spent = (3.0, 7.0), (0.004, 0.025)

    first, second = boundaries(information, spent, two_sided=False).upper

    assert stats.norm.sf(first) == pytest.approx(0.004, rel=1e-7)
    joint = stats.multivariate_normal(
        cov=[[1, math.sqrt(3 / 7)], [math.sqrt(3 / 7), 1]]
    )
    assert 1 - joint.cdf([first, second]) == pytest.approx(0.025, abs=1e-6)


@given(
    st.lists(st.floats(0.01, 1.5), min_size=1, max_size=6),
    st.floats(1e-6, 1e6),
)
@settings(max_examples=25)
def test_boundaries__any_times__spend_what_may_be_spent(
    times: list[float], unit: float
) -> None:
    times = sorted(times)
    spent = spent_by(times, ALPHA, pocock)
    found = boundaries([t * unit for t in times], spent)

    up, down = exit_chances(found, 0.0)

    assert up.sum() <= spent[-1] * (1 + 1e-6)
    assert down.sum() == pytest.approx(up.sum(), rel=1e-6)
    new = [i for i, b in enumerate(found.upper) if b < NO_BOUND]
    assert up.sum() == pytest.approx(spent[new[-1]], rel=1e-5)


def test_boundaries__no_new_information__rest_is_spent_on_the_same_statistic() -> None:
    # The limit: one Z, on which 0.01 and then 0.025 is spent in all.
    found = boundaries([5.0, 5.0], [0.01, 0.025], two_sided=False)

    assert found.upper[0] == pytest.approx(stats.norm.isf(0.01))
    assert found.upper[1] == pytest.approx(stats.norm.isf(0.025), abs=1e-3)


def test_boundaries__nothing_to_spend__do_not_stop() -> None:
    found = boundaries([5.0, 7.0, 9.0], [0.01, 0.01, 0.025])

    assert found.upper[1] == NO_BOUND
    assert exit_chances(found, 0.0)[0].sum() == pytest.approx(0.025, abs=1e-8)


def test_boundaries__very_early_look__never_beyond_what_a_level_can_say() -> None:
    found = boundaries([0.01, 1.0], spent_by([0.01, 1.0], ALPHA, obrien_fleming))

    assert found.upper[0] in {MAX_Z, NO_BOUND}
    assert level_of(NO_BOUND) < 1
    assert level_of(normal_value(0.95)) == pytest.approx(0.95, abs=1e-15)


@pytest.mark.parametrize(
    ("information", "spent"), [([1.0], []), ([0.0], [0.1]), ([math.nan], [0.1])]
)
def test_boundaries__nonsense__refused(
    information: list[float], spent: list[float]
) -> None:
    with pytest.raises(ValueError, match="information"):
        boundaries(information, spent)


@given(st.lists(st.floats(-1, 3), min_size=1, max_size=8))
def test_spent_by__any_times__never_falls_and_never_passes_alpha(
    times: list[float],
) -> None:
    for spend in (obrien_fleming, pocock, power(3)):
        spent = spent_by(times, ALPHA, spend)
        assert spent == sorted(spent)
        assert 0 <= spent[0] <= spent[-1] <= ALPHA
        if max(times) >= 1:
            assert spent[-1] == pytest.approx(ALPHA)


def test_power__exponent_of_zero__refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        power(0)


def test_rising__information_that_fell__clamped() -> None:
    assert rising([1.0, 3.0, 2.5, 4.0]) == pytest.approx((1.0, 3.0, 3.003, 4.0))


@pytest.mark.parametrize("look", [1, 2, 3])
def test_stagewise__exactly_at_the_boundary__p_is_what_was_spent(look: int) -> None:
    # By its definition: whoever stops at the bound has used up what could be spent.
    bounds = of_quarters()
    spent = spent_by(QUARTERS, ALPHA, obrien_fleming)[look]

    for sign in (1, -1):
        stopped = Stopped(bounds, look, sign * bounds.upper[look])
        assert p_value(stopped) == pytest.approx(2 * spent, rel=1e-3)
        ends = interval(stopped, 1 - 2 * spent)
        near = ends.low if sign > 0 else ends.high
        assert near == pytest.approx(0, abs=1e-3)


def test_stagewise__one_look__the_usual_numbers() -> None:
    # With one look nothing is to be adjusted: Z tests, by scipy.
    bounds = boundaries([16.0], [ALPHA])
    stopped = Stopped(bounds, 0, 1.2)

    assert p_value(stopped) == pytest.approx(2 * stats.norm.sf(1.2), rel=1e-9)
    assert median_unbiased(stopped) == pytest.approx(0.3, abs=1e-8)
    ends = interval(stopped, 0.95)
    assert ends.low == pytest.approx(0.3 - normal_value(0.95) / 4, abs=1e-8)
    assert ends.high == pytest.approx(0.3 + normal_value(0.95) / 4, abs=1e-8)


def test_stagewise__swapped_arms__mirrored() -> None:
    bounds = of_quarters(pocock)
    up, down = Stopped(bounds, 2, 2.6), Stopped(bounds, 2, -2.6)

    assert median_unbiased(down) == pytest.approx(-median_unbiased(up), abs=1e-4)
    assert p_value(down) == pytest.approx(p_value(up), rel=1e-3)
    assert median_unbiased(up) < 2.6 / math.sqrt(0.75)


def test_inflation_of_looks__quarters__about_two_percent() -> None:
    # Between 1, one look, and 1.0247: gsDesign's sfLDOF with five equal looks.
    assert inflation_of_looks((1.0,)) == pytest.approx(1, abs=1e-6)
    assert inflation_of_looks(QUARTERS) == pytest.approx(1.02, abs=0.002)


def test_conditional_power__lan_and_wittes__by_hand() -> None:
    # B = z sqrt(t) = 0.5; drift of the rest 2.8 x 0.75; Phi((0.5 + 2.1 - 1.96)/0.866).
    found = conditional_power(1.0, 0.25, 2.8, 1.96)

    assert found == pytest.approx(stats.norm.cdf(0.64 / math.sqrt(0.75)), rel=1e-9)
    assert conditional_power(2.0, 1.0, 2.8, 1.96) == 1
    assert conditional_power(1.9, 1.0, 2.8, 1.96) == 0
