"""A survey's answers read side by side, for the analyst: pure.

The plan's own reading decides. The others show whether it hangs on what was counted: a
mean can move while the share of satisfied customers stays.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from analysis.cells import Cell
from analysis.outcome_json import outcome_to_json
from analysis.stats.estimate import NotComputable, Outcome
from analysis.stats.ordinal import (
    ProportionalOdds,
    Superiority,
    proportional_odds,
    superiority,
)
from analysis.stats.satisfaction import csat_mean, csat_share
from analysis.stats.summary import Histogram
from experiments.metric_definition import MetricDefinition
from experiments.vocabulary import MetricKind


@dataclass(frozen=True, slots=True)
class AnswerReadings:
    """Further read-outs of one comparison of answers.

    Attributes:
        mean: difference of mean scores; None for NPS, which has its own scale.
        share: difference of the shares in the upper box; None for NPS.
        superiority: chance that one of treatment answers higher.
        odds: one odds ratio for all cuts, with the check of that.
    """

    mean: Outcome | None
    share: Outcome | None
    superiority: Superiority | NotComputable
    odds: ProportionalOdds | NotComputable


def answer_readings(
    definition: MetricDefinition, control: Cell, treatment: Cell, level: float
) -> AnswerReadings | None:
    """Read the answers of two variants in every way.

    Args:
        definition: of the metric.
        control: cell of control.
        treatment: cell of the treatment.
        level: confidence level, 0 to 1.

    Returns:
        AnswerReadings; None where the metric is no survey, or where accounts are drawn:
        then customers would be taken for strangers.
    """
    c, t = control.summary, treatment.summary
    if not isinstance(c, Histogram) or not isinstance(t, Histogram):
        return None
    if control.clusters is not None or treatment.clusters is not None:
        return None
    own_scale = definition.kind == MetricKind.NPS
    return AnswerReadings(
        mean=None if own_scale else csat_mean(c, t, level),
        share=None if own_scale else csat_share(c, t, definition.satisfied_from, level),
        superiority=superiority(c, t, level),
        odds=proportional_odds(c, t, level),
    )


def readings_to_json(readings: AnswerReadings) -> dict[str, Any]:
    """Write the read-outs as plain JSON values.

    Args:
        readings: of one comparison.

    Returns:
        {"mean", "share", "superiority", "odds"}, each with "computable"; those that the
        metric does not have are left out.
    """
    body: dict[str, Any] = {
        name: outcome_to_json(outcome)
        for name, outcome in (("mean", readings.mean), ("share", readings.share))
        if outcome is not None
    }
    return body | {
        "superiority": _part(readings.superiority),
        "odds": _part(readings.odds),
    }


def _part(found: Superiority | ProportionalOdds | NotComputable) -> Mapping[str, Any]:
    if isinstance(found, NotComputable):
        return outcome_to_json(found)
    body = asdict(found)
    return {"computable": True, **body} | (
        {"cuts": list(found.cuts), "is_proportional": found.is_proportional}
        if isinstance(found, ProportionalOdds)
        else {}
    )
