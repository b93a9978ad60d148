"""A14 to A16: many comparisons, segments, rules, and what Bayes promises."""

import math

import numpy as np
import pytest

from analysis.stats.bayes import Belief, Prior, believe, learned_prior
from analysis.stats.dunnett import dunnett
from analysis.stats.estimate import Estimate, NotComputable
from analysis.stats.false_discovery import benjamini_hochberg, false_coverage_level
from analysis.stats.heterogeneity import Heterogeneity, heterogeneity
from analysis.stats.intervals import normal_p_value, normal_value
from analysis.stats.many_to_one import together
from analysis.stats.means import welch
from analysis.stats.no_segment_worse import NoSegmentWorse, no_segment_worse
from analysis.stats.policy import (
    AddedValue,
    difference,
    doubly_robust_scores,
    worth_of_personalising,
)
from analysis.stats.summary import Moments, moments_of
from tests.simulations.stats.conftest import Note, allowance, runs

pytestmark = pytest.mark.simulation


@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_false_discoveries__20_metrics_of_which_5_changed__at_most_5_percent(
    correlation: float, chance: np.random.Generator, note: Note
) -> None:
    size, truth = runs(4000), np.repeat([3.0, 0.0], [5, 15])
    shares, missed = np.zeros(size), np.zeros(size)

    for i in range(size):
        shared = chance.normal() * math.sqrt(correlation)
        z = truth + shared + chance.normal(0, math.sqrt(1 - correlation), 20)
        p_values = [normal_p_value(each) for each in z.tolist()]
        found = np.array(benjamini_hochberg(p_values), float) <= 0.05
        if found.any():
            shares[i] = found[5:].sum() / found.sum()
            reach = normal_value(false_coverage_level(p_values))
            missed[i] = (np.abs(z - truth)[found] > reach).mean()

    rate, left_out = float(shares.mean()), float(missed.mean())
    note("false discovery rate", rate)
    note("false coverage rate of intervals", left_out)
    error = 3.3 * float(shares.std()) / math.sqrt(size)
    assert rate <= 0.05 + error
    assert left_out <= 0.05 + 3.3 * float(missed.std()) / math.sqrt(size)


def test_dunnett__three_treatments_without_effect__one_false_alarm_in_twenty(
    chance: np.random.Generator, note: Note
) -> None:
    n, size, alarms = 30, runs(600, full=20_000), 0

    for _ in range(size):
        values = chance.normal(0, 1, (4, n))
        means, m2 = values.mean(axis=1).tolist(), (values.var(axis=1) * n).tolist()
        arms = [Moments(n, *each) for each in zip(means, m2, strict=True)]
        found = dunnett(arms[0], arms[1:])
        assert not isinstance(found, NotComputable)
        alarms += any(each.p_value <= 0.05 for each in found)

    note("family-wise false alarms", alarms / size)
    assert abs(alarms / size - 0.05) <= allowance(0.05, size)


def test_together__unequal_groups_and_spreads__all_ranges_hold_in_95_percent(
    chance: np.random.Generator, note: Note
) -> None:
    sizes, sds = (400, 100, 150, 250), (1.0, 2.0, 0.5, 1.0)
    truth, held, size = (0.0, 0.3, -0.2, 0.1), 0, runs(600, full=20_000)

    for _ in range(size):
        values = [
            chance.normal(mean, sd, n).tolist()
            for mean, sd, n in zip(truth, sds, sizes, strict=True)
        ]
        control, *treatments = (moments_of(each) for each in values)
        every = together([welch(control, each) for each in treatments])
        ranges = [
            welch(control, each, one.level)
            for each, one in zip(treatments, every, strict=True)
        ]
        held += all(
            isinstance(each, Estimate)
            and (each.interval.low or 0) <= true <= (each.interval.high or 0)
            for each, true in zip(ranges, truth[1:], strict=True)
        )

    note("all ranges hold", held / size)
    assert abs(held / size - 0.95) <= allowance(0.95, size)


def test_segments__all_alike__interaction_found_in_one_of_twenty(
    chance: np.random.Generator, note: Note
) -> None:
    size, found, error = runs(8000), 0, [0.1, 0.2, 0.15, 0.4]

    for effects in chance.normal(0.3, error, (size, 4)).tolist():
        whole = heterogeneity(
            [(str(i), *pair) for i, pair in enumerate(zip(effects, error, strict=True))]
        )
        assert isinstance(whole, Heterogeneity)
        found += whole.p_value <= 0.05

    note("false alarms", found / size)
    assert abs(found / size - 0.05) <= allowance(0.05, size)


@pytest.mark.parametrize("at_the_margin", [1, 4])
def test_no_segment_worse__some_just_harmed__claimed_in_at_most_1_of_40(
    at_the_margin: int, chance: np.random.Generator, note: Note
) -> None:
    # The hardest null: the others are far from harm, so all hangs on those at it.
    size, claimed = runs(8000), 0
    truth = np.repeat([-0.1, 5.0], [at_the_margin, 4 - at_the_margin])

    for effects in (truth + chance.normal(0, 0.1, (size, 4))).tolist():
        whole = no_segment_worse(
            [(str(i), effect, 0.1) for i, effect in enumerate(effects)], margin=0.1
        )
        assert isinstance(whole, NoSegmentWorse)
        claimed += whole.holds

    note("wrong claims", claimed / size)
    assert claimed / size <= 0.025 + allowance(0.025, size)


def test_policy__no_variant_better_for_anybody__naive_value_too_high_ours_covers(
    chance: np.random.Generator, note: Note
) -> None:
    # Every rule is worth the same, so what personalising adds is 0.
    n, size, held, naive = 600, runs(300, full=4000), 0, []
    propensities, folds = np.full(3, 1 / 3), np.arange(n) % 5

    for _ in range(size):
        x, given = chance.normal(0, 1, (n, 4)), chance.integers(0, 3, n)
        outcomes = x[:, 0] + chance.normal(0, 1, n)
        found = worth_of_personalising(outcomes, given, x, propensities, folds)
        assert isinstance(found, AddedValue)
        assert found.interval.low is not None
        assert found.interval.high is not None
        held += found.interval.low <= 0 <= found.interval.high
        scores = doubly_robust_scores(outcomes, given, x, propensities)
        assert not isinstance(scores, NotComputable)
        slopes = [
            np.linalg.lstsq(x[given == k], outcomes[given == k], rcond=None)[0]
            for k in range(3)
        ]
        best = np.argmax(x @ np.array(slopes).T, axis=1)
        naive.append(difference(scores, best, np.zeros(n, np.int64))[0])

    coverage, bias = held / size, float(np.mean(naive))
    note("coverage of what is added", coverage)
    note("naive in-sample gain, in its standard errors", bias / _error(naive))
    assert abs(coverage - 0.95) <= allowance(0.95, size, bias=0.01)
    assert bias > 3.3 * _error(naive)


def _error(values: list[float]) -> float:
    return float(np.std(values)) / math.sqrt(len(values))


def test_beliefs__changes_from_the_prior__come_true_as_often_as_said(
    chance: np.random.Generator, note: Note
) -> None:
    size, prior = runs(20_000), Prior(0.0, 0.02)
    errors = chance.uniform(0.01, 0.03, size)
    truth = chance.normal(0, prior.sd, size)
    said, harm, predicted, inside = np.zeros(size), 0.0, 0.0, 0

    for i, effect in enumerate((truth + chance.normal(0, errors)).tolist()):
        found = believe(effect, float(errors[i]), prior)
        assert isinstance(found, Belief)
        said[i] = found.better
        assert found.interval.low is not None
        assert found.interval.high is not None
        inside += found.interval.low <= truth[i] <= found.interval.high
        # Ship whatever looks better, and see what harm that does.
        if found.better > 0.5:
            predicted += found.loss_of_shipping
            harm += max(0.0, -float(truth[i]))

    slope = float(np.polyfit(said, truth > 0, 1)[0])
    note("calibration slope", slope)
    note("realised over expected loss", harm / predicted)
    note("coverage of the credible interval", inside / size)
    assert abs(slope - 1) <= 0.05
    assert harm / predicted == pytest.approx(1, abs=0.05 if size >= 40_000 else 0.12)
    assert abs(inside / size - 0.95) <= allowance(0.95, size)


def test_learned_prior__sixty_experiments__finds_how_large_changes_are(
    chance: np.random.Generator, note: Note
) -> None:
    size, sds = runs(300, full=5000), []

    for _ in range(size):
        errors = chance.uniform(0.01, 0.03, 60)
        effects = chance.normal(0, np.hypot(errors, 0.02))
        found = learned_prior(effects.tolist(), errors.tolist())
        sds.append(found.sd if isinstance(found, Prior) else 0.0)

    note("learned standard deviation (true .02)", float(np.mean(sds)))
    assert float(np.median(sds)) == pytest.approx(0.02, rel=0.1)
