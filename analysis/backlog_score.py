"""The score of a hypothesis from its inputs: pure.

score = reach x baseline loss x expected relative change x evidence weight / effort

The product of the first three is a number of customers kept in a quarter, which a team
can disagree about; weight and effort turn it into an order.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from experiments.metric_definition import KEEPING, RETENTIONS, MetricDefinition
from experiments.vocabulary import Direction, Evidence

# How far what is expected counts, by what it rests on: a ladder, not a measurement.
WEIGHTS: Mapping[Evidence, float] = {
    Evidence.OPINION: 0.2,
    Evidence.COMPLAINTS: 0.4,
    Evidence.DATA_PATTERN: 0.6,
    Evidence.EARLIER_EXPERIMENT: 0.8,
}
REACH, BASELINE, EFFORT = "reach", "baseline", "effort"


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of a metric, as changes of its value.

    Attributes:
        likely: absolute, on the metric's scale.
        low: less in one of ten cases; None where nobody made a forecast.
        high: more in one of ten cases.
    """

    likely: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Range:
    """A low, a likely and a high value; only the likely one where nobody knows more."""

    likely: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """A score with what it is made of.

    Attributes:
        value: customers kept in a quarter, weighted, for each week of work.
        kept: customers in a quarter; below 0 where they are lost.
        reach: customers of the segment in a quarter.
        loss: share of them that is lost today, 0 to 1.
        relative: change of that loss, 0.05 when 5 % fewer are lost.
        weight: of the evidence, 0 to 1.
        effort_weeks: above 0.
    """

    value: float
    kept: Range
    reach: int
    loss: float
    relative: Range
    weight: float
    effort_weeks: float


@dataclass(frozen=True, slots=True)
class NoScore:
    """Why there is no score.

    Attributes:
        missing: inputs nobody knows; empty where the metric does not count customers.
    """

    missing: tuple[str, ...] = ()


def expected_change(
    baseline: float | None,
    direction: Direction,
    least: float,
    forecast: tuple[float, float, float] | None,
) -> Expected | None:
    """Tell what is expected of a metric.

    Args:
        baseline: where it stands; None where nobody knows.
        direction: in which it is expected to move.
        least: by how much at least, absolute and positive.
        forecast: relative lifts, low, middle and high; None where nobody made one.

    Returns:
        The forecast as absolute changes, else the least change alone; None where a
        forecast is there and the baseline is not.
    """
    if forecast is None:
        return Expected(least if direction == Direction.INCREASE else -least)
    if baseline is None:
        return None
    low, likely, high = (lift * baseline for lift in forecast)
    return Expected(likely, low, high)


def score_of(
    definition: MetricDefinition,
    reach: int | None,
    baseline: float | None,
    expected: Expected | None,
    evidence: Evidence,
    effort_weeks: float | None,
) -> Score | NoScore:
    """Work a score out.

    Nobody can keep more customers than leave, so a larger change counts as all of them.

    Args:
        definition: of the metric.
        reach: customers of the segment in a quarter.
        baseline: where the metric stands, as a share of 0 to 1.
        expected: from `expected_change`.
        evidence: what the expectation rests on.
        effort_weeks: of work.

    Returns:
        The score, or what is missing.
    """
    if definition.kind not in KEEPING:
        return NoScore()
    missing = tuple(
        name
        for name, value in (
            (REACH, reach),
            (BASELINE, baseline),
            (EFFORT, effort_weeks),
        )
        if value is None
    )
    if missing or not reach or baseline is None or effort_weeks is None:
        return NoScore(missing)
    if expected is None:
        return NoScore((BASELINE,))
    stays = definition.kind in RETENTIONS
    loss = 1 - baseline if stays else baseline
    sign = 1 if stays else -1
    changes = (expected.likely, expected.low, expected.high)
    relative = _range(
        [None if c is None else min(1.0, sign * c / loss) for c in changes]
    )
    kept = _range(
        [
            None if part is None else reach * loss * part
            for part in (relative.likely, relative.low, relative.high)
        ]
    )
    weight = WEIGHTS[evidence]
    return Score(
        value=kept.likely * weight / effort_weeks,
        kept=kept,
        reach=reach,
        loss=loss,
        relative=relative,
        weight=weight,
        effort_weeks=effort_weeks,
    )


def _range(values: list[float | None]) -> Range:
    likely, low, high = values
    if low is not None and high is not None:
        low, high = min(low, high), max(low, high)
    return Range(likely or 0.0, low, high)
