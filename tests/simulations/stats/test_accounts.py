"""Accounts as units: false alarms are as promised only with errors of accounts."""

import numpy as np
import pytest

from analysis.stats.clustered import clustered_share
from analysis.stats.clustered_logrank import clustered_logrank
from analysis.stats.clusters import Clusters, clusters_of
from analysis.stats.estimate import Estimate
from analysis.stats.proportions import two_proportions
from analysis.stats.summary import LifeTable, Successes, life_table_of
from analysis.stats.survival import LogRank, logrank
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


def lives(chance: np.random.Generator) -> tuple[LifeTable, Clusters]:
    """Draw accounts of 1 to 29 customers who share how soon they leave."""
    rows = []
    for account in range(20):
        own = chance.gamma(2, 0.5)
        size = int(chance.integers(1, 30))
        left, seen = chance.exponential(60 / own, size), chance.uniform(10, 60, size)
        ends = np.minimum(left, seen).astype(int).tolist()
        rows += [
            (account, day, bool(by)) for day, by in zip(ends, left <= seen, strict=True)
        ]
    table = life_table_of((day, by) for _, day, by in rows)
    return table, clusters_of((g, (float(d), int(e)), 1) for g, d, e in rows)


def test_false_alarms__log_rank_of_customers_alike_within_accounts__5_percent(
    chance: np.random.Generator, note: Note
) -> None:
    n = runs(100, 6000)
    by_account = by_customer = 0
    for _ in range(n):
        control, treatment = lives(chance), lives(chance)
        ours = clustered_logrank(control, treatment)
        naive = logrank([control[0], treatment[0]])
        assert isinstance(ours, LogRank)
        assert isinstance(naive, LogRank)
        by_account += ours.p_value < 0.05
        by_customer += naive.p_value < 0.05
    note("false alarms", by_account / n)
    note("false alarms, were customers independent", by_customer / n)
    note("simulations", n)
    assert abs(by_account / n - 0.05) <= allowance(0.05, n, bias=BIAS)
    assert by_customer / n > 0.2
