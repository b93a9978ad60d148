"""A18 and A17 for answers, silence, hazards, forecasts: typed, finite, repeatable."""

import math
from collections.abc import Callable

import pytest

from analysis.stats.clv import BgNbd, Buyers, fit_bg_nbd
from analysis.stats.estimate import Interval, NotComputable
from analysis.stats.hazards import HazardRatio, hazard_ratio
from analysis.stats.nonresponse import (
    LeeBounds,
    TippingPoint,
    lee_bounds,
    tipping_point,
)
from analysis.stats.ordinal import (
    ProportionalOdds,
    Superiority,
    proportional_odds,
    superiority,
)
from analysis.stats.response_weighting import Stratum, inverse_weighted
from analysis.stats.satisfaction import net_promoter
from analysis.stats.summary import Histogram, LifeTable
from experiments.vocabulary import Reason
from tests.analysis.stats.test_edges import ANSWERS, LIVES, assert_sound


def assert_typed(found: object) -> None:
    """Check a reason, or that every number of a value is finite and in order."""
    if isinstance(found, NotComputable):
        assert isinstance(found.reason, Reason)
        return
    numbers, interval = _parts(found)
    assert all(math.isfinite(number) for number in numbers)
    if interval is not None:
        assert interval.low is not None
        assert interval.high is not None
        assert math.isfinite(interval.low)
        assert math.isfinite(interval.high)
        assert interval.low < interval.high


def _parts(found: object) -> tuple[list[float], Interval | None]:
    if isinstance(found, LeeBounds):
        assert found.low <= found.high
        return [found.trim, found.low, found.high], found.interval
    if isinstance(found, TippingPoint):
        assert found.gap >= 0
        return [found.gap], None
    if isinstance(found, Superiority):
        return [found.value, found.p_value, found.dof], found.interval
    if isinstance(found, ProportionalOdds):
        return [found.odds_ratio, found.standard_error, *found.cuts], found.interval
    assert isinstance(found, HazardRatio)
    return [found.ratio, found.standard_error, found.p_value], found.interval


@pytest.mark.parametrize("control", ANSWERS.values(), ids=ANSWERS)
def test_answers_and_silence__any_two_edges__typed(control: Histogram) -> None:
    for treatment in ANSWERS.values():
        assert_typed(lee_bounds(control, treatment))
        assert_typed(tipping_point(control, treatment, (1.0, 5.0)))
        assert_typed(superiority(control, treatment))
        assert_typed(proportional_odds(control, treatment))
        assert_sound(net_promoter(control, treatment))
        assert_sound(
            inverse_weighted(
                [Stratum((0.0,), control), Stratum((1.0,), treatment)],
                [Stratum((0.0,), treatment), Stratum((1.0,), treatment)],
            )
        )


@pytest.mark.parametrize("control", LIVES.values(), ids=LIVES)
def test_hazards__any_two_edges__typed(control: LifeTable) -> None:
    for treatment in LIVES.values():
        assert_typed(hazard_ratio(control, treatment))


@pytest.mark.parametrize(
    "run",
    [
        lambda: lee_bounds(ANSWERS["usual"], ANSWERS["85 % silent"]),
        lambda: superiority(ANSWERS["usual"], ANSWERS["85 % silent"]),
        lambda: proportional_odds(ANSWERS["usual"], ANSWERS["85 % silent"]),
        lambda: hazard_ratio(LIVES["usual"], LIVES["last ones leave"]),
    ],
)
def test_estimators_of_answers__hundred_repeats__the_same_bits(
    run: Callable[[], object],
) -> None:
    assert len({repr(run()) for _ in range(100)}) == 1


def test_forecast__repeated__the_same_bits() -> None:
    buyers = [Buyers(k % 4, float(k % 4) * 3, 20.0 + k % 7) for k in range(60)]

    found = [fit_bg_nbd(buyers) for _ in range(3)]

    assert len(set(map(repr, found))) == 1
    assert isinstance(found[0], BgNbd | NotComputable)
