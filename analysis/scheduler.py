"""When analyses run, never what they do: APScheduler in a process of its own.

Once a day every experiment that runs, or ran lately, is analysed. Once an hour those
that have no answer yet are counted anew where events have come: a wrong split or a dead
source is seen within the hour, and an answer that has become due does not wait for
tomorrow. One scheduler works at a time, by lease; others stand by and take over.

A job whose time passed while nobody worked is done once, as soon as somebody does.
What takes memory is done in a process of its own (`apart`); this one stays small.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from sqlalchemy.orm import Session

from analysis import apart, baseline_due, leases, segment_due, timetable, week_due
from analysis.certificates import keeping
from analysis.due import MOST_FAILURES, due_daily, due_hourly, job_name
from analysis.import_tending import Tending
from analysis.planned_steps import carry_out_due
from analysis.store import EventStore
from analysis.timetable import Time
from experiments import certificates, ruleset_history
from experiments.context import Context
from experiments.db import transaction
from experiments.errors import AbideError
from experiments.models import JobRecord

LEASE = "scheduler"
STAND_BY_SECONDS = 5.0  # how often one that stands by asks for the lease
WATCH_SECONDS = 2.0  # how often one that works looks whether it still may
REST = timedelta(hours=1)  # of a job that keeps failing
LONGEST_ERROR = 500
CERTIFICATES = "certificates"
# Threads, each with one job at a time: what reads the store goes in turn; what is long
# and rare aside; what waits for a server elsewhere, such as that of mails, outward.
IN_TURN, ASIDE, OUTWARD = THREADS = "default", "aside", "outward"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """Work with its time of day, UTC.

    Attributes:
        name: of its record.
        work: does it; raises when it could not.
        time: of the day, again and again.
        thread: on which it waits for the jobs before it.
    """

    name: str
    work: Callable[[], object]
    time: Time
    thread: str = IN_TURN


def analysis_jobs(context: Context) -> list[Job]:
    """The work of this installation: analyses, counts while counting, upkeep."""
    works: dict[str, Callable[[], object]] = {
        "daily_analysis": lambda: analyse_all(context, due_daily),
        "hourly_count": lambda: analyse_all(context, due_hourly),
        "daily_upkeep": lambda: tidy(context),
        "segment_sizes": lambda: measure_segments(context),
        CERTIFICATES: lambda: certify_waiting(context),
        "metric_baselines": lambda: read_baselines(context),
        "stage_weeks": lambda: read_weeks(context),
    }
    times = timetable.jobs(context.settings.analysis_hour)
    return [
        Job(name, work, times[name], ASIDE if name == CERTIFICATES else IN_TURN)
        for name, work in works.items()
    ]


def further_jobs(
    context: Context, works: Mapping[str, Callable[[Context], object]]
) -> list[Job]:
    """Make jobs of work that the rooms above do, which the front door names.

    Args:
        context: settings, database and clock.
        works: name of the timetable -> does it.

    Returns:
        The jobs, for which no analysis has to wait, nor they for one.
    """
    times = timetable.jobs(context.settings.analysis_hour)
    return [
        Job(name, partial(work, context), times[name], OUTWARD)
        for name, work in works.items()
    ]


def tidy(context: Context) -> None:
    """Delete what would pile up for ever and nobody asks for."""
    with transaction(context.sessions) as session:
        deleted = ruleset_history.forget_old(session, context.now())
    log.info("rulesets_forgotten", count=deleted)


def measure_segments(
    context: Context, measure: Callable[[datetime], object] = apart.measure
) -> None:
    """Count the segments that were not counted since this morning, or are new.

    Args:
        context: settings, database and clock.
        measure: counts them; it is told when all were due last.
    """
    now, store = context.now(), EventStore(context.settings)
    due_at = timetable.sizes(context.settings.analysis_hour).last_due(now)
    with transaction(context.sessions) as session:
        is_due = bool(segment_due.due(session, store, due_at, now))
    if is_due:
        measure(due_at)


def certify_waiting(
    context: Context, certify: Callable[[], object] = apart.certify
) -> None:
    """Work out a certificate that waits, one a minute.

    Args:
        context: the way to the database.
        certify: works out the one that waits longest.
    """
    with transaction(context.sessions) as session:
        is_due = certificates.is_any_open(session)
    if not is_due:
        return
    try:
        certify()
    except apart.EndedEarly as error:
        keeping.note_failure(context, error.message)
        raise


def read_baselines(
    context: Context, read: Callable[[datetime], object] = apart.read_baselines
) -> None:
    """Read the baselines of metrics that were not read since this morning, or are new.

    Args:
        context: settings, database and clock.
        read: reads them; it is told when all were due last.
    """
    now, store = context.now(), EventStore(context.settings)
    due_at = timetable.baselines(context.settings.analysis_hour).last_due(now)
    with transaction(context.sessions) as session:
        is_due = bool(baseline_due.due(session, store, due_at, now))
    if is_due:
        read(due_at)


def read_weeks(context: Context, read: Callable[[], object] = apart.read_weeks) -> None:
    """Read weeks of stages' metrics that have ended and were not read yet.

    Args:
        context: settings, database and clock.
        read: reads some of them; the next minute the next ones.
    """
    store = EventStore(context.settings)
    with transaction(context.sessions) as session:
        is_due = bool(week_due.due(session, store, context.now()))
    if is_due:
        read()


def run_scheduler(
    context: Context, stop: threading.Event, further: Sequence[Job] = ()
) -> None:
    """Do jobs at their times until told to stop; stand by while another does.

    Args:
        context: settings, database and clock.
        stop: set it to end; work under way is given up, and stays due.
        further: work of the rooms above.
    """
    jobs = [*analysis_jobs(context), *further]
    while not stop.is_set():
        try:
            with leases.held(context, LEASE) as token:
                if token is not None:
                    log.info("scheduler_works", token=token)
                    _work(context, jobs, token, stop)
        except AbideError as error:
            log.warning("scheduler_waits", reason=error.message)
        stop.wait(STAND_BY_SECONDS)


def _work(
    context: Context, jobs: Sequence[Job], token: int, stop: threading.Event
) -> None:
    scheduler = BackgroundScheduler(
        timezone=UTC,
        executors={name: ThreadPoolExecutor(1) for name in THREADS},
        job_defaults={
            "coalesce": True,
            "max_instances": 1,
            "misfire_grace_time": None,  # late is better than never
        },
    )
    for job in jobs:
        minute = "*" if job.time.minute is None else job.time.minute
        trigger = CronTrigger(hour=job.time.hour, minute=minute, timezone=UTC)
        options: dict[str, Any] = {
            "id": job.name,
            "args": (context, job, token),
            "executor": job.thread,
        }
        scheduler.add_job(do_if_due, trigger, **options)
        # Also now: its time may have passed while nobody worked.
        options["id"] = f"{job.name} missed"
        scheduler.add_job(do_if_due, None, **options)
    apart.resume()
    scheduler.start()
    uploads = Tending(context)
    try:
        while not stop.wait(WATCH_SECONDS):
            if not _still_leads(context, token):
                log.warning("scheduler_replaced", token=token)
                return
            _do_planned_steps(context, token)
            _tend(uploads)
    finally:
        apart.halt()
        scheduler.shutdown(wait=True)
        uploads.close()


def _do_planned_steps(context: Context, token: int) -> None:
    """Do what is due; here and not as a job, so that no analysis keeps it waiting."""
    try:
        carry_out_due(context, LEASE, token)
    except AbideError as error:
        log.warning("planned_steps_wait", reason=error.message)
    except Exception:  # the analyses must go on
        log.exception("planned_steps_failed")


def _tend(uploads: Tending) -> None:
    try:
        uploads.look()
    except AbideError as error:
        log.warning("imports_wait", reason=error.message)
    except Exception:  # the analyses must go on
        log.exception("imports_failed")


def _still_leads(context: Context, token: int) -> bool:
    try:
        with transaction(context.sessions) as session:
            leases.check_token(session, LEASE, token)
    except leases.LeaseLost:
        return False
    except AbideError as error:
        # The database is away; the lease may still be ours when it is back.
        log.warning("scheduler_waits", reason=error.message)
    return True


def do_if_due(context: Context, job: Job, token: int) -> None:
    """Do a job, unless it was done since it was due; record how it went.

    Args:
        context: database and clock.
        job: what to do.
        token: of the scheduler's lease.
    """
    try:
        if _begin(context, job, token):
            _end(context, job, token, _outcome(job))
    except apart.HaltedError:
        log.info("job_given_up", job=job.name)  # it is due still, for who works next
    except AbideError as error:
        log.warning("job_not_recorded", job=job.name, reason=error.message)


def _outcome(job: Job) -> str | None:
    """Do the work; give None, or what went wrong."""
    try:
        job.work()
    except apart.HaltedError:
        raise
    except Exception as error:
        log.exception("job_failed", job=job.name)
        return error.message if isinstance(error, AbideError) else type(error).__name__
    return None


def _begin(context: Context, job: Job, token: int) -> bool:
    now = context.now()
    with transaction(context.sessions) as session:
        leases.check_token(session, LEASE, token)
        record = _record_of(session, job.name)
        done_at = record.last_finished_at
        if done_at is not None and done_at >= job.time.last_due(now):
            return False
        keeps_failing = record.failure_count >= MOST_FAILURES
        if keeps_failing and done_at is not None and now - done_at < REST:
            return False
        record.last_started_at = now
    return True


def _end(context: Context, job: Job, token: int, error: str | None) -> None:
    with transaction(context.sessions) as session:
        leases.check_token(session, LEASE, token)
        note(session, job.name, context.now(), error)


def note(session: Session, name: str, now: datetime, error: str | None) -> None:
    """Record how a job went.

    Args:
        session: the transaction.
        name: of the job.
        now: when it ended.
        error: what went wrong, or None.
    """
    record = _record_of(session, name)
    record.last_finished_at = now
    record.last_error = None if error is None else error[:LONGEST_ERROR]
    record.failure_count = 0 if error is None else record.failure_count + 1


def _record_of(session: Session, name: str) -> JobRecord:
    record = session.get(JobRecord, name)
    if record is None:
        record = JobRecord(name=name, failure_count=0)
        session.add(record)
    return record


Due = Callable[[Session, EventStore, datetime], list[str]]
Analyse = Callable[[str], str | None]  # key -> what went wrong, or None


def analyse_all(context: Context, due: Due, analyse: Analyse = apart.analyse) -> None:
    """Analyse the experiments that are due, one after the other.

    One that fails does not keep the others from theirs; each has a record of its own.

    Args:
        context: settings, database and clock.
        due: says which.
        analyse: does it, and gives what went wrong, or None.
    """
    store = EventStore(context.settings)
    with transaction(context.sessions) as session:
        keys = due(session, store, context.now())
    for key in keys:
        error = _analyse_one(analyse, key)
        with transaction(context.sessions) as session:
            note(session, job_name(key), context.now(), error)


def _analyse_one(analyse: Analyse, key: str) -> str | None:
    try:
        return analyse(key)
    except AbideError as error:
        log.warning("analysis_refused", experiment=key, reason=error.message)
        return error.message
