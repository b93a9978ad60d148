"""Sizes that rule harm out, against statsmodels, by hand and by a simulation."""

import math

import numpy as np
import pytest
from statsmodels.stats.power import NormalIndPower, TTestIndPower

from analysis.stats.estimate import Estimate, NotComputable
from analysis.stats.harm_power import chance_to_rule_out, size_to_rule_out
from analysis.stats.power import Demand, SampleSize
from analysis.stats.proportions import two_proportions
from analysis.stats.summary import Successes
from experiments.vocabulary import Reason


def size(found: object) -> SampleSize:
    assert isinstance(found, SampleSize)
    return found


def test_size_to_rule_out__share__as_blackwelder() -> None:
    # 2 p (1 - p) (1.959964 + .841621)^2 / .02^2 at p = .9, by hand: 3,532.0.
    found = size(size_to_rule_out(math.sqrt(0.9 * 0.1), 0.02))

    assert found.control == found.treatment == pytest.approx(3533, abs=2)


def test_size_to_rule_out__unequal_arms__as_statsmodels() -> None:
    demand = Demand(alpha=0.1, power=0.9, ratio=2)
    wanted = TTestIndPower().solve_power(
        effect_size=0.1, alpha=0.05, power=0.9, ratio=2, alternative="larger"
    )

    found = size(size_to_rule_out(1.5, 0.15, demand))

    assert found.control == math.ceil(wanted)


@pytest.mark.parametrize(("control", "treatment"), [(500, 500), (2000, 400)])
def test_chance_to_rule_out__any_size__as_statsmodels(
    control: int, treatment: int
) -> None:
    wanted = NormalIndPower().power(
        0.15, control, 0.025, ratio=treatment / control, alternative="larger"
    )

    found = chance_to_rule_out(2.0, 0.3, SampleSize(control, treatment))

    assert found == pytest.approx(wanted, rel=1e-9)


def test_chance_to_rule_out__by_the_interval_that_decides__in_simulation() -> None:
    # 2,000 experiments without a difference, seed 5: harm is ruled out where Newcombe's
    # interval lies above the margin. Band: 3.3 standard errors and .01 for the normal.
    chance, runs, size_ = np.random.default_rng(5), 2000, SampleSize(900, 900)
    draws = chance.binomial(900, 0.7, (runs, 2)).tolist()

    held = 0
    for c, t in draws:
        found = two_proportions(Successes(900, c), Successes(900, t))
        assert isinstance(found, Estimate)
        held += (found.interval.low or -1) > -0.06

    expected = chance_to_rule_out(math.sqrt(0.7 * 0.3), 0.06, size_)
    assert isinstance(expected, float)
    band = 0.01 + 3.3 * math.sqrt(expected * (1 - expected) / runs)
    assert held / runs == pytest.approx(expected, abs=band)


@pytest.mark.parametrize(
    ("found", "field"),
    [
        (size_to_rule_out(1, 0), "margin"),
        (size_to_rule_out(0, 1), "sd"),
        (chance_to_rule_out(0, 1, SampleSize(9, 9)), "sd"),
        (chance_to_rule_out(1, -1, SampleSize(9, 9)), "margin"),
        (chance_to_rule_out(1, 1, SampleSize(0, 9)), "size"),
        (chance_to_rule_out(1, 1, SampleSize(9, 9), 2), "alpha"),
    ],
)
def test_harm_power__plan_that_cannot_be__names_its_field(
    found: object, field: str
) -> None:
    assert isinstance(found, NotComputable)
    assert found.reason is Reason.OUT_OF_RANGE
    assert found.facts["field"] == field
