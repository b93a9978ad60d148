"""How many customers settle a question; expected numbers are derived by hand."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import settling
from analysis.stats.estimate import Estimate, NotComputable
from experiments.vocabulary import Reason
from tests.analysis.reading_examples import estimate_of


def test_customers_to_settle__wide_range__shrinks_it_to_the_change_that_matters() -> (
    None
):
    # Half-width 1.2 points against 1 point: (2 x 1.2 / 1)^2 = 5.76 times 18,800
    # customers are needed, 4.76 x 18,800 = 89,488 more.
    estimate = estimate_of(0.004, -0.008, 0.016, n=9_400)
    assert settling.customers_to_settle(estimate, 0.01, 1.0) == 89_488


def test_customers_to_settle__third_variant_and_silence__counts_everybody() -> None:
    # Two of three equal groups hold 2 x (4,000 + 5,400) = 18,800 customers; all three
    # hold 28,200, and 4.76 x 28,200 = 134,232.
    estimate = estimate_of(0.004, -0.008, 0.016, n=4_000, n_missing=5_400)
    assert settling.customers_to_settle(estimate, 0.01, 2 / 3) == 134_232


def test_customers_to_settle__narrow_or_open_range__has_no_number() -> None:
    assert settling.customers_to_settle(estimate_of(0, -0.005, 0.005), 0.01, 1) is None
    assert settling.customers_to_settle(estimate_of(0, None, 0.005), 0.01, 1) is None
    refused = NotComputable(Reason.NO_VARIATION)
    assert settling.customers_to_settle(refused, 0.01, 1) is None


@given(st.floats(-0.2, 0.2), st.floats(0.001, 0.1), st.floats(0.001, 0.05))
def test_customers_to_settle__given_them__any_range_is_settled(
    middle: float, half: float, target: float
) -> None:
    more = settling.customers_to_settle(
        estimate_of(middle, middle - half, middle + half, n=10_000), target, 1.0
    )
    shrunk = half * (20_000 / (20_000 + (more or 0))) ** 0.5
    low, high = middle - shrunk, middle + shrunk
    includes_no_change = low <= 0 <= high
    slack = target * (1 + 1e-9)
    assert not includes_no_change or (-slack <= low and high <= slack)


def test_customers_to_clear__no_harm__gives_eighty_per_cent_power() -> None:
    # Needed: (1.95996 + 0.84162) x error = 0.05, now 0.07 / 1.95996 = 0.035715, so
    # (0.035715 x 2.80158 / 0.05)^2 = 4.00464 times 2,000: 3.00464 x 2,000 = 6,009.3.
    estimate = estimate_of(-0.02, -0.09, 0.05, n=1_000)
    more = settling.customers_to_clear(estimate, 0.05, 1.0)
    assert more == pytest.approx(6_010, abs=2)


def test_customers_to_clear__already_narrow_or_refused__has_no_number() -> None:
    assert settling.customers_to_clear(estimate_of(0, -0.01, 0.01), 0.05, 1) is None
    assert settling.customers_to_clear(NotComputable(Reason.FAILED), 0.05, 1) is None
    assert settling.customers_to_clear(estimate_of(0, -0.1, 0.1), 0.0, 1) is None


def at_look(effect: float) -> Estimate:
    """An estimate with an error of 1, whose plan ends at the usual boundary."""
    half = 1.959964
    return dataclasses.replace(
        estimate_of(effect, effect - half, effect + half),
        facts={"standard_error": 1.0, "final_boundary": half},
    )


@pytest.mark.parametrize(
    ("target", "done", "futile"),
    [
        # At half the size with z = 0 and error 1: drift = target / sqrt(0.5); power is
        # Phi((drift x 0.5 - 1.95996) / sqrt(0.5)). Drift 2: Phi(-1.3576) = 0.087.
        (1.4142136, 0.5, True),
        (1.0, 0.5, False),  # drift 1.41: too small from the start, as its end will say
        # Target 3: Phi((2.1213 - 1.9600) / 0.7071) = Phi(0.228) = 0.590.
        (3.0, 0.5, False),
        (1.0, 1.0, False),  # the size is reached: the interval has spoken
        (1.0, 0.0, False),
    ],
)
def test_is_futile__half_way_without_change__follows_conditional_power(
    target: float, done: float, *, futile: bool
) -> None:
    assert settling.is_futile(at_look(0.0), 1, target, done) is futile


def test_is_futile__change_for_the_worse__counts_against_it() -> None:
    # z = 1 the wrong way at half the size: B = -0.7071, drift 4.2426 x 0.5 = 2.1213,
    # Phi((-0.7071 + 2.1213 - 1.9600) / 0.7071) = Phi(-0.772) = 0.22; two the wrong
    # way: Phi(-1.772) = 0.038.
    one, two = at_look(-1.0), at_look(-2.0)
    assert not settling.is_futile(one, 1, 3.0, 0.5)
    assert settling.is_futile(two, 1, 3.0, 0.5)
    assert not settling.is_futile(two, -1, 3.0, 0.5)
