"""What decided experiments are worth together: customers kept, shrunk before a sum."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from analysis import wording
from analysis.metric_facts import sign_of
from analysis.outcome_json import outcome_from_json
from analysis.results import is_answer, may_show
from analysis.stats.adding import ShrunkTotal, shrunk_total
from analysis.stats.estimate import Estimate, NotComputable
from analysis.stats.standard_error import error_of
from experiments.metric_definition import KEEPING, MetricDefinition
from experiments.metrics import definition_of
from experiments.models import (
    AnalysisRun,
    Experiment,
    Metric,
    MetricVersion,
    Result,
)
from experiments.vocabulary import EVERYBODY, Decision, Role, SentenceCase, Verdict

ADDED = "estimate, assumes effects add up"


@dataclass(frozen=True, slots=True)
class Kept:
    """Customers that one experiment's change keeps in a quarter, if all got it.

    Attributes:
        size: below 0 where they are lost.
        low: end of the 95 % interval.
        high: end of the 95 % interval.
        error: standard error.
    """

    size: float
    low: float
    high: float
    error: float

    @property
    def sentence(self) -> str:
        """Say it with its range, without a full stop."""
        return kept_in_words(self.size, self.low, self.high)


def kept_in_words(size: float, low: float, high: float) -> str:
    """Say customers kept or lost in a quarter, always with the range.

    Args:
        size: of the change; below 0 where they are lost.
        low: end of the 95 % interval.
        high: end of the 95 % interval.

    Returns:
        Such as "about 420 customers kept per quarter (130 to 710)".
    """
    guide = max(abs(low), abs(high))
    most, least, middle = (
        wording.count(wording.rounded_like(abs(number), guide))
        for number in (high, low, size)
    )
    if low < 0 < high:
        return f"between {least} customers lost and {most} kept per quarter"
    if size < 0:
        return f"about {middle} customers lost per quarter ({most} to {least})"
    return f"about {middle} customers kept per quarter ({least} to {most})"


def _primary_results(
    session: Session, runs: Iterable[AnalysisRun]
) -> dict[int, list[Result]]:
    """Read the primary results, for everybody, of runs that may be told and used."""
    told = [
        run.id
        for run in runs
        if is_answer(run.phase, run.verdict) and run.verdict != Verdict.DO_NOT_USE
    ]
    rows = session.scalars(
        select(Result)
        .where(
            Result.run_id.in_(told),
            Result.role == Role.PRIMARY.value,
            Result.segment == EVERYBODY,
        )
        .options(defer(Result.details))
        .order_by(Result.id)
    )
    found: dict[int, list[Result]] = {}
    for row in rows:
        found.setdefault(row.run_id, []).append(row)
    return found


def _definitions(
    session: Session, results: Iterable[Result]
) -> dict[tuple[str, int], MetricDefinition]:
    """Read what results are of: metric and version -> definition."""
    wanted = {(row.metric, row.metric_version) for row in results}
    query = (
        select(Metric.key, MetricVersion)
        .join(Metric, Metric.id == MetricVersion.metric_id)
        .where(Metric.key.in_({key for key, _ in wanted}))
    )
    return {
        (key, version.version): definition_of(version)
        for key, version in session.execute(query)
        if (key, version.version) in wanted
    }


def kept_by_experiment(
    session: Session,
    experiments: Sequence[Experiment],
    runs: Mapping[int, AnalysisRun],
) -> dict[int, Kept]:
    """Count what each experiment's change keeps, where that can be said.

    Args:
        session: any session.
        experiments: those that were decided.
        runs: the last good run of each, by number of the experiment.

    Returns:
        Number of the experiment -> customers; without those whose metric does not
        count customers or whose segment was not counted.
    """
    analysed = [(each, runs[each.id]) for each in experiments if each.id in runs]
    results = _primary_results(session, [run for _, run in analysed])
    definitions = _definitions(session, (r for rows in results.values() for r in rows))
    found = {}
    for experiment, run in analysed:
        rows = results.get(run.id, ())
        wanted = experiment.decided_variant or run.verdict_variant
        lead = next((r for r in rows if r.variant == wanted or wanted is None), None)
        base = run.counts.get("segment_per_quarter")
        if lead is None or not base:
            continue
        definition = definitions.get((lead.metric, lead.metric_version))
        kept = None if definition is None else _kept(definition, lead, base)
        if kept is not None:
            found[experiment.id] = kept
    return found


def _kept(definition: MetricDefinition, result: Result, base: int) -> Kept | None:
    outcome = outcome_from_json(result.outcome)
    if not isinstance(outcome, Estimate):
        return None
    low, high = outcome.interval.low, outcome.interval.high
    error = error_of(outcome)
    if definition.kind not in KEEPING or low is None or high is None or not error > 0:
        return None
    scale = base * sign_of(definition.direction)
    few, many = sorted((low * scale, high * scale))
    return Kept(outcome.effect * scale, few, many, error * base)


def total_sentence(
    experiments: Sequence[Experiment],
    kept: Mapping[int, Kept],
    shipped: Sequence[Experiment],
) -> str:
    """Say what the shipped ones keep together, shrunk and labelled.

    Args:
        experiments: all that were decided, which tell how large true changes are.
        kept: from `kept_by_experiment`.
        shipped: whose changes are added up.

    Returns:
        One or two sentences; "" where nothing was shipped that counts customers.
    """
    wanted = {each.id for each in shipped if each.decision == Decision.SHIP.value}
    counted = [each.id for each in experiments if each.id in kept]
    added = [number in wanted for number in counted]
    if not any(added):
        return ""
    found = shrunk_total(
        [kept[number].size for number in counted],
        [kept[number].error for number in counted],
        added,
    )
    number = sum(added)
    who = "The change shipped" if number == 1 else f"Together, {number} changes shipped"
    if isinstance(found, NotComputable):
        return f"{who}: no sum is given, for chance alone would scatter them as much."
    return f"{who}: {_total_in_words(found)} ({ADDED})."


def _total_in_words(found: ShrunkTotal) -> str:
    low, high = found.interval.low, found.interval.high
    return kept_in_words(found.total, low or 0.0, high or 0.0)


def guardrails_harmed(
    session: Session, runs: Mapping[int, AnalysisRun]
) -> dict[int, list[str]]:
    """Name the guardrails of which customers are worse off, where a plan lets it show.

    Args:
        session: any session.
        runs: the last good run of each experiment, by its number.

    Returns:
        Number of the experiment -> names of metrics, without those of no such harm.
    """
    shown = {
        run.id: number
        for number, run in runs.items()
        if may_show(run.phase, run.verdict) and run.verdict != Verdict.DO_NOT_USE
    }
    rows = session.execute(
        select(Result.run_id, Metric.name)
        .join(Metric, Metric.key == Result.metric)
        .where(
            Result.run_id.in_(shown),
            Result.role == Role.GUARDRAIL.value,
            Result.segment == EVERYBODY,
            Result.sentence_case == SentenceCase.WORSE.value,
        )
        .distinct()
        .order_by(Result.run_id, Metric.name)
    )
    found: dict[int, list[str]] = {}
    for run_id, name in rows:
        found.setdefault(shown[run_id], []).append(name)
    return found
