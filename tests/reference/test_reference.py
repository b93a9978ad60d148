"""Every reference record that is built, put to the product's functions."""

import pytest

from tests.reference.book import checks, compare, not_built, records


@pytest.mark.parametrize("name", sorted(checks()))
@pytest.mark.usefixtures("reference_data")
def test_product__reference_record__within_its_tolerance(name: str) -> None:
    for check in checks()[name]:
        lines = list(compare(records()[name], check))
        assert not [line for line in lines if line.holds is False]
        assert any(line.holds for line in lines)


@pytest.mark.usefixtures("reference_data")
def test_not_built__records__are_those_that_nothing_covers() -> None:
    listed = not_built()
    assert sorted({*listed, *checks()}) == sorted(records())
    covered = [name for name in listed if name in checks()]
    assert covered == [], "built by now: take them off not_built.txt"
