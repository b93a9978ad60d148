"""Cox's ratio on the page of a result: what it says, and when it warns of itself."""

from dataclasses import replace

from analysis.details import details_of
from analysis.estimating import Estimated
from analysis.followed import FollowedMore
from analysis.readings import MetricReading
from analysis.results import ResultView
from analysis.stats.estimate import NotComputable
from analysis.stats.hazards import hazard_ratio
from analysis.stats.summary import LifeDay, LifeTable
from experiments.metric_definition import MetricDefinition
from experiments.vocabulary import (
    Direction,
    MetricKind,
    Reason,
    Role,
    SentenceCase,
)
from tests.analysis.event_files import plan_of
from web.presenters.hazards import hazard_notes

CHURN = MetricDefinition(
    MetricKind.TIME_TO_CHURN, Direction.INCREASE, ("Opened",), day=30, gap_days=7
)
PLAN = plan_of({"stay": CHURN})
CONTROL = LifeTable(1000, (LifeDay(5, 200, 0), LifeDay(20, 200, 600)))
SLOWER = LifeTable(1000, (LifeDay(5, 100, 0), LifeDay(20, 112, 788)))
SLOWER_THEN_FASTER = LifeTable(1000, (LifeDay(5, 40, 0), LifeDay(20, 500, 460)))


def result_of(treatment: LifeTable) -> ResultView:
    nothing = NotComputable(Reason.TOO_FEW_UNITS)
    reading = MetricReading("stay", "treatment", "", Role.PRIMARY, nothing)
    followed = FollowedMore({}, nothing, hazard_ratio(CONTROL, treatment))
    details = details_of(Estimated(reading, followed))
    return ResultView(
        "stay", 1, Role.PRIMARY, "treatment", "", SentenceCase.TOO_EARLY, "", nothing,
        details,
    )  # fmt: skip


def test_hazard__the_same_all_days__is_one_number() -> None:
    (said,) = hazard_notes([result_of(SLOWER)], PLAN)
    # Hazards by hand, -log(1 - d/n): 0.105 v 0.223, ratio 0.472; 0.133 v 0.288, 0.462.
    assert "customers of the variant churned 0.46" in said
    assert "times as fast as those of control (95 % CI 0." in said
    assert "Nothing speaks against one ratio for all days (p 0." in said


def test_hazard__not_the_same_all_days__says_to_read_the_days() -> None:
    (said,) = hazard_notes([result_of(SLOWER_THEN_FASTER)], PLAN)
    assert "But the ratio is not the same on all days (p < 0.0001)" in said
    assert "read the days and the curves instead" in said


def test_hazard__of_a_segment_or_not_shown_yet__is_not_said() -> None:
    result = result_of(SLOWER)
    hidden = [replace(result, outcome=None), replace(result, segment="pro")]
    assert not list(hazard_notes(hidden, PLAN))
