import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from analysis.stats.multiplicity import holm
from tests.analysis.stats.conftest import RecordOf


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
