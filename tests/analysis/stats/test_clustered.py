"""Errors of accounts, against statsmodels' cluster covariance and by hand."""

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction

import numpy as np
import pytest
import statsmodels.api as sm

from analysis.stats.clustered import (
    clustered_answers,
    clustered_balance,
    clustered_curve,
    clustered_days,
    clustered_retained,
    clustered_share,
)
from analysis.stats.clusters import (
    Category,
    Clusters,
    clusters_of,
    design_effect,
    intra_account_correlation,
    mean_size,
    ratio,
    weights_of,
)
from analysis.stats.estimate import Estimate, NotComputable
from analysis.stats.means import squared_error, welch
from analysis.stats.proportions import two_proportions
from analysis.stats.satisfaction import promotes, response_balance
from analysis.stats.summary import (
    Histogram,
    LifeTable,
    Successes,
    life_table_of,
    moments_of,
    successes_of,
)
from analysis.stats.survival import kaplan_meier, rmst_difference
from experiments.vocabulary import Reason

Lives = Sequence[tuple[int, int, bool]]  # account, day, whether by the event


def drawn(seed: int, accounts: int = 40) -> tuple[list[int], list[float]]:
    """Draw accounts of 1 to 30 customers whose outcomes are alike."""
    chance = np.random.default_rng(seed)
    groups: list[int] = []
    values: list[float] = []
    for account in range(accounts):
        size = int(chance.integers(1, 30))
        rate = chance.beta(0.6, 1.4)
        groups += [account] * size
        values += (chance.random(size) < rate).astype(float).tolist()
    return groups, values


def share_arm(
    groups: Sequence[int], values: Sequence[float]
) -> tuple[Successes, Clusters]:
    counts = [(g, (v, 0), 1) for g, v in zip(groups, values, strict=True)]
    return successes_of(v == 1 for v in values), clusters_of(counts)


def robust_variance(groups: Sequence[int], values: Sequence[float]) -> float:
    """Variance of a mean by statsmodels' OLS with a cluster covariance."""
    fitted = sm.OLS(np.array(values), np.ones(len(values))).fit(
        cov_type="cluster", cov_kwds={"groups": np.array(groups)}
    )
    return float(fitted.bse[0] ** 2)


def lives_arm(lives: Lives) -> tuple[LifeTable, Clusters]:
    table = life_table_of((day, ended) for _, day, ended in lives)
    return table, clusters_of((g, (float(d), int(e)), 1) for g, d, e in lives)


def estimated(outcome: object) -> Estimate:
    assert isinstance(outcome, Estimate)
    return outcome


def test_ratio__two_accounts__by_hand() -> None:
    # Account 1: two customers, both yes. Account 2: one customer, no. R = 2/3;
    # y - R x is 2/3 and -2/3, so (8/9) / 3^2 * 2/(2-1) = 16/81.
    clusters = clusters_of([(1, (1.0, 0), 2), (2, (0.0, 0), 1)])
    top = weights_of(clusters, lambda value, _: value)
    found = ratio(clusters, top, clusters.answers, clusters.answering)
    assert found.n == 2
    assert found.mean == pytest.approx(float(Fraction(2, 3)))
    assert squared_error(found) == pytest.approx(float(Fraction(16, 81)))


def test_share__accounts_of_any_size__as_statsmodels() -> None:
    control, treatment = drawn(1), drawn(2)
    found = estimated(clustered_share(share_arm(*control), share_arm(*treatment)))

    variance = robust_variance(*control) + robust_variance(*treatment)
    assert found.facts["standard_error"] == pytest.approx(math.sqrt(variance))
    assert found.effect == pytest.approx(np.mean(treatment[1]) - np.mean(control[1]))
    assert (found.control.n, found.control.n_accounts) == (len(control[1]), 40)
    # Alike customers: an error that takes them for independent is far too small.
    alone = estimated(two_proportions(share_arm(*control)[0], share_arm(*treatment)[0]))
    assert width(found) > 1.8 * width(alone)


def width(estimate: Estimate) -> float:
    assert estimate.interval.low is not None
    assert estimate.interval.high is not None
    return estimate.interval.high - estimate.interval.low


@pytest.mark.parametrize(
    "score",
    [lambda s: s, lambda s: float(s >= 4), promotes],
    ids=["mean", "box", "nps"],
)
def test_answers__some_silent__as_statsmodels_on_those_who_answered(
    score: object,
) -> None:
    assert callable(score)
    arms, variances, means = [], [], []
    for seed in (3, 4):
        chance = np.random.default_rng(seed)
        groups = np.repeat(np.arange(60), chance.integers(1, 15, 60))
        liking = np.repeat(chance.normal(6, 2, 60), np.bincount(groups))
        scores = np.clip(np.round(liking + chance.normal(0, 1, len(groups))), 0, 10)
        answers = chance.random(len(groups)) < 0.4
        arms.append(survey_arm(groups, scores, answers))
        y = [score(float(s)) for s in scores[answers]]
        variances.append(robust_variance(groups[answers].tolist(), y))
        means.append(float(np.mean(y)))
    found = estimated(clustered_answers(arms[0], arms[1], score))
    assert found.effect == pytest.approx(means[1] - means[0])
    assert found.facts["standard_error"] == pytest.approx(math.sqrt(sum(variances)))


def survey_arm(
    groups: Iterable[int], scores: Iterable[float], answers: Iterable[bool]
) -> tuple[Histogram, Clusters]:
    rows = list(zip(groups, scores, answers, strict=True))
    given = sorted({float(s) for _, s, said in rows if said})
    told = [float(s) for _, s, said in rows if said]
    histogram = Histogram(
        tuple((s, told.count(s)) for s in given), len(rows), len(rows)
    )
    counts: list[tuple[int, Category, int]] = [
        (int(g), (float(s) if said else None, 1), 1) for g, s, said in rows
    ]
    return histogram, clusters_of(counts)


def test_balance__answered_among_exposed__as_statsmodels() -> None:
    arms, variances = [], []
    for seed in (5, 6):
        chance = np.random.default_rng(seed)
        groups = np.repeat(np.arange(50), chance.integers(1, 15, 50))
        willing = np.repeat(chance.beta(1, 2, 50), np.bincount(groups))
        answers = chance.random(len(groups)) < willing
        arms.append(survey_arm(groups, np.full(len(groups), 3.0), answers))
        variances.append(
            robust_variance(groups.tolist(), answers.astype(float).tolist())
        )
    balance = clustered_balance(arms[0], arms[1])
    for outcome in (balance.of_exposed, balance.of_invited):  # all were asked
        error = estimated(outcome).facts["standard_error"]
        assert error == pytest.approx(math.sqrt(sum(variances)))
    alone = response_balance(arms[0][0], arms[1][0])
    assert (balance.control, balance.treatment) == (alone.control, alone.treatment)


def test_share__every_account_one_customer__is_welch_on_customers() -> None:
    _, control = drawn(7)
    _, treatment = drawn(8)
    found = estimated(
        clustered_share(
            share_arm(range(len(control)), control),
            share_arm(range(len(treatment)), treatment),
        )
    )
    alone = estimated(welch(moments_of(control), moments_of(treatment)))
    assert found.interval.low == pytest.approx(alone.interval.low)
    assert found.interval.high == pytest.approx(alone.interval.high)
    assert found.facts["design_effect"] == pytest.approx(1)
    assert "icc" not in found.facts


def test_design_effect__customers_all_alike__is_the_size_of_an_account() -> None:
    # Ten accounts of seven customers with one outcome each: deff = 1 + (7 - 1) * 1.
    clusters = clusters_of((g, (float(g % 2), 0), 7) for g in range(10))
    top = weights_of(clusters, lambda value, _: value)
    effect = design_effect(clusters, top, clusters.answers)
    assert effect == pytest.approx(7)
    assert mean_size(clusters) == pytest.approx(7)
    assert intra_account_correlation(7, 7) == pytest.approx(1)


def lives(seed: int) -> Lives:
    chance = np.random.default_rng(seed)
    rows = []
    for account in range(30):
        pace = chance.uniform(0.01, 0.08)
        for _ in range(int(chance.integers(1, 9))):
            left, seen = int(chance.geometric(pace)), int(chance.integers(20, 60))
            rows.append((account, min(left, seen), left <= seen))
    return rows


def test_days__every_account_one_customer__is_greenwood_with_its_factor() -> None:
    arms = [[(i, d, e) for i, (_, d, e) in enumerate(lives(s))] for s in (1, 2)]
    found = estimated(clustered_days(lives_arm(arms[0]), lives_arm(arms[1]), 20))
    plain = [lives_arm(arm)[0] for arm in arms]
    alone = estimated(rmst_difference(plain[0], plain[1], 20))
    assert found.effect == pytest.approx(alone.effect)
    # G/(G-1) in each arm, by 1/sqrt(n) of about 130 customers.
    n = min(len(arm) for arm in arms)
    assert float(found.facts["standard_error"]) == pytest.approx(
        float(alone.facts["standard_error"]) * math.sqrt(n / (n - 1)), rel=1e-3
    )


def test_days__each_customer_five_times_over__error_is_that_of_one() -> None:
    # Four copies of everybody say nothing new, when they stand in one account.
    arms = [[(i, d, e) for i, (_, d, e) in enumerate(lives(s))] for s in (3, 4)]
    once = estimated(clustered_days(lives_arm(arms[0]), lives_arm(arms[1]), 20))
    copied = [arm * 5 for arm in arms]
    found = estimated(clustered_days(lives_arm(copied[0]), lives_arm(copied[1]), 20))
    assert found.effect == pytest.approx(once.effect)
    assert found.facts["standard_error"] == pytest.approx(once.facts["standard_error"])
    assert found.facts["design_effect"] == pytest.approx(5)


def test_days__accounts__as_leaving_out_one_account_after_the_other() -> None:
    # The jackknife over accounts needs no formula; the two agree to first order.
    rows = lives(5)
    accounts = sorted({g for g, _, _ in rows})
    estimates = [
        days_of([row for row in rows if row[0] != left_out]) for left_out in accounts
    ]
    n = len(accounts)
    spread = sum((each - float(np.mean(estimates))) ** 2 for each in estimates)
    jackknife = spread * (n - 1) / n
    found = estimated(clustered_days(lives_arm(rows), lives_arm(lives(6)), 20))
    other = estimated(clustered_days(lives_arm(lives(6)), lives_arm(lives(6)), 20))
    # var(control) = var(both) - var(treatment), and the last has it twice.
    variance = float(found.facts["standard_error"]) ** 2
    variance -= float(other.facts["standard_error"]) ** 2 / 2
    assert variance == pytest.approx(jackknife, rel=0.1)


def days_of(rows: Lives) -> float:
    table = life_table_of((d, e) for _, d, e in rows)
    found = rmst_difference(table, table, 20)
    days = found.control.value if isinstance(found, Estimate) else None
    assert days is not None
    return days


def test_retained__nobody_lost_from_sight__is_the_share() -> None:
    arms = []
    shares = []
    for seed in (9, 10):
        groups, values = drawn(seed)
        arms.append(
            lives_arm(
                [
                    (g, 30 if v else 7, not v)
                    for g, v in zip(groups, values, strict=True)
                ]
            )
        )
        shares.append(share_arm(groups, values))
    found = estimated(clustered_retained(arms[0], arms[1], 20))
    plain = estimated(clustered_share(shares[0], shares[1]))
    assert found.effect == pytest.approx(plain.effect)
    assert found.facts["standard_error"] == pytest.approx(plain.facts["standard_error"])
    curve = clustered_curve(*arms[0])
    alone = kaplan_meier(arms[0][0])
    assert not isinstance(alone, NotComputable)
    assert [p.survival for p in curve] == pytest.approx([p.survival for p in alone])
    assert curve[1].standard_error > 1.5 * alone[1].standard_error


def test_share__nine_accounts__is_refused_however_many_customers() -> None:
    few = share_arm([g for g in range(9) for _ in range(100)], [0.0, 1.0] * 450)
    many = share_arm(*drawn(11))
    found = clustered_share(few, many)
    assert isinstance(found, NotComputable)
    assert found.reason == Reason.TOO_FEW_ACCOUNTS
    assert found.facts["control_n"] == 9
