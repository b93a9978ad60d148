"""Exact intervals of a chance, against independent tools."""

import pytest
from scipy.stats import binom, binomtest

from analysis.stats.exact_binomial import clopper_pearson, usual_counts


@pytest.mark.parametrize(
    ("found", "tries"), [(0, 20), (20, 20), (47, 1000), (1, 3), (500, 20_000)]
)
def test_clopper_pearson__any_count__is_scipys_exact_interval(
    found: int, tries: int
) -> None:
    expected = binomtest(found, tries).proportion_ci(method="exact")
    interval = clopper_pearson(found, tries)
    assert interval.low == pytest.approx(expected.low, rel=1e-9, abs=1e-15)
    assert interval.high == pytest.approx(expected.high, rel=1e-9)


def test_clopper_pearson__rule_of_three__holds() -> None:
    # None of n: the upper end of the one-sided 95 % interval is 1 - 0.05^(1/n).
    assert clopper_pearson(0, 100, 0.9).high == pytest.approx(1 - 0.05**0.01, rel=1e-9)


@pytest.mark.parametrize(("found", "tries"), [(-1, 5), (6, 5), (0, 0)])
def test_clopper_pearson__no_count__is_refused(found: int, tries: int) -> None:
    with pytest.raises(ValueError, match="no count"):
        clopper_pearson(found, tries)


def test_usual_counts__one_in_twenty__leave_half_a_percent_on_each_side() -> None:
    low, high = usual_counts(1000, 0.05)
    assert binom.cdf(low - 1, 1000, 0.05) < 0.005 <= binom.cdf(low, 1000, 0.05)
    assert binom.sf(high, 1000, 0.05) <= 0.005 < binom.sf(high - 1, 1000, 0.05)
