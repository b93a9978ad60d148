"""A4, A11, A12: accounts, covariates and whole scales keep what the plan was told."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from analysis.stats.account_power import Accounts, AccountSize, size_in_accounts
from analysis.stats.adjustment import lin
from analysis.stats.boundaries import boundaries
from analysis.stats.clustered import clustered_share
from analysis.stats.clusters import Clusters, clusters_of
from analysis.stats.ordinal import Superiority, superiority
from analysis.stats.power import SampleSize, size_for_means, size_for_proportions
from analysis.stats.power_factors import adjusted_share
from analysis.stats.spending import obrien_fleming, spent_by
from analysis.stats.summary import Successes
from tests.simulations.stats.conftest import Note, Tally, allowance, runs
from tests.simulations.stats.test_adjusted import vector
from tests.simulations.stats.test_coverage import answers, assert_holds, estimate
from tests.simulations.stats.test_errors import assert_power, p_value

pytestmark = pytest.mark.simulation

CORRELATION = 0.7
QUARTERS = (0.25, 0.5, 0.75, 1.0)


@pytest.mark.parametrize("n", [100, 500])
def test_superiority__answers_on_five_points__covered(
    n: int, chance: np.random.Generator, note: Note
) -> None:
    # The shapes of arthritis month 3, as in test_coverage. The truth is its definition,
    # P(T > C) + P(T = C) / 2, summed over the 25 pairs of answers.
    shares = [
        np.array(each) / 148 for each in ([9, 32, 63, 36, 8], [3, 27, 52, 50, 16])
    ]
    control, treatment = shares
    truth = float(treatment @ (np.cumsum(control) - control / 2))
    size, tally = runs(3000), Tally()
    drawn = [chance.multinomial(n, each, size).tolist() for each in shares]

    for c, t in zip(*drawn, strict=True):
        found = superiority(answers(c), answers(t))
        assert isinstance(found, Superiority)
        tally.add(found.interval, truth)

    assert_holds(tally, note)


def test_power_of_accounts__size_as_planned__80_percent(
    chance: np.random.Generator, note: Note
) -> None:
    # Accounts of 1 + Poisson(9) customers have 10 on average and a coefficient of
    # variation of 3 / 10; beta(4.5, 4.5) makes an ICC of 1 / (4.5 + 4.5 + 1) = .1.
    planned = size_in_accounts(size_for_proportions(0.5, 0.1), Accounts(10, 0.3, 0.1))
    assert isinstance(planned, AccountSize)
    n = runs(600, 20_000)

    found = sum(
        p_value(
            clustered_share(
                drawn(chance, planned.accounts.control, 0.5),
                drawn(chance, planned.accounts.treatment, 0.6),
            )
        )
        < 0.05
        for _ in range(n)
    )

    assert_power(found, n, note)


def drawn(
    chance: np.random.Generator, accounts: int, share: float
) -> tuple[Successes, Clusters]:
    """Draw accounts whose customers have a share in common, with an ICC of .1."""
    sizes = 1 + chance.poisson(9, accounts)
    kept = chance.binomial(sizes, chance.beta(9 * share, 9 * (1 - share), accounts))
    pairs = zip(sizes.tolist(), kept.tolist(), strict=True)
    clusters = clusters_of(
        (account, (float(yes), 0), count)
        for account, (size, stayed) in enumerate(pairs)
        for yes, count in ((1, stayed), (0, size - stayed))
        if count
    )
    return Successes(int(sizes.sum()), int(kept.sum())), clusters


def correlated(chance: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Draw outcomes (sd 1.1) and a covariate that goes with them by .7."""
    before = chance.normal(0, 1, n)
    apart = chance.normal(0, np.sqrt(1 - CORRELATION**2), n)
    return np.stack([1.1 * (CORRELATION * before + apart), before])


def test_power_of_adjusted_means__fewer_customers__still_80_percent(
    chance: np.random.Generator, note: Note
) -> None:
    # A share of the variance stays, so the same effect is one of a smaller spread.
    share = adjusted_share(CORRELATION)
    assert isinstance(share, float)
    size = size_for_means(1.1 * share**0.5, 0.25)
    assert isinstance(size, SampleSize)
    n, found = runs(1500, 20_000), 0

    for _ in range(n):
        control = correlated(chance, size.control)
        treatment = correlated(chance, size.treatment) + np.array([[0.25], [0.0]])
        found += p_value(lin(vector(control), vector(treatment))) < 0.05

    assert_power(found, n, note)


def test_looks__of_adjusted_changes_without_effect__5_percent(
    chance: np.random.Generator, note: Note
) -> None:
    customers, n, alarms = 400, runs(1000, 20_000), 0
    bounds = boundaries(QUARTERS, spent_by(QUARTERS, 0.025, obrien_fleming)).upper

    for _ in range(n):
        arms = correlated(chance, customers), correlated(chance, customers)
        alarms += any(
            z_of(*(arm[:, : int(part * customers)] for arm in arms)) >= bound
            for part, bound in zip(QUARTERS, bounds, strict=True)
        )

    note("rejected at some look", alarms / n)
    assert alarms / n <= 0.05 + allowance(0.05, n, bias=0)


def z_of(control: NDArray[np.float64], treatment: NDArray[np.float64]) -> float:
    found = estimate(lin(vector(control), vector(treatment)))
    assert found.p_value is not None
    return float(stats.norm.isf(found.p_value / 2))
