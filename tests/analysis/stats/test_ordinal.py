import math

import numpy as np
import pytest
from statsmodels.miscmodels.ordinal_model import OrderedModel
from statsmodels.stats.nonparametric import rank_compare_2indep

from analysis.stats.cumulative_logit import CumulativeLogit, Weighed, cumulative_logit
from analysis.stats.estimate import NotComputable
from analysis.stats.ordinal import (
    ProportionalOdds,
    Superiority,
    proportional_odds,
    superiority,
)
from analysis.stats.summary import Histogram
from experiments.vocabulary import Reason
from tests.analysis.stats.conftest import ends


def answers(*counts: int) -> Histogram:
    n = sum(counts)
    return Histogram(tuple((float(i), k) for i, k in enumerate(counts, 1)), n, n)


def ranked(control: Histogram, treatment: Histogram) -> Superiority:
    found = superiority(control, treatment)
    assert isinstance(found, Superiority)
    return found


def odds(control: Histogram, treatment: Histogram) -> ProportionalOdds:
    found = proportional_odds(control, treatment)
    assert isinstance(found, ProportionalOdds)
    return found


def reason(found: object) -> Reason:
    assert isinstance(found, NotComputable)
    return found.reason


ONE, OTHER = answers(9, 32, 63, 36, 8), answers(3, 27, 52, 50, 16)


def test_superiority__two_histograms__as_statsmodels_on_rows() -> None:
    rows = [
        np.repeat([score for score, _ in arm.counts], [k for _, k in arm.counts])
        for arm in (OTHER, ONE)
    ]
    theirs = rank_compare_2indep(*rows)

    found = ranked(ONE, OTHER)

    assert found.value == pytest.approx(theirs.prob1, rel=1e-12)
    assert found.p_value == pytest.approx(theirs.test_prob_superior().pvalue, rel=1e-9)
    assert ends(found.interval) == pytest.approx(list(theirs.conf_int()), rel=1e-9)
    assert found.dof == pytest.approx(theirs.df, rel=1e-9)


def test_superiority__arms_swapped__adds_to_one() -> None:
    assert ranked(ONE, OTHER).value + ranked(OTHER, ONE).value == pytest.approx(1)


def test_superiority__no_answer_in_common__nothing_to_measure_by() -> None:
    found = superiority(answers(50, 50, 0, 0), answers(0, 0, 50, 50))

    assert reason(found) is Reason.NO_VARIATION


def test_superiority__all_alike__reason() -> None:
    alike = answers(0, 0, 90)

    assert reason(superiority(alike, alike)) is Reason.NO_VARIATION
    assert reason(proportional_odds(alike, alike)) is Reason.NO_VARIATION


def test_proportional_odds__two_answers__odds_ratio_of_the_table() -> None:
    # By hand: (60 x 70) / (30 x 40) = 3.5, error sqrt(1/70 + 1/30 + 1/40 + 1/60).
    found = odds(answers(70, 30), answers(40, 60))

    assert found.odds_ratio == pytest.approx(3.5)
    assert found.standard_error == pytest.approx(
        math.sqrt(1 / 70 + 1 / 30 + 1 / 40 + 1 / 60)
    )
    assert found.proportion_p_value is None
    assert found.is_proportional
    assert found.cuts == pytest.approx((math.log(3.5),))


def test_proportional_odds__scale_reversed__ratio_inverted() -> None:
    turned = [
        Histogram(
            tuple((6 - score, k) for score, k in reversed(arm.counts)),
            arm.n_exposed,
            arm.n_invited,
        )
        for arm in (ONE, OTHER)
    ]

    assert odds(turned[0], turned[1]).odds_ratio == pytest.approx(
        1 / odds(ONE, OTHER).odds_ratio, rel=1e-9
    )


def test_proportional_odds__middle_hollowed_out__not_in_proportion() -> None:
    # Treatment divides customers: more 1s and more 5s. By hand the log ratios of the
    # lowest and the highest cut have opposite signs.
    found = odds(answers(20, 60, 100, 60, 20), answers(70, 40, 40, 40, 70))

    assert found.cuts[0] < 0 < found.cuts[-1]
    assert found.proportion_p_value is not None
    assert found.proportion_p_value < 1e-6
    assert not found.is_proportional


def test_proportional_odds__exact_shift__in_proportion() -> None:
    # Cumulative odds 1:3, 1:1, 3:1 in control; each three times as high in treatment.
    found = odds(answers(250, 250, 250, 250), answers(100, 150, 250, 500))

    assert found.odds_ratio == pytest.approx(3, rel=1e-6)
    assert found.proportion_p_value == pytest.approx(1)


def test_proportional_odds__no_answer_in_common__no_finite_fit() -> None:
    found = proportional_odds(answers(50, 50, 0, 0), answers(0, 0, 50, 50))

    assert reason(found) is Reason.NOT_CONVERGED


def test_cumulative_logit__covariate__as_statsmodels_on_rows() -> None:
    cells = [Weighed((float(x),), np.array([9.0 - x, 8, 5 + 2 * x])) for x in range(5)]
    rows = [
        (k, cell.covariates[0])
        for cell in cells
        for k, count in enumerate(cell.counts.tolist())
        for _ in range(int(count))
    ]
    y, x = np.array(rows).T
    theirs = OrderedModel(y, x[:, None], distr="logit").fit(method="newton", disp=False)

    found = cumulative_logit(cells)

    assert isinstance(found, CumulativeLogit)
    assert found.coefficients[0] == pytest.approx(theirs.params[0], rel=1e-6)
    assert found.standard_errors[0] == pytest.approx(theirs.bse[0], rel=1e-4)
    assert found.deviance == pytest.approx(-2 * theirs.llf, rel=1e-9)
