"""The chart of the looks: each estimate that was shown, and what would have decided."""

import math
from collections.abc import Sequence
from typing import Any

import altair as alt

from analysis import wording
from analysis.chart_parts import EDGE, SIGNED_TICKS, chart_of, drawing, haloed
from analysis.chart_style import LABEL_SIZE, Medium, configured
from analysis.looks import Trace
from analysis.wording import Measure

AXIS_WIDTH, HEIGHT = 56, 240  # pixels
# Early ranges and boundaries reach far; the last one's size is what is to be seen.
MOST_SPANS = 4

Step = tuple[int, Trace]  # customers followed to the end, and what was shown


def looks_chart(
    steps: Sequence[Step], planned: int, measure: Measure, medium: Medium
) -> dict[str, Any]:
    """Draw a range for each look, and the boundary that decides.

    Args:
        steps: the looks, at least one.
        planned: customers planned.
        measure: how changes of the metric are read.
        medium: where the drawing goes.

    Returns:
        Vega-Lite specification.
    """
    paint = medium.paint
    span = _span(steps, measure)
    rows = [_row(units, trace, measure, span) for units, trace in steps]
    most = max(planned, *(units for units, _ in steps))
    x = alt.X(
        "units:Q",
        scale=alt.Scale(domain=[0, most * 1.04], nice=False),
        axis=alt.Axis(
            format=",d",
            grid=False,
            tickCount=3 if medium.is_narrow else 6,
            title="followed to the end",
        ),
    )
    y = alt.Y(
        "effect:Q",
        scale=alt.Scale(domain=[-span, span], nice=False),
        axis=alt.Axis(
            labelExpr=SIGNED_TICKS,
            tickCount=5,
            title=None,
            minExtent=AXIS_WIDTH,
            maxExtent=AXIS_WIDTH,
        ),
    )
    chart = chart_of(rows)
    layers = [
        chart_of([{}])
        .mark_rule(color=paint.ink, strokeWidth=1.5)
        .encode(y=alt.YDatum(0)),
        *(
            chart.mark_tick(
                thickness=2.5, size=26, color=paint.muted, orient="horizontal"
            ).encode(x=x, y=alt.Y(f"{side}:Q"))
            for side in ("upper", "lower")
        ),
        chart.mark_rule(strokeWidth=3, color=paint.ink).encode(
            x=x, y=alt.Y("low:Q"), y2=alt.Y2("high:Q")
        ),
        chart.transform_filter("isValid(datum.effect)")
        .mark_point(filled=True, size=90, opacity=1, color=paint.ink)
        .encode(x=x, y=y),
        haloed(
            chart_of(rows[-1:]),
            paint,
            {"x": x, "y": alt.Y("upper:Q"), "text": alt.TextValue("boundary")},
            align="right",
            dx=-18,
            fontSize=LABEL_SIZE,
            color=paint.muted,
        ),
    ]
    return configured(
        drawing(*layers, width=medium.width - AXIS_WIDTH - EDGE, height=HEIGHT), medium
    )


def boundary_of(trace: Trace) -> float:
    """Write a look's boundary on the scale of the effect."""
    return trace.boundary / math.sqrt(trace.information)


def _span(steps: Sequence[Step], measure: Measure) -> float:
    last = steps[-1][1]
    sizes = [
        abs(measure.shown(end))
        for _, trace in steps
        for end in (trace.effect, trace.low, trace.high, boundary_of(trace))
        if end is not None
    ]
    near = abs(measure.shown(last.effect)) + measure.shown(boundary_of(last))
    return 1.1 * min(max(sizes), MOST_SPANS * near)


def _row(
    units: int, trace: Trace, measure: Measure, span: float
) -> dict[str, float | None]:
    def cut(value: float | None, otherwise: float) -> float:
        shown = otherwise if value is None else measure.shown(value)
        return max(-span, min(span, shown))

    bound = measure.shown(boundary_of(trace))
    effect = measure.shown(trace.effect)
    return {
        "units": units,
        "effect": effect if abs(effect) <= span else None,
        "low": cut(trace.low, -span),
        "high": cut(trace.high, span),
        "upper": bound if bound <= span else None,
        "lower": -bound if bound <= span else None,
    }


def words_of(trace: Trace, measure: Measure) -> tuple[str, str, str]:
    """Write an effect, its range and its boundary with the same decimals.

    Args:
        trace: of one look.
        measure: how changes of the metric are read.

    Returns:
        Such as ("+1.9 points", "+0.6 to +3.2", "2.1 points").
    """
    ends = [end for end in (trace.low, trace.high) if end is not None]
    width = max((abs(end - trace.effect) for end in ends), default=0.0)
    decimals = wording.decimals_for(measure.shown(width))
    effect = wording.signed(measure.shown(trace.effect), decimals)
    low, high = (
        none if end is None else wording.signed(measure.shown(end), decimals)
        for end, none in (
            (trace.low, "no lower limit"),
            (trace.high, "no upper limit"),
        )
    )
    bound = wording.number(measure.shown(boundary_of(trace)), decimals)
    return (
        measure.written(effect),
        f"{low} to {high}",
        measure.written(bound),
    )
