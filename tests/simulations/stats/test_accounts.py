"""Accounts as units: false alarms are as promised only with errors of accounts."""

import numpy as np
import pytest

from analysis.stats.clustered import clustered_share
from analysis.stats.clusters import Clusters, clusters_of
from analysis.stats.estimate import Estimate
from analysis.stats.proportions import two_proportions
from analysis.stats.summary import Successes
from tests.simulations.stats.conftest import Note, allowance, runs

pytestmark = pytest.mark.simulation

ACCOUNTS = 60  # in each variant
# Sixty accounts of unequal size: the linearised error is a little too small.
BIAS = 0.008


def arm(chance: np.random.Generator) -> tuple[Successes, Clusters]:
    """Draw accounts of 1 to 40 customers; beta(1, 1) makes the ICC 1/3."""
    sizes = chance.integers(1, 41, ACCOUNTS)
    kept = chance.binomial(sizes, chance.beta(1, 1, ACCOUNTS))
    pairs = zip(sizes.tolist(), kept.tolist(), strict=True)
    clusters = clusters_of(
        (account, (float(yes), 0), count)
        for account, (size, stayed) in enumerate(pairs)
        for yes, count in ((1, stayed), (0, size - stayed))
        if count
    )
    return Successes(int(sizes.sum()), int(kept.sum())), clusters


def test_false_alarms__customers_alike_within_accounts__5_percent(
    chance: np.random.Generator, note: Note
) -> None:
    n = runs(600, 20_000)
    by_account = by_customer = 0
    for _ in range(n):
        control, treatment = arm(chance), arm(chance)
        by_account += detected(clustered_share(control, treatment))
        by_customer += detected(two_proportions(control[0], treatment[0]))
    note("false alarms", by_account / n)
    note("false alarms, were customers independent", by_customer / n)
    note("simulations", n)
    assert abs(by_account / n - 0.05) <= allowance(0.05, n, bias=BIAS)
    # A design effect near 9: |z| > 1.96 / 3 in half of all A/A tests.
    assert by_customer / n > 0.4


def detected(outcome: object) -> bool:
    assert isinstance(outcome, Estimate)
    assert outcome.p_value is not None
    return outcome.p_value < 0.05
