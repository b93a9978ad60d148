"""The score of a hypothesis, by hand."""

import dataclasses

import pytest

from analysis.backlog_score import (
    WEIGHTS,
    Expected,
    NoScore,
    Score,
    expected_change,
    score_of,
)
from experiments.vocabulary import Direction, Evidence, MetricKind
from tests.factories import csat_definition, definition

RETENTION = definition()
CHURN = dataclasses.replace(
    RETENTION, kind=MetricKind.CHURN, direction=Direction.DECREASE, gap_days=14
)


def test_score__retention_with_a_forecast__is_the_product_by_hand() -> None:
    # 70 % stay, so 30 % are lost. +2 % of 70 % is 1.4 points: 4.67 % of the loss.
    # 22,100 x 0.3 x 0.046667 = 309.4 customers; x 0.6 / 3 weeks = 61.88.
    expected = expected_change(0.7, Direction.INCREASE, 0.015, (-0.01, 0.02, 0.05))
    score = score_of(RETENTION, 22_100, 0.7, expected, Evidence.DATA_PATTERN, 3)
    assert isinstance(score, Score)
    assert score.loss == pytest.approx(0.3)
    assert score.relative.likely == pytest.approx(0.014 / 0.3)
    assert score.kept.likely == pytest.approx(309.4)
    assert (score.kept.low, score.kept.high) == pytest.approx((-154.7, 773.5))
    assert score.value == pytest.approx(61.88)


def test_score__churn__keeps_customers_where_it_falls() -> None:
    # 20 % leave; 5 % fewer of them is 1 point: 1,000 customers keep 10.
    expected = expected_change(0.2, Direction.DECREASE, 0.01, (-0.1, -0.05, 0.02))
    score = score_of(CHURN, 1_000, 0.2, expected, Evidence.OPINION, 1)
    assert isinstance(score, Score)
    assert score.kept.likely == pytest.approx(10)
    # The low forecast of a fall is the most that is kept.
    assert (score.kept.low, score.kept.high) == pytest.approx((-4, 20))
    assert score.value == pytest.approx(2)


def test_score__no_forecast__takes_the_least_change_alone() -> None:
    for direction, likely in ((Direction.INCREASE, 150), (Direction.DECREASE, -150)):
        expected = expected_change(0.7, direction, 0.015, None)
        score = score_of(RETENTION, 10_000, 0.7, expected, Evidence.COMPLAINTS, 2)
        assert isinstance(score, Score)
        assert score.kept.likely == pytest.approx(likely)
        assert (score.kept.low, score.kept.high) == (None, None)


def test_score__more_than_all_who_leave__counts_as_all_of_them() -> None:
    score = score_of(
        RETENTION, 1_000, 0.9, Expected(0.3, 0.05, 0.5), Evidence.OPINION, 1
    )
    assert isinstance(score, Score)
    assert (score.kept.low, score.kept.likely, score.kept.high) == pytest.approx(
        (50, 100, 100)
    )


@pytest.mark.parametrize(
    ("reach", "baseline", "effort", "missing"),
    [
        (None, 0.7, 3, ("reach",)),
        (100, None, 3, ("baseline",)),
        (100, 0.7, None, ("effort",)),
        (None, None, None, ("reach", "baseline", "effort")),
    ],
)
def test_score__input_missing__is_named(
    reach: int | None,
    baseline: float | None,
    effort: float | None,
    missing: tuple[str, ...],
) -> None:
    expected = expected_change(baseline, Direction.INCREASE, 0.01, (0.0, 0.1, 0.2))
    found = score_of(RETENTION, reach, baseline, expected, Evidence.OPINION, effort)
    assert found == NoScore(missing)


def test_score__metric_of_answers__counts_no_customers() -> None:
    found = score_of(csat_definition(), 9, 4.1, Expected(0.1), Evidence.OPINION, 1)
    assert found == NoScore()


def test_weights__all_evidence__is_on_the_ladder_in_its_order() -> None:
    # design/pages.md 3.4
    assert [WEIGHTS[each] for each in Evidence] == [0.2, 0.4, 0.6, 0.8]
