import math

import numpy as np
import pytest

from analysis.stats.estimate import NotComputable
from analysis.stats.policy import (
    AddedValue,
    Choices,
    Floats,
    PolicyValue,
    difference,
    doubly_robust_scores,
    has_overlap,
    value_of,
    weighted_values,
    worth_of_personalising,
)
from experiments.vocabulary import Reason

DRAWN = np.full(2, 0.5)


def customers(seed: int, n: int, tilt: float) -> tuple[Floats, Choices, Floats]:
    """Draw outcomes, variants and a covariate that tells whom the treatment helps."""
    chance = np.random.default_rng(seed)
    x = chance.normal(0, 1, (n, 1))
    given = chance.integers(0, 2, n)
    return x[:, 0] + given * tilt * x[:, 0] + chance.normal(0, 1, n), given, x


def folds(n: int) -> Choices:
    return np.arange(n) % 4


def test_weighted_values__few_decisions__by_hand() -> None:
    outcomes = np.array([1.0, 0.0, 1.0, 1.0, 0.0] * 4)
    weights = np.array([2.0, 0.0, 1.0, 0.0, 3.0] * 4)

    found = weighted_values(outcomes, weights)

    assert not isinstance(found, NotComputable)
    plain, normalised = found
    assert plain.value == pytest.approx(3 / 5)  # (2 + 1) / 5
    assert normalised.value == pytest.approx(3 / 6)
    assert plain.effective == pytest.approx(24**2 / 56)  # 4 * (4 + 1 + 9)
    assert plain.matched == 12
    assert plain.largest_weight == 3
    assert has_overlap(plain)


def test_scores__any_model__mean_of_a_fixed_rule_is_right_without_the_model() -> None:
    outcomes, given, x = customers(1, 4000, tilt=1.0)
    chosen = (x[:, 0] > 0).astype(np.int64)

    with_model = doubly_robust_scores(outcomes, given, x, DRAWN)
    without = doubly_robust_scores(outcomes, given, np.zeros((4000, 0)), DRAWN)

    assert not isinstance(with_model, NotComputable)
    assert not isinstance(without, NotComputable)
    robust, plain = (
        value_of(scores, chosen, given, DRAWN) for scores in (with_model, without)
    )
    # True value: E[max(x, 0)] = 1 / sqrt(2 pi).
    truth = 1 / math.sqrt(2 * math.pi)
    assert abs(robust.value - truth) < 4 * robust.standard_error
    assert abs(plain.value - truth) < 4 * plain.standard_error
    assert robust.standard_error < plain.standard_error


def test_worth__treatment_helps_some_and_harms_others__personalising_pays() -> None:
    outcomes, given, x = customers(2, 4000, tilt=1.0)

    found = worth_of_personalising(outcomes, given, x, DRAWN, folds(4000))

    assert isinstance(found, AddedValue)
    assert found.interval.low is not None
    assert found.interval.low > 0
    assert found.added == pytest.approx(found.rule.value - found.uniform.value)
    assert 0.4 < found.share_changed < 0.6


def test_worth__best_for_all__says_that_one_variant_suits_everybody() -> None:
    chance = np.random.default_rng(3)
    given = chance.integers(0, 2, 500)
    x = chance.normal(0, 1, (500, 1))
    outcomes = 10.0 * given + chance.normal(0, 1, 500)

    found = worth_of_personalising(outcomes, given, x, DRAWN, folds(500))

    # Neither a change of 0 that is certain, nor a p-value of 1.
    assert isinstance(found, NotComputable)
    assert found.reason is Reason.ONE_FOR_ALL


def test_difference__rules_swapped__mirrored() -> None:
    outcomes, given, x = customers(4, 300, tilt=0.5)
    scores = doubly_robust_scores(outcomes, given, x, DRAWN)
    assert not isinstance(scores, NotComputable)
    one, other = np.zeros(300, np.int64), (x[:, 0] > 0).astype(np.int64)

    ahead, error, _ = difference(scores, other, one)
    behind, same_error, _ = difference(scores, one, other)

    assert (behind, same_error) == (-ahead, error)


@pytest.mark.parametrize(
    ("outcomes", "weights", "reason"),
    [
        (np.ones(50), None, Reason.NO_PROPENSITIES),
        (np.ones(0), np.ones(0), Reason.TOO_FEW_UNITS),
        (np.ones(50), np.zeros(50), Reason.NO_OVERLAP),
        (np.ones(50), np.ones(50), Reason.NO_VARIATION),
        (np.ones(50), np.full(50, -1.0), Reason.OUT_OF_RANGE),
        (np.full(50, math.nan), np.ones(50), Reason.NON_FINITE),
        (np.ones(50), np.full(50, math.inf), Reason.NON_FINITE),
    ],
)
def test_weighted_values__edges__typed_reason(
    outcomes: Floats, weights: Floats | None, reason: Reason
) -> None:
    found = weighted_values(outcomes, weights)

    assert isinstance(found, NotComputable)
    assert found.reason is reason


def test_worth__edges__typed_reason() -> None:
    outcomes, given, x = customers(5, 60, tilt=0.5)
    halves = folds(60)
    cases = [
        (worth_of_personalising(outcomes, given, x, DRAWN, halves * 0), "folds"),
        (worth_of_personalising(outcomes, given + 1, x, DRAWN, halves), "given"),
    ]
    for found, field in cases:
        assert isinstance(found, NotComputable)
        assert found.facts["field"] == field
    nobody = worth_of_personalising(outcomes, given * 0, x, DRAWN, halves)
    guessed = worth_of_personalising(outcomes, given, x, DRAWN * 0, halves)
    broken = worth_of_personalising(outcomes * math.nan, given, x, DRAWN, halves)
    few = worth_of_personalising(outcomes[:9], given[:9], x[:9], DRAWN, halves[:9])
    for found, reason in (
        (nobody, Reason.TOO_FEW_UNITS),
        (guessed, Reason.NO_PROPENSITIES),
        (broken, Reason.NON_FINITE),
        (few, Reason.TOO_FEW_UNITS),
    ):
        assert isinstance(found, NotComputable)
        assert found.reason is reason


def test_value__one_customer_with_all_the_weight__no_overlap() -> None:
    weights = np.zeros(1000)
    weights[:3] = [500.0, 1.0, 1.0]

    found = weighted_values(np.tile([0.0, 1.0], 500), weights)

    assert not isinstance(found, NotComputable)
    plain: PolicyValue = found[0]
    assert not has_overlap(plain)
