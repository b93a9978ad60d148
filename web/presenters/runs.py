"""What the last good analysis run of each experiment said."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import func, select
from sqlalchemy.orm import Session, defer, selectinload

from analysis.results import is_answer
from experiments.models import AnalysisRun, CheckResult
from experiments.vocabulary import CheckState, RunState


def latest_runs(
    database: Session, experiment_ids: Iterable[int], *, only_failed: bool = False
) -> dict[int, AnalysisRun]:
    """Find the last run that was stored whole, for each experiment that has one.

    Args:
        database: any session.
        experiment_ids: of the experiments shown.
        only_failed: whether, of the checks, those that failed are enough.

    Returns:
        Number of the experiment -> its run, with the checks.
    """
    wanted = list(experiment_ids)
    newest = (
        select(func.max(AnalysisRun.id))
        .where(
            AnalysisRun.experiment_id.in_(wanted),
            AnalysisRun.state == RunState.DONE.value,
        )
        .group_by(AnalysisRun.experiment_id)
    )
    checks = (
        AnalysisRun.checks.and_(CheckResult.state == CheckState.FAILED.value)
        if only_failed
        else AnalysisRun.checks
    )
    query = (
        select(AnalysisRun)
        .where(AnalysisRun.id.in_(newest))
        # The tables that it was made from are large, and no list shows them.
        .options(
            selectinload(checks).defer(CheckResult.facts),
            defer(AnalysisRun.summaries),
        )
    )
    return {run.experiment_id: run for run in database.scalars(query)}


class Check(Protocol):
    """What a stored check and the view of one have in common."""

    @property
    def state(self) -> str:
        """A CheckState."""


class Run(Protocol):
    """What a stored run and the view of one have in common."""

    @property
    def phase(self) -> str | None:
        """A ResultPhase."""

    @property
    def verdict(self) -> str | None:
        """A Verdict."""

    @property
    def due_at(self) -> datetime | None:
        """When an answer is expected."""

    @property
    def counts(self) -> Mapping[str, Any]:
        """Who is in; see analysis.run_record."""

    @property
    def checks(self) -> Sequence["Check"]:
        """What was checked, each with its CheckState."""


def is_final(run: Run | None) -> bool:
    """Whether a run holds its plan's answer: a look that goes on does not."""
    return run is not None and is_answer(run.phase, run.verdict)
