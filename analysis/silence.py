"""What a survey's result is worth beside those who kept silent: from cells, pure."""

from dataclasses import asdict, replace
from typing import Any

from analysis.answer_scores import score_of
from analysis.cells import Cell
from analysis.outcome_json import outcome_to_json
from analysis.readings import Silence
from analysis.stats.estimate import Estimate, NotComputable, Outcome
from analysis.stats.nonresponse import (
    LeeBounds,
    TippingPoint,
    lee_bounds,
    tipping_point,
)
from analysis.stats.response_weighting import Stratum, inverse_weighted
from analysis.stats.satisfaction import rescored
from analysis.stats.summary import Histogram
from experiments.metric_definition import MetricDefinition
from experiments.vocabulary import MetricKind, Reason


def silence_of(
    definition: MetricDefinition,
    control: Cell,
    treatment: Cell,
    outcome: Outcome,
    level: float,
) -> Silence | None:
    """Ask what silence could have hidden of one comparison.

    Args:
        definition: of the metric.
        control: cell of control.
        treatment: cell of the treatment.
        outcome: estimate from the answers; of accounts it gives the design effect.
        level: confidence level, 0 to 1.

    Returns:
        Silence; None where the metric is no survey.
    """
    c, t = control.summary, treatment.summary
    if not isinstance(c, Histogram) or not isinstance(t, Histogram):
        return None
    score = score_of(definition)
    c, t = rescored(c, score), rescored(t, score)
    effect = _design_effect(outcome)
    least = 0 if definition.kind == MetricKind.NPS else 1
    ends = score(least), score(definition.scale)
    return Silence(
        bounds=lee_bounds(c, t, level, effect),
        tipping=tipping_point(c, t, ends, level, effect),
        weighted=_weighted(definition, control, treatment, level),
    )


def silence_to_json(silence: Silence) -> dict[str, Any]:
    """Write what silence could hide of a survey's result.

    Args:
        silence: of one survey metric and one treatment.

    Returns:
        {"bounds", "tipping_point", "weighted"}, each with "computable".
    """
    return {
        "bounds": _part(silence.bounds),
        "tipping_point": _part(silence.tipping),
        "weighted": outcome_to_json(silence.weighted),
    }


def _part(found: LeeBounds | TippingPoint | NotComputable) -> dict[str, Any]:
    if isinstance(found, NotComputable):
        return outcome_to_json(found)
    return {"computable": True, **asdict(found)}


def _design_effect(outcome: Outcome) -> float:
    """How much wider errors of accounts are; those of single customers are as wide."""
    found = outcome.facts.get("design_effect") if isinstance(outcome, Estimate) else 1.0
    return max(1.0, found) if isinstance(found, float) else 1.0


def _weighted(
    definition: MetricDefinition, control: Cell, treatment: Cell, level: float
) -> Outcome:
    if control.clusters is not None or treatment.clusters is not None:
        return NotComputable(Reason.NOT_BY_ACCOUNT)
    c, t = (_rescored(cell, definition) for cell in (control, treatment))
    if min(len(c), len(t)) < 2:  # noqa: PLR2004  # one stratum weighs nothing
        return NotComputable(Reason.NO_SEGMENTS)
    return inverse_weighted(c, t, level)


def _rescored(cell: Cell, definition: MetricDefinition) -> list[Stratum]:
    score = score_of(definition)
    return [
        replace(each, answers=rescored(each.answers, score)) for each in cell.strata
    ]
