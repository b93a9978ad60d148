"""The chart of customers who came in, day by day: it says nothing about an outcome."""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import altair as alt

from analysis import wording
from analysis.chart_parts import EDGE, chart_of, drawing, haloed
from analysis.chart_style import DASHES, LABEL_SIZE, Medium, configured

AXIS_WIDTH, HEIGHT = 56, 220  # pixels
DayCount = tuple[date, str, int]  # day, variant, customers first seen on it


def cumulated(
    by_day: Iterable[DayCount], names: Sequence[str]
) -> dict[str, list[tuple[date, int]]]:
    """Add up the customers of each variant, with a value for every day between.

    Args:
        by_day: days without a customer may be missing.
        names: of the variants, control first.

    Returns:
        Variant -> (day, customers until its end), from the day before the first one;
        empty when nobody came.
    """
    counts: dict[tuple[date, str], int] = {}
    for day, name, customers in by_day:
        counts[day, name] = counts.get((day, name), 0) + customers
    if not counts:
        return {}
    first = min(day for day, _ in counts) - timedelta(days=1)
    last = max(day for day, _ in counts)
    curves: dict[str, list[tuple[date, int]]] = {}
    for name in names:
        total, curve = 0, []
        for offset in range((last - first).days + 1):
            day = first + timedelta(days=offset)
            total += counts.get((day, name), 0)
            curve.append((day, total))
        curves[name] = curve
    return curves


def enrolment_chart(
    curves: Mapping[str, Sequence[tuple[date, int]]],
    planned: int | None,
    medium: Medium,
) -> dict[str, Any]:
    """Draw one line for each group, with the planned size.

    Args:
        curves: from `cumulated`, at least one variant.
        planned: customers planned for each group; None where groups differ in size.
        medium: where the drawing goes.

    Returns:
        Vega-Lite specification.
    """
    paint = medium.paint
    names = list(curves)
    rows = [
        {"group": name, "day": day.isoformat(), "customers": customers}
        for name, curve in curves.items()
        for day, customers in curve
    ]
    legend = alt.Legend(title=None, orient="top", symbolType="stroke")
    colors = [paint.groups[i % len(paint.groups)] for i in range(len(names))]
    dashes = [DASHES[i % len(DASHES)] for i in range(len(names))]
    counts = [customers for curve in curves.values() for _, customers in curve]
    top = max(planned or 0, *counts)
    layers = [
        chart_of(rows)
        .mark_line(strokeWidth=2.5)
        .encode(
            x=alt.X(
                "day:T",
                # Days are UTC days, wherever the server stands.
                scale=alt.Scale(type="utc"),
                axis=alt.Axis(
                    title=None,
                    format="%-d %b",
                    values=_ticks([day for day, _ in curves[names[0]]], medium),
                    grid=False,
                ),
            ),
            y=alt.Y(
                "customers:Q",
                scale=alt.Scale(domain=[0, top * 1.08], nice=False),
                axis=alt.Axis(
                    format=",d",
                    tickCount=5,
                    title=None,
                    minExtent=AXIS_WIDTH,
                    maxExtent=AXIS_WIDTH,
                ),
            ),
            color=alt.Color(
                "group:N", scale=alt.Scale(domain=names, range=colors), legend=legend
            ),
            strokeDash=alt.StrokeDash(
                "group:N", scale=alt.Scale(domain=names, range=dashes), legend=legend
            ),
        )
    ]
    if planned is not None:
        line = chart_of(
            [{"y": planned, "text": f"planned: {wording.count(planned)} each"}]
        )
        layers += [
            line.mark_rule(color=paint.ink, strokeDash=[2, 4], strokeWidth=1.5).encode(
                y=alt.Y("y:Q")
            ),
            haloed(
                line,
                paint,
                {"x": alt.XValue(6), "y": alt.Y("y:Q"), "text": alt.Text("text:N")},
                align="left",
                dy=11,
                fontSize=LABEL_SIZE,
                color=paint.muted,
            ),
        ]
    chart = drawing(*layers, width=medium.width - AXIS_WIDTH - EDGE, height=HEIGHT)
    return configured(chart, medium)


def _ticks(days: Sequence[date], medium: Medium) -> list[alt.DateTime]:
    """Choose whole days that are there: Vega would divide a short time into hours."""
    step = math.ceil(len(days) / (4 if medium.is_narrow else 6))
    return [
        alt.DateTime(year=day.year, month=day.month, date=day.day, utc=True)
        for day in days[::step]
    ]
