"""Sizes in accounts, against the reference record, statsmodels and by hand."""

import math

import pytest
from statsmodels.stats.power import TTestIndPower

from analysis.stats.account_power import (
    Accounts,
    AccountSize,
    design_effect,
    size_in_accounts,
)
from analysis.stats.arrivals import steady
from analysis.stats.duration import duration
from analysis.stats.estimate import NotComputable
from analysis.stats.power import (
    Demand,
    SampleSize,
    size_for_means,
    size_for_proportions,
)
from experiments.vocabulary import Reason
from tests.analysis.stats.conftest import RecordOf


def needed(size: SampleSize | NotComputable, accounts: Accounts) -> AccountSize:
    found = size_in_accounts(size, accounts)
    assert isinstance(found, AccountSize)
    return found


def test_design_effect__as_the_reference_record(record: RecordOf) -> None:
    known = record("power.cuped")
    m, cv, icc = (known.inputs[name] for name in ("m", "cv", "icc"))

    assert design_effect(Accounts(m, 0, icc)) == known.about("deff")
    assert design_effect(Accounts(m, cv, icc)) == known.about("deff_cv")


def test_size__many_accounts__design_effect_times_customers_over_their_number() -> None:
    # 70 % to 71.5 %: 14,437 customers (Fleiss, Levin and Paik 2003, by hand in
    # tests/web/test_planning.py); times 1.48 over 20 is 1,068.3 accounts. With so many,
    # Student's t adds 1 + (1.96^2 + .842^2 + 2) / (4 x 1,068) or so: one or two more.
    size = size_for_proportions(0.7, 0.015)

    found = needed(size, Accounts(20, 0.5, 0.02))

    assert found.design_effect == pytest.approx(1.48)
    assert 1_069 <= found.accounts.control == found.accounts.treatment <= 1_071
    assert found.customers.control == found.accounts.control * 20


@pytest.mark.parametrize("effect", [0.5, 0.8, 1.2])
@pytest.mark.parametrize("icc", [0.05, 0.4, 1.0])
def test_size__accounts_alike_in_number__has_the_power_in_a_t_test_of_their_means(
    effect: float, icc: float
) -> None:
    # Accounts of 10 customers: their means vary by (1 + 9 ICC) / 10 of the variance of
    # customers, and a t test of those means is statsmodels' business.
    size = size_for_means(1.0, effect)

    found = needed(size, Accounts(10, 0, icc)).accounts.control

    standardised = effect / math.sqrt((1 + 9 * icc) / 10)
    power = TTestIndPower().power(standardised, found, 0.05)
    assert power >= 0.8 - 1e-3
    if found > 10:  # and no more than a few accounts beyond
        less = TTestIndPower().power(standardised, found - 4, 0.05)
        assert less < 0.8


def test_size__accounts_of_one__customers_and_hardly_more() -> None:
    size = size_for_proportions(0.5, 0.1)
    assert isinstance(size, SampleSize)

    found = needed(size, Accounts(1, 0, 0.5))

    assert found.design_effect == 1
    assert size.control <= found.accounts.control <= size.control + 2


def test_size__unequal_split__keeps_its_ratio() -> None:
    demand = Demand(treatments=2, ratio=0.5)
    size = size_for_proportions(0.3, 0.02, demand)

    found = size_in_accounts(size, Accounts(8, 1.0, 0.1), demand)

    assert isinstance(found, AccountSize)
    assert found.design_effect == pytest.approx(2.5)
    ratio = found.accounts.treatment / found.accounts.control
    assert ratio == pytest.approx(0.5, abs=1e-3)


def test_size__few_are_enough__ten_accounts_in_each_group() -> None:
    found = needed(SampleSize(10, 10), Accounts(50, 0, 0))

    assert found.accounts == SampleSize(10, 10)  # as analysis asks for


@pytest.mark.parametrize(
    ("accounts", "field"),
    [
        (Accounts(0.5, 0, 0.1), "account_customers"),
        (Accounts(math.nan, 0, 0.1), "account_customers"),
        (Accounts(5, -0.1, 0.1), "account_cv"),
        (Accounts(5, math.inf, 0.1), "account_cv"),
        (Accounts(5, 0, -0.1), "icc"),
        (Accounts(5, 0, 1.01), "icc"),
    ],
)
def test_size__accounts_nobody_has__names_the_field(
    accounts: Accounts, field: str
) -> None:
    found = size_in_accounts(SampleSize(100, 100), accounts)

    assert isinstance(found, NotComputable)
    assert (found.reason, found.facts["field"]) == (Reason.OUT_OF_RANGE, field)


def test_size__no_size_for_customers__its_reason_is_handed_on() -> None:
    refused = NotComputable(Reason.UNREACHABLE, {"field": "effect"})

    assert size_in_accounts(refused, Accounts(5, 0, 0.1)) is refused


def test_duration__by_new_accounts__as_long_as_they_take_to_come() -> None:
    # 2 x 1,050 accounts at 70 a week are 30 weeks; then 31 days until the last counts.
    size = SampleSize(1_050, 1_050)

    found = duration(size, steady(70), maturation_days=31)

    assert not isinstance(found, NotComputable)
    assert (found.enrolment_days, found.total_days) == (210, 241)
