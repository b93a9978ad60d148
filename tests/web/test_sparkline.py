# ruff: noqa: RUF001  # the minus of the house is U+2212
"""How a stage's metric does: sentence, drawing and table say the same."""

from datetime import UTC, datetime, timedelta

import pytest

from analysis.stage_health import Health, Week
from tests.analysis.event_files import retention, time_to_churn
from web.presenters.sparkline import EDGE, HEIGHT, WIDTH, sparkline

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def weeks_of(*shares: float | None) -> tuple[Week, ...]:
    return tuple(
        Week(MONDAY + timedelta(weeks=number), 2_500, share, 0.01)
        for number, share in enumerate(shares)
        if share is not None
    )


def health_of(*shares: float | None) -> Health:
    return Health("kept", "Kept", retention(7), weeks_of(*shares))


def test_health__fell_in_eight_weeks__says_where_it_stands_and_by_how_much() -> None:
    health = health_of(0.75, *[0.72] * 7, 0.70)
    assert health.now == (
        "70.0 % (95 % CI 68.0 % to 72.0 %) of 2,500 customers seen in the week from"
        " 27 Apr 2026."
    )
    # By hand: 5 points, and 1.96 times the root of 2 points squared, which is 2.77.
    assert health.trend == "Fell by 5.0 points in 8 weeks (95 % CI 7.8 to 2.2 lower)."
    assert health.course == "worse"


def test_health__range_with_no_change_in_it__calls_nothing_better_or_worse() -> None:
    health = health_of(0.70, *[0.72] * 7, 0.71)
    assert health.course == "undecided"
    assert health.trend == ("No clear change in 8 weeks: +1.0 points (−1.8 to +3.8).")


@pytest.mark.parametrize("shares", [(), (0.7,), (0.7, None, 0.7)])
def test_health__no_week_eight_before__says_nothing_of_a_change(
    shares: tuple[float | None, ...],
) -> None:
    assert health_of(*shares).trend == ""


def test_health__of_a_time__says_that_weeks_do_not_fit() -> None:
    health = Health("time", "Time", time_to_churn(), ())
    assert health.now == "A metric of times is not followed by week."


def test_sparkline__points__are_the_numbers_of_its_table() -> None:
    shares = (0.70, 0.72, 0.68, None, 0.74, None, 0.71, 0.73)
    drawn = sparkline(health_of(*shares))
    assert drawn is not None
    half = 1.959963984540054 * 0.01
    low, high = 0.68 - half, 0.74 + half
    assert (drawn.bottom, drawn.top) == ("66.0 %", "76.0 %")
    points = [
        tuple(float(each) for each in point.split(","))
        for line in drawn.lines
        for point in line.split()
    ] + list(drawn.dots)
    read = sorted(
        (
            round((x - EDGE) / (WIDTH - 2 * EDGE) * 7),
            low + (HEIGHT - EDGE - y) / (HEIGHT - 2 * EDGE) * (high - low),
        )
        for x, y in points
    )
    # A tenth of a pixel of 48 is 0.02 points of the 10 that are drawn.
    table = {
        row.week: float(row.value.removesuffix(" %")) / 100
        for row in reversed(drawn.rows)
    }
    assert [share for _, share in read] == pytest.approx(list(table.values()), abs=3e-4)
    assert [week for week, _ in read] == [0, 1, 2, 4, 6, 7]
    assert len(drawn.lines) == len(drawn.bands) == 2  # parted where weeks are missing
    assert len(drawn.dots) == 1


def test_sparkline__one_week__is_not_drawn() -> None:
    assert sparkline(health_of(0.7)) is None
