"""The chart of retention over time, with the customers at risk below it."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from analysis import wording
from analysis.chart_parts import EDGE, Layer, chart_of, haloed, layered
from analysis.chart_style import DASHES, LABEL_SIZE, Medium, configured
from analysis.stats.survival import CurvePoint

Curve = tuple[CurvePoint, ...]
AXIS_WIDTH = 46  # pixels left of the plots, alike for all, so that days stand in line
FULL_HEIGHT, ZOOM_HEIGHT, RISK_ROW = 190, 170, 18
ZOOM_ABOVE = 0.4  # curves that stay above it, or as far below 1, leave much empty
MOST_TICKS = 6
_STEPS = (1, 2, 5, 7, 10, 14, 15, 20, 30, 60, 90, 120, 180, 365)


def ticks_of(curves: Mapping[str, Curve], day: int) -> list[int]:
    """Choose the days that chart and table show.

    Args:
        curves: by variant, each with at least its day 0.
        day: the planned day, which is always one of them when the curves reach it.

    Returns:
        At most 7 days from 0 on, rising.
    """
    last = last_day(curves)
    step = next((s for s in _STEPS if last / s <= MOST_TICKS - 1), last)
    days = {*range(0, last + 1, max(1, step))}
    if day <= last:
        # A neighbour too near the planned day would be printed over it.
        days = {d for d in days if abs(d - day) > step / 2} | {0, day}
    return sorted(days)


def last_day(curves: Mapping[str, Curve]) -> int:
    """Find the day at which the longest curve ends."""
    return max(points[-1].day for points in curves.values())


def share_on(points: Curve, day: int) -> CurvePoint | None:
    """Read a curve on a day: the last step until then; nothing after its end."""
    if day > points[-1].day:
        return None
    return points[bisect_right(points, day, key=lambda point: point.day) - 1]


def at_risk_on(points: Curve, day: int) -> int:
    """Count the customers in sight and retained as a day begins."""
    i = bisect_left(points, day, key=lambda point: point.day)
    return points[i].at_risk if i < len(points) else 0


def curves_chart(
    curves: Mapping[str, Curve], day: int, medium: Medium
) -> dict[str, Any]:
    """Draw the curves from 0 to 100 %, zoomed in where they need less, and who is left.

    Args:
        curves: by variant, control first, each with at least its day 0.
        day: the planned day.
        medium: where the drawing goes.

    Returns:
        Vega-Lite specification.
    """
    names = list(curves)
    lowest = min(_low(point) for points in curves.values() for point in points)
    highest = max(_high(point) for points in curves.values() for point in points)
    panels = [_panel(curves, day, medium, [0.0, 1.0], None)]
    if 0 < highest < 1 - ZOOM_ABOVE:
        ceiling = math.ceil(highest * 20) / 20
        title = f"The same, zoomed in: up to {ceiling * 100:.0f} %"
        panels.append(_panel(curves, day, medium, [0.0, ceiling], title))
    if lowest > ZOOM_ABOVE and lowest < 1:
        floor = int(lowest * 20) / 20
        title = f"The same, zoomed in: from {floor * 100:.0f} % up"
        panels.append(_panel(curves, day, medium, [floor, 1.0], title))
    panels.append(_at_risk(curves, day, medium, names))
    chart = alt.TopLevelVConcatSpec(
        vconcat=panels, spacing=18, resolve=alt.Resolve(scale={"color": "shared"})
    )
    return configured(chart, medium)


def _panel(
    curves: Mapping[str, Curve],
    day: int,
    medium: Medium,
    domain: list[float],
    title: str | None,
) -> Layer:
    paint = medium.paint
    names = list(curves)
    rows = [
        {
            "group": name,
            "day": point.day,
            "share": point.survival,
            "low": _low(point),
            "high": _high(point),
        }
        for name, points in curves.items()
        for point in points
    ]
    chart = chart_of(rows)
    x = alt.X("day:Q", scale=_days(curves), axis=_day_axis(curves, day, labels=False))
    y_scale = alt.Scale(domain=domain, nice=False, zero=False)
    y = alt.Y(
        "share:Q",
        scale=y_scale,
        axis=alt.Axis(
            labelExpr="round(datum.value * 100) + ' %'",
            tickCount=5,
            title=None,
            minExtent=AXIS_WIDTH,
            maxExtent=AXIS_WIDTH,
        ),
    )
    colors = alt.Scale(
        domain=names,
        range=[paint.groups[i % len(paint.groups)] for i in range(len(names))],
    )
    dashes = alt.Scale(
        domain=names, range=[DASHES[i % len(DASHES)] for i in range(len(names))]
    )
    # The zoomed panel below follows the same legend.
    legend = (
        None if title else alt.Legend(title=None, orient="top", symbolType="stroke")
    )
    color = alt.Color("group:N", scale=colors, legend=legend)
    band = chart.mark_area(
        interpolate="step-after", opacity=0.18, clip=True, strokeWidth=0
    ).encode(x=x, y=alt.Y("low:Q", scale=y_scale), y2=alt.Y2("high:Q"), color=color)
    line = chart.mark_line(interpolate="step-after", strokeWidth=2.5, clip=True).encode(
        x=x,
        y=y,
        color=color,
        strokeDash=alt.StrokeDash("group:N", scale=dashes, legend=legend),
    )
    layers = [band, line]
    if day <= last_day(curves):
        layers += _planned_day(day, medium)
    heading = (
        {"title": alt.Title(title, anchor="start", color=paint.muted, fontSize=13)}
        if title
        else {}
    )
    return layered(
        *layers,
        width=_plot_width(medium),
        height=ZOOM_HEIGHT if title else FULL_HEIGHT,
        **heading,
    )


def _planned_day(day: int, medium: Medium) -> list[Layer]:
    paint = medium.paint
    chart = chart_of([{"day": day, "text": f"day {day}, as planned"}])
    return [
        chart.mark_rule(color=paint.ink, strokeDash=[2, 4], strokeWidth=1.5).encode(
            x=alt.X("day:Q")
        ),
        haloed(
            chart,
            paint,
            {"x": alt.X("day:Q"), "y": alt.YValue(10), "text": alt.Text("text:N")},
            align="right",
            dx=-6,
            fontSize=LABEL_SIZE,
            color=paint.muted,
        ),
    ]


def _at_risk(
    curves: Mapping[str, Curve], day: int, medium: Medium, names: Sequence[str]
) -> Layer:
    paint = medium.paint
    rows = [
        {
            "day": tick,
            "row": i * 2 + 1,
            "text": wording.count(at_risk_on(points, tick)),
        }
        for i, points in enumerate(curves.values())
        for tick in ticks_of(curves, day)
    ]
    heads = [
        {"row": i * 2, "text": f"{name}, customers at risk"}
        for i, name in enumerate(names)
    ]
    y = alt.Y("row:O", axis=None, sort="ascending")
    numbers = (
        chart_of(rows)
        .mark_text(fontSize=LABEL_SIZE, color=paint.ink)
        .encode(
            x=alt.X(
                "day:Q", scale=_days(curves), axis=_day_axis(curves, day, labels=True)
            ),
            y=y,
            text=alt.Text("text:N"),
        )
    )
    labels = (
        chart_of(heads)
        .mark_text(
            fontSize=LABEL_SIZE,
            align="left",
            color=paint.muted,
            limit=medium.width - EDGE,
        )
        .encode(x=alt.XValue(0), y=y, text=alt.Text("text:N"))
    )
    return layered(
        numbers, labels, width=_plot_width(medium), height=alt.Step(RISK_ROW)
    )


def _days(curves: Mapping[str, Curve]) -> alt.Scale:
    return alt.Scale(domain=[0, max(1, last_day(curves))], nice=False)


def _day_axis(curves: Mapping[str, Curve], day: int, *, labels: bool) -> alt.Axis:
    return alt.Axis(
        values=ticks_of(curves, day),
        format="d",
        title="Days since first seeing it" if labels else None,
        labels=labels,
        grid=not labels,
        labelOverlap=False,
    )


def _plot_width(medium: Medium) -> int:
    # The last number at risk is centred on the plot's right edge.
    return medium.width - AXIS_WIDTH - EDGE


def _low(point: CurvePoint) -> float:
    interval = point.interval
    return point.survival if interval is None else (interval.low or 0.0)


def _high(point: CurvePoint) -> float:
    interval = point.interval
    if interval is None or interval.high is None:
        return point.survival
    return interval.high
