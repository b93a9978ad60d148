"""What decided experiments found, as they were decided on: one query for all pages.

It is worked out when somebody asks, and not stored a second time: what was decided on
never changes, and one query of narrow columns reads 500 experiments in a few
hundredths of a second; so a decision shows at once, and no copy has to be kept true.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from analysis import wording
from analysis.outcome_json import outcome_from_json
from analysis.results import is_answer
from analysis.stats.adding import ShrunkTotal, shrunk_mean, typical_spread
from analysis.stats.estimate import Estimate, NotComputable
from analysis.stats.standard_error import error_of
from experiments.metric_definition import MetricDefinition
from experiments.models import (
    AnalysisRun,
    Experiment,
    HypothesisRow,
    JourneyStage,
    Learning,
    Metric,
    MetricVersion,
    Result,
)
from experiments.plan import definition_from_json
from experiments.vocabulary import EVERYBODY, Role, Verdict


@dataclass(frozen=True, slots=True)
class PastEffect:
    """By how much one decided experiment moved its primary metric.

    Attributes:
        experiment: its key.
        name: of the experiment.
        decided_at: when.
        decision: of a person, a Decision.
        stage: key of the journey stage.
        stage_name: as people read it.
        lever: by what means, a Lever.
        metric: key of the primary metric.
        metric_name: as people read it.
        definition: of the metric in the version that was planned.
        effect: on the metric's scale.
        low: end of the 95 % interval; None where it has no bound.
        high: the other end.
        error: standard error, above 0.
    """

    experiment: str
    name: str
    decided_at: datetime
    decision: str
    stage: str
    stage_name: str
    lever: str
    metric: str
    metric_name: str
    definition: MetricDefinition
    effect: float
    low: float | None
    high: float | None
    error: float


@dataclass(frozen=True, slots=True)
class MetricPast:
    """All effects on one metric that can be compared, oldest first.

    Attributes:
        key: of the metric.
        name: of the metric.
        definition: the newest that was decided on; effects of another kind or unit
            are left out.
        effects: at least one.
    """

    key: str
    name: str
    definition: MetricDefinition
    effects: tuple[PastEffect, ...]

    @property
    def measure(self) -> wording.Measure:
        """How changes are read."""
        return wording.measure_of(self.definition)

    @property
    def decimals(self) -> int:
        """Decimals that fit the usual precision of these effects."""
        usual = median(each.error for each in self.effects)
        return wording.decimals_for(self.measure.shown(usual * 2))

    def at_stage(self, stage: str) -> tuple[PastEffect, ...]:
        """Take those of one stage."""
        return tuple(each for each in self.effects if each.stage == stage)


@dataclass(frozen=True, slots=True)
class Tried:
    """What one means did at one stage to one metric.

    Attributes:
        lever: a Lever.
        stage: key of the stage.
        stage_name: as people read it.
        effects: oldest first.
        average: of the true effects, shrunk; a reason where none is given.
    """

    lever: str
    stage: str
    stage_name: str
    effects: tuple[PastEffect, ...]
    average: ShrunkTotal | NotComputable


_COLUMNS = (
    Experiment.key.label("experiment"),
    Experiment.name,
    Experiment.decided_at,
    Experiment.decision,
    Experiment.decided_variant,
    AnalysisRun.phase,
    AnalysisRun.verdict,
    AnalysisRun.verdict_variant,
    JourneyStage.key.label("stage"),
    JourneyStage.name.label("stage_name"),
    HypothesisRow.lever,
    Metric.key.label("metric"),
    Metric.name.label("metric_name"),
    MetricVersion.id.label("version"),
    MetricVersion.definition,
    Result.variant,
    Result.outcome,
)


def past_effects(session: Session) -> tuple[PastEffect, ...]:
    """Read what decided experiments found of their primary metric, oldest first.

    Results that must not be used, or hold no answer, are left out, and so are those
    that could not be computed. Of several treatments the one that was shipped or
    recommended counts, else the first.

    Args:
        session: any session.

    Returns:
        One effect an experiment.
    """
    query = (
        select(*_COLUMNS)
        .select_from(Learning)
        .join(AnalysisRun, AnalysisRun.id == Learning.run_id)
        .join(Experiment, Experiment.id == Learning.experiment_id)
        .join(HypothesisRow, HypothesisRow.id == Experiment.hypothesis_id)
        .join(JourneyStage, JourneyStage.id == HypothesisRow.journey_stage_id)
        .join(Result, Result.run_id == AnalysisRun.id)
        .join(Metric, Metric.key == Result.metric)
        .join(
            MetricVersion,
            (MetricVersion.metric_id == Metric.id)
            & (MetricVersion.version == Result.metric_version),
        )
        .where(
            Result.role == Role.PRIMARY.value,
            Result.segment == EVERYBODY,
            AnalysisRun.verdict != Verdict.DO_NOT_USE.value,
        )
        .order_by(Learning.id, Result.id)
    )
    treatments: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in session.execute(query):
        if is_answer(row.phase, row.verdict):
            treatments[row.experiment].append(row)
    definitions: dict[int, MetricDefinition] = {}
    found = (_effect(_lead(rows), definitions) for rows in treatments.values())
    return tuple(each for each in found if each is not None)


def _lead(rows: Sequence[Row[Any]]) -> Row[Any]:
    wanted = rows[0].decided_variant or rows[0].verdict_variant
    return next((row for row in rows if row.variant == wanted), rows[0])


def _effect(
    row: Row[Any], definitions: dict[int, MetricDefinition]
) -> PastEffect | None:
    outcome = outcome_from_json(row.outcome)
    if not isinstance(outcome, Estimate) or not error_of(outcome) > 0:
        return None
    if row.version not in definitions:
        definitions[row.version] = definition_from_json(row.definition)
    return PastEffect(
        experiment=row.experiment,
        name=row.name,
        decided_at=row.decided_at,
        decision=row.decision,
        stage=row.stage,
        stage_name=row.stage_name,
        lever=row.lever,
        metric=row.metric,
        metric_name=row.metric_name,
        definition=definitions[row.version],
        effect=outcome.effect,
        low=outcome.interval.low,
        high=outcome.interval.high,
        error=error_of(outcome),
    )


def by_metric(effects: Iterable[PastEffect]) -> Mapping[str, MetricPast]:
    """Sort effects by the metric they are of.

    Args:
        effects: from `past_effects`.

    Returns:
        Key of the metric -> its past; the metric of most effects first.
    """
    groups: dict[str, list[PastEffect]] = defaultdict(list)
    for each in effects:
        groups[each.metric].append(each)
    found = [_past(key, group) for key, group in groups.items()]
    found.sort(key=lambda past: (-len(past.effects), past.name))
    return {past.key: past for past in found}


def _past(key: str, group: Sequence[PastEffect]) -> MetricPast:
    newest = group[-1]
    scale = (newest.definition.kind, newest.definition.unit)
    alike = tuple(
        each for each in group if (each.definition.kind, each.definition.unit) == scale
    )
    return MetricPast(key, newest.metric_name, newest.definition, alike)


def by_means(past: MetricPast) -> list[Tried]:
    """Sort the effects on a metric by means and stage, each with its average.

    How large true effects are is learned from all effects on the metric.

    Args:
        past: of the metric.

    Returns:
        Most tried first.
    """
    spread = typical_spread(
        [each.effect for each in past.effects], [each.error for each in past.effects]
    )
    groups: dict[tuple[str, str], list[PastEffect]] = defaultdict(list)
    for each in past.effects:
        groups[each.lever, each.stage].append(each)
    found = []
    for (lever, stage), effects in groups.items():
        average = (
            spread
            if isinstance(spread, NotComputable)
            else shrunk_mean(
                [each.effect for each in effects],
                [each.error for each in effects],
                spread,
            )
        )
        found.append(
            Tried(lever, stage, effects[-1].stage_name, tuple(effects), average)
        )
    return sorted(found, key=lambda each: (-len(each.effects), each.lever, each.stage))
