"""The weeks of a metric as a small drawing, with the same numbers as its table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from analysis.stage_health import Health, Week
from web.presenters.formats import count, day

WIDTH, HEIGHT, EDGE = 240, 56, 4
WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Sparkline:
    """A drawing on 240 x 56, and what it shows.

    Attributes:
        lines: of weeks that follow each other, as points of a polyline.
        bands: the 95 % intervals of the same, as points of a polygon.
        dots: weeks that stand alone, as (x, y).
        top: the value at the upper end of the drawing.
        bottom: the value at the lower end.
        rows: week from, value, 95 % interval, customers; the newest first.
    """

    lines: tuple[str, ...]
    bands: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]
    top: str
    bottom: str
    rows: tuple[tuple[str, str, str, str], ...]


def sparkline(health: Health) -> Sparkline | None:
    """Draw the weeks of a metric; None where there are fewer than two.

    Args:
        health: of the metric.

    Returns:
        The drawing, whose height is the range of the intervals.
    """
    weeks = health.weeks
    if len(weeks) < 2:  # noqa: PLR2004  # one is no course
        return None
    low = min(week.interval.low or 0.0 for week in weeks)
    high = max(week.interval.high or 0.0 for week in weeks)
    first, last = weeks[0].starts_at, weeks[-1].starts_at

    def x(week: Week) -> float:
        part = (week.starts_at - first) / (last - first)
        return round(EDGE + part * (WIDTH - 2 * EDGE), 1)

    def y(value: float) -> float:
        part = (value - low) / (high - low) if high > low else 0.5
        return round(HEIGHT - EDGE - part * (HEIGHT - 2 * EDGE), 1)

    runs = _runs(weeks)
    written = [health.written(week) for week in weeks]
    return Sparkline(
        lines=tuple(
            " ".join(f"{x(week)},{y(week.value)}" for week in run)
            for run in runs
            if len(run) > 1
        ),
        bands=tuple(
            " ".join(
                [f"{x(week)},{y(week.interval.high or 0.0)}" for week in run]
                + [f"{x(week)},{y(week.interval.low or 0.0)}" for week in reversed(run)]
            )
            for run in runs
            if len(run) > 1
        ),
        dots=tuple((x(run[0]), y(run[0].value)) for run in runs if len(run) == 1),
        top=max(zip(weeks, written, strict=True), key=_high)[1][2],
        bottom=min(zip(weeks, written, strict=True), key=_low)[1][1],
        rows=tuple(
            (day(week.starts_at), value, f"{least} to {most}", count(week.customers))
            for week, (value, least, most) in reversed(
                list(zip(weeks, written, strict=True))
            )
        ),
    )


def _high(pair: tuple[Week, object]) -> float:
    return pair[0].interval.high or 0.0


def _low(pair: tuple[Week, object]) -> float:
    return pair[0].interval.low or 0.0


def _runs(weeks: Sequence[Week]) -> list[list[Week]]:
    """Part the weeks where one is missing."""
    runs: list[list[Week]] = []
    for week in weeks:
        if runs and week.starts_at - runs[-1][-1].starts_at == WEEK:
            runs[-1].append(week)
        else:
            runs.append([week])
    return runs
