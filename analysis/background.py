"""What works behind the pages: jobs, how they went, who does them, what is stored."""

import contextlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from analysis import timetable
from analysis.store import EventStore
from experiments import digest_mails
from experiments.config import Settings
from experiments.digest_mails import Unsent
from experiments.models import JobRecord, Lease

ANALYSES = "analyse:"  # begins the record of an experiment's analyses
SCHEDULER, COMPACTOR = "scheduler", "compactor"  # names of their leases


@dataclass(frozen=True, slots=True)
class JobView:
    """How a job went last; times are None before its first time.

    Attributes:
        name: of the timetable.
        began_at: its last run.
        took: the last whole run.
        next_at: when it is due next.
        error: what went wrong at the end of the last run.
        failure_count: runs that failed, in a row.
    """

    name: str
    began_at: datetime | None
    took: timedelta | None
    next_at: datetime
    error: str | None
    failure_count: int


@dataclass(frozen=True, slots=True)
class FailingAnalysis:
    """An experiment whose analysis failed the last time."""

    experiment: str
    since: datetime | None  # its last try
    error: str
    failure_count: int


@dataclass(frozen=True, slots=True)
class Worker:
    """Who does a kind of work; `holder` None when nobody has for a while."""

    name: str
    holder: str | None
    seen_at: datetime | None  # its right lasts until then


@dataclass(frozen=True, slots=True)
class Stored:
    """What the event store takes, and what is left."""

    file_count: int
    byte_count: int
    free_bytes: int


@dataclass(frozen=True, slots=True)
class Background:
    """Everything that the page of data says of it."""

    jobs: Sequence[JobView]
    failing: Sequence[FailingAnalysis]
    workers: Sequence[Worker]
    stored: Stored
    unsent: Unsent | None = None  # mails of the last digest


def background(session: Session, settings: Settings, now: datetime) -> Background:
    """Read how the work behind the pages goes.

    Args:
        session: any session.
        settings: where the store is, and when experiments are analysed.
        now: the time.

    Returns:
        Jobs as in the timetable; failing analyses by experiment.
    """
    records = {row.name: row for row in session.scalars(select(JobRecord))}
    times = timetable.jobs(settings.analysis_hour)
    return Background(
        jobs=[_job(name, time, records.get(name), now) for name, time in times.items()],
        failing=[
            FailingAnalysis(
                name.removeprefix(ANALYSES),
                row.last_finished_at,
                row.last_error,
                row.failure_count,
            )
            for name, row in sorted(records.items())
            if name.startswith(ANALYSES) and row.last_error is not None
        ],
        workers=[_worker(session, name, now) for name in (COMPACTOR, SCHEDULER)],
        stored=_stored(settings),
        unsent=digest_mails.unsent(session),
    )


def _job(
    name: str, time: timetable.Time, record: JobRecord | None, now: datetime
) -> JobView:
    next_at = time.next_due(now)
    if record is None:
        return JobView(name, None, None, next_at, None, 0)
    began, ended = record.last_started_at, record.last_finished_at
    is_whole = began is not None and ended is not None and ended >= began
    return JobView(
        name,
        began,
        ended - began if is_whole and began and ended else None,
        next_at,
        record.last_error,
        record.failure_count,
    )


def _worker(session: Session, name: str, now: datetime) -> Worker:
    lease = session.get(Lease, name)
    if lease is None or lease.expires_at <= now:
        return Worker(name, None, None if lease is None else lease.expires_at)
    # Machine and process; what stands behind tells two moments of a process apart.
    return Worker(name, lease.holder.rpartition(":")[0], lease.expires_at)


def _stored(settings: Settings) -> Stored:
    sizes = []
    for path in EventStore(settings).path.rglob("*.parquet"):
        with contextlib.suppress(FileNotFoundError):  # just merged into another
            sizes.append(path.stat().st_size)
    free = shutil.disk_usage(settings.data_dir).free
    return Stored(len(sizes), sum(sizes), free)
