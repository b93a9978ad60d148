import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects

from analysis.stats.bayes import (
    Belief,
    Prior,
    believe,
    learned_prior,
)
from analysis.stats.beta_binomial import believe_shares
from analysis.stats.estimate import NotComputable
from analysis.stats.pooling import Pooled, paule_mandel
from analysis.stats.summary import Successes
from experiments.vocabulary import Reason
from tests.analysis.stats.conftest import ends
from tests.analysis.stats.examples import successes


def belief(found: Belief | NotComputable) -> Belief:
    assert isinstance(found, Belief)
    return found


def test_believe_shares__few_customers__a_million_draws() -> None:
    chance = np.random.default_rng(1)
    size = 10**6
    drawn = chance.beta(14, 18, size) - chance.beta(11, 31, size)

    found = belief(believe_shares(Successes(40, 10), Successes(30, 13), 0.05))

    # Draws are good to about three digits: their standard error is sd / 1000.
    assert found.mean == pytest.approx(drawn.mean(), abs=5e-4)
    assert found.sd == pytest.approx(drawn.std(), rel=3e-3)
    assert found.better == pytest.approx((drawn > 0).mean(), abs=1.5e-3)
    assert found.beyond == pytest.approx((drawn > 0.05).mean(), abs=2e-3)
    assert found.loss_of_shipping == pytest.approx(
        np.maximum(-drawn, 0).mean(), abs=1e-4
    )
    assert ends(found.interval) == pytest.approx(
        list(np.quantile(drawn, [0.025, 0.975])), abs=1e-3
    )


@settings(max_examples=25)  # each takes a few hundred integrals
@given(successes(min_n=10), successes(min_n=10))
def test_believe_shares__any_customers__agrees_with_itself(
    control: Successes, treatment: Successes
) -> None:
    one, other = (
        belief(believe_shares(control, treatment)),
        belief(believe_shares(treatment, control)),
    )

    assert one.better + other.better == pytest.approx(1, abs=1e-6)
    assert one.loss_of_keeping == pytest.approx(other.loss_of_shipping, abs=1e-9)
    assert one.loss_of_keeping - one.loss_of_shipping == pytest.approx(
        one.mean, abs=1e-6
    )
    assert one.interval.low is not None
    assert one.interval.high is not None
    assert -1 <= one.interval.low < one.mean < one.interval.high <= 1


def test_believe_shares__many_customers__as_the_normal() -> None:
    control, treatment = Successes(40_000, 8000), Successes(41_000, 8400)
    p_c, p_t = 8000 / 40_000, 8400 / 41_000
    error = math.sqrt(p_c * (1 - p_c) / 40_000 + p_t * (1 - p_t) / 41_000)

    exact, normal = (
        belief(believe_shares(control, treatment, 0.002)),
        belief(believe(p_t - p_c, error, None, 0.002)),
    )

    assert exact.better == pytest.approx(normal.better, abs=1e-3)
    assert exact.beyond == pytest.approx(normal.beyond, abs=1e-3)
    assert ends(exact.interval) == pytest.approx(ends(normal.interval), abs=2e-5)


@given(st.floats(-50, 50), st.floats(0.01, 10))
def test_believe__any_estimate__losses_differ_by_the_mean(
    effect: float, error: float
) -> None:
    found = belief(believe(effect, error, Prior(0.0, 2.0)))
    mirrored = belief(believe(-effect, error, Prior(0.0, 2.0)))

    assert min(found.loss_of_keeping, found.loss_of_shipping) >= 0
    assert found.loss_of_keeping - found.loss_of_shipping == pytest.approx(
        found.mean, rel=1e-9, abs=1e-12
    )
    assert mirrored.loss_of_shipping == found.loss_of_keeping
    assert abs(found.mean) <= abs(effect)
    assert found.sd < min(error, 2.0)


def test_believe__far_tail__expected_loss_does_not_cancel() -> None:
    # E[max(-X, 0)] of N(10, 1): phi(10)/10^2 (1 - 3/10^2 + 15/10^4 - ...), DLMF 7.12.
    found = belief(believe(10.0, 1.0, None))

    series = stats.norm.pdf(10) / 100 * (1 - 3 / 100 + 15 / 1e4 - 105 / 1e6)
    assert found.loss_of_shipping == pytest.approx(series, rel=1e-4)


@pytest.mark.parametrize(
    ("effect", "error", "prior", "reason"),
    [
        (math.nan, 1.0, None, Reason.NON_FINITE),
        (1.0, math.inf, None, Reason.NON_FINITE),
        (1.0, 0.0, None, Reason.NO_VARIATION),
        (1.0, 1.0, Prior(0.0, 0.0), Reason.OUT_OF_RANGE),
    ],
)
def test_believe__edges__typed_reason(
    effect: float, error: float, prior: Prior | None, reason: Reason
) -> None:
    found = believe(effect, error, prior)

    assert isinstance(found, NotComputable)
    assert found.reason is reason


EFFECTS = [0.08, -0.02, 0.15, 0.01, -0.09, 0.03, 0.22]
ERRORS = [0.03, 0.02, 0.05, 0.04, 0.03, 0.02, 0.06]


def test_paule_mandel__own_mean__as_statsmodels() -> None:
    alone = combine_effects(
        np.array(EFFECTS), np.square(ERRORS), method_re="iterated", atol=1e-12
    )

    found = paule_mandel(EFFECTS, ERRORS)

    assert isinstance(found, Pooled)
    assert found.between == pytest.approx(alone.tau2, rel=1e-6)
    assert found.mean == pytest.approx(alone.mean_effect_re, rel=1e-6)


def test_paule_mandel__equal_errors_about_0__by_hand() -> None:
    # With equal errors s: sum(e^2) / (s^2 + tau^2) = k.
    effects = [0.3, -0.4, 0.5]

    found = paule_mandel(effects, [0.1] * 3, about=0.0)

    assert isinstance(found, Pooled)
    assert found.between == pytest.approx(0.5 / 3 - 0.01, rel=1e-9)


def test_paule_mandel__errors_explain_all__nothing_between() -> None:
    found = paule_mandel([0.01, -0.01, 0.0], [0.1] * 3)

    assert isinstance(found, Pooled)
    assert found.between == 0


@pytest.mark.parametrize(
    ("effects", "errors", "reason"),
    [
        ([], [], Reason.TOO_FEW_UNITS),
        ([0.1], [0.1], Reason.TOO_FEW_UNITS),
        ([0.1, math.nan], [0.1, 0.1], Reason.NON_FINITE),
        ([0.1, 0.2], [0.1, 0.0], Reason.NO_VARIATION),
    ],
)
def test_paule_mandel__edges__typed_reason(
    effects: list[float], errors: list[float], reason: Reason
) -> None:
    found = paule_mandel(effects, errors)

    assert isinstance(found, NotComputable)
    assert found.reason is reason


def test_learned_prior__finished_experiments__their_spread_without_their_errors() -> (
    None
):
    found = learned_prior(EFFECTS, ERRORS)

    assert isinstance(found, Prior)
    assert found.mean == 0
    assert 0.05 < found.sd < 0.12  # raw spread about 0 is .108
    few = learned_prior(EFFECTS[:4], ERRORS[:4])
    assert isinstance(few, NotComputable)
    assert few.reason is Reason.NO_HISTORY
    quiet = learned_prior([0.001] * 9, [0.1] * 9)
    assert isinstance(quiet, NotComputable)
