"""The chart of survey answers: what shares of each group gave which answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from analysis import wording
from analysis.chart_parts import EDGE, Layer, chart_of, layered, own
from analysis.chart_style import (
    ANSWER_STEPS,
    LABEL_SIZE,
    TEXT_SIZE,
    Medium,
    configured,
)
from analysis.stats.summary import Histogram
from experiments.metric_definition import MetricDefinition
from experiments.survey_kinds import DETRACTORS_TO, NPS_TOP, PROMOTERS_FROM
from experiments.vocabulary import MetricKind

BAR, ROW = 34, 66  # pixels
SMALLEST_LABELLED = 0.07  # a narrower part has no room for its share


@dataclass(frozen=True, slots=True)
class AnswerStep:
    """Answers that are drawn as one part of a bar."""

    name: str  # "4", or "7 to 8"
    low: int
    high: int
    color: int  # index into the paint's answers


def steps_of(scale: int) -> list[AnswerStep]:
    """Divide a scale into at most five steps of neighbouring answers.

    Args:
        scale: the highest score; the lowest is 1.

    Returns:
        Steps from the lowest to the highest, which together hold every score once.
    """
    count = min(ANSWER_STEPS, scale)
    steps = []
    for i in range(count):
        low, high = i * scale // count + 1, (i + 1) * scale // count
        name = str(low) if low == high else f"{low} to {high}"
        # A short scale keeps both ends of the colours, so that they stay apart.
        color = round(i * (ANSWER_STEPS - 1) / max(1, count - 1))
        steps.append(AnswerStep(name, low, high, color))
    return steps


# Detractors, passives and promoters, in the colours of the ends and the middle.
NPS_STEPS = [
    AnswerStep(f"0 to {DETRACTORS_TO}", 0, DETRACTORS_TO, 0),
    AnswerStep(
        f"{DETRACTORS_TO + 1} to {PROMOTERS_FROM - 1}",
        DETRACTORS_TO + 1,
        PROMOTERS_FROM - 1,
        (ANSWER_STEPS - 1) // 2,
    ),
    AnswerStep(
        f"{PROMOTERS_FROM} to {NPS_TOP}", PROMOTERS_FROM, NPS_TOP, ANSWER_STEPS - 1
    ),
]


def steps_for(definition: MetricDefinition) -> list[AnswerStep]:
    """Divide the answers to a metric's survey into the steps that are drawn."""
    if definition.kind == MetricKind.NPS:
        return NPS_STEPS
    return steps_of(definition.scale)


def upper_box_of(definition: MetricDefinition) -> int:
    """Find the lowest answer that counts as a good one."""
    is_nps = definition.kind == MetricKind.NPS
    return PROMOTERS_FROM if is_nps else definition.satisfied_from


def shares_of(
    histogram: Histogram, steps: Sequence[AnswerStep]
) -> list[tuple[AnswerStep, int, float]]:
    """Count one group's answers by step.

    Args:
        histogram: answers of the group.
        steps: from the lowest answers to the highest.

    Returns:
        Step, answers, and their share of all answers (0 when nobody answered). Scores
        between two whole ones count with the lower, those off the scale with its ends.
    """
    counted = []
    for step in steps:
        low = -float("inf") if step is steps[0] else step.low
        high = float("inf") if step is steps[-1] else step.high + 1
        count = sum(n for score, n in histogram.counts if low <= score < high)
        counted.append((step, count, count / max(1, histogram.answered)))
    return counted


def answers_chart(
    histograms: Mapping[str, Histogram], steps: Sequence[AnswerStep], medium: Medium
) -> dict[str, Any]:
    """Draw one bar of 100 % for each group, divided by answer.

    Args:
        histograms: by variant, control first.
        steps: from the lowest answers to the highest.
        medium: where the drawing goes.

    Returns:
        Vega-Lite specification.
    """
    paint = medium.paint
    parts, names = [], []
    for row, (name, histogram) in enumerate(histograms.items()):
        answered = f"{wording.count(histogram.answered)} answers"
        names.append({"row": row, "name": name, "more": answered})
        start = 0.0
        for step, _, share in shares_of(histogram, steps):
            parts.append(
                {
                    "row": row,
                    "start": start,
                    "end": start + share,
                    "middle": start + share / 2,
                    "color": paint.answers[step.color],
                    "ink": paint.answer_inks[step.color],
                    "text": wording.percent(share, 0)
                    if share >= SMALLEST_LABELLED * (2 if medium.is_narrow else 1)
                    else "",
                }
            )
            start += share
    y = alt.Y("row:O", axis=None, sort=None)
    chart, heads = chart_of(parts), chart_of(names)
    x = alt.X(
        "start:Q",
        scale=alt.Scale(domain=[0, 1], nice=False),
        axis=alt.Axis(
            values=[0, 0.25, 0.5, 0.75, 1],
            labelExpr="round(datum.value * 100) + ' %'",
            title="Share of the answers",
            grid=False,
        ),
    )
    plot = layered(
        chart.mark_bar(
            size=BAR,
            stroke=paint.paper if medium.name != "print" else paint.ink,
            strokeWidth=1.5,
            yOffset=8,
        ).encode(x=x, x2=alt.X2("end:Q"), y=y, color=own("color")),
        chart.mark_text(fontSize=TEXT_SIZE, dy=8).encode(
            x=alt.X("middle:Q"), y=y, text=alt.Text("text:N"), color=own("ink")
        ),
        *_heads(heads, y, medium),
        width=medium.width - EDGE,
        height=alt.Step(ROW),
    )
    stacked = alt.TopLevelVConcatSpec(vconcat=[_key(steps, medium), plot], spacing=6)
    return configured(stacked, medium)


def _heads(heads: Layer, y: alt.Y, medium: Medium) -> list[Layer]:
    paint = medium.paint
    return [
        heads.mark_text(
            align="left",
            dy=-20,
            fontSize=TEXT_SIZE,
            fontWeight="bold",
            color=paint.ink,
            limit=medium.width - EDGE - 110,
        ).encode(x=alt.XValue(0), y=y, text=alt.Text("name:N")),
        heads.mark_text(
            align="right", dy=-20, fontSize=TEXT_SIZE - 1, color=paint.muted
        ).encode(x=alt.XValue(medium.width - EDGE), y=y, text=alt.Text("more:N")),
    ]


def _key(steps: Sequence[AnswerStep], medium: Medium) -> Layer:
    """Show once, above the bars, which part stands for which answer."""
    paint = medium.paint
    width = (medium.width - EDGE) / len(steps)
    rows = [
        {
            "x": i * width,
            "to": (i + 1) * width,
            "middle": (i + 0.5) * width,
            "color": paint.answers[step.color],
            "ink": paint.answer_inks[step.color],
            "text": _key_text(i, step, len(steps)),
        }
        for i, step in enumerate(steps)
    ]
    chart = chart_of(rows)
    x = alt.X(
        "x:Q", axis=None, scale=alt.Scale(domain=[0, medium.width - EDGE], nice=False)
    )
    return layered(
        chart.mark_bar(
            size=20, stroke=paint.ink if medium.name == "print" else paint.paper
        ).encode(x=x, x2=alt.X2("to:Q"), y=alt.YValue(12), color=own("color")),
        chart.mark_text(fontSize=LABEL_SIZE).encode(
            x=alt.X("middle:Q"),
            y=alt.YValue(12),
            text=alt.Text("text:N"),
            color=own("ink"),
        ),
        width=medium.width - EDGE,
        height=24,
    )


def _key_text(i: int, step: AnswerStep, steps: int) -> str:
    ends = {0: "lowest", steps - 1: "highest"}
    # The word has room beside a single score only.
    return (
        f"{step.name} {ends[i]}" if i in ends and step.low == step.high else step.name
    )
