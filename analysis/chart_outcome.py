"""Charts of one metric: the groups in proportion, and the difference."""

import math
from collections.abc import Sequence
from typing import Any

import altair as alt

from analysis import wording
from analysis.chart_parts import (
    EDGE,
    ROW_HEIGHT,
    SIGNED_TICKS,
    Effect,
    Layer,
    chart_of,
    drawing,
    haloed,
    marks_of,
    own,
    points,
    row_labels,
    shortened,
)
from analysis.chart_style import SHAPES, TEXT_SIZE, Medium, Paint, configured
from analysis.metric_facts import sign_of
from analysis.stats.estimate import ArmValue
from experiments.metric_definition import MetricDefinition
from experiments.survey_kinds import FROM_ZERO
from experiments.vocabulary import MetricKind

# Pixels of a row of a change, from its top: its name, what the lines mean (in the first
# row), then the lines. No line may run through the name.
CHANGE_ROW, NAME_ABOVE, NAMED_TO, LINES_FROM = 84, 36, 14, 28


def outcome_rows(
    effects: Sequence[Effect], control: str
) -> list[tuple[str, ArmValue, str]]:
    """List the groups on the outcome scale, control first.

    Args:
        effects: of one metric, one for each treatment, at least one.
        control: the control's name.

    Returns:
        Name, value and the value in words, for each group that has a value.
    """
    first = effects[0]
    arms = [
        (control, first.estimate.control),
        *((each.reading.variant, each.estimate.treatment) for each in effects),
    ]
    asked = first.planned.definition
    return [
        (name, arm, wording.value_on_scale(arm.value, asked, first.decimals))
        for name, arm in arms
        if arm.value is not None
    ]


def outcome_chart(
    effects: Sequence[Effect], control: str, medium: Medium
) -> dict[str, Any]:
    """Draw the groups on the whole scale of the outcome, so that size is in proportion.

    Args:
        effects: of one metric, one for each treatment, at least one.
        control: the control's name.
        medium: where the drawing goes.

    Returns:
        Vega-Lite specification.
    """
    rows = outcome_rows(effects, control)
    definition = effects[0].planned.definition
    paint = medium.paint
    axis, low, high = _outcome_axis(definition, rows)
    values = [
        {
            "row": i,
            "name": f"{shortened(name)}: {text}",
            "more": f"{wording.count(arm.n)} customers",
            "value": arm.value,
            "low": _end(arm, low=True, default=arm.value),
            "high": _end(arm, low=False, default=arm.value),
            "from": low,
            "to": high,
            "color": paint.groups[i % len(paint.groups)],
            "shape": SHAPES[i % len(SHAPES)],
        }
        for i, (name, arm, text) in enumerate(rows)
    ]
    chart = chart_of(values)
    x = alt.X("value:Q", scale=alt.Scale(domain=[low, high], nice=False), axis=axis)
    y = alt.Y("row:O", axis=None, sort=None)
    layers = [
        chart.mark_rule(color=paint.grid, strokeWidth=8, strokeCap="round").encode(
            x=alt.X("from:Q", axis=axis, scale=alt.Scale(domain=[low, high])),
            x2=alt.X2("to:Q"),
            y=y,
        ),
        chart.mark_rule(strokeWidth=16, opacity=0.35).encode(
            x=alt.X("low:Q"), x2=alt.X2("high:Q"), y=y, color=own("color")
        ),
        points(chart, x, y, paint),
        *row_labels(chart, y, medium),
    ]
    return configured(
        drawing(
            *layers,
            width=medium.width - EDGE,
            height=alt.Step(ROW_HEIGHT + (16 if medium.is_narrow else 0)),
        ),
        medium,
    )


def _outcome_axis(
    definition: MetricDefinition, rows: Sequence[tuple[str, ArmValue, str]]
) -> tuple[alt.Axis, float, float]:
    kind, scale = definition.kind, definition.scale
    if wording.measure_of(definition) is wording.POINTS:
        axis = alt.Axis(
            labelExpr="round(datum.value * 100) + ' %'",
            values=[0, 0.25, 0.5, 0.75, 1],
            title=None,
            grid=False,
        )
        return axis, 0.0, 1.0
    if kind == MetricKind.NPS:
        axis = alt.Axis(
            values=[-100, -50, 0, 50, 100],
            format="+d",
            title="NPS, promoters less detractors",
            grid=False,
        )
        return axis, -100.0, 100.0
    if definition.is_mean_answer:
        low = 0 if scale in FROM_ZERO else 1
        axis = alt.Axis(
            tickCount=min(5, scale - low),
            format="d",
            title=f"Mean answer, {low} to {scale}",
            grid=False,
        )
        return axis, float(low), float(scale)
    top = max(_end(arm, low=False, default=arm.value or 0) for _, arm, _ in rows)
    if definition.is_amount:
        least = min(_end(arm, low=True, default=arm.value or 0) for _, arm, _ in rows)
        axis = alt.Axis(tickCount=5, title=definition.unit or None, grid=False)
        return axis, min(0.0, least * 1.1), max(0.0, top * 1.1) or 1.0
    axis = alt.Axis(
        tickCount=5,
        title=f"Mean days within the {wording.first_days(definition.day)}",
        grid=False,
    )
    return axis, 0.0, float(math.ceil(top * 1.1)) or 1.0


def difference_chart(effects: Sequence[Effect], medium: Medium) -> dict[str, Any]:
    """Draw the change with a graded interval, beside 0 and the change that matters.

    Args:
        effects: of one metric, one for each treatment, at least one.
        medium: where the drawing goes.

    Returns:
        Vega-Lite specification.
    """
    first = effects[0]
    paint = medium.paint
    target = sign_of(first.planned.definition.direction) * first.measure.shown(
        first.planned.choice.change_that_matters
    )
    values = [_difference_row(i, each, paint) for i, each in enumerate(effects)]
    chart = chart_of(values)
    domain = _difference_domain(values, target)
    better = "right" if target > 0 else "left"
    unit = f", {first.measure.many}" if first.measure.many else ""
    x = alt.X(
        "value:Q",
        scale=alt.Scale(domain=domain, nice=False),
        axis=alt.Axis(
            title=f"Change{unit} ({better} is better)",
            tickCount=5,
            grid=False,
            labelExpr=SIGNED_TICKS,
        ),
    )
    y = alt.Y("row:O", axis=None, sort=None)
    layers = [
        *_reference_lines(target, first, len(effects), medium),
        *_graded_lines(chart, y),
        _end_text(chart, y, paint, "left", "low_text", "low95"),
        _end_text(chart, y, paint, "right", "high_text", "high95"),
        points(chart, x, y, paint),
        *row_labels(chart, y, medium, above=NAME_ABOVE),
    ]
    return configured(
        drawing(*layers, width=medium.width - EDGE, height=alt.Step(CHANGE_ROW)),
        medium,
    )


def _difference_row(row: int, effect: Effect, paint: Paint) -> dict[str, Any]:
    shown = effect.measure.shown
    values: dict[str, Any] = {
        "row": row,
        "more": "",
        "value": shown(effect.estimate.effect),
        **marks_of(effect.case, paint),
    }
    values["name"] = f"{shortened(effect.reading.variant)}: {effect.words.change()}"
    # The widest is called 95 whatever its level: with several treatments it is wider.
    grades = [(f"{round(g.level * 100)}", g) for g in effect.estimate.graded]
    for label, interval in [*grades, ("95", effect.estimate.interval)]:
        for side, end in (("low", interval.low), ("high", interval.high)):
            values[f"{side}{label}"] = None if end is None else shown(end)
    for side in ("low", "high"):
        end = values[f"{side}95"]
        values[f"{side}_text"] = (
            "" if end is None else wording.signed(end, effect.decimals)
        )
    return values


def _difference_domain(rows: Sequence[dict[str, Any]], target: float) -> list[float]:
    points = [0.0, target]
    for row in rows:
        points += [
            row[name] for name in ("low95", "high95", "value") if row[name] is not None
        ]
    low, high = min(points), max(points)
    # Room for the ends, which are printed outside the interval.
    pad = 0.24 * (high - low)
    return [low - pad, high + pad]


def _graded_lines(chart: Layer, y: alt.Y) -> list[Layer]:
    return [
        chart.mark_rule(strokeWidth=width, opacity=opacity).encode(
            x=alt.X(f"low{level}:Q"),
            x2=alt.X2(f"high{level}:Q"),
            y=y,
            color=own("color"),
        )
        for level, width, opacity in (("95", 2, 1), ("80", 7, 0.55), ("50", 13, 0.75))
    ] + [
        chart.mark_tick(thickness=2, size=14, orient="vertical").encode(
            x=alt.X(f"{side}95:Q"), y=y, color=own("color")
        )
        for side in ("low", "high")
    ]


def _end_text(
    chart: Layer, y: alt.Y, paint: Paint, side: str, text: str, x: str
) -> Layer:
    return haloed(
        chart,
        paint,
        {"x": alt.X(f"{x}:Q"), "y": y, "text": alt.Text(f"{text}:N")},
        align="right" if side == "left" else "left",
        dx=-7 if side == "left" else 7,
        color=paint.ink,
        fontSize=TEXT_SIZE - 1,
    )


def _reference_lines(
    target: float, effect: Effect, rows: int, medium: Medium
) -> list[Layer]:
    """Draw no change and the change that matters, but not through the names."""
    paint = medium.paint
    matters = wording.agreed(effect.planned.choice.change_that_matters, effect.measure)
    verb = "matter" if matters.endswith("s") else "matters"
    lines = [
        {"x": 0.0, "text": "no change", "align": target > 0},
        {"x": target, "text": f"{matters} {verb}", "align": target < 0},
    ]
    layers: list[Layer] = []
    for i, line in enumerate(lines):
        data = chart_of([line])
        dash = [1, 0] if i == 0 else [2, 4]
        layers += [
            data.mark_rule(color=paint.ink, strokeWidth=1.5, strokeDash=dash).encode(
                x=alt.X("x:Q"),
                y=alt.YValue(row * CHANGE_ROW + (NAMED_TO if row else LINES_FROM)),
                y2=alt.Y2Value((row + 1) * CHANGE_ROW - (4 if row + 1 < rows else 0)),
            )
            for row in range(rows)
        ]
        layers.append(
            data.mark_text(
                align="right" if line["align"] else "left",
                dx=-4 if line["align"] else 4,
                color=paint.muted,
                fontSize=12,
            ).encode(
                x=alt.X("x:Q"), y=alt.YValue(LINES_FROM - 8), text=alt.Text("text:N")
            )
        )
    return layers


def _end(arm: ArmValue, *, low: bool, default: float | None) -> float:
    interval = arm.interval
    end = None if interval is None else (interval.low if low else interval.high)
    return end if end is not None else (default or 0.0)
