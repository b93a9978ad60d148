import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from analysis.stats.intervals import normal_p_value, normal_value
from analysis.stats.multiplicity import bonferroni_level, holm, holm_levels
from tests.analysis.stats.conftest import RecordOf

z_values = st.lists(st.floats(-6, 6), min_size=1, max_size=9)


@pytest.mark.parametrize("name", ["cookie.multiplicity", "hillstrom.multiplicity"])
def test_holm__p_values_of_record__reference_numbers(
    name: str, record: RecordOf
) -> None:
    reference = record(name)

    assert list(holm(reference.inputs["pvals"])) == reference.about("holm")


def test_holm__benjamini_and_hochberg_example__reference_numbers(
    record: RecordOf,
) -> None:
    reference = record("bh1995")

    assert list(holm(reference.inputs["pvals"])) == reference.about("holm_adj")


def test_holm__treatment_without_a_p_value__still_in_the_family() -> None:
    # By hand, a family of three: 3 * .01, then 2 * .02.
    adjusted = holm([0.02, None, 0.01])

    assert adjusted[1] is None
    assert adjusted[::2] == pytest.approx((0.04, 0.03))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
@settings(max_examples=5)  # statsmodels takes its time: it collects garbage
def test_holm__any_p_values__same_as_statsmodels(p_values: list[float]) -> None:
    adjusted = multipletests(p_values, method="holm")[1]

    assert holm(p_values) == pytest.approx(tuple(adjusted.tolist()), rel=1e-12)


def test_holm__no_treatments__nothing() -> None:
    assert holm([]) == ()


def test_bonferroni_level__two_and_three_comparisons__by_hand() -> None:
    assert bonferroni_level(1) == 0.95
    assert bonferroni_level(2) == pytest.approx(0.975)
    assert bonferroni_level(3, 0.9) == pytest.approx(1 - 0.1 / 3)


def test_holm_levels__one_treatment__the_level_itself() -> None:
    assert holm_levels([0.2]) == pytest.approx((0.95,))


def test_holm_levels__nobody_rejected__bonferroni() -> None:
    assert holm_levels([0.03, 0.04]) == pytest.approx((0.975, 0.975))


def test_holm_levels__second_rejected_only_by_its_step__narrower_there() -> None:
    # .001 <= .025 rejects; then .04 <= .05 rejects, though .04 > .025.
    assert holm_levels([0.04, 0.001]) == pytest.approx((0.95, 0.975))


def test_holm_levels__both_rejected_by_bonferroni_too__bonferroni() -> None:
    assert holm_levels([0.02, 0.001]) == pytest.approx((0.975, 0.975))


def test_holm_levels__treatment_without_a_p_value__bonferroni() -> None:
    assert holm_levels([None, 0.001]) == pytest.approx((0.975, 0.975))


@given(z_values)
def test_holm_levels__normal_estimates__interval_excludes_0_as_holm_rejects(
    zs: list[float],
) -> None:
    adjusted = holm([normal_p_value(z) for z in zs])
    assume(all(p is not None and abs(p - 0.05) > 1e-9 for p in adjusted))

    levels = holm_levels([normal_p_value(z) for z in zs])

    for z, p, level in zip(zs, adjusted, levels, strict=True):
        assert p is not None
        assert (abs(z) > normal_value(level)) is (p < 0.05)


@given(z_values)
def test_holm_levels__any_estimates__never_above_bonferroni(zs: list[float]) -> None:
    levels = holm_levels([normal_p_value(z) for z in zs])

    assert all(0.95 - 1e-12 <= each <= bonferroni_level(len(zs)) for each in levels)
