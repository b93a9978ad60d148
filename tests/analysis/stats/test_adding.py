"""Sums of effects: shrunk, since what was shipped was chosen for looking good."""

import numpy as np
import pytest

from analysis.stats.adding import ShrunkTotal, shrunk_total
from analysis.stats.estimate import NotComputable
from experiments.vocabulary import Reason


def test_total__equal_errors__is_what_can_be_worked_out_by_hand() -> None:
    # Errors of 1: the squares 9 + 16 + 25 are three times 1 + tau^2, so tau^2 = 47/3,
    # and each effect is kept to tau^2 / (1 + tau^2) = 47/50.
    found = shrunk_total([3.0, 4.0, -5.0], [1.0, 1.0, 1.0], [True, True, False])
    assert isinstance(found, ShrunkTotal)
    assert found.total == pytest.approx(7 * 47 / 50)
    half = 1.959963984540054 * (2 * 47 / 50) ** 0.5
    assert found.interval.low == pytest.approx(found.total - half)
    assert found.interval.high == pytest.approx(found.total + half)


def test_total__no_more_spread_than_chance__is_not_given() -> None:
    found = shrunk_total([0.5, -0.5, 0.2], [1.0, 1.0, 1.0], [True, False, False])
    assert found == NotComputable(Reason.NO_VARIATION)


def test_total__of_nothing__is_not_given() -> None:
    found = shrunk_total([3.0], [1.0], [False])
    assert isinstance(found, NotComputable)


def test_total__of_what_was_chosen_for_looking_good__is_not_too_high() -> None:
    """Simulated: the plain sum of what looked good is too high, the shrunk one fair."""
    random = np.random.default_rng(20261122)
    plain, shrunk, truth = 0.0, 0.0, 0.0
    for _ in range(200):
        true = random.normal(0, 100, 40)
        seen = true + random.normal(0, 100, 40)
        chosen = seen > 150
        if not chosen.any():
            continue
        found = shrunk_total(list(seen), [100.0] * 40, list(chosen))
        assert isinstance(found, ShrunkTotal)
        plain += seen[chosen].sum()
        shrunk += found.total
        truth += true[chosen].sum()
    # Half of the spread is error, so half of what stands out is luck.
    assert plain / truth > 1.8
    assert shrunk / truth == pytest.approx(1, abs=0.06)
