"""What is to be doubted of a plan's size and dates; numbers are by hand."""

from datetime import timedelta

from analysis.plan_doubts import Timetable, doubts
from analysis.stats.arrivals import Arrivals, steady
from tests.factories import NOW

DAY = timedelta(days=1)


def planned(weeks: int | None, units: int) -> Timetable:
    """Plan day-30 retention for 58 days; enrolment ends after so many weeks."""
    return Timetable(
        begins_at=NOW,
        enrolment_ends_at=None if weeks is None else NOW + weeks * 7 * DAY,
        planned_end_at=NOW + 58 * DAY,
        maturity=30 * DAY,
        units=units,
    )


def test_doubts__flow_that_reaches_the_size__are_none() -> None:
    assert doubts(planned(4, 2_000), steady(500)) == []
    # 4 weeks of 480 are 1,920, 96 % of the size: no forecast is closer.
    assert doubts(planned(4, 2_000), steady(480)) == []
    assert doubts(planned(4, 2_000), None) == []


def test_doubts__flow_too_small__say_how_many_come_until_when() -> None:
    # NOW is 14 March 2026: four weeks later it is 11 April, and 4 * 250 = 1,000.
    (too_few,) = doubts(planned(4, 2_000), steady(250))
    assert too_few == (
        "The planned size will hardly be reached. At about 250 a week, about 1,000"
        " customers come until 11 Apr 2026; the plan asks for 2,000. Choose a later"
        " end, or another size."
    )


def test_doubts__enrolment_open_to_the_end__name_who_is_not_counted() -> None:
    # 58 days less 30: 28 days, as long as the four weeks above.
    (open_end,) = doubts(planned(None, 2_000), steady(500))
    assert open_end == (
        "Who comes in the last 30 days before the planned end is not counted by then."
        " Let enrolment end by 11 Apr 2026."
    )
    assert len(doubts(planned(None, 2_000), steady(250))) == 2


def test_doubts__standing_base__counts_its_customers_once() -> None:
    # 900, 100, 100 and 100 in the four weeks, where 1,500 a week come back; halved.
    come = Arrivals((900, 100), 100)
    (too_few,) = doubts(planned(4, 2_000), come)
    assert too_few == (
        "The planned size will hardly be reached. About 1,200 customers come until"
        " 11 Apr 2026; the plan asks for 2,000. Choose a later end, or another size."
    )
    assert doubts(planned(4, 600), come.times(0.5)) == []
