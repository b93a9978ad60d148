import math
from dataclasses import replace

import pytest

from analysis.stats.estimate import Estimate, Interval, NotComputable
from analysis.stats.nonresponse import (
    LeeBounds,
    TippingPoint,
    lee_bounds,
    tipping_point,
)
from analysis.stats.response_weighting import Stratum, inverse_weighted
from analysis.stats.satisfaction import csat_mean
from analysis.stats.summary import Histogram
from experiments.vocabulary import Reason

SCALE = (1.0, 5.0)


def answers(counts: list[int], silent: int = 0) -> Histogram:
    exposed = sum(counts) + silent
    return Histogram(
        tuple((float(i), k) for i, k in enumerate(counts, start=1)), exposed, exposed
    )


def bounds(control: Histogram, treatment: Histogram) -> LeeBounds:
    found = lee_bounds(control, treatment)
    assert isinstance(found, LeeBounds)
    return found


def estimated(found: object) -> Estimate:
    assert isinstance(found, Estimate)
    return found


def width(interval: Interval) -> float:
    assert interval.low is not None
    assert interval.high is not None
    return interval.high - interval.low


def test_lee_bounds__tenth_too_many_answers__cut_from_either_end() -> None:
    # By hand: 90 of 100 answered in control, 100 of 100 in treatment: a tenth of the
    # treatment's answers is cut. 40 x 1, 60 x 5, less ten 5s: 290 / 90; less ten 1s:
    # 330 / 90. Control's mean is 3.
    control = answers([45, 0, 0, 0, 45], silent=10)
    treatment = answers([40, 0, 0, 0, 60])

    found = bounds(control, treatment)

    assert found.trim == pytest.approx(0.1)
    assert found.low == pytest.approx(290 / 90 - 3)
    assert found.high == pytest.approx(330 / 90 - 3)


def test_lee_bounds__control_answered_more__mirrored() -> None:
    one = answers([9, 35, 50, 45, 9], silent=20)
    other = answers([2, 16, 77, 51, 5], silent=90)

    found, turned = bounds(one, other), bounds(other, one)

    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))
    assert found.interval.high == pytest.approx(-(turned.interval.low or 0))


def test_lee_bounds__equal_response__the_complete_answers() -> None:
    control = answers([90, 350, 500, 450, 90], silent=520)
    treatment = answers([20, 160, 770, 480, 50], silent=520)

    found = bounds(control, treatment)

    complete = estimated(csat_mean(control, treatment))
    assert found.trim == 0
    assert found.low == found.high == pytest.approx(complete.effect)
    # But for Student's t, which is the normal at 3,000 answers.
    assert width(found.interval) == pytest.approx(width(complete.interval), rel=1e-3)


def test_lee_bounds__far_apart__one_sided_critical_value() -> None:
    # Imbens and Manski (2004): with bounds far apart, 1.645 errors beyond each.
    control = answers([2000, 2000, 2000, 2000, 2000], silent=10_000)
    treatment = answers([2000, 2000, 2000, 2000, 2000])

    narrow = lee_bounds(control, treatment, level=0.9)
    wide = bounds(control, treatment)

    assert isinstance(narrow, LeeBounds)
    assert wide.interval.high is not None
    assert narrow.interval.high is not None
    ratio = (wide.interval.high - wide.high) / (narrow.interval.high - narrow.high)
    assert ratio == pytest.approx(1.6448536 / 1.2815516, rel=1e-6)
    assert wide.includes_zero


def test_lee_bounds__answers_of_accounts__wider_by_the_design_effect() -> None:
    control = answers([9, 35, 50, 45, 9])
    treatment = answers([2, 16, 77, 51, 5])

    found = lee_bounds(control, treatment, design_effect=4.0)

    assert isinstance(found, LeeBounds)
    alone = bounds(control, treatment).interval
    assert width(found.interval) == pytest.approx(2 * width(alone), rel=1e-9)


def test_lee_bounds__not_a_number_among_the_answers__reason() -> None:
    wrong = replace(answers([9, 35, 50], silent=9), n_nonfinite=2)

    found = lee_bounds(wrong, wrong)

    assert isinstance(found, NotComputable)
    assert found.reason is Reason.NON_FINITE


def test_tipping_point__certain_effect__interval_just_reaches_no_change() -> None:
    control = answers([300, 0, 400, 0, 300], silent=1000)
    treatment = answers([100, 0, 400, 0, 500], silent=1000)

    found = tipping_point(control, treatment, SCALE)

    assert isinstance(found, TippingPoint)
    # By hand: effect .8; half of the treatment silent; variance of control's mean 2.4 /
    # 999, of the treatment's 4 (.6 - .16) / 999; the silent lower the mean by gap / 2
    # and add gap^2 / 4 / 2000 to the variance.
    variance = (2.4 + 4 * (0.6 - 0.16)) * 1000 / 999 / 1000
    reached = 0.8 - found.gap / 2
    assert reached == pytest.approx(
        1.959964 * math.sqrt(variance + found.gap**2 / 8000), rel=1e-6
    )
    assert found.reachable  # treatment's mean is 3.8, so 2.8 down to the end


def test_tipping_point__few_silent__no_answer_goes_that_far() -> None:
    control = answers([600, 0, 0, 0, 400])
    treatment = answers([100, 0, 0, 0, 890], silent=10)

    found = tipping_point(control, treatment, SCALE)

    assert isinstance(found, TippingPoint)
    assert found.gap > 4
    assert not found.reachable


def test_tipping_point__nothing_found__nothing_to_undo() -> None:
    same = answers([30, 0, 40, 0, 30], silent=100)

    assert tipping_point(same, same, SCALE) == TippingPoint(0.0, reachable=True)


def test_tipping_point__everybody_answered__reason() -> None:
    found = tipping_point(answers([90, 10]), answers([10, 90]), (1.0, 2.0))

    assert isinstance(found, NotComputable)
    assert found.reason is Reason.NO_SILENCE


def strata(parts: list[Histogram]) -> list[Stratum]:
    """Give each stratum but the first a mark of its own."""
    marks = range(1, len(parts))
    return [
        Stratum(tuple(float(i == mark) for mark in marks), part)
        for i, part in enumerate(parts)
    ]


def test_inverse_weighted__strata_of_their_own__post_stratified_mean() -> None:
    # Saturated weights give each stratum its share of the exposed; by hand: in control
    # 100 and 300 exposed with means 2 and 4, so 3.5. The error of such a mean has two
    # parts: within strata, and of how many fell in each.
    control = strata([answers([20, 0, 20], 60), answers([0, 0, 40, 20, 40], 200)])
    treatment = strata([answers([5, 40, 5], 50), answers([0, 0, 50, 50, 50], 150)])

    found = estimated(inverse_weighted(control, treatment))

    assert found.control.value == pytest.approx(3.5)
    assert found.treatment.value == pytest.approx(2 / 4 + 3 * 4 / 4)
    within = [(40 / 40, 40), (80 / 100, 100), (10 / 50, 50), (100 / 150, 150)]
    shares = [0.25, 0.75, 0.25, 0.75]
    variance = sum(
        share**2 * v / n for share, (v, n) in zip(shares, within, strict=True)
    )
    variance += 2 * (0.25 * 1.5**2 + 0.75 * 0.5**2) / 400
    assert found.facts["standard_error"] == pytest.approx(math.sqrt(variance))
    assert found.facts["control_largest_weight"] == pytest.approx(3.0)
    assert found.control.n_missing == 260


def test_inverse_weighted__nothing_known_beforehand__complete_answers() -> None:
    control, treatment = answers([9, 35, 50, 45, 9], 80), answers([2, 16, 77, 51], 90)

    found = estimated(
        inverse_weighted([Stratum((), control)], [Stratum((), treatment)])
    )

    assert found.effect == pytest.approx(
        estimated(csat_mean(control, treatment)).effect
    )


def test_inverse_weighted__covariates_that_say_the_same__one_of_them() -> None:
    parts = [answers([20, 0, 20], 60), answers([0, 0, 40, 20, 40], 200)]
    once = strata(parts)
    twice = [replace(each, covariates=each.covariates * 2) for each in once]

    one, other = inverse_weighted(once, once[::-1]), inverse_weighted(twice, twice)

    assert estimated(one).interval == estimated(other).interval


def test_inverse_weighted__main_effects__as_weights_of_statsmodels() -> None:
    # Independent: statsmodels' binomial GLM on rows, and the weighted mean of the rows.
    import numpy as np  # noqa: PLC0415
    import statsmodels.api as sm  # noqa: PLC0415

    cells = [((0.0, 0.0), 40, 60), ((1.0, 0.0), 30, 20), ((0.0, 1.0), 50, 90)]
    cells += [((1.0, 1.0), 45, 5)]
    arm = [Stratum(x, answers([n // 2, n - n // 2], s)) for x, n, s in cells]
    other = [Stratum((), answers([50, 60], 10))]
    rows = [(x, 1, y) for x, n, _ in cells for y in [1] * (n // 2) + [2] * (n - n // 2)]
    rows += [(x, 0, 0) for x, _, s in cells for _ in range(s)]
    x = sm.add_constant(np.array([row[0] for row in rows]))
    spoke, y = (np.array([row[i] for row in rows], float) for i in (1, 2))
    fitted = sm.GLM(spoke, x, family=sm.families.Binomial()).fit()
    weights = spoke / fitted.fittedvalues

    found = estimated(inverse_weighted(other, arm))

    assert found.treatment.value == pytest.approx(
        float((weights * y).sum() / weights.sum()), rel=1e-9
    )


def test_inverse_weighted__stratum_without_an_answer__reason() -> None:
    silent = strata([answers([20, 20], 20), answers([0, 0], 80)])

    found = inverse_weighted(silent, silent)

    assert isinstance(found, NotComputable)
    assert found.reason is Reason.SILENT_STRATUM


def test_inverse_weighted__one_answer_for_a_hundred__held_at_fifty() -> None:
    rare = strata([answers([200, 200], 100), answers([20, 10], 2970)])

    found = estimated(inverse_weighted(rare, rare))

    assert found.facts["control_largest_weight"] == pytest.approx(50)
    assert found.facts["capped_share"] == pytest.approx(60 / 860)
