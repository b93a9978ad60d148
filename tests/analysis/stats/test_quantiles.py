import math

import numpy as np
import pytest

from analysis.stats.estimate import NotComputable
from analysis.stats.quantiles import (
    OrderStatistics,
    Ranks,
    quantile_difference,
    ranks,
    smallest,
)
from experiments.vocabulary import Reason
from tests.analysis.stats.test_symmetry import assert_mirrored


def order_statistics(values: list[float], share: float) -> OrderStatistics:
    """Read them off sorted values, as the warehouse does."""
    placed, at = sorted(values), ranks(len(values), share)
    if isinstance(at, NotComputable):
        return OrderStatistics(len(values), share, None, None, None)
    middle, low, high = (placed[i - 1] for i in (at.middle, at.low, at.high))
    return OrderStatistics(len(values), share, middle, low, high)


def test_ranks__share_of_a_hundred__as_by_hand() -> None:
    # 50 -+ 1.96 * 5 = 40.2, 59.8; with a design effect of 4 the reach doubles.
    assert ranks(100, 0.5) == Ranks(41, 50, 60)
    assert ranks(100, 0.5, design_effect=4.0) == Ranks(31, 50, 70)


@pytest.mark.parametrize("share", [0.01, 0.25, 0.5, 0.9, 0.99])
def test_ranks__around_the_smallest_size__there_from_it_on(share: float) -> None:
    n = smallest(share)

    assert isinstance(ranks(n, share), Ranks)
    assert isinstance(ranks(int(n * 0.5), share), NotComputable)
    assert all(isinstance(ranks(n + k, share), Ranks) for k in range(200))


def test_quantiles__arms_swapped__mirrored() -> None:
    chance = np.random.default_rng(3)
    a, b = (chance.lognormal(mean, 1, 300).tolist() for mean in (0.0, 0.3))
    one, other = order_statistics(a, 0.9), order_statistics(b, 0.9)

    assert_mirrored(quantile_difference(one, other), quantile_difference(other, one))


@pytest.mark.parametrize(
    ("arm", "reason"),
    [
        (OrderStatistics(0, 0.5, None, None, None), Reason.EMPTY_ARM),
        (OrderStatistics(0, 0.5, None, None, None, 0, 9), Reason.NO_MATURE_UNITS),
        (OrderStatistics(5, 0.5, 1.0, None, None), Reason.TOO_FEW_UNITS),
        (OrderStatistics(12, 0.5, 1.0, None, None), Reason.TOO_FEW_UNITS),
        (OrderStatistics(500, 0.5, 2.0, 2.0, 2.0), Reason.NO_VARIATION),
        (OrderStatistics(500, 0.5, 1.0, math.nan, 2.0), Reason.NON_FINITE),
        (OrderStatistics(500, 0.5, 1.0, 1.0, math.inf), Reason.NON_FINITE),
    ],
)
def test_quantiles__edges__typed_reason(arm: OrderStatistics, reason: Reason) -> None:
    for arms in ((arm, arm), (arm, OrderStatistics(900, 0.5, 3.0, 2.0, 4.0))):
        found = quantile_difference(*arms)
        if isinstance(found, NotComputable):
            assert found.reason is reason
        else:
            # One arm whose values tie at the quantile may be taken at its word.
            assert reason is Reason.NO_VARIATION


def test_order_statistics__that_fall__refused() -> None:
    with pytest.raises(ValueError, match="must rise"):
        OrderStatistics(500, 0.5, 1.0, 2.0, 3.0)
    with pytest.raises(ValueError, match="share"):
        OrderStatistics(500, 1.0, 1.0, 1.0, 3.0)
    with pytest.raises(ValueError, match="two different quantiles"):
        quantile_difference(
            OrderStatistics(500, 0.5, 1.0, 0.0, 3.0),
            OrderStatistics(500, 0.9, 1.0, 0.0, 3.0),
        )
