"""Rules by stratum from moments of parts: the same as from single customers."""

import math
from collections import defaultdict

import numpy as np
import pytest

from analysis.stats.estimate import NotComputable
from analysis.stats.part import Part
from analysis.stats.policy import AddedValue, Choices, Floats, worth_of_personalising
from analysis.stats.policy_parts import worth_by_stratum
from analysis.stats.summary import VectorMoments, vector_moments_of
from experiments.vocabulary import Reason

SHARES = (0.5, 0.3, 0.2)


def customers(
    seed: int, n: int, tilt: float
) -> tuple[Floats, Choices, Choices, Choices]:
    """Draw outcomes, variants, strata and folds; the third variant helps stratum 2."""
    chance = np.random.default_rng(seed)
    given = chance.choice(3, n, p=SHARES)
    stratum, fold = chance.integers(0, 3, n), chance.integers(0, 5, n)
    helped = tilt * (given == 2) * np.where(stratum == 2, 1.0, -1.0)
    return stratum + helped + chance.normal(0, 1, n), given, stratum, fold


def parts_of(
    outcomes: Floats, given: Choices, stratum: Choices, fold: Choices
) -> list[list[Part]]:
    rows: dict[tuple[int, int, int], list[list[float]]] = defaultdict(list)
    for y, *key in zip(
        outcomes.tolist(), given.tolist(), stratum.tolist(), fold.tolist(), strict=True
    ):
        rows[key[0], key[1], key[2]].append([y])
    arms: list[list[Part]] = [[], [], []]
    for (arm, of, in_fold), values in rows.items():
        arms[arm].append(Part(str(of), in_fold, vector_moments_of(values)))
    return arms


@pytest.mark.parametrize("tilt", [0.0, 0.3, 1.0])
def test_worth__from_parts__as_from_single_customers(tilt: float) -> None:
    outcomes, given, stratum, fold = customers(1, 3000, tilt)
    # With an indicator for each stratum least squares predicts its mean.
    known = np.column_stack([stratum == 1, stratum == 2]).astype(float)

    found = worth_by_stratum(parts_of(outcomes, given, stratum, fold), SHARES)

    alone = worth_of_personalising(outcomes, given, known, np.array(SHARES), fold)
    assert isinstance(found, AddedValue)
    assert isinstance(alone, AddedValue)
    for ours, theirs in ((found, alone), (found.rule, alone.rule)):
        assert ours.standard_error == pytest.approx(theirs.standard_error, rel=1e-9)
        assert ours.interval.low == pytest.approx(theirs.interval.low, rel=1e-8)
    assert found.added == pytest.approx(alone.added, rel=1e-8, abs=1e-12)
    assert found.uniform.value == pytest.approx(alone.uniform.value, rel=1e-9)
    assert found.share_changed == pytest.approx(alone.share_changed)
    assert found.rule.matched == alone.rule.matched
    assert found.rule.effective == pytest.approx(alone.rule.effective)


def test_worth__lower_is_better__mirrored() -> None:
    outcomes, given, stratum, fold = customers(2, 2000, 1.0)

    up = worth_by_stratum(parts_of(outcomes, given, stratum, fold), SHARES)
    down = worth_by_stratum(parts_of(-outcomes, given, stratum, fold), SHARES, -1)

    assert isinstance(up, AddedValue)
    assert isinstance(down, AddedValue)
    assert down.added == pytest.approx(up.added, rel=1e-12)


def test_worth__one_variant_suits_all__says_so() -> None:
    outcomes, given, stratum, fold = customers(3, 2000, 0.0)

    found = worth_by_stratum(
        parts_of(outcomes + 10 * (given == 1), given, stratum, fold), SHARES
    )

    assert isinstance(found, NotComputable)
    assert found.reason is Reason.ONE_FOR_ALL


def test_worth__edges__typed_reason() -> None:
    outcomes, given, stratum, fold = customers(4, 600, 1.0)
    usual = parts_of(outcomes, given, stratum, fold)
    broken = [*usual[:2], [Part("0", 0, VectorMoments(20, (math.nan,), ((1.0,),)))]]
    flat = parts_of(stratum + (given == 2) * (stratum - 1.0), given, stratum, fold)
    cases = [
        (worth_by_stratum([[], [], []], SHARES), Reason.TOO_FEW_UNITS),
        (worth_by_stratum([*usual[:2], []], SHARES), Reason.TOO_FEW_UNITS),
        (
            worth_by_stratum(parts_of(outcomes, given, stratum, fold * 0), SHARES),
            Reason.TOO_FEW_UNITS,  # one fold has nobody to learn from
        ),
        (worth_by_stratum(broken, SHARES), Reason.NON_FINITE),
        (worth_by_stratum(usual, (0.0, 0.5, 0.5)), Reason.NO_PROPENSITIES),
    ]
    for found, reason in cases:
        assert isinstance(found, NotComputable)
        assert found.reason is reason
    certain = worth_by_stratum(flat, SHARES)
    assert isinstance(certain, NotComputable | AddedValue)


def test_worth__hundred_repeats__the_same_bits() -> None:
    outcomes, given, stratum, fold = customers(5, 500, 0.5)
    parts = parts_of(outcomes, given, stratum, fold)
    turned = [list(reversed(arm)) for arm in parts]

    found = {repr(worth_by_stratum(each, SHARES)) for each in [parts, turned] * 50}

    assert len(found) == 1
