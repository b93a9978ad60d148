"""When jobs are due, that each is done once, and which experiments are analysed."""

import threading
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from analysis import leases, pipeline, scheduler
from analysis.due import due_daily, due_hourly
from analysis.scheduler import Job, do_if_due, run_scheduler
from analysis.store import EventStore
from analysis.timetable import EVERY_MINUTE, Time
from experiments import accounts, lifecycle
from experiments.actors import Actor
from experiments.context import Context, utc_now
from experiments.db import transaction
from experiments.models import AnalysisRun, Experiment, JobRecord, RulesetRow
from experiments.vocabulary import Action, PersonRole, ResultPhase, RunState
from tests import factories
from tests.analysis.event_files import EventFile, at
from tests.analysis.stored_events import put
from tests.clock import FakeClock
from tests.waiting import wait_until

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
TTL = timedelta(seconds=30)


def nothing() -> None:
    pass


@pytest.mark.parametrize(
    ("hour", "now", "due"),
    [
        (6, at(1, hours=6.5), at(1, hours=6)),
        (6, at(1, hours=6), at(1, hours=6)),
        (6, at(1, hours=5.9), at(0, hours=6)),
        (None, at(1, hours=5.9), at(1, hours=5)),
        (None, at(1), at(1)),
    ],
)
def test_last_due__daily_and_hourly__is_the_latest_time_that_has_come(
    hour: int | None, now: datetime, due: datetime
) -> None:
    assert Time(0, hour).last_due(now) == due


def test_next_due__of_each_kind__is_the_first_to_come() -> None:
    moment = at(1, hours=6.5)
    assert Time(0, 6).next_due(moment) == at(2, hours=6)
    assert Time(0, 7).next_due(moment) == at(1, hours=7)
    assert Time(0).next_due(moment) == at(1, hours=7)


def test_last_due__every_minute__is_the_minute_that_has_begun() -> None:
    moment = at(1) + timedelta(seconds=119)
    assert EVERY_MINUTE.last_due(moment) == at(1, hours=1 / 60)


class Counting:
    """Work that counts how often it was done, and fails when told to."""

    def __init__(self) -> None:
        self.done = 0
        self.fails = False

    def __call__(self) -> None:
        self.done += 1
        if self.fails:
            raise ValueError("secret detail")


def held(context: Context) -> int:
    token = leases.acquire(context.sessions, scheduler.LEASE, "me", TTL, context.now())
    assert token is not None
    return token


def record_of(context: Context, name: str) -> JobRecord:
    with transaction(context.sessions) as session:
        return session.get_one(JobRecord, name)


def test_job__once_a_day__missed_times_are_made_up_for_once(
    context: Context, now: FakeClock
) -> None:
    token, work = held(context), Counting()
    job = Job("daily", work, Time(0, 6))
    now.time = at(0, hours=7)
    do_if_due(context, job, token)
    do_if_due(context, job, token)
    assert work.done == 1
    now.time = at(9, hours=3)  # eight mornings were missed
    do_if_due(context, job, token)
    do_if_due(context, job, token)
    assert work.done == 2
    now.time = at(9, hours=6)
    do_if_due(context, job, token)
    assert work.done == 3
    found = record_of(context, "daily")
    assert (found.last_started_at, found.last_finished_at) == (now(), now())


@ON_SQLITE
def test_job__started_and_never_finished__is_done_again(
    context: Context, now: FakeClock
) -> None:
    token, work = held(context), Counting()
    with transaction(context.sessions) as session:
        session.add(JobRecord(name="daily", last_started_at=now(), failure_count=0))
    do_if_due(context, Job("daily", work, Time(0, 6)), token)
    assert work.done == 1


@ON_SQLITE
def test_job__that_fails__is_recorded_without_detail_and_tried_at_its_next_time(
    context: Context, now: FakeClock
) -> None:
    token, work = held(context), Counting()
    work.fails = True
    job = Job("hourly", work, Time(0))
    for _ in range(2):
        do_if_due(context, job, token)
        now.advance(hours=1)
    found = record_of(context, "hourly")
    assert (found.failure_count, found.last_error) == (2, "ValueError")
    work.fails = False
    do_if_due(context, job, token)
    found = record_of(context, "hourly")
    assert (found.failure_count, found.last_error) == (0, None)


@ON_SQLITE
def test_job__of_a_scheduler_that_was_replaced__is_not_begun(
    context: Context, now: FakeClock
) -> None:
    token, work = held(context), Counting()
    now.advance(seconds=31)
    assert leases.acquire(context.sessions, scheduler.LEASE, "b", TTL, now()) == 2
    do_if_due(context, Job("daily", work, Time(0, 6)), token)
    assert work.done == 0


def test_two_schedulers_at_once__twenty_jobs__each_is_done_exactly_once(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "STAND_BY_SECONDS", 0.05)
    monkeypatch.setattr(scheduler, "WATCH_SECONDS", 0.05)
    running = replace(context, now=utc_now)
    works = [Counting() for _ in range(20)]
    jobs = [Job(f"job {i}", work, Time(0, 0)) for i, work in enumerate(works)]
    monkeypatch.setattr(scheduler, "analysis_jobs", lambda _context: [])
    stops = [threading.Event(), threading.Event()]
    threads = [
        threading.Thread(target=run_scheduler, args=(running, stop, jobs))
        for stop in stops
    ]
    for thread in threads:
        thread.start()
    wait_until(lambda: all(work.done for work in works), seconds=30)
    # The first one ends, and the other takes over at once; nothing is done again.
    stops[0].set()
    threads[0].join()
    threading.Event().wait(0.5)
    stops[1].set()
    threads[1].join()
    assert [work.done for work in works] == [1] * 20


def test_long_job_aside__others_are_done_meanwhile(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "WATCH_SECONDS", 0.05)
    # The long one waits for the other, which in one thread would wait for it.
    other_done, both_done = threading.Event(), threading.Event()

    def long() -> None:
        if other_done.wait(30):
            both_done.set()

    jobs = [
        Job("long", long, Time(0, 0), scheduler.ASIDE),
        Job("other", other_done.set, Time(0, 0)),
    ]
    monkeypatch.setattr(scheduler, "analysis_jobs", lambda _context: [])
    stop = threading.Event()
    running = replace(context, now=utc_now)
    thread = threading.Thread(target=run_scheduler, args=(running, stop, jobs))
    thread.start()
    assert both_done.wait(60)
    stop.set()
    thread.join()


def running_experiment(context: Context, key: str, now: datetime) -> None:
    with transaction(context.sessions) as session:
        design = factories.design_value(
            key=key, hypothesis=f"why-{key}", planned_end_at=now + timedelta(days=60)
        )
        factories.start_experiment(session, the_actor(context), design, now=now)


def the_actor(context: Context) -> Actor:
    with transaction(context.sessions) as session:
        people = accounts.people(session)
        person = (
            people[0]
            if people
            else factories.make_person(session, "Ada", PersonRole.ADMIN)
        )
        return accounts.actor_for(person)


def add_run(
    context: Context,
    key: str,
    moment: datetime,
    phase: ResultPhase = ResultPhase.COUNTING,
    *,
    due_at: datetime | None = None,
    store_version: int = 0,
) -> None:
    with transaction(context.sessions) as session:
        experiment = session.scalars(
            select(Experiment).where(Experiment.key == key)
        ).one()
        session.add(
            AnalysisRun(
                experiment_id=experiment.id,
                state=RunState.DONE.value,
                phase=phase.value,
                started_at=moment,
                finished_at=moment,
                as_of=moment,
                due_at=due_at,
                store_version=store_version,
                plan_sha256="0" * 64,
                code_version="0",
                counts={},
                summaries=[],
            )
        )


@ON_SQLITE
def test_job__that_keeps_failing__rests_for_an_hour(
    context: Context, now: FakeClock
) -> None:
    token, work = held(context), Counting()
    work.fails = True
    job = Job("each minute", work, EVERY_MINUTE)
    for _ in range(7):
        do_if_due(context, job, token)
        now.advance(minutes=1)
    assert work.done == 5
    now.advance(minutes=60)
    do_if_due(context, job, token)
    assert work.done == 6


@ON_SQLITE
def test_due__running_and_ended_experiments__those_whose_answer_may_still_change(
    context: Context, now: FakeClock
) -> None:
    store = EventStore(context.settings)
    for key in ("counting", "final", "settled", "stopped"):
        running_experiment(context, key, now())
    with transaction(context.sessions) as session:
        for key in ("settled", "stopped"):
            lifecycle.transition(
                session, key, Action.STOP, the_actor(context), now(), reason="Enough."
            )
    for key in ("final", "settled"):
        add_run(context, key, now(), ResultPhase.FINAL, due_at=now())
    add_run(context, "counting", now())

    def names(due: scheduler.Due) -> list[str]:
        with transaction(context.sessions) as session:
            return due(session, store, now())

    assert names(due_daily) == ["counting", "final", "settled", "stopped"]
    now.advance(days=7, seconds=1)
    assert names(due_daily) == ["counting", "final", "stopped"]
    # Hourly: without an answer, and only where events have come since.
    assert names(due_hourly) == ["stopped"]
    put(store, EventFile().exposed("a", "control", now()).rows)
    assert names(due_hourly) == ["counting", "stopped"]
    with transaction(context.sessions) as session:
        session.add(JobRecord(name="analyse:counting", failure_count=5))
    assert names(due_hourly) == ["stopped"]


@ON_SQLITE
def test_analyse_all__one_experiment_fails__others_are_analysed_and_all_recorded(
    context: Context, now: FakeClock
) -> None:
    running_experiment(context, "good", now())

    def due(*_args: object) -> list[str]:
        return ["gone", "good"]

    store = EventStore(context.settings)

    def here(key: str) -> str | None:
        pipeline.analyse(context, store, key)
        return None

    scheduler.analyse_all(context, due, here)
    assert record_of(context, "analyse:gone").failure_count == 1
    assert "no experiment" in (record_of(context, "analyse:gone").last_error or "")
    assert record_of(context, "analyse:good").failure_count == 0
    with transaction(context.sessions) as session:
        run = session.scalars(select(AnalysisRun)).one()
        assert run.state == RunState.DONE


@ON_SQLITE
def test_analysis_jobs__stand_at_the_hour_of_the_settings(context: Context) -> None:
    jobs = {job.name: job for job in scheduler.analysis_jobs(context)}
    assert jobs["daily_analysis"].time.hour == context.settings.analysis_hour
    assert jobs["hourly_count"].time.hour is None
    assert jobs["daily_upkeep"].time.hour == context.settings.analysis_hour
    aside = {name for name, job in jobs.items() if job.thread == scheduler.ASIDE}
    assert aside == {"certificates"}
    mails = scheduler.further_jobs(context, {"weekly_digest": lambda _: None})
    assert [job.thread for job in mails] == [scheduler.OUTWARD]  # no analysis waits
    for job in jobs.values():
        job.work()  # nothing has started, so nothing is due


@ON_SQLITE
def test_tidy__rulesets_of_last_year__keeps_fifty(
    context: Context, now: FakeClock
) -> None:
    with transaction(context.sessions) as session:
        session.add_all(
            RulesetRow(revision=number, body="{}", checksum="", published_at=now())
            for number in range(1, 61)
        )
    now.time += timedelta(days=365)
    scheduler.tidy(context)
    with transaction(context.sessions) as session:
        assert session.scalar(select(func.count()).select_from(RulesetRow)) == 50
