"""What works behind the pages: read from what the jobs and workers left."""

from datetime import timedelta

import pytest

from analysis import leases, scheduler
from analysis.background import background
from analysis.compactor import LEASE as COMPACTING
from analysis.due import job_name
from analysis.scheduler import Job, do_if_due
from analysis.timetable import EVERY_MINUTE
from experiments.context import Context
from experiments.db import transaction
from experiments.errors import Conflict
from tests.clock import FakeClock


def failing() -> None:
    raise Conflict("The store is locked.")


def test_background__before_anything_ran__says_when_and_that_nobody_works(
    context: Context,
) -> None:
    now = context.now()
    with transaction(context.sessions) as session:
        view = background(session, context.settings, now)
    assert {job.began_at for job in view.jobs} == {None}
    assert all(now < job.next_at <= now + timedelta(days=1) for job in view.jobs)
    assert [worker.holder for worker in view.workers] == [None, None]
    assert view.stored.file_count == view.stored.byte_count == 0
    assert view.stored.free_bytes > 0


def test_background__after_work__tells_who_and_how_it_went(
    context: Context, now: FakeClock
) -> None:
    names = (COMPACTING, scheduler.LEASE)
    tokens = [
        leases.acquire(context.sessions, name, "host:12:abc", leases.TTL, now())
        for name in names
    ]
    token = tokens[1]
    assert token is not None

    def slow() -> None:
        now.advance(seconds=7)

    do_if_due(context, Job("certificates", slow, EVERY_MINUTE), token)
    do_if_due(context, Job("segment_sizes", failing, EVERY_MINUTE), token)
    with transaction(context.sessions) as session:
        scheduler.note(session, job_name("nudge"), now(), "It broke.")
        view = background(session, context.settings, now())
    jobs = {job.name: job for job in view.jobs}
    assert jobs["certificates"].took == timedelta(seconds=7)
    assert jobs["certificates"].error is None
    assert jobs["segment_sizes"].error == "The store is locked."
    assert jobs["segment_sizes"].failure_count == 1
    assert [worker.holder for worker in view.workers] == ["host:12", "host:12"]
    assert [(one.experiment, one.error) for one in view.failing] == [
        ("nudge", "It broke.")
    ]
    now.advance(minutes=1)  # a lease lasts half of that
    with transaction(context.sessions) as session:
        later = background(session, context.settings, now())
    assert [worker.holder for worker in later.workers] == [None, None]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url
