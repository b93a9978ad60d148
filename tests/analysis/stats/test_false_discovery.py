import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from analysis.stats.false_discovery import (
    benjamini_hochberg,
    benjamini_yekutieli,
    false_coverage_level,
    hochberg,
)

families = st.lists(st.floats(0, 1), min_size=1, max_size=25)


@given(families)
def test_adjusted__any_family__as_statsmodels(p_values: list[float]) -> None:
    for ours, name in (
        (benjamini_hochberg, "fdr_bh"),
        (benjamini_yekutieli, "fdr_by"),
        (hochberg, "simes-hochberg"),
    ):
        theirs = multipletests(p_values, method=name)[1]
        assert list(ours(p_values)) == pytest.approx(list(theirs), rel=1e-12)


@given(st.lists(st.none() | st.floats(0, 1), max_size=12))
def test_adjusted__some_without_p__still_in_the_family(
    p_values: list[float | None],
) -> None:
    as_if = [1.0 if p is None else p for p in p_values]

    for adjust in (benjamini_hochberg, benjamini_yekutieli, hochberg):
        found, whole = adjust(p_values), adjust(as_if)
        for p, ours, theirs in zip(p_values, found, whole, strict=True):
            assert (ours is None) == (p is None)
            assert ours is None or theirs is None or ours <= theirs <= 1


@given(families, st.sampled_from([0.8, 0.95, 0.99]))
def test_level__any_family__intervals_agree_with_discoveries(
    p_values: list[float], level: float
) -> None:
    # An interval excludes 0 exactly when its p-value is at most 1 - its level.
    at = 1 - false_coverage_level(p_values, level)
    adjusted = benjamini_hochberg(p_values)

    for p, each in zip(p_values, adjusted, strict=True):
        if each is not None and abs(each - (1 - level)) > 1e-12:
            assert (p <= at * (1 + 1e-12)) == (each <= 1 - level)


def test_level__one_of_four_found__of_bonferroni_and_of_one_alone() -> None:
    assert false_coverage_level([]) == pytest.approx(0.95)
    assert false_coverage_level([0.01]) == pytest.approx(0.95)
    assert false_coverage_level([0.3, 0.6, None, 0.9]) == pytest.approx(1 - 0.05 / 4)
    assert false_coverage_level([0.01, 0.02, 0.6, 0.9]) == pytest.approx(1 - 0.05 / 2)


def test_adjusted__large_family__order_does_not_matter() -> None:
    p_values = np.random.default_rng(7).uniform(size=40).tolist()

    forward = benjamini_hochberg(p_values)

    assert benjamini_hochberg(p_values[::-1])[::-1] == forward
