import math
from dataclasses import replace

import numpy as np
import pytest

from analysis.stats.clv import (
    BgNbd,
    Buyers,
    Calibration,
    GammaGamma,
    calibration,
    expected_purchases,
    expected_value,
    fit_bg_nbd,
    fit_gamma_gamma,
)
from analysis.stats.estimate import NotComputable
from experiments.vocabulary import Reason

# Fader, Hardie and Lee (2005), table 2, fitted on 39 weeks of CDNOW.
PUBLISHED = BgNbd(0.243, 4.414, 0.793, 2.426, -9582.4)


def drawn(n: int, weeks: float, later: float) -> tuple[list[Buyers], list[int]]:
    """Draw customers from the model, with what they buy in the time after."""
    chance = np.random.default_rng(20050101)
    buyers, after = [], []
    for _ in range(n):
        rate, leaves = chance.gamma(2.0, 1 / 8.0), chance.beta(1.5, 4.0)
        times, now = [], 0.0
        while (now := now + chance.exponential(1 / rate)) < weeks + later:
            times.append(now)
            if chance.random() < leaves:
                break
        seen = [time for time in times if time <= weeks]
        buyers.append(Buyers(len(seen), seen[-1] if seen else 0.0, weeks))
        after.append(len(times) - len(seen))
    return buyers, after


def fitted(buyers: list[Buyers]) -> BgNbd:
    found = fit_bg_nbd(buyers)
    assert isinstance(found, BgNbd)
    return found


def test_expected_purchases__papers_example__its_number() -> None:
    # The paper's worked example: customer 0001, x = 2, t_x = 30.43, T = 38.86; 1.226
    # purchases in the 39 weeks to come.
    found = expected_purchases(PUBLISHED, Buyers(2, 30.43, 38.86), 39)

    assert found == pytest.approx(1.226, abs=0.001)


def test_fit_bg_nbd__alike_customers_counted_together__same_model() -> None:
    buyers, _ = drawn(400, 30, 0)
    twice = [replace(buyer, customers=2) for buyer in buyers]

    one, other = fitted(buyers), fitted([*buyers, *buyers])

    assert other.r == pytest.approx(one.r, rel=1e-3)
    assert fitted(twice).alpha == pytest.approx(other.alpha, rel=1e-3)
    assert other.log_likelihood == pytest.approx(2 * one.log_likelihood, rel=1e-6)


def test_calibration__customers_of_the_model__foretold_is_made() -> None:
    # 3,000 customers of a known world; each group's mean within 4 of its errors.
    buyers, after = drawn(3000, 40, 40)
    groups = calibration(
        fitted(buyers), list(zip(buyers, after, strict=True)), 40, most=4
    )

    assert [group.repeats for group in groups] == [0, 1, 2, 3, 4]
    assert sum(group.customers for group in groups) == 3000
    for group in groups:
        counts = [k for b, k in zip(buyers, after, strict=True) if _in(b, group)]
        error = float(np.std(counts)) / math.sqrt(len(counts))
        assert group.made == pytest.approx(float(np.mean(counts)))
        assert abs(group.foretold - group.made) < 4 * error


def _in(buyer: Buyers, group: Calibration) -> bool:
    return min(buyer.repeats, 4) == group.repeats


def test_gamma_gamma__customers_of_the_model__parameters_and_shrinkage() -> None:
    chance = np.random.default_rng(2013)
    rates = chance.gamma(4.0, 1 / 60.0, 4000)
    counts = chance.integers(1, 9, 4000)
    means = chance.gamma(6.0 * counts, 1 / (rates * counts))

    found = fit_gamma_gamma(list(zip(counts.tolist(), means.tolist(), strict=True)))

    assert isinstance(found, GammaGamma)
    # p and v are hard to tell apart; the mean purchase, p v / (q - 1), is not.
    assert found.q == pytest.approx(4.0, rel=0.1)
    assert found.p * found.v == pytest.approx(6.0 * 60.0, rel=0.1)
    everybody = expected_value(found, 0, 0.0)
    assert everybody == pytest.approx(6 * 60 / 3, rel=0.05)
    ours = expected_value(found, 3, 400.0)
    assert everybody is not None
    assert ours is not None
    assert everybody < ours < 400


@pytest.mark.parametrize(
    ("buyers", "reason"),
    [
        ([], Reason.TOO_FEW_UNITS),
        ([Buyers(1, 2.0, 30.0)] * 9, Reason.TOO_FEW_UNITS),
        ([Buyers(0, 0.0, 30.0, 500)], Reason.NO_VARIATION),
        ([Buyers(2, 31.0, 30.0, 500)], Reason.OUT_OF_RANGE),
        ([Buyers(2, math.nan, 30.0, 500)], Reason.OUT_OF_RANGE),
        ([Buyers(0, 4.0, 30.0, 500)], Reason.OUT_OF_RANGE),
        ([Buyers(2, 4.0, 30.0, 500)], Reason.NOT_CONVERGED),
    ],
)
def test_fit_bg_nbd__nothing_to_learn_from__reason(
    buyers: list[Buyers], reason: Reason
) -> None:
    found = fit_bg_nbd(buyers)

    assert isinstance(found, NotComputable)
    assert found.reason is reason


def test_gamma_gamma__no_value_or_too_few__reason() -> None:
    for values, reason in [
        ([(1, 5.0)] * 9, Reason.TOO_FEW_UNITS),
        ([(1, 0.0)] * 90, Reason.OUT_OF_RANGE),
        ([(1, math.inf)] * 90, Reason.NON_FINITE),
        ([(1, 5.0)] * 90, Reason.NOT_CONVERGED),
    ]:
        found = fit_gamma_gamma(values)
        assert isinstance(found, NotComputable)
        assert found.reason is reason
    assert expected_value(GammaGamma(2, 0.5, 3), 0, 0.0) is None
