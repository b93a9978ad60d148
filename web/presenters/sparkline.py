"""The weeks of a metric as a small drawing, with the same numbers as its table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from analysis.stage_health import Health, Week
from web.presenters.formats import count, day

WIDTH, HEIGHT, EDGE = 240, 56, 4
WEEK = timedelta(weeks=1)
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Happening:
    """What a drawing marks beside the weeks: when, and what in a few words."""

    at: datetime
    name: str


@dataclass(frozen=True, slots=True)
class Sparkline:
    """A drawing on 240 x 56, and what it shows.

    Attributes:
        lines: of weeks that follow each other, as points of a polyline.
        bands: the 95 % intervals of the same, as points of a polygon.
        dots: weeks that stand alone, as (x, y).
        ticks: where something happened, as x.
        top: the value at the upper end of the drawing.
        bottom: the value at the lower end.
        rows: the newest first.
    """

    lines: tuple[str, ...]
    bands: tuple[str, ...]
    dots: tuple[Point, ...]
    ticks: tuple[float, ...]
    top: str
    bottom: str
    rows: tuple["WeekRow", ...]


@dataclass(frozen=True, slots=True)
class WeekRow:
    """One week in the table; without a value where only something happened in it."""

    week: str
    value: str
    interval: str
    customers: str
    happened: str


@dataclass(frozen=True, slots=True)
class Scale:
    """What several drawings share, so that they can be compared by eye.

    Attributes:
        low: value at the lower end.
        high: value at the upper end.
        first: the first week.
        last: the last week.
        bottom: `low` in words.
        top: `high` in words.
    """

    low: float
    high: float
    first: datetime
    last: datetime
    bottom: str
    top: str

    @classmethod
    def of(cls, healths: Sequence[Health]) -> "Scale | None":
        """Hold the weeks of some metrics alike; None where there are none."""
        known = [(health, week) for health in healths for week in health.weeks]
        if not known:
            return None
        lowest = min(known, key=lambda pair: _low(pair[1]))
        highest = max(known, key=lambda pair: _high(pair[1]))
        starts = [week.starts_at for _, week in known]
        # Both ends alike: the coarser of the two, which neither says too finely.
        decimals = min(h.decimals_of(week) for h, week in (lowest, highest))
        return cls(
            low=_low(lowest[1]),
            high=_high(highest[1]),
            first=min(starts),
            last=max(starts),
            bottom=lowest[0].on_scale(_low(lowest[1]), decimals),
            top=highest[0].on_scale(_high(highest[1]), decimals),
        )

    def x(self, at: datetime) -> float:
        """Place a moment; one week alone stands at the left."""
        width = max(self.last - self.first, WEEK)
        return round(EDGE + (at - self.first) / width * (WIDTH - 2 * EDGE), 1)

    def y(self, value: float) -> float:
        """Place a value."""
        width = self.high - self.low
        part = (value - self.low) / width if width > 0 else 0.5
        return round(HEIGHT - EDGE - part * (HEIGHT - 2 * EDGE), 1)

    def holds(self, at: datetime) -> bool:
        """Whether a moment is in the weeks that are drawn."""
        return self.first <= at < self.last + WEEK


def sparkline(
    health: Health, scale: Scale | None = None, happened: Sequence[Happening] = ()
) -> Sparkline | None:
    """Draw the weeks of a metric; None where there are fewer than two.

    Args:
        health: of the metric.
        scale: shared with other drawings; None is the range of its own intervals.
        happened: what is marked; what is not in the weeks drawn is left out.

    Returns:
        The drawing.
    """
    scale = scale or Scale.of([health])
    if scale is None or len(health.weeks) < 2:  # noqa: PLR2004  # one is no course
        return None
    runs = _runs(health.weeks)
    lines = [run for run in runs if len(run) > 1]
    marked = [each for each in happened if scale.holds(each.at)]
    return Sparkline(
        lines=tuple(_points(scale, [(w, w.value) for w in run]) for run in lines),
        bands=tuple(
            _points(
                scale,
                [*((w, _high(w)) for w in run), *((w, _low(w)) for w in reversed(run))],
            )
            for run in lines
        ),
        dots=tuple(
            (scale.x(run[0].starts_at), scale.y(run[0].value))
            for run in runs
            if len(run) == 1
        ),
        # In the last week there is no room to the right of its point.
        ticks=tuple(min(scale.x(each.at), WIDTH - 1.0) for each in marked),
        top=scale.top,
        bottom=scale.bottom,
        rows=tuple(_rows(health, marked)),
    )


def _points(scale: Scale, places: Sequence[tuple[Week, float]]) -> str:
    return " ".join(f"{scale.x(w.starts_at)},{scale.y(value)}" for w, value in places)


def _rows(health: Health, marked: Sequence[Happening]) -> list[WeekRow]:
    """Write the weeks, and those that were not measured but had something happen."""
    written = {week.starts_at: (week, health.written(week)) for week in health.weeks}
    names: dict[datetime, list[str]] = {}
    for each in marked:
        names.setdefault(_monday(each.at, health.weeks[0].starts_at), []).append(
            each.name
        )
    rows = []
    for starts_at in sorted({*written, *names}, reverse=True):
        happened = "; ".join(names.get(starts_at, []))
        value, interval, customers = "", "", ""
        if starts_at in written:
            week, (value, least, most) = written[starts_at]
            interval, customers = f"{least} to {most}", count(week.customers)
        rows.append(WeekRow(day(starts_at), value, interval, customers, happened))
    return rows


def _monday(at: datetime, one_of_them: datetime) -> datetime:
    return one_of_them + (at - one_of_them) // WEEK * WEEK


def _high(week: Week) -> float:
    return week.interval.high or 0.0


def _low(week: Week) -> float:
    return week.interval.low or 0.0


def _runs(weeks: Sequence[Week]) -> list[list[Week]]:
    """Part the weeks where one is missing."""
    runs: list[list[Week]] = []
    for week in weeks:
        if runs and week.starts_at - runs[-1][-1].starts_at == WEEK:
            runs[-1].append(week)
        else:
            runs.append([week])
    return runs
