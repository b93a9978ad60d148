"""Abide's top-level names are generic; nobody else may own them here."""

from importlib.metadata import packages_distributions

import pytest


@pytest.mark.parametrize(
    "name", ["abide", "experiments", "analysis", "api", "web", "migrations"]
)
def test_package__top_level_name__belongs_to_abide_alone(name: str) -> None:
    assert set(packages_distributions().get(name, ["abide"])) == {"abide"}
