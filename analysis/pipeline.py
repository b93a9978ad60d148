"""analyse(experiment, as_of): gather, estimate, judge, store.

One analysis runs at a time in an installation, by lease. A run is stored in one
transaction that checks the lease's token, so that a process that was stopped and
wakes up later cannot overwrite anything. When an analysis fails, that is stored too,
and the last good run stays what the pages show.
"""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from analysis import estimating, health, leases, run_record
from analysis.cells import Summaries
from analysis.details import traces_of
from analysis.drawing import Drawing, charts_of
from analysis.exploring import explored
from analysis.gathering import Gathered, gather, segment_size
from analysis.health import Check, Circumstances
from analysis.history import finished_changes
from analysis.membership import reported_segments
from analysis.personalising import worth_of
from analysis.progress import Times, needed_at, progress_of
from analysis.read_outs import Change, ReadOuts, beliefs_at_look, read_outs
from analysis.readings import CheckView, Judgement, Progress
from analysis.results import ENROLMENT, is_answer
from analysis.store import EventStore
from analysis.subject import Subject, read_subject
from analysis.verdict import judge, too_little
from experiments.context import Context
from experiments.db import transaction
from experiments.errors import AbideError, Conflict, Unavailable
from experiments.models import AnalysisRun, Chart, CheckResult, Look, Result
from experiments.plan import Plan
from experiments.vocabulary import (
    CheckState,
    MonitoringMode,
    ResultPhase,
    RunState,
    SentenceCase,
    Verdict,
)

if TYPE_CHECKING:
    from analysis.estimating import Estimated

LEASE = leases.ANALYSIS
PATIENCE = timedelta(minutes=2)
WAIT_SECONDS = 0.5

log = structlog.get_logger(__name__)


def analyse(
    context: Context,
    store: EventStore,
    key: str,
    as_of: datetime | None = None,
    *,
    patience: timedelta = PATIENCE,
) -> int:
    """Analyse one experiment and store the run.

    Args:
        context: database, settings and clock.
        store: the events; a unit table of the experiment comes before them.
        key: of the experiment.
        as_of: what arrived later does not exist for it; the present by default.
        patience: how long to wait for an analysis that is running.

    Returns:
        Id of the stored run; its state says whether it failed.

    Raises:
        NotFound: there is no such experiment.
        Conflict: it has not started, or another analysis is running.
    """
    moment = as_of or context.now()
    with transaction(context.sessions) as session:
        read_subject(session, key, moment)  # refuses at once what cannot be analysed

    def work(token: int) -> int:
        return _run(context, store, key, moment, token)

    return _when_free(context, patience, work)


def note_failure(
    context: Context, key: str, error: str, *, patience: timedelta = PATIENCE
) -> int:
    """Store that an analysis came to nothing, where it could not do so itself.

    Args:
        context: database, settings and clock.
        key: of the experiment.
        error: what went wrong, in words.
        patience: how long to wait for the lease, as of a process that was killed.

    Returns:
        Id of the stored run.

    Raises:
        NotFound: there is no such experiment.
        Conflict: it has not started, or another analysis is running.
    """
    moment = context.now()
    with transaction(context.sessions) as session:
        subject = read_subject(session, key, moment)
    run = run_record.failed_run(subject, moment, moment, error)

    def work(token: int) -> int:
        return run_record.store(context.sessions, run, LEASE, token)

    return _when_free(context, patience, work)


def _when_free(
    context: Context, patience: timedelta, work: Callable[[int], int]
) -> int:
    deadline = time.monotonic() + patience.total_seconds()
    while True:
        with leases.held(context, LEASE) as token:
            if token is not None:
                return work(token)
        if time.monotonic() >= deadline:
            raise Conflict("Another analysis is running. Try again in a minute.")
        time.sleep(WAIT_SECONDS)


def _run(
    context: Context, store: EventStore, key: str, as_of: datetime, token: int
) -> int:
    started_at = context.now()
    with transaction(context.sessions) as session:
        subject = read_subject(session, key, as_of)
    try:
        run = _made(context, store, subject, as_of, started_at)
    except Exception as error:
        incident = uuid.uuid4().hex[:12]
        log.exception("analysis_failed", experiment=key, incident=incident)
        run = run_record.failed_run(subject, as_of, started_at, _words(error, incident))
    run.finished_at = context.now()
    run_id = run_record.store(context.sessions, run, LEASE, token)
    log.info("analysis_stored", experiment=key, run=run_id, state=run.state)
    return run_id


def _words(error: Exception, incident: str) -> str:
    """Say what went wrong, without anything that a message could give away."""
    if isinstance(error, AbideError):
        return error.message
    return f"The analysis failed. The log tells more under incident {incident}."


def _made(
    context: Context,
    store: EventStore,
    subject: Subject,
    as_of: datetime,
    started_at: datetime,
) -> AnalysisRun:
    plan = subject.plan
    gathered = gather(context, store, subject, as_of)
    summaries, cutoff = gathered.summaries, gathered.cutoff
    if len(summaries.failed) == len(plan.metrics):
        raise Unavailable("No metric could be measured; the log says why.")
    times = Times(as_of, None if cutoff is None else cutoff.at, subject.closes_at)
    progress = progress_of(plan, summaries.exposures, times, subject.history)
    checks = health.check(
        plan,
        summaries,
        Circumstances(
            plan_is_intact=subject.plan_is_intact,
            cutoff=cutoff,
            needed_at=needed_at(plan, summaries.exposures, times),
            as_of=as_of,
            pauses=subject.pauses,
            responses=estimating.responses(plan, summaries),
            erased=subject.erased,
            assigned=gathered.assigned,
        ),
    )
    found = _found(context, subject, gathered, progress, checks)
    progress, judgement = found.progress, found.judgement
    return AnalysisRun(
        experiment_id=subject.experiment_id,
        state=RunState.DONE.value,
        phase=progress.phase.value,
        started_at=started_at,
        as_of=as_of,
        data_cutoff=None if cutoff is None else cutoff.at,
        due_at=progress.due_at,
        plan_sha256=subject.plan_sha256,
        ruleset_revision=subject.ruleset_revision,
        store_version=gathered.store_version,
        code_version=run_record.code_version(),
        error=None,
        verdict=judgement.verdict.value,
        verdict_variant=judgement.variant,
        clause=judgement.clause,
        answer=judgement.answer,
        counts=run_record.counts_of(summaries, progress, gathered.assigned),
        summaries=run_record.summaries_of(summaries, whole=found.tables),
        results=found.results,
        checks=[*health.check_rows(checks, progress.phase), *found.checks],
        charts=found.charts,
        look=found.look,
    )


def _known(
    context: Context, subject: Subject, progress: Progress
) -> dict[str, list[tuple[float, float]]]:
    """Read what finished experiments found of the plan's metrics."""
    if progress.phase == ResultPhase.COUNTING or progress.as_of is None:
        return {}
    with transaction(context.sessions) as session:
        return finished_changes(
            session, subject.plan, subject.experiment_id, progress.as_of
        )


@dataclass(frozen=True, slots=True)
class Found:
    """What a run says, as far as its plan lets it look."""

    progress: Progress
    judgement: Judgement
    results: list[Result]
    charts: list[Chart]
    checks: list[CheckResult]  # of the answer
    look: Look | None = None
    tables: bool = False  # whether the summary tables are kept whole


def _found(
    context: Context,
    subject: Subject,
    gathered: Gathered,
    progress: Progress,
    checks: Sequence[Check],
) -> Found:
    plan, summaries = subject.plan, gathered.summaries
    views = [CheckView(check.name, check.state, check.sentence) for check in checks]
    blocked = any(check.state == CheckState.FAILED for check in checks)
    if subject.history.ending is not None:
        return _once_more(context, subject, summaries, progress, views)
    progress, estimated = _looked(plan, summaries, progress, blocked=blocked)
    drawn = progress.phase != ResultPhase.COUNTING and not blocked
    if drawn and gathered.files:
        per_quarter = segment_size(context, plan, gathered)
        progress = replace(progress, segment_per_quarter=per_quarter)
    readings = [each.reading for each in estimated]
    judgement = judge(plan, readings, views, progress)
    if progress.look is not None and judgement.verdict != Verdict.KEEP_RUNNING:
        progress = replace(progress, phase=ResultPhase.FINAL)
    look = run_record.look_row(plan, subject.plan_sha256, estimated, progress)
    drawing = Drawing(readings, progress, subject.history.looks, look)
    known = _known(context, subject, progress)
    beside = _beside(plan, summaries, estimated, progress, known)
    is_told = drawn and is_answer(progress.phase, judgement.verdict)
    splits = explored(plan, subject.undeclared if is_told else (), gathered.measure)
    of_answer = health.check_answer(plan, summaries, readings if drawn else (), known)
    return Found(
        progress,
        judgement,
        run_record.result_rows(plan, estimated, judgement, beside, splits),
        run_record.chart_rows(charts_of(plan, summaries, drawing if drawn else None)),
        health.check_rows(of_answer, progress.phase),
        look,
        tables=progress.phase != ResultPhase.COUNTING,
    )


def _beside(
    plan: Plan,
    summaries: Summaries,
    estimated: "Sequence[Estimated]",
    progress: Progress,
    known: Mapping[str, Sequence[Change]],
) -> ReadOuts:
    """Work out what stands beside the results, as the kind of look allows."""
    if progress.look is not None and not progress.look.is_only:
        # Whose ranges are wider than its estimates' own.
        return beliefs_at_look(plan, traces_of(estimated), known)
    readings = [each.reading for each in estimated]
    return read_outs(plan, readings, known, worth_of(plan, summaries))


def _looked(
    plan: Plan, summaries: Summaries, progress: Progress, *, blocked: bool
) -> "tuple[Progress, list[Estimated]]":
    """Estimate where the plan allows a look; else count on, so that nothing leaks."""
    counting = replace(progress, phase=ResultPhase.COUNTING, look=None)
    if blocked and plan.design.monitoring_mode != MonitoringMode.FIXED_END:
        # A look is taken once, so it waits until its numbers can be used.
        return counting, []
    if progress.phase == ResultPhase.COUNTING:
        return progress, []
    segments = tuple(reported_segments(plan))
    estimated = estimating.estimate(plan, summaries, segments, progress.look)
    if progress.look is not None and too_little([e.reading for e in estimated]):
        return counting, []
    return progress, estimated


def _once_more(
    context: Context,
    subject: Subject,
    summaries: Summaries,
    progress: Progress,
    views: Sequence[CheckView],
) -> Found:
    """Say again what the last look found, beside the counts and checks of today."""
    ending = subject.history.ending
    if ending is None:
        raise ValueError("nothing has ended yet")
    with transaction(context.sessions) as session:
        run = session.get_one(AnalysisRun, ending.run_id)
        judgement = run_record.judgement_of(run)
        if any(view.state == CheckState.FAILED for view in views):
            blocked = judge(subject.plan, (), views, progress)
            cases = dict.fromkeys(
                judgement.cases, (SentenceCase.UNTRUSTED, blocked.answer)
            )
            judgement = replace(blocked, cases=cases)
        results = run_record.repeated_rows(run.results, judgement)
        charts = run_record.repeated_charts(run.charts)
        checks = health.repeated_checks(run.checks)
        progress = replace(
            progress,
            phase=ResultPhase.FINAL,
            look=None,
            due_at=run.due_at,
            segment_per_quarter=run.counts.get("segment_per_quarter"),
        )
    charts = [chart for chart in charts if chart.name != ENROLMENT]
    enrolment = run_record.chart_rows(charts_of(subject.plan, summaries, None))
    return Found(progress, judgement, results, [*enrolment, *charts], checks)
