"""What earlier experiments found of the same metrics: how large changes usually are."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from analysis.outcome_json import outcome_from_json
from analysis.results import may_show
from analysis.stats.estimate import Estimate
from analysis.stats.standard_error import error_of
from experiments.models import AnalysisRun, Result
from experiments.plan import Plan
from experiments.vocabulary import EVERYBODY, Direction, RunState, Verdict


def finished_changes(
    session: Session, plan: Plan, experiment_id: int, as_of: datetime
) -> dict[str, list[tuple[float, float]]]:
    """Read the changes of the plan's metrics in other, finished experiments.

    Only runs whose numbers may be shown and used count, of each experiment the last up
    to `as_of`, so that an analysis of the past knows what was known then.

    Args:
        session: any session.
        plan: the locked plan.
        experiment_id: whose own runs are left out.
        as_of: of the analysis.

    Returns:
        Metric -> (change, standard error) of every treatment, in the metric's unit,
        positive where customers are better off; in a fixed order.
    """
    versions = {each.choice.metric: each.choice.version for each in plan.metrics}
    rows = session.execute(
        select(AnalysisRun, Result)
        .join(Result, Result.run_id == AnalysisRun.id)
        .where(
            AnalysisRun.experiment_id != experiment_id,
            AnalysisRun.state == RunState.DONE.value,
            AnalysisRun.verdict != Verdict.DO_NOT_USE.value,
            AnalysisRun.as_of <= as_of,
            Result.segment == EVERYBODY,
            Result.metric.in_(versions),
        )
        .order_by(AnalysisRun.as_of, AnalysisRun.id, Result.variant)
    )
    latest: dict[int, tuple[int, list[Result]]] = {}
    for run, result in rows:
        if not may_show(run.phase, run.verdict):
            continue
        run_id, results = latest.get(run.experiment_id, (0, []))
        if run.id != run_id:
            results = []
        latest[run.experiment_id] = (run.id, [*results, result])
    found: dict[str, list[tuple[float, float]]] = {}
    for _, results in latest.values():
        for result in results:
            if result.metric_version == versions[result.metric]:
                change = _change(plan, result)
                if change is not None:
                    found.setdefault(result.metric, []).append(change)
    return {metric: sorted(changes) for metric, changes in found.items()}


def _change(plan: Plan, result: Result) -> tuple[float, float] | None:
    outcome = outcome_from_json(result.outcome)
    if not isinstance(outcome, Estimate):
        return None
    error = error_of(outcome)
    if not error > 0:
        return None
    rises = plan.metric(result.metric).definition.direction == Direction.INCREASE
    return (outcome.effect if rises else -outcome.effect), error
