import math

import pytest

from analysis.stats.estimate import NotComputable
from analysis.stats.power_factors import adjusted_share, quantile_spread
from experiments.vocabulary import Reason


def test_adjusted_share__half_explained__half_the_customers() -> None:
    assert adjusted_share(-math.sqrt(0.5)) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("found", "field"),
    [
        (adjusted_share(1.0), "correlation"),
        (quantile_spread(-1, 0.5), "sd"),
        (quantile_spread(1, 1), "quantile_share"),
    ],
)
def test_factors__impossible_input__named(found: object, field: str) -> None:
    assert isinstance(found, NotComputable)
    assert found.reason is Reason.OUT_OF_RANGE
    assert found.facts["field"] == field


@pytest.mark.parametrize(
    ("share", "times"),
    [
        # Asymptotic efficiency of the median of a normal sample: 2 / pi (Serfling
        # 1980, sec. 2.3.5); of the 95 % quantile p (1 - p) / phi(1.644854)^2 by tables.
        (0.5, math.pi / 2),
        (0.95, 0.0475 / 0.103136**2),
    ],
)
def test_quantile_spread__bell_curve__variance_of_a_sample_quantile(
    share: float, times: float
) -> None:
    found = quantile_spread(3.0, share)

    assert isinstance(found, float)
    assert found * found == pytest.approx(9 * times, rel=1e-5)
