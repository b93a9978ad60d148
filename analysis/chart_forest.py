"""The chart of all metrics at once, in units of the change that matters."""

import math
import textwrap
from collections.abc import Sequence
from typing import Any

import altair as alt

from analysis import wording
from analysis.chart_parts import (
    EDGE,
    ROW_HEIGHT,
    Effect,
    Layer,
    chart_of,
    drawing,
    haloed,
    marks_of,
    own,
    points,
    row_labels,
)
from analysis.chart_style import TEXT_SIZE, Medium, Paint, configured
from analysis.glossary import CASE_WORDS
from analysis.metric_facts import sign_of

SMALLEST_SPAN, WIDEST_SPAN = 2, 4  # in changes that matter
WIDE_ROW, NAME_WIDTH, CHANGE_WIDTH = 44, 226, 200  # pixels
NAME_LETTERS, NAME_LINES = 28, 2  # as many as fit there


def forest_chart(
    effects: Sequence[Effect], medium: Medium, *, names: Sequence[str] = ()
) -> dict[str, Any]:
    """Draw effects in units of the change that matters, right being better.

    Args:
        effects: in the order of the plan, at least one.
        medium: where the drawing goes.
        names: of the rows, where they are not those of the metrics.

    Returns:
        Vega-Lite specification.
    """
    several = len({each.reading.variant for each in effects}) > 1
    span = forest_span(effects)
    paint = medium.paint
    labels = names or [_label(each, several=several) for each in effects]
    values = [
        _forest_row(i, each, label, span, paint)
        for i, (label, each) in enumerate(zip(labels, effects, strict=True))
    ]
    chart = chart_of(values)
    y = alt.Y("row:O", axis=None, sort=None)
    layers = [
        chart_of([{}])
        .mark_rule(color=paint.ink, strokeWidth=1.5)
        .encode(x=alt.XDatum(0)),
        chart.mark_rule(strokeWidth=3).encode(
            x=alt.X("low:Q"), x2=alt.X2("high:Q"), y=y, color=own("color")
        ),
        *_clipped_ends(chart, y),
        points(
            chart.transform_filter("isValid(datum.value)"),
            _position(span, medium),
            y,
            paint,
        ),
        *(row_labels if medium.is_narrow else _side_labels)(chart, y, medium),
        *_margins(chart.transform_filter("isValid(datum.margin)"), y, paint),
    ]
    step = ROW_HEIGHT + 16 if medium.is_narrow else WIDE_ROW
    return configured(
        drawing(*layers, width=medium.width - EDGE, height=alt.Step(step)),
        medium,
    )


def _position(span: int, medium: Medium) -> alt.X:
    """Lay the axis between names and changes where there is room, else below them."""
    left, right = 0, medium.width - EDGE
    if not medium.is_narrow:
        left, right = NAME_WIDTH, right - CHANGE_WIDTH
    return alt.X(
        "value:Q",
        scale=alt.Scale(domain=[-span, span], range=[left, right], nice=False),
        axis=alt.Axis(
            values=list(range(-span, span + 1)),
            labelExpr=(
                "datum.value == 0 ? '0' : datum.value > 0 ? '+' + datum.value"
                " : '\N{MINUS SIGN}' + abs(datum.value)"
            ),
            title=["times the change that matters", "(right is better for customers)"],
            titleX=(left + right) / 2,
        ),
    )


def _side_labels(chart: Layer, y: alt.Y, medium: Medium) -> list[Layer]:
    paint = medium.paint
    return [
        chart.mark_text(
            align="left",
            fontSize=TEXT_SIZE,
            fontWeight="bold",
            color=paint.ink,
            lineBreak="\n",
            baseline="middle",
        ).encode(x=alt.XValue(0), y=y, text=alt.Text("lines:N")),
        chart.mark_text(
            align="right",
            fontSize=TEXT_SIZE - 1,
            color=paint.ink,
            limit=CHANGE_WIDTH - 12,
        ).encode(x=alt.XValue(medium.width - EDGE), y=y, text=alt.Text("more:N")),
    ]


def _margins(chart: Layer, y: alt.Y, paint: Paint) -> list[Layer]:
    """Draw the limits of harm that were agreed, each with its word."""
    return [
        chart.mark_tick(
            thickness=3, size=22, color=paint.ink, orient="vertical"
        ).encode(x=alt.X("margin:Q"), y=y),
        haloed(
            chart,
            paint,
            {"x": alt.X("margin:Q"), "y": y, "text": alt.TextValue("limit")},
            align="right",
            dx=-6,
            dy=-8,
            fontSize=10,
            color=paint.muted,
        ),
    ]


def forest_span(effects: Sequence[Effect]) -> int:
    """Choose how far the forest reaches on both sides, in changes that matter.

    Args:
        effects: of all metrics.

    Returns:
        2 to 4: further out a range is cut off with an arrow, or the others would
        shrink to dots.
    """
    farthest = 0.0
    for each in effects:
        target = each.planned.choice.change_that_matters
        ends = (each.estimate.interval.low, each.estimate.interval.high)
        margin = each.planned.choice.margin or 0.0
        sizes = [abs(end) / target for end in ends if end is not None]
        farthest = max(farthest, margin / target, *sizes, 0.0)
    return min(WIDEST_SPAN, max(SMALLEST_SPAN, math.ceil(farthest)))


def _forest_row(
    row: int, effect: Effect, label: str, span: int, paint: Paint
) -> dict[str, Any]:
    target = effect.planned.choice.change_that_matters
    scale = sign_of(effect.planned.definition.direction) / target
    interval = effect.estimate.interval
    ends = [
        math.copysign(math.inf, scale) * side if end is None else end * scale
        for side, end in ((-1, interval.low), (1, interval.high))
    ]
    low, high = min(ends), max(ends)
    value, margin = effect.estimate.effect * scale, effect.planned.choice.margin
    edge = None if margin is None else -margin / target
    return {
        "row": row,
        "name": label,
        "lines": _in_lines(label),
        "more": effect.words.change_and_range(),
        "value": value if abs(value) <= span else None,
        "low": max(-span, min(span, low)),
        "high": max(-span, min(span, high)),
        "cut_low": low < -span,
        "cut_high": high > span,
        "margin": edge if edge is not None and edge >= -span else None,
        **marks_of(effect.case, paint),
    }


def _label(effect: Effect, *, several: bool) -> str:
    name = effect.planned.name
    return f"{name}, {effect.reading.variant}" if several else name


def _in_lines(label: str) -> str:
    # The table below the chart has what does not fit.
    lines = textwrap.wrap(
        label,
        NAME_LETTERS,
        max_lines=NAME_LINES,
        placeholder=" \N{HORIZONTAL ELLIPSIS}",
    )
    return "\n".join(lines)


def _clipped_ends(chart: Layer, y: alt.Y) -> list[Layer]:
    return [
        chart.transform_filter(f"datum.cut_{side}")
        .mark_point(filled=True, size=110, opacity=1, shape="triangle", angle=angle)
        .encode(x=alt.X(f"{side}:Q"), y=y, color=own("color"))
        for side, angle in (("low", 270), ("high", 90))
    ]


def case_words(effects: Sequence[Effect]) -> str:
    """Say for all metrics of a forest how they came out.

    Args:
        effects: of all metrics.

    Returns:
        Sentence that names the metrics by case, best case first.
    """
    order = list(CASE_WORDS)
    cases = sorted({each.case for each in effects}, key=order.index)
    parts = []
    for case in cases:
        names = [each.planned.name for each in effects if each.case == case]
        parts.append(
            f"{CASE_WORDS[case]}: {wording.joined(list(dict.fromkeys(names)))}"
        )
    return f"{'; '.join(parts)}."
