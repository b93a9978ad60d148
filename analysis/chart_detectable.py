"""The chart of what an experiment could detect, week by week of enrolment."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from analysis.chart_parts import EDGE, chart_of, drawing, haloed
from analysis.chart_style import LABEL_SIZE, Medium, configured

AXIS_WIDTH, HEIGHT = 56, 220  # pixels
MOST_TIMES = 4  # the change that matters; what is larger leaves the drawing


@dataclass(frozen=True, slots=True)
class Detected:
    """What is drawn, in the numbers that are written.

    Attributes:
        weeks: (weeks of enrolment, smallest change that is detected), at least one.
        matters: the change that matters.
        label: that change in words.
        end: weeks of the plan; None where it takes too long.
    """

    weeks: Sequence[tuple[int, float]]
    matters: float
    label: str
    end: float | None


def detectable_chart(found: Detected, medium: Medium) -> dict[str, Any]:
    """Draw the smallest change that is detected, with the one that matters.

    Args:
        found: what is drawn.
        medium: where the drawing goes.

    Returns:
        Vega-Lite specification.
    """
    paint = medium.paint
    top = max(MOST_TIMES * found.matters, 1.5 * found.weeks[-1][1])
    top = min(top, 1.08 * max(found.matters, found.weeks[0][1]))
    rows = [{"weeks": week, "change": change} for week, change in found.weeks]
    most = max(found.weeks[-1][0], found.end or 0)
    x = alt.X(
        "weeks:Q",
        scale=alt.Scale(domain=[0, most * 1.03], nice=False),
        axis=alt.Axis(
            title="weeks of enrolment",
            format="d",
            grid=False,
            tickMinStep=1,
            tickCount=6,
        ),
    )
    y = alt.Y(
        "change:Q",
        scale=alt.Scale(domain=[0, top], nice=False, clamp=False),
        axis=alt.Axis(
            title=None, tickCount=5, minExtent=AXIS_WIDTH, maxExtent=AXIS_WIDTH
        ),
    )
    seen = [row for row in rows if row["change"] <= top]
    matters = chart_of([{"change": found.matters, "text": found.label}])
    layers = [
        matters.mark_rule(color=paint.ink, strokeDash=[2, 4], strokeWidth=1.5).encode(
            y=alt.Y("change:Q")
        ),
        chart_of(seen)
        .mark_line(strokeWidth=2.5, color=paint.groups[0])
        .encode(x=x, y=y),
        chart_of(seen)
        .mark_point(filled=True, size=50, opacity=1, color=paint.groups[0])
        .encode(x=x, y=y),
        haloed(
            matters,
            paint,
            {
                "x": alt.XValue(medium.width - AXIS_WIDTH - EDGE),
                "y": alt.Y("change:Q"),
                "text": alt.Text("text:N"),
            },
            align="right",
            dy=-9,
            fontSize=LABEL_SIZE,
            color=paint.muted,
        ),
    ]
    if found.end is not None:
        layers.insert(
            0,
            chart_of([{"weeks": found.end}])
            .mark_rule(color=paint.muted, strokeWidth=1.5)
            .encode(x=alt.X("weeks:Q")),
        )
    return configured(
        drawing(*layers, width=medium.width - AXIS_WIDTH - EDGE, height=HEIGHT), medium
    )
