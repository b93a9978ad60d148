"""Small tests that the trust checks stand on, beside independent tools; and edges."""

import math
from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.duration.survfunc import survdiff

from analysis.stats.competing import CompetingDay, CompetingTable
from analysis.stats.estimate import Estimate, Interval, NotComputable
from analysis.stats.extremes import influence
from analysis.stats.follow_up import follow_up_balance, lost_share
from analysis.stats.homogeneity import homogeneity
from analysis.stats.means import welch
from analysis.stats.summary import (
    LifeDay,
    LifeTable,
    Moments,
    life_table_of,
    moments_of,
)
from analysis.stats.surprise import Surprise, surprise
from experiments.vocabulary import Reason

NAN = math.nan


def test_homogeneity__counts_in_classes__chi2_contingency() -> None:
    groups = [(900, 60, 30, 10), (850, 90, 40, 20)]

    found = homogeneity(groups)

    assert not isinstance(found, NotComputable)
    expected = stats.chi2_contingency(np.array(groups), correction=False)
    assert (found.chi2, found.p_value) == pytest.approx(
        (expected.statistic, expected.pvalue), rel=1e-9
    )
    assert found.dof == expected.dof == 3


def test_homogeneity__small_classes__are_put_together() -> None:
    # The last classes have 1 + 2 and 2 + 0: together with 60 + 70.
    found = homogeneity([(900, 60, 1, 2), (850, 70, 2, 0)])

    assert not isinstance(found, NotComputable)
    expected = stats.chi2_contingency(
        np.array([(900, 63), (850, 72)]), correction=False
    )
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-9)


@pytest.mark.parametrize(
    ("groups", "reason"),
    [
        ([], Reason.EMPTY_ARM),
        ([(1, 2)], Reason.EMPTY_ARM),
        ([(0, 0), (0, 0)], Reason.EMPTY_ARM),
        ([(50, 50), (0, 0)], Reason.EMPTY_ARM),
        ([(100, 0), (90, 0)], Reason.NO_VARIATION),
        ([(1, 0), (0, 1)], Reason.NO_VARIATION),
    ],
)
def test_homogeneity__nothing_to_compare__a_reason(
    groups: list[tuple[int, ...]], reason: Reason
) -> None:
    found = homogeneity(groups)

    assert isinstance(found, NotComputable)
    assert found.reason is reason


def followed(n: int, mean: float, seed: int) -> list[tuple[int, bool]]:
    """Times of customers who leave sight after `mean` days and have events after 20."""
    random = np.random.default_rng(seed)
    lost = random.geometric(1 / mean, n)
    had = random.geometric(1 / 20, n)
    return [
        (int(min(a, b, 30)), bool(b <= a and b <= 30))
        for a, b in zip(lost, had, strict=True)
    ]


def test_follow_up__censoring_turned_round__survdiff_on_rows() -> None:
    rows = [followed(300, 15, 1), followed(250, 12, 2)]

    found = follow_up_balance([life_table_of(each) for each in rows])

    assert not isinstance(found, NotComputable)
    # Who had the event goes half a day before those who are lost on that day; who is
    # in sight on day 30 is not lost.
    time = [day if had else day + 0.5 for each in rows for day, had in each]
    status = [int(not had and day < 30) for each in rows for day, had in each]
    group = [place for place, each in enumerate(rows) for _ in each]
    chi2, p_value = survdiff(time, status, group)
    assert found.chi2 == pytest.approx(chi2, rel=1e-9)
    assert found.p_value == pytest.approx(p_value, rel=1e-9)
    lost = sum(not had and day < 30 for day, had in rows[0])
    assert found.observed[0] == lost
    assert lost_share(life_table_of(rows[0]), 30) == pytest.approx(lost / 300)


def test_follow_up__more_events_of_one_variant__is_no_loss() -> None:
    # All are followed for 30 days; only one variant has events.
    many = LifeTable(500, (LifeDay(10, 250, 0), LifeDay(30, 0, 250)))
    none = LifeTable(500, (LifeDay(30, 0, 500),))

    found = follow_up_balance([many, none])

    assert isinstance(found, NotComputable)
    assert found.reason is Reason.NO_VARIATION


def test_follow_up__competing_causes__are_no_loss_either() -> None:
    def table(lost: int) -> CompetingTable:
        days = (CompetingDay(5, 20, 30, lost), CompetingDay(30, 0, 0, 350 - lost))
        return CompetingTable(400, days)

    alike = follow_up_balance([table(100), table(100)])
    unlike = follow_up_balance([table(100), table(200)])

    assert not isinstance(alike, NotComputable)
    assert not isinstance(unlike, NotComputable)
    assert alike.p_value == pytest.approx(1)
    assert unlike.p_value < 1e-6


@pytest.mark.parametrize(
    "tables",
    [
        [],
        [LifeTable(0, ()), LifeTable(0, ())],
        [LifeTable(100, ()), LifeTable(0, ())],
        [LifeTable(1, (LifeDay(3, 0, 1),)), LifeTable(1, (LifeDay(3, 0, 1),))],
        [LifeTable(50, (LifeDay(3, 0, 50),)), LifeTable(50, (LifeDay(3, 0, 50),))],
    ],
)
def test_follow_up__nothing_to_compare__a_reason(tables: list[LifeTable]) -> None:
    assert isinstance(follow_up_balance(tables), NotComputable)


def test_influence__largest_customer__dfbetas_of_the_two_means() -> None:
    random = np.random.default_rng(3)
    ours, theirs = random.lognormal(0, 2, 200), random.lognormal(0, 2, 200)
    c, t = moments_of(list(ours)), moments_of(list(theirs))
    plain = welch(c, t)
    assert isinstance(plain, Estimate)
    error = float(plain.facts["standard_error"])

    found = influence((c, t), error)

    assert not isinstance(found, NotComputable)
    y = np.concatenate([ours, theirs])
    x = sm.add_constant(np.repeat([0.0, 1.0], 200))
    dfbeta = sm.OLS(y, x).fit().get_influence().dfbeta[:, 1]
    assert found.errors == pytest.approx(np.abs(dfbeta).max() / error, rel=1e-9)
    assert found.arm == int(np.abs(dfbeta).argmax() >= 200)


@pytest.mark.parametrize(
    ("arms", "error", "reason"),
    [
        ((), 1.0, Reason.TOO_FEW_UNITS),
        ((Moments(0, 0, 0), Moments(0, 0, 0)), 1.0, Reason.TOO_FEW_UNITS),
        ((Moments(1, 5, 0, 5, 5), Moments(900, 5, 9, 0, 9)), 1.0, Reason.TOO_FEW_UNITS),
        ((Moments(200, 5, 0, 5, 5),) * 2, 0.0, Reason.NO_VARIATION),
        ((Moments(200, 5, 0, 5, 5),) * 2, NAN, Reason.NO_VARIATION),
        ((Moments(200, 5, 9),) * 2, 1.0, Reason.EMPTY_ARM),
        ((Moments(200, NAN, NAN, 0, math.inf),) * 2, 1.0, Reason.NON_FINITE),
    ],
)
def test_influence__nothing_to_weigh__a_reason(
    arms: tuple[Moments, ...], error: float, reason: Reason
) -> None:
    found = influence(arms, error)

    assert isinstance(found, NotComputable)
    assert found.reason is reason


def change(effect: float, error: float, n: int = 10_000) -> Estimate:
    """Means of 1 and 1 + effect with a difference of this standard error."""
    m2 = error * error * n / 2 * (n - 1)
    found = welch(Moments(n, 1.0, m2), Moments(n, 1.0 + effect, m2))
    assert isinstance(found, Estimate)
    return found


PAST = [(0.02, 0.01), (-0.01, 0.01), (0.03, 0.01), (-0.02, 0.01), (0.01, 0.01)]


@pytest.mark.parametrize(
    ("estimate", "past", "found"),
    [
        (change(0.059, 0.01), (), ()),
        # 6 standard errors: p = 2.0e-9 by the normal; Welch's t has a heavier tail.
        (change(0.0605, 0.01), (), (Surprise.ERRORS,)),
        (change(-0.0605, 0.01), (), (Surprise.ERRORS,)),
        (change(0.51, 0.1), (), (Surprise.LIFT, Surprise.PLAN)),
        (change(0.51, 0.2), (), ()),  # 2.5 standard errors: it may be chance
        # By hand: the past squares sum to 19e-4, five times the errors' 5e-4, so that
        # tau^2 = 19e-4 / 5 - 1e-4 = 2.8e-4, and 4 sqrt(2.8e-4 + 0.49e-4) = 0.0726.
        (change(0.072, 0.007), PAST, (Surprise.ERRORS,)),
        (change(0.074, 0.007), PAST, (Surprise.ERRORS, Surprise.PAST)),
        (change(0.074, 0.007), PAST[:4], (Surprise.ERRORS,)),
        # Its near end, 0.3 - 1.96 x 0.05 = 0.202, is more than 5 x 0.04.
        (change(0.3, 0.0515), (), ()),
        (change(0.3, 0.0505), (), (Surprise.PLAN,)),
    ],
)
def test_surprise__around_each_limit__told_or_not(
    estimate: Estimate,
    past: list[tuple[float, float]],
    found: tuple[Surprise, ...],
) -> None:
    assert surprise(estimate, 0.04, past) == found


def test_surprise__nothing_tested__none() -> None:
    plain = change(0.5, 0.01)

    assert surprise(replace(plain, p_value=None), 0.01) == ()
    open_ended = replace(plain, interval=Interval(None, None), facts={})
    assert surprise(open_ended, 0.01, PAST)[0] is Surprise.ERRORS
    assert surprise(plain, 0.0, [(0.0, 0.0)] * 6)[0] is Surprise.ERRORS
