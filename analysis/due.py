"""Which experiments are analysed when: daily until settled, hourly while counting."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from analysis.store import EventStore
from experiments.models import AnalysisRun, Experiment, JobRecord
from experiments.vocabulary import MonitoringMode, ResultPhase, RunState, Status

MOST_FAILURES = 5  # in a row; then an experiment is tried once a day only
SETTLED_AFTER = timedelta(days=7)  # late events of a finished experiment count so long


def job_name(key: str) -> str:
    """Name the record of an experiment's analyses."""
    return f"analyse:{key}"


def due_daily(session: Session, _store: EventStore, now: datetime) -> list[str]:
    """Name those that run, or ended without a settled answer: analysed each day."""
    return [
        experiment.key
        for experiment in _started(session)
        if not _is_settled(session, experiment, now)
    ]


def due_hourly(session: Session, store: EventStore, now: datetime) -> list[str]:
    """Name the experiments that are counted anew each hour.

    Args:
        session: any session.
        store: of the events.
        now: the time.

    Returns:
        Keys of those without an answer, for which events may have come since the last
        run and whose analysis did not keep failing.
    """
    version = store.version
    found = []
    for key in due_daily(session, store, now):
        query = select(Experiment).where(Experiment.key == key)
        experiment = session.scalars(query).one()
        run = _last_good(session, experiment)
        record = session.get(JobRecord, job_name(key))
        if record is not None and record.failure_count >= MOST_FAILURES:
            continue
        is_new = run is None or run.store_version != version
        if is_new and _is_counting(experiment, run):
            found.append(key)
    return found


def _is_counting(experiment: Experiment, run: AnalysisRun | None) -> bool:
    """Whether there is no answer yet; a plan that looks on any day does so daily."""
    if run is None or run.phase == ResultPhase.COUNTING.value:
        return True
    endless = experiment.monitoring_mode == MonitoringMode.ALWAYS_VALID.value
    return run.phase == ResultPhase.LOOK.value and not endless


def _started(session: Session) -> Sequence[Experiment]:
    statuses = (Status.RUNNING, Status.PAUSED, Status.STOPPED, Status.DECIDED)
    return session.scalars(
        select(Experiment)
        .where(Experiment.status.in_([status.value for status in statuses]))
        .order_by(Experiment.key)
    ).all()


def _is_settled(session: Session, experiment: Experiment, now: datetime) -> bool:
    """Whether nothing that may still come changes the answer."""
    if experiment.stopped_at is None:
        return False
    run = _last_good(session, experiment)
    if run is None or run.phase != ResultPhase.FINAL.value:
        return False
    due_at = max(experiment.stopped_at, run.due_at or experiment.stopped_at)
    return now - due_at > SETTLED_AFTER


def _last_good(session: Session, experiment: Experiment) -> AnalysisRun | None:
    return session.scalar(
        select(AnalysisRun)
        .where(
            AnalysisRun.experiment_id == experiment.id,
            AnalysisRun.state == RunState.DONE.value,
        )
        .order_by(AnalysisRun.as_of.desc(), AnalysisRun.id.desc())
        .limit(1)
    )
