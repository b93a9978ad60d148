"""One stage of the journey as its page shows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.backlog import Standing
from analysis.stage_health import Health
from analysis.stage_view import Group, Shipped, StageMetric, StageView
from experiments.models import HypothesisRow
from web.presenters.backlog import STANDING
from web.presenters.formats import day
from web.presenters.sparkline import Happening, Scale, Sparkline, sparkline


@dataclass(frozen=True, slots=True)
class Panel:
    """A metric among one group of customers; no drawing below two weeks."""

    group: Group
    health: Health
    drawn: Sparkline | None


@dataclass(frozen=True, slots=True)
class Multiples:
    """The panels of one metric on one axis.

    Attributes:
        key: of the metric.
        name: of the metric.
        axis: from where to where it goes, as a sentence; "" where nothing is drawn.
        panels: everybody first.
    """

    key: str
    name: str
    axis: str
    panels: tuple[Panel, ...]


def multiples(view: StageView) -> list[Multiples]:
    """Lay the metrics of a stage out, those of one metric on the same axis.

    Args:
        view: of the stage.

    Returns:
        A row of panels for each metric.
    """
    return [_multiples(metric, view.shipped) for metric in view.metrics]


def _multiples(metric: StageMetric, shipped: Sequence[Shipped]) -> Multiples:
    scale = Scale.of([group.health for group in metric.groups])
    panels = tuple(
        Panel(
            group,
            group.health,
            sparkline(
                group.health,
                scale,
                [Happening(s.decided_at, s.name) for s in shipped if s.reaches(group)],
            ),
        )
        for group in metric.groups
    )
    axis = ""
    if scale is not None and any(panel.drawn for panel in panels):
        axis = (
            f"All charts of {metric.name} go from {scale.bottom} to {scale.top}, and"
            f" from the week of {day(scale.first)} to that of {day(scale.last)}."
        )
    return Multiples(metric.key, metric.name, axis, panels)


@dataclass(frozen=True, slots=True)
class Friction:
    """A point at which customers struggle, and who works on it.

    Attributes:
        point: in words.
        owners: names of who own its hypotheses.
        ideas: the hypotheses, each with how far it has come.
    """

    point: str
    owners: tuple[str, ...]
    ideas: tuple[tuple[HypothesisRow, str], ...]


def frictions(
    rows: Sequence[HypothesisRow], standings: Mapping[int, Standing]
) -> list[Friction]:
    """Sort hypotheses by the friction point that they are about.

    Args:
        rows: those of a stage that are open.
        standings: how far each has come, by its number.

    Returns:
        The point of most hypotheses first; those that differ in casing alone are one.
    """
    groups: dict[str, list[HypothesisRow]] = {}
    for row in rows:
        point = " ".join(row.friction_point.split())
        groups.setdefault(point.rstrip(".").casefold(), []).append(row)
    found = [
        Friction(
            point=ideas[0].friction_point,
            owners=tuple(sorted({row.owner.name for row in ideas})),
            ideas=tuple((row, STANDING[standings[row.id]]) for row in ideas),
        )
        for ideas in groups.values()
    ]
    return sorted(found, key=lambda each: (-len(each.ideas), each.point))
