"""The read side: what the last good analysis of an experiment says, and how old it is.

A page or door reads what was stored and computes nothing. Under its plan a result may
not be shown before its end; that is decided here, once, for page and API alike: until
then a view holds no estimate, interval, p-value or direction that could leak.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, selectinload

from analysis import wording
from analysis.outcome_json import outcome_from_json, outcome_to_json
from analysis.stats.estimate import Outcome
from experiments import certificates
from experiments.models import (
    AnalysisRun,
    Chart,
    CheckResult,
    ErasedExposure,
    Experiment,
    Learning,
    PlanRow,
    Result,
)
from experiments.vocabulary import (
    CertificateStanding,
    CheckState,
    HealthCheck,
    ResultPhase,
    Role,
    RunState,
    SentenceCase,
    Unit,
    Verdict,
)

ENROLMENT = "enrolment"  # the chart that holds no outcome
RESPONSE = "response"  # the read-out that says nothing about an outcome


@dataclass(frozen=True, slots=True)
class ResultView:
    """One metric, one treatment, one segment.

    Attributes:
        outcome: None where the plan does not allow to show it yet.
        details: further read-outs; before the end only who answered.
    """

    metric: str
    metric_version: int
    role: Role
    variant: str
    segment: str  # "" is everybody
    case: SentenceCase
    sentence: str
    outcome: Outcome | None
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CheckShown:
    """How one trust check came out."""

    name: HealthCheck
    state: CheckState
    sentence: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Failure:
    """That the analysis has failed since its last good run.

    Attributes:
        failed_at: the last time.
        count: how often in a row.
        error: what went wrong, in words.
    """

    failed_at: datetime
    count: int
    error: str | None

    def sentence(self, now: datetime, as_of: datetime | None) -> str:
        """Say how old the results are, and that customers do not notice.

        Args:
            now: aware UTC.
            as_of: of the last good run; None when there was none.

        Returns:
            Two or three sentences.
        """
        ago = wording.age((now - self.failed_at).total_seconds())
        often = "" if self.count == 1 else f", {self.count} times in a row"
        kept = (
            "There are no results yet."
            if as_of is None
            else f"The results are from {wording.date_time(as_of)}."
        )
        return (
            f"{kept} The last analysis failed {ago} ago{often}."
            " Assignments are not affected."
        )


@dataclass(frozen=True, slots=True)
class RunView:
    """The last good run, as far as it may be shown."""

    id: int
    experiment: str  # key
    phase: ResultPhase
    as_of: datetime
    finished_at: datetime
    data_cutoff: datetime | None
    due_at: datetime | None
    verdict: Verdict
    variant: str | None  # the treatment to ship
    clause: str
    answer: str
    counts: Mapping[str, Any]
    results: tuple[ResultView, ...]
    checks: tuple[CheckShown, ...]
    plan_sha256: str
    ruleset_revision: int | None
    code_version: str
    failure: Failure | None
    erased_since: bool = False  # customers, whom its sums still count
    certificate: CertificateStanding = CertificateStanding.NONE  # of what decides

    @property
    def is_trusted(self) -> bool:
        """Whether no check forbids to use the results."""
        return self.verdict != Verdict.DO_NOT_USE

    @property
    def shows_estimates(self) -> bool:
        """Whether the plan allows to show what was found."""
        return may_show(self.phase, self.verdict)

    @property
    def has_answer(self) -> bool:
        """Whether the plan's rule has come to its answer."""
        return is_answer(self.phase, self.verdict)


@dataclass(frozen=True, slots=True)
class ChartView:
    """A stored chart."""

    name: str
    title: str
    web_svg: str
    print_svg: str
    table: Mapping[str, Any]

    @property
    def sentence(self) -> str:
        """What is to be seen in it."""
        text: str = self.table.get("sentence", "")
        return text


def _of_phase(experiment: Experiment) -> list[ColumnElement[bool]]:
    """Ask for runs of the present phase: those before were about other customers."""
    if experiment.phase == 1:
        return []
    plan = select(PlanRow.sha256).where(
        PlanRow.experiment_id == experiment.id, PlanRow.phase == experiment.phase
    )
    return [AnalysisRun.plan_sha256.in_(plan)]


def latest(session: Session, experiment: Experiment) -> RunView | None:
    """Read the run of the latest data among those that were stored whole.

    A run that was asked to look at the past never takes its place.

    Args:
        session: any session.
        experiment: whose run.

    Returns:
        The run as far as it may be shown, with a note where later runs failed; None
        before the first good run.
    """
    run = session.scalar(
        select(AnalysisRun)
        .where(
            AnalysisRun.experiment_id == experiment.id,
            AnalysisRun.state == RunState.DONE.value,
            *_of_phase(experiment),
        )
        .order_by(AnalysisRun.as_of.desc(), AnalysisRun.id.desc())
        .limit(1)
        .options(selectinload(AnalysisRun.results), selectinload(AnalysisRun.checks))
    )
    return None if run is None else _view(session, experiment, run)


def as_decided(session: Session, experiment: Experiment) -> RunView | None:
    """Read the run that a decision was taken on: what came later does not move it.

    Args:
        session: any session.
        experiment: whose run.

    Returns:
        The run as far as it may be shown; the latest where nothing is decided, or was
        decided without a result.
    """
    run = session.scalar(
        select(AnalysisRun)
        .join(Learning, Learning.run_id == AnalysisRun.id)
        .where(Learning.experiment_id == experiment.id)
        .options(selectinload(AnalysisRun.results), selectinload(AnalysisRun.checks))
    )
    if run is None:
        return latest(session, experiment)
    return _view(session, experiment, run)


def _view(session: Session, experiment: Experiment, run: AnalysisRun) -> RunView:
    phase = ResultPhase(run.phase or ResultPhase.COUNTING)
    verdict = Verdict(run.verdict or Verdict.KEEP_RUNNING)
    show = may_show(phase, verdict)
    return RunView(
        id=run.id,
        experiment=experiment.key,
        phase=phase,
        as_of=run.as_of,
        finished_at=run.finished_at,
        data_cutoff=run.data_cutoff,
        due_at=run.due_at,
        verdict=verdict,
        variant=run.verdict_variant if show else None,
        clause=run.clause or "",
        answer=run.answer or "",
        counts=run.counts,
        results=tuple(_result(row, show=show) for row in run.results),
        checks=tuple(_check(row, show=show) for row in run.checks),
        plan_sha256=run.plan_sha256,
        ruleset_revision=run.ruleset_revision,
        code_version=run.code_version,
        failure=failure_since(session, experiment, run.id),
        erased_since=_erased_since(session, experiment, run.finished_at),
        certificate=_certificate(session, experiment),
    )


def failure_since(
    session: Session, experiment: Experiment, run_id: int = 0
) -> Failure | None:
    """Find out whether the analysis has failed since a good run.

    Args:
        session: any session.
        experiment: whose analysis.
        run_id: of the good run; 0 when there was none.

    Returns:
        The last failure, or None when none followed.
    """
    failed = session.scalars(
        select(AnalysisRun)
        .where(
            AnalysisRun.experiment_id == experiment.id,
            AnalysisRun.state == RunState.FAILED.value,
            AnalysisRun.id > run_id,
        )
        .order_by(AnalysisRun.id.desc())
    ).all()
    if not failed:
        return None
    return Failure(failed[0].finished_at, len(failed), failed[0].error)


def _certificate(session: Session, experiment: Experiment) -> CertificateStanding:
    """Say what is known by trial of the metric that decides."""
    decides = certificates.of_primary(session, experiment)
    if decides is None or experiment.unit == Unit.ACCOUNT.value:
        return CertificateStanding.NONE  # certificates are about customers
    _, standing = decides
    return standing.state


def _erased_since(session: Session, experiment: Experiment, at: datetime) -> bool:
    query = select(ErasedExposure.variant).where(
        ErasedExposure.experiment == experiment.key, ErasedExposure.last_at > at
    )
    return session.scalar(query.limit(1)) is not None


def may_show(phase: str | None, verdict: str | None) -> bool:
    """Whether a run may show its numbers: at a look, or once its plan is fulfilled.

    Args:
        phase: of the run; None when it failed.
        verdict: of the run; None when it failed.

    Returns:
        Whether page and API may speak of an outcome.
    """
    return phase == ResultPhase.LOOK or is_answer(phase, verdict)


def is_answer(phase: str | None, verdict: str | None) -> bool:
    """Whether a run holds the answer of its plan's rule.

    Args:
        phase: of the run; None when it failed.
        verdict: of the run; None when it failed.

    Returns:
        Whether anybody may be told a verdict.
    """
    return phase == ResultPhase.FINAL and verdict != Verdict.KEEP_RUNNING


def summaries_of(session: Session, run: RunView) -> list[dict[str, Any]]:
    """Read the tables that a run was made from; none where it may not show its numbers.

    Args:
        session: any session.
        run: from `latest`.

    Returns:
        One object for each metric, variant and segment; see analysis.run_record.
    """
    if not run.shows_estimates or not run.is_trusted:
        return []
    query = select(AnalysisRun.summaries).where(AnalysisRun.id == run.id)
    return list(session.scalars(query).one())


def charts_of(session: Session, run: RunView) -> dict[str, ChartView]:
    """Read the charts of a run.

    Args:
        session: any session.
        run: from `latest`.

    Returns:
        Name -> chart, in the order they were drawn; those of effects only where the
        run's estimates may be shown and used.
    """
    query = select(Chart).where(Chart.run_id == run.id).order_by(Chart.id)
    if not run.shows_estimates or not run.is_trusted:
        query = query.where(Chart.name == ENROLMENT)
    rows = session.scalars(query)
    return {row.name: chart_view(row) for row in rows}


def chart_view(row: Chart) -> ChartView:
    """Read a stored chart."""
    return ChartView(row.name, row.title, row.web_svg, row.print_svg, row.table)


def to_json(run: RunView) -> dict[str, Any]:
    """Write a run as plain JSON values, for the API.

    Args:
        run: from `latest`.

    Returns:
        The run; times are ISO 8601 in UTC. Results have an "outcome" only once the
        plan allows it.
    """
    return {
        "experiment": run.experiment,
        "phase": run.phase.value,
        "as_of": run.as_of.isoformat(),
        "data_cutoff": _time(run.data_cutoff),
        "due_at": _time(run.due_at),
        "verdict": run.verdict.value,
        "variant": run.variant,
        "clause": run.clause,
        "answer": run.answer,
        "counts": dict(run.counts),
        "checks": [
            {
                "name": check.name.value,
                "state": check.state.value,
                "sentence": check.sentence,
                "facts": dict(check.facts),
            }
            for check in run.checks
        ],
        "results": [_result_json(result) for result in run.results],
        "failed_since": _time(run.failure.failed_at) if run.failure else None,
        "erased_since": run.erased_since,
        "primary_certificate": run.certificate.value,
        "plan_sha256": run.plan_sha256,
        "ruleset_revision": run.ruleset_revision,
        "code_version": run.code_version,
    }


def _result(row: Result, *, show: bool) -> ResultView:
    details = row.details or {}
    if not show:
        details = _who_answered(details)
    return ResultView(
        metric=row.metric,
        metric_version=row.metric_version,
        role=Role(row.role),
        variant=row.variant,
        segment=row.segment,
        case=SentenceCase(row.sentence_case),
        sentence=row.sentence,
        outcome=outcome_from_json(row.outcome) if show else None,
        details=details,
    )


def _who_answered(details: Mapping[str, Any]) -> dict[str, Any]:
    """Keep of the read-outs how many customers answered, without any test of it."""
    response = details.get(RESPONSE)
    if not response:
        return {}
    arms = {name: response[name] for name in ("control", "treatment")}
    return {RESPONSE: {**arms, "p_value": None}}


def _check(row: CheckResult, *, show: bool) -> CheckShown:
    # The facts of a check hold p-values of their own; its sentence says enough
    # while every p-value on a page would be taken for the result's.
    return CheckShown(
        HealthCheck(row.name),
        CheckState(row.state),
        row.sentence,
        row.facts if show else {},
    )


def _result_json(result: ResultView) -> dict[str, Any]:
    body: dict[str, Any] = {
        "metric": result.metric,
        "metric_version": result.metric_version,
        "role": result.role.value,
        "variant": result.variant,
        "segment": result.segment,
        "case": result.case.value,
        "sentence": result.sentence,
        "details": dict(result.details),
    }
    if result.outcome is not None:
        body["outcome"] = outcome_to_json(result.outcome)
    return body


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
