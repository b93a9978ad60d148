"""What finished experiments said of one metric."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from analysis.results import is_answer
from experiments.models import AnalysisRun, Result
from experiments.vocabulary import EVERYBODY, RunState, Verdict


@dataclass(frozen=True, slots=True)
class MetricAnswer:
    """One treatment's sentence on a metric."""

    variant: str
    case: str  # a SentenceCase
    sentence: str


def metric_answers(
    session: Session, metric: str, experiment_ids: Collection[int]
) -> dict[int, list[MetricAnswer]]:
    """Read the sentences of answers that may be used.

    Args:
        session: any session.
        metric: its key.
        experiment_ids: of the experiments asked for.

    Returns:
        Number of the experiment -> one for each treatment; experiments without an
        answer, or with one that is not to be used, are not among them.
    """
    newest = (
        select(func.max(AnalysisRun.id))
        .where(
            AnalysisRun.experiment_id.in_(experiment_ids),
            AnalysisRun.state == RunState.DONE.value,
        )
        .group_by(AnalysisRun.experiment_id)
    )
    rows = session.execute(
        select(AnalysisRun, Result)
        .join(Result, Result.run_id == AnalysisRun.id)
        .where(
            AnalysisRun.id.in_(newest),
            AnalysisRun.verdict != Verdict.DO_NOT_USE.value,
            Result.metric == metric,
            Result.segment == EVERYBODY,
        )
        .order_by(Result.id)
    )
    found: dict[int, list[MetricAnswer]] = {}
    for run, result in rows:
        if is_answer(run.phase, run.verdict):
            said = MetricAnswer(result.variant, result.sentence_case, result.sentence)
            found.setdefault(run.experiment_id, []).append(said)
    return found
