"""analyse(experiment, as_of): gather, estimate, judge, store.

One analysis runs at a time in an installation, by lease. A run is stored in one
transaction that checks the lease's token, so that a process that was stopped and
wakes up later cannot overwrite anything. When an analysis fails, that is stored too,
and the last good run stays what the pages show.
"""

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from analysis import estimating, health, leases, run_record
from analysis.cells import Summaries
from analysis.cohort import Bounds
from analysis.cutoff import Cutoff, data_cutoff
from analysis.health import Check, Circumstances
from analysis.history import finished_changes
from analysis.membership import reported_segments
from analysis.progress import Times, analysed_size, needed_at, progress_of
from analysis.read_outs import ReadOuts, read_outs
from analysis.readings import CheckView, MetricReading
from analysis.segment_size import segment_per_quarter
from analysis.stats.merging import SummaryT
from analysis.stats.summary import Funnel, Histogram
from analysis.store import EventStore
from analysis.subject import Subject, read_subject
from analysis.unit_store import UnitStore
from analysis.unit_table import summarise_units
from analysis.verdict import judge
from analysis.warehouse import summarise_events
from experiments.context import Context
from experiments.db import transaction
from experiments.errors import AbideError, Conflict, Unavailable
from experiments.metric_definition import KEEPING
from experiments.models import AnalysisRun
from experiments.plan import Plan
from experiments.vocabulary import CheckState, ResultPhase, RunState

if TYPE_CHECKING:
    from analysis.chart_drawn import DrawnChart

LEASE = leases.ANALYSIS
SCRATCH = "scratch"
PATIENCE = timedelta(minutes=2)
WAIT_SECONDS = 0.5

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the data say, and how far they go."""

    summaries: Summaries
    cutoff: Cutoff | None  # None for a unit table
    store_version: int
    files: tuple[str, ...] = ()  # of events; none for a unit table


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
    gathered = _gather(context, store, subject, as_of)
    summaries, cutoff = gathered.summaries, gathered.cutoff
    if len(summaries.failed) == len(plan.metrics):
        raise Unavailable("No metric could be measured; the log says why.")
    times = Times(as_of, None if cutoff is None else cutoff.at, subject.closes_at)
    progress = progress_of(plan, summaries.exposures, times)
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
            assigned=subject.assigned,
        ),
    )
    final = progress.phase == ResultPhase.FINAL
    segments = tuple(reported_segments(plan))
    # While the plan is counting nothing is estimated, so nothing can leak.
    estimated = estimating.estimate(plan, summaries, segments) if final else []
    readings = [each.reading for each in estimated]
    views = [CheckView(check.name, check.state, check.sentence) for check in checks]
    drawn = final and not _is_blocked(checks)
    if drawn and gathered.files:
        progress = replace(
            progress, segment_per_quarter=_segment_size(context, plan, gathered, as_of)
        )
    judgement = judge(plan, readings, views, progress)
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
        counts=run_record.counts_of(summaries, progress),
        summaries=run_record.summaries_of(summaries, progress.phase),
        results=run_record.result_rows(
            plan, estimated, judgement, _beside(context, subject, readings, as_of)
        ),
        checks=run_record.check_rows(checks, progress.phase),
        charts=run_record.chart_rows(
            _charts(plan, summaries, readings if drawn else None)
        ),
    )


def _beside(
    context: Context,
    subject: Subject,
    readings: Sequence[MetricReading],
    as_of: datetime,
) -> ReadOuts:
    """Read out what does not decide; nothing while the plan is counting."""
    if not readings:
        return {}
    with transaction(context.sessions) as session:
        known = finished_changes(session, subject.plan, subject.experiment_id, as_of)
    return read_outs(subject.plan, readings, known)


def _gather(
    context: Context, store: EventStore, subject: Subject, as_of: datetime
) -> Gathered:
    plan, settings = subject.plan, context.settings
    scratch = settings.data_dir / SCRATCH
    units = UnitStore(settings).of(plan.design.key)
    if units is not None:
        summaries = summarise_units(plan, units.files, scratch, subject.opted_out)
        return Gathered(summaries, None, units.version)
    snapshot = store.snapshot()
    cutoff = data_cutoff(plan, subject.sources, as_of, settings)
    bounds = Bounds(
        as_of=as_of,
        data_cutoff=cutoff.at,
        exposures_until=subject.closes_at,
        breaks=subject.breaks,
        size=analysed_size(plan),
        earlier_from=subject.earlier_from,
        listed=subject.listed,
        previews=subject.previews,
        opted_out=subject.opted_out,
    )
    summaries = summarise_events(plan, snapshot.files, bounds, scratch, subject.earlier)
    return Gathered(summaries, cutoff, snapshot.version, snapshot.files)


def _segment_size(
    context: Context, plan: Plan, gathered: Gathered, as_of: datetime
) -> int | None:
    """Count the customers of the segment, where a sentence can speak of them."""
    until = gathered.summaries.exposures.last_at
    kinds = {metric.definition.kind for metric in plan.metrics}
    if until is None or not kinds & KEEPING:
        return None
    scratch = context.settings.data_dir / SCRATCH
    return segment_per_quarter(plan, gathered.files, as_of, until, scratch)


def _charts(
    plan: Plan, summaries: Summaries, readings: Sequence[MetricReading] | None
) -> "list[DrawnChart]":
    """Draw who came, and what came out where that may be shown."""
    # What is refused before it is drawn starts without the drawing, which is slow.
    from analysis import charts  # noqa: PLC0415

    enrolment = charts.draw_enrolment(plan, summaries.exposures.by_day)
    if readings is None:
        return list(enrolment)
    curves = estimating.retention_curves(plan, summaries)
    outcomes = charts.draw(
        plan,
        readings,
        curves,
        _of_everybody(summaries, Histogram),
        _of_everybody(summaries, Funnel),
    )
    return [*enrolment, *outcomes]


def _is_blocked(checks: list[Check]) -> bool:
    return any(check.state == CheckState.FAILED for check in checks)


def _of_everybody(
    summaries: Summaries, kind: type[SummaryT]
) -> dict[str, dict[str, SummaryT]]:
    """Find the summaries of one kind of everybody, by metric and variant."""
    found: dict[str, dict[str, SummaryT]] = {}
    for cell in summaries.cells:
        if not cell.segment and isinstance(cell.summary, kind):
            found.setdefault(cell.metric, {})[cell.variant] = cell.summary
    return found
