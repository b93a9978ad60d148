"""What is drawn of a run: who came, and what came out where that may be shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis import estimating
from analysis.cells import Summaries
from analysis.looks import PastLook
from analysis.readings import MetricReading, Progress
from analysis.stats.merging import SummaryT
from analysis.stats.summary import Funnel, Histogram
from analysis.subject import past_look
from experiments.models import Look
from experiments.plan import Plan

if TYPE_CHECKING:
    from analysis.chart_drawn import DrawnChart


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is drawn of an outcome that may be shown."""

    readings: Sequence[MetricReading]
    progress: Progress
    past: Sequence[PastLook]
    look: Look | None


def charts_of(
    plan: Plan, summaries: Summaries, drawing: Drawing | None
) -> "list[DrawnChart]":
    """Draw a run.

    Args:
        plan: the locked plan.
        summaries: of its data.
        drawing: what came out; None where that may not be shown.

    Returns:
        The charts, that of who came first.
    """
    # What is refused before it is drawn starts without the drawing, which is slow.
    from analysis import charts  # noqa: PLC0415

    enrolment = charts.draw_enrolment(plan, summaries.exposures.by_day)
    if drawing is None:
        return list(enrolment)
    readings, look = drawing.readings, drawing.look
    looks = [] if look is None else [*drawing.past, past_look(look)]
    if look is not None and not look.ended:
        # Bands of curves and bars of answers hold for one look only.
        outcomes = charts.draw(plan, readings, {}, {}, {})
    else:
        curves = estimating.retention_curves(plan, summaries)
        outcomes = charts.draw(
            plan,
            readings,
            curves,
            _of_everybody(summaries, Histogram),
            _of_everybody(summaries, Funnel),
        )
    return [*enrolment, *outcomes, *charts.draw_looks(plan, looks)]


def _of_everybody(
    summaries: Summaries, kind: type[SummaryT]
) -> dict[str, dict[str, SummaryT]]:
    """Find the summaries of one kind of everybody, by metric and variant."""
    found: dict[str, dict[str, SummaryT]] = {}
    for cell in summaries.cells:
        if not cell.segment and isinstance(cell.summary, kind):
            found.setdefault(cell.metric, {})[cell.variant] = cell.summary
    return found
