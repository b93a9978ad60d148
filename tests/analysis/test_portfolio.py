"""What decided experiments are worth together, in words."""

import pytest

from analysis.portfolio import kept_in_words


@pytest.mark.parametrize(
    ("size", "low", "high", "words"),
    [
        # The example of shared words: about 420 kept (130 to 710).
        (420.3, 131, 712, "about 420 customers kept per quarter (130 to 710)"),
        (-310.0, -551, -69, "about 310 customers lost per quarter (70 to 550)"),
        (50, -120, 300, "between 120 customers lost and 300 kept per quarter"),
    ],
)
def test_kept__in_words__always_has_its_range(
    size: float, low: float, high: float, words: str
) -> None:
    assert kept_in_words(size, low, high) == words
