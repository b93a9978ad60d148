import math

import pytest

from analysis.stats.estimate import NotComputable
from analysis.stats.power import SampleSize, size_for_means, size_for_proportions
from analysis.stats.power_factors import (
    adjusted_share,
    design_effect,
    detectable_by_day,
)
from experiments.vocabulary import Reason


def changes(found: object) -> dict[int, float | None]:
    assert isinstance(found, tuple)
    return dict(found)


def test_adjusted_share__half_explained__half_the_customers() -> None:
    assert adjusted_share(-math.sqrt(0.5)) == pytest.approx(0.5)


def test_design_effect__one_customer_an_account__one() -> None:
    assert design_effect(1, 0.3) == pytest.approx(1)


@pytest.mark.parametrize(
    ("found", "field"),
    [
        (adjusted_share(1.0), "correlation"),
        (design_effect(0.5, 0.1), "mean_size"),
        (design_effect(5, 1.1), "icc"),
        (design_effect(5, 0.1, math.nan), "size_cv"),
        (detectable_by_day((0.3, None), 0, 7, 30), "daily_customers"),
        (detectable_by_day((0.3, None), 10, 7, 0), "days"),
    ],
)
def test_factors__impossible_input__named(found: object, field: str) -> None:
    assert isinstance(found, NotComputable)
    assert found.reason is Reason.OUT_OF_RANGE
    assert found.facts["field"] == field


def test_detectable_by_day__mean__what_the_size_of_that_day_was_planned_for() -> None:
    size = size_for_means(1.2, 0.1)
    assert isinstance(size, SampleSize)
    daily = (size.control + size.treatment) / 20

    found = changes(detectable_by_day((4.0, 1.2), daily, 7, 30))

    assert found[7] is None
    assert found[27] == pytest.approx(0.1, rel=1e-2)
    later = [each for each in found.values() if each is not None]
    assert later == sorted(later, reverse=True)


def test_detectable_by_day__rate__the_way_that_needs_more() -> None:
    # From 20 % a rise needs more customers than a fall: nearer to a half.
    size = size_for_proportions(0.2, 0.03)
    assert isinstance(size, SampleSize)

    found = changes(detectable_by_day((0.2, None), 2 * size.control / 10, 0, 10))

    assert found[10] == pytest.approx(0.03, rel=1e-2)
