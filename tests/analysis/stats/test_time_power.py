"""Sizes for days until an event, against hand derivations and Schoenfeld's events."""

import math

import numpy as np
import pytest

from analysis.stats.estimate import NotComputable
from analysis.stats.event_power import SurvivalSize, events_for_hazard_ratio
from analysis.stats.power import Demand, SampleSize
from analysis.stats.summary import LifeDay, LifeTable
from analysis.stats.survival import rmst
from analysis.stats.time_power import (
    Shares,
    days_without,
    detectable_days,
    size_for_days,
    steady,
)
from experiments.vocabulary import Reason


def shares(share: float, days: int) -> Shares:
    found = steady(share, days)
    assert not isinstance(found, NotComputable)
    return found


def planned(found: object) -> SurvivalSize:
    assert isinstance(found, SurvivalSize)
    return found


def test_days_without__three_days__by_hand() -> None:
    # Y is 1, 2 or 3 with chances .5, .25 and .25: mean 1.75, E Y^2 = 3.75.
    mean, sd = days_without((0.5, 0.25, 0.125))

    assert mean == pytest.approx(1.75)
    assert sd * sd == pytest.approx(3.75 - 1.75**2)


def test_days_without__a_life_table_of_these_shares__its_mean_and_error() -> None:
    # Independent: Kaplan-Meier and Greenwood on a table of 64 customers, all followed.
    days = tuple(LifeDay(day, 64 // 2**day, 0 if day < 6 else 1) for day in range(1, 7))
    table = rmst(LifeTable(64, days), 6)
    assert not isinstance(table, NotComputable)
    assert table.interval is not None
    assert table.interval.high is not None

    mean, sd = days_without(tuple(0.5**day for day in range(1, 7)))

    assert mean == pytest.approx(table.value)
    assert sd / 8 == pytest.approx(
        (table.interval.high - (table.value or 0)) / 1.959964, rel=1e-5
    )


def test_days_without__long_and_fine__as_the_exponential_law() -> None:
    # Integral of exp(-h t) to tau, and 2 t exp(-h t) likewise, with S(tau) = .6; days
    # that are counted as begun add half a day.
    days, hazard = 365, -math.log(0.6) / 365
    mean = (1 - 0.6) / hazard
    square = 2 / hazard**2 * (1 - 0.6 * (1 + hazard * days))

    found, sd = days_without(shares(0.6, days))

    assert found == pytest.approx(mean + 0.5 * 0.4, rel=1e-4)
    assert sd == pytest.approx(math.sqrt(square - mean * mean), rel=2e-3)


def test_size_for_days__nearly_all_have_the_event__as_many_events_as_schoenfeld() -> (
    None
):
    # Where nobody is censored the mean of exponential times is its own best test: the
    # events of Schoenfeld (1981), computed apart, are what it takes to first order.
    curve = shares(1e-4, 4000)
    mean, _ = days_without(curve)

    found = planned(size_for_days(curve, mean * 0.05))

    by_logrank = events_for_hazard_ratio(found.hazard_ratio)
    assert not isinstance(by_logrank, NotComputable)
    assert found.events == pytest.approx(by_logrank, rel=0.01)


def test_size_for_days__power_by_the_normal__as_asked() -> None:
    curve, effect = shares(0.6, 60), 1.5
    found = planned(size_for_days(curve, effect, Demand(ratio=0.5)))
    other = tuple(share**found.hazard_ratio for share in curve)
    (mean, sd), (more, more_sd) = days_without(curve), days_without(other)
    size = found.size

    error = math.sqrt(sd**2 / size.control + more_sd**2 / size.treatment)

    assert more - mean == pytest.approx(effect)
    assert found.hazard_ratio < 1
    # z of .975 and .8 by tables.
    assert effect / error == pytest.approx(1.959964 + 0.841621, rel=1e-3)
    lost = size.control * (1 - curve[-1]) + size.treatment * (1 - other[-1])
    assert found.events == math.ceil(lost)


@pytest.mark.parametrize("rise", [True, False])
def test_detectable_days__size_for_a_change__finds_that_change(*, rise: bool) -> None:
    curve, effect = shares(0.3, 30), 0.8 if rise else -0.8
    size = planned(size_for_days(curve, effect)).size

    assert detectable_days(curve, size, rise=rise) == pytest.approx(effect, rel=1e-3)


@pytest.mark.parametrize(
    ("found", "why", "field"),
    [
        (steady(1.0, 30), Reason.OUT_OF_RANGE, "baseline"),
        (size_for_days((0.5, 0.6), 1), Reason.OUT_OF_RANGE, "baseline"),
        (size_for_days((0.9, 0.8), 0), Reason.UNREACHABLE, "effect"),
        (size_for_days((0.9, 0.8), 5), Reason.OUT_OF_RANGE, "effect"),
        (size_for_days((0.9, 0.8), math.nan), Reason.OUT_OF_RANGE, "effect"),
        (
            detectable_days((0.9, 0.8), SampleSize(3, 3), rise=True),
            Reason.UNREACHABLE,
            "size",
        ),
        (
            detectable_days((1.0, 1.0), SampleSize(30, 30), rise=True),
            Reason.OUT_OF_RANGE,
            "baseline",
        ),
    ],
)
def test_time_power__plan_that_cannot_be__reason_with_its_field(
    found: object, why: Reason, field: str
) -> None:
    assert isinstance(found, NotComputable)
    assert (found.reason, found.facts["field"]) == (why, field)


def test_time_power__any_curve__its_sample_has_that_mean() -> None:
    # Independent: 200,000 customers drawn from the curve; seed 7.
    curve = (0.9, 0.5, 0.5, 0.1)
    chance = np.random.default_rng(7).random(200_000)
    days = 1 + (chance[:, None] < np.array(curve[:-1])).sum(axis=1)

    mean, sd = days_without(curve)

    assert mean == pytest.approx(days.mean(), abs=0.01)
    assert sd == pytest.approx(days.std(), abs=0.01)
