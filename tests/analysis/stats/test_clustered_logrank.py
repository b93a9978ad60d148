"""The log-rank test by accounts, against statsmodels' Cox score and by hand."""

from collections.abc import Sequence

import numpy as np
import pytest
from statsmodels.duration.hazard_regression import PHReg

from analysis.stats.clustered_logrank import clustered_logrank
from analysis.stats.clusters import Clusters, clusters_of
from analysis.stats.estimate import NotComputable
from analysis.stats.summary import LifeTable, life_table_of
from analysis.stats.survival import LogRank, logrank
from experiments.vocabulary import Reason

Lives = Sequence[tuple[int, int, bool]]  # account, day, whether by the event


def drawn(seed: int, accounts: int, pace: float = 1.0) -> Lives:
    """Draw accounts of 1 to 12 customers who are alike in how soon they leave."""
    chance = np.random.default_rng(seed)
    rows = []
    for account in range(accounts):
        own = pace * chance.gamma(2, 0.5)
        for _ in range(int(chance.integers(1, 13))):
            left = int(chance.exponential(40 / own))
            seen = int(chance.integers(5, 60))
            rows.append((account, min(left, seen), left <= seen))
    return rows


def arm(lives: Lives) -> tuple[LifeTable, Clusters]:
    table = life_table_of((day, ended) for _, day, ended in lives)
    return table, clusters_of((g, (float(d), int(e)), 1) for g, d, e in lives)


def found(control: Lives, treatment: Lives) -> LogRank:
    outcome = clustered_logrank(arm(control), arm(treatment))
    assert isinstance(outcome, LogRank)
    return outcome


def robust_score(control: Lives, treatment: Lives) -> tuple[float, float]:
    """Robust score test of a Cox model at no effect, and its score, by statsmodels.

    Its score residuals are each customer's part (Lin and Wei 1989); ties as Breslow,
    whose score is that of the log-rank test.
    """
    rows = [(*row, 0) for row in control] + [(*row, 1) for row in treatment]
    days, ended, treated = (np.array([row[i] for row in rows]) for i in (1, 2, 3))
    model = PHReg(
        days.astype(float), treated.astype(float)[:, None], ended, ties="breslow"
    )
    parts = model.score_residuals(np.zeros(1))[:, 0]
    accounts: dict[tuple[int, int], float] = {}
    for row, part in zip(rows, parts, strict=True):
        accounts[row[3], row[0]] = accounts.get((row[3], row[0]), 0.0) + float(part)
    score = float(parts.sum())
    return score**2 / sum(each**2 for each in accounts.values()), score


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_logrank__accounts__as_the_robust_score_of_statsmodels(seed: int) -> None:
    control, treatment = drawn(seed, 30), drawn(seed + 100, 25, pace=0.7)

    ours = found(control, treatment)

    statistic, score = robust_score(control, treatment)
    assert ours.chi2 == pytest.approx(statistic, rel=1e-9)
    assert ours.observed[1] - ours.expected[1] == pytest.approx(score, rel=1e-9)
    # The counts are those of the test that knows no accounts.
    alone = logrank([arm(control)[0], arm(treatment)[0]])
    assert isinstance(alone, LogRank)
    assert ours.observed == alone.observed
    assert ours.expected == pytest.approx(alone.expected)


def test_logrank__each_customer_five_times_over__says_nothing_new() -> None:
    once = [[(i, d, e) for i, (_, d, e) in enumerate(drawn(s, 20))] for s in (7, 8)]

    copied = found(once[0] * 5, once[1] * 5)

    single = found(once[0], once[1])
    assert copied.chi2 == pytest.approx(single.chi2)
    assert copied.p_value == pytest.approx(single.p_value)


def test_logrank__arms_exchanged__same_test() -> None:
    one, other = drawn(9, 30), drawn(10, 20)

    ours, turned = found(one, other), found(other, one)

    assert ours.chi2 == pytest.approx(turned.chi2)
    assert ours.observed == tuple(reversed(turned.observed))


def test_logrank__few_accounts__student_t_of_accounts_less_two() -> None:
    # Ten accounts of one customer each; in one arm six leave on day 3, in the other
    # two, all others stay until day 9. By hand: hazard 8/20, so U = 2 - 4 and
    # V = (1/4) (8 x .6^2 + 12 x .4^2) = 1.2; t = 2 / sqrt(1.2) = 1.826, 18 degrees.
    control = [(i, 3 if i < 6 else 9, i < 6) for i in range(10)]
    treatment = [(i, 3 if i < 2 else 9, i < 2) for i in range(10)]

    ours = found(control, treatment)

    assert ours.chi2 == pytest.approx(4 / 1.2)
    # Student's t: P(|t| > 1.734) is 10 % and P(|t| > 2.101) is 5 % (any table).
    assert 0.05 < ours.p_value < 0.10


def test_logrank__nine_accounts__refused_however_many_customers() -> None:
    few = [(g, day, True) for g in range(9) for day in range(50)]

    outcome = clustered_logrank(arm(few), arm(drawn(4, 30)))

    assert isinstance(outcome, NotComputable)
    assert outcome.reason == Reason.TOO_FEW_ACCOUNTS
    assert outcome.facts == {"control_n": 9, "treatment_n": 30, "needed": 10}


def test_logrank__nobody_left__no_variation() -> None:
    stayed = [(i, 30, False) for i in range(12)]

    outcome = clustered_logrank(arm(stayed), arm(stayed))

    assert isinstance(outcome, NotComputable)
    assert outcome.reason == Reason.NO_VARIATION
