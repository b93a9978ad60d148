"""What the charts of effects share: an effect, its marks and its labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from analysis import wording
from analysis.cases import case_of
from analysis.chart_style import TEXT_SIZE, Medium, Paint
from analysis.estimate_words import EstimateWords
from analysis.readings import MetricReading
from analysis.stats.estimate import Estimate
from experiments.plan import PlannedMetric
from experiments.vocabulary import SentenceCase

ROW_HEIGHT = 56
LONGEST_NAME = 28  # letters of a variant's name in a drawing
EDGE = 24  # pixels of a drawing that its plot leaves free
# Vega writes a hyphen; the house writes a minus.
SIGNED_TICKS = "replace(datum.label, '-', '\N{MINUS SIGN}')"
_BETTER = {SentenceCase.BETTER, SentenceCase.HARM_RULED_OUT}
_CASE_SHAPES = {
    SentenceCase.BETTER: "triangle-up",
    SentenceCase.WORSE: "triangle-down",
}
Layer = Any  # Altair has a type of its own for each combination


@dataclass(frozen=True, slots=True)
class Effect:
    """One estimate that can be drawn, with its part in the plan."""

    planned: PlannedMetric
    reading: MetricReading
    estimate: Estimate
    guarded: bool = False  # asked to do no harm, not to get better

    @property
    def case(self) -> SentenceCase:
        """In which case it stands; decides shape and colour."""
        return case_of(
            self.estimate,
            self.planned,
            guarded=self.guarded,
            unequal=self.reading.is_unequal,
            unbounded=self.reading.is_unbounded,
        )

    @property
    def measure(self) -> wording.Measure:
        """How changes of the metric are read."""
        return wording.measure_of(self.planned.definition)

    @property
    def words(self) -> EstimateWords:
        """Writer of its numbers."""
        return EstimateWords(self.measure, self.estimate)

    @property
    def decimals(self) -> int:
        """Decimals of the estimate, its ends and its groups alike."""
        return self.words.decimals


def chart_of(rows: Sequence[dict[str, Any]]) -> alt.Chart:
    """Open a chart on rows of plain values."""
    return alt.Chart(alt.InlineData(values=list(rows)))


def layered(*layers: Layer, **properties: Any) -> alt.LayerSpec:  # noqa: ANN401  # width and height, as Altair takes them
    """Lay marks over each other.

    Altair's own `layer` copies each mark some eight times, deep, to look for parameters
    that charts on paper do not have; that took most of the time of drawing.
    """
    return alt.LayerSpec(layer=list(layers), **properties)


def drawing(*layers: Layer, **properties: Any) -> alt.TopLevelLayerSpec:  # noqa: ANN401  # width and height, as Altair takes them
    """Lay marks over each other as a whole drawing."""
    return alt.TopLevelLayerSpec(layer=list(layers), **properties)


def shortened(name: str) -> str:
    """Cut a group's name so that its number fits beside it; the table has all of it."""
    if len(name) <= LONGEST_NAME:
        return name
    return f"{name[: LONGEST_NAME - 1]}\N{HORIZONTAL ELLIPSIS}"


def own(field: str) -> Layer:
    """Take a colour or shape from the row as it stands, without a scale."""
    channel = alt.Shape if field == "shape" else alt.Color
    return channel(f"{field}:N", scale=None, legend=None)


def marks_of(case: SentenceCase, paint: Paint) -> dict[str, str]:
    """Give the colour and the shape of a case; neither speaks alone."""
    color = paint.undecided
    if case in _BETTER:
        color = paint.better
    elif case == SentenceCase.WORSE:
        color = paint.worse
    return {"color": color, "shape": _CASE_SHAPES.get(case, "diamond")}


def points(chart: Layer, x: alt.X, y: alt.Y, paint: Paint) -> Layer:
    """Mark the estimates, set off from the lines behind them."""
    return chart.mark_point(
        filled=True, size=180, opacity=1, stroke=paint.paper, strokeWidth=2
    ).encode(x=x, y=y, color=own("color"), shape=own("shape"))


def haloed(chart: Layer, paint: Paint, channels: dict[str, Any], **text: Any) -> Layer:  # noqa: ANN401  # what Altair's text marks take
    """Write text that stays readable where a line runs behind it.

    Args:
        chart: with the rows to write.
        paint: of the drawing.
        channels: x, y and text.
        **text: how the text looks.

    Returns:
        Two layers, the paper's colour below the letters.
    """
    halo = chart.mark_text(
        **(text | {"color": paint.paper, "stroke": paint.paper, "strokeWidth": 5})
    )
    return layered(halo.encode(**channels), chart.mark_text(**text).encode(**channels))


def row_labels(chart: Layer, y: alt.Y, medium: Medium, above: int = 20) -> list[Layer]:
    """Write each row's `name` above it, and its `more` beside that or below.

    Args:
        chart: with the rows.
        y: their position.
        medium: where the drawing goes.
        above: pixels from the middle of a row up to its name.

    Returns:
        Layers of text.
    """
    paint = medium.paint
    right = medium.width - EDGE
    more = (
        {"align": "left", "dy": 20}
        if medium.is_narrow
        else {"align": "right", "dy": -20}
    )
    return [
        haloed(
            chart,
            paint,
            {"x": alt.XValue(0), "y": y, "text": alt.Text("name:N")},
            align="left",
            dy=-above,
            fontSize=TEXT_SIZE,
            fontWeight="bold",
            color=paint.ink,
            limit=right,
        ),
        haloed(
            chart,
            paint,
            {
                "x": alt.XValue(0 if medium.is_narrow else right),
                "y": y,
                "text": alt.Text("more:N"),
            },
            fontSize=TEXT_SIZE - 1,
            color=paint.muted,
            **more,
        ),
    ]
