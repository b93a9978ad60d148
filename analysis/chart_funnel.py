"""The chart of a funnel: how many of each group came as far as each step."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from analysis import wording
from analysis.chart_parts import EDGE, chart_of, drawing, own
from analysis.chart_style import LABEL_SIZE, TEXT_SIZE, Medium, configured
from analysis.stats.summary import Funnel

BAR, ROW, HEAD = 18, 24, 26  # pixels


def share_of(funnel: Funnel, step: int) -> float:
    """Share of a variant's customers that came as far as a step, 0 to 1."""
    return funnel.reached[step] / max(1, funnel.n)


def funnel_chart(
    funnels: Mapping[str, Funnel], steps: Sequence[str], medium: Medium
) -> dict[str, Any]:
    """Draw one bar for each step and group, from 0 to all customers.

    Args:
        funnels: by variant, control first.
        steps: names of the steps, in order.
        medium: where the drawing goes.

    Returns:
        Vega-Lite specification.
    """
    paint = medium.paint
    bars, heads, at = [], [], 0.0
    for i, step in enumerate(steps):
        heads.append({"at": at + HEAD / 2, "text": f"{i + 1}. {step}"})
        at += HEAD
        for k, (name, funnel) in enumerate(funnels.items()):
            share = share_of(funnel, i)
            bars.append(
                {
                    "at": at + ROW / 2,
                    "start": 0,
                    "share": share,
                    "color": paint.groups[k % len(paint.groups)],
                    "text": f"{wording.percent(share)} of {name}",
                }
            )
            at += ROW
        at += ROW / 4
    y = alt.Y("at:Q", axis=None, scale=alt.Scale(domain=[0, at], reverse=True))
    scale = alt.Scale(domain=[0, 1], nice=False)
    axis = alt.Axis(
        values=[0, 0.25, 0.5, 0.75, 1],
        labelExpr="round(datum.value * 100) + ' %'",
        title="Share of the customers",
        grid=False,
    )
    chart = chart_of(bars)
    label = medium.width - EDGE - 8
    return configured(
        drawing(
            chart.mark_bar(
                size=BAR, opacity=0.35, strokeWidth=1, strokeOpacity=1
            ).encode(
                x=alt.X("start:Q", scale=scale, axis=axis),
                x2=alt.X2("share:Q"),
                y=y,
                color=own("color"),
                stroke=alt.Stroke("color:N", scale=None, legend=None),
            ),
            chart.mark_text(
                align="left", fontSize=LABEL_SIZE, color=paint.ink, limit=label
            ).encode(x=alt.XValue(8), y=y, text=alt.Text("text:N")),
            chart_of(heads)
            .mark_text(
                align="left",
                fontSize=TEXT_SIZE,
                fontWeight="bold",
                color=paint.ink,
                limit=label,
            )
            .encode(x=alt.XValue(0), y=y, text=alt.Text("text:N")),
            width=medium.width - EDGE,
            height=at,
        ),
        medium,
    )
