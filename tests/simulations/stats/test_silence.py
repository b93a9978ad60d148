"""A10: customers without any effect, of whom one variant hears other ones."""

import numpy as np
import pytest

from analysis.stats.estimate import Estimate
from analysis.stats.nonresponse import LeeBounds, lee_bounds
from analysis.stats.response_weighting import Stratum, inverse_weighted
from analysis.stats.satisfaction import csat_mean
from analysis.stats.summary import Histogram
from tests.simulations.stats.conftest import Note, Tally, allowance, runs

pytestmark = pytest.mark.simulation

# Scores 1 to 5 of everybody, and how often customers of each score answer: in the
# treatment the displeased speak up more.
SCORES = np.array([0.1, 0.15, 0.25, 0.3, 0.2])
CONTROL = np.array([0.3, 0.3, 0.4, 0.5, 0.5])
TREATMENT = np.array([0.4, 0.37, 0.42, 0.5, 0.5])
N = 2000


def spoken(chance: np.random.Generator, rates: np.ndarray, n: int = N) -> Histogram:
    counts = chance.binomial(chance.multinomial(n, SCORES), rates).tolist()
    return Histogram(
        tuple((float(score), k) for score, k in enumerate(counts, start=1)), n, n
    )


def test_lee_interval__displeased_speak_up_in_one_variant__holds_no_change(
    chance: np.random.Generator, note: Note
) -> None:
    bounded, alone = Tally(), Tally()
    for _ in range(runs(1500, 10_000)):
        control, treatment = spoken(chance, CONTROL), spoken(chance, TREATMENT)
        found, naive = lee_bounds(control, treatment), csat_mean(control, treatment)
        assert isinstance(found, LeeBounds)
        assert isinstance(naive, Estimate)
        bounded.add(found.interval, 0.0)
        alone.add(naive.interval, 0.0)

    note("coverage of Lee's interval", bounded.share(bounded.held))
    note("coverage of the answers alone", alone.share(alone.held))
    assert bounded.share(bounded.held) >= 0.95 - allowance(0.95, bounded.runs)
    assert alone.share(alone.held) < 0.65


def test_weighted__segments_that_answer_and_score_apart__holds_the_truth(
    chance: np.random.Generator, note: Note
) -> None:
    # Two segments: one is content and silent more in the treatment. True difference 0.
    tally = Tally()
    low, high = SCORES[::-1], SCORES

    def arm(rates: tuple[float, float]) -> list[Stratum]:
        strata = []
        sizes = chance.multinomial(1000, [0.4, 0.6]).tolist()
        for mark, (n, rate, shares) in enumerate(
            zip(sizes, rates, (low, high), strict=True)
        ):
            counts = chance.multinomial(chance.binomial(n, rate), shares).tolist()
            scores = tuple((float(s), k) for s, k in enumerate(counts, start=1))
            strata.append(Stratum((float(mark),), Histogram(scores, n, n)))
        return strata

    for _ in range(runs(1200, 20_000)):
        found = inverse_weighted(arm((0.3, 0.6)), arm((0.6, 0.25)))
        assert isinstance(found, Estimate)
        tally.add(found.interval, 0.0)

    note("coverage", tally.share(tally.held))
    assert abs(tally.share(tally.held) - 0.95) <= allowance(0.95, tally.runs)
