"""Phase, size and due date of an experiment under its plan: pure."""

from dataclasses import replace
from datetime import datetime

import pytest

from analysis.exposure_counts import ExposureCounts
from analysis.progress import Times, analysed_size, needed_at, progress_of
from experiments.plan import Plan
from experiments.vocabulary import ResultPhase
from tests.analysis.event_files import T0, at, plan_of, retention

PLAN = plan_of({"r": retention(7)}, planned_units=100)  # mature 8 days after exposure
OPEN = Times(as_of=at(20), data_cutoff=at(20), closes_at=None)


def exposed(units: int, mature: int, first: datetime = T0) -> ExposureCounts:
    half, old = units // 2, mature // 2
    return ExposureCounts(
        analysed={"control": half, "treatment": units - half},
        mature={"control": old, "treatment": mature - old},
        first_at=first,
        last_at=at(10),
    )


@pytest.mark.parametrize(
    ("units", "mature", "times", "phase"),
    [
        (100, 100, OPEN, ResultPhase.FINAL),
        (100, 99, OPEN, ResultPhase.COUNTING),
        (99, 99, OPEN, ResultPhase.COUNTING),
        (99, 99, replace(OPEN, closes_at=at(20)), ResultPhase.FINAL),
        (99, 98, replace(OPEN, closes_at=at(20)), ResultPhase.COUNTING),
        # Exposures up to the close may still be on their way.
        (99, 99, replace(OPEN, closes_at=at(20.1)), ResultPhase.COUNTING),
        (0, 0, replace(OPEN, closes_at=at(20)), ResultPhase.COUNTING),
        (99, 99, replace(OPEN, data_cutoff=None), ResultPhase.FINAL),  # a unit table
    ],
)
def test_phase__size_and_maturity_or_closed__is_final(
    units: int, mature: int, times: Times, phase: ResultPhase
) -> None:
    assert progress_of(PLAN, exposed(units, mature), times).phase == phase


def test_needed_at__known_once_nobody_else_will_count() -> None:
    assert needed_at(PLAN, exposed(99, 0), OPEN) is None
    assert needed_at(PLAN, exposed(100, 0), OPEN) == at(18)
    closed = replace(OPEN, closes_at=at(15))
    assert needed_at(PLAN, exposed(99, 0), closed) == at(18)
    nobody = ExposureCounts({"control": 0}, {"control": 0})
    assert needed_at(PLAN, nobody, closed) is None
    # Not pre-registered: all customers are analysed, so more may always count.
    external = replace(PLAN, pre_registered=False)
    assert analysed_size(external) is None
    assert needed_at(external, exposed(100, 0), OPEN) is None


@pytest.mark.parametrize(
    ("plan", "units", "first", "due"),
    [
        # 50 customers in 20 days: 100 in 40, and 8 more days until they are mature;
        # the planned end is later, on day 60.
        (PLAN, 50, at(0), at(60)),
        # 25 in 20 days: 100 in 80 days.
        (PLAN, 25, at(0), at(88)),
        # Less than a day was watched: too short for a pace.
        (PLAN, 1, at(19.5), at(60)),
        # 1 in 200 days would take 20,000 days: no date is better than that one.
        (PLAN, 1, at(-180), None),
    ],
)
def test_due_at__while_enrolling__by_pace_and_plan(
    plan: Plan, units: int, first: datetime, due: datetime | None
) -> None:
    found = progress_of(plan, exposed(units, 0, first), OPEN)
    assert found.due_at == due
