"""A lease has one holder, passes on when it runs out, and fences a late writer."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session, sessionmaker

from analysis import leases
from experiments.context import Context, utc_now
from experiments.db import transaction
from experiments.models import JobRecord
from tests.clock import FakeClock

TTL = timedelta(seconds=30)
Sessions = sessionmaker[Session]


def test_acquire__free_held_and_run_out__gives_rising_tokens(
    sessions: Sessions, now: FakeClock
) -> None:
    assert leases.acquire(sessions, "job", "a", TTL, now()) == 1
    assert leases.acquire(sessions, "job", "b", TTL, now()) is None
    assert leases.acquire(sessions, "other", "b", TTL, now()) == 1
    now.advance(seconds=29)
    assert leases.acquire(sessions, "job", "b", TTL, now()) is None
    now.advance(seconds=1)
    assert leases.acquire(sessions, "job", "b", TTL, now()) == 2


def test_renew__by_holder_and_by_late_holder__tells_who_holds(
    sessions: Sessions, now: FakeClock
) -> None:
    first = leases.acquire(sessions, "job", "a", TTL, now())
    assert first is not None
    now.advance(seconds=20)
    assert leases.renew(sessions, "job", first, TTL, now())
    now.advance(seconds=20)
    assert leases.acquire(sessions, "job", "b", TTL, now()) is None
    now.advance(seconds=10)
    assert leases.acquire(sessions, "job", "b", TTL, now()) == 2
    assert not leases.renew(sessions, "job", first, TTL, now())


def test_release__by_holder__frees_at_once_and_late_release_does_nothing(
    sessions: Sessions, now: FakeClock
) -> None:
    first = leases.acquire(sessions, "job", "a", TTL, now())
    assert first is not None
    leases.release(sessions, "job", first, now())
    assert leases.acquire(sessions, "job", "b", TTL, now()) == 2
    leases.release(sessions, "job", first, now())
    assert leases.acquire(sessions, "job", "c", TTL, now()) is None


def test_check_token__after_takeover__nothing_of_the_transaction_is_stored(
    sessions: Sessions, now: FakeClock
) -> None:
    first = leases.acquire(sessions, "job", "a", TTL, now())
    assert first is not None
    now.advance(seconds=31)
    assert leases.acquire(sessions, "job", "b", TTL, now()) == 2

    def write_late() -> None:
        with transaction(sessions) as session:
            session.add(JobRecord(name="late", failure_count=0))
            session.flush()
            leases.check_token(session, "job", first)

    with pytest.raises(leases.LeaseLost, match="passed to another process"):
        write_late()
    with transaction(sessions) as session:
        leases.check_token(session, "job", 2)
        assert session.get(JobRecord, "late") is None


def test_check_token__within_a_writing_transaction__keeps_others_from_taking_over(
    sessions: Sessions, now: FakeClock
) -> None:
    first = leases.acquire(sessions, "job", "a", TTL, now())
    assert first is not None
    now.advance(seconds=31)
    order: list[str] = []

    def take_over() -> None:
        leases.acquire(sessions, "job", "b", TTL, now())
        order.append("taken over")

    other = threading.Thread(target=take_over)
    with transaction(sessions) as session:
        leases.check_token(session, "job", first)
        other.start()
        other.join(timeout=0.3)
        assert other.is_alive()
        session.add(JobRecord(name="written", failure_count=0))
        order.append("written")
    other.join()
    assert order == ["written", "taken over"]


def test_acquire__twenty_pairs_at_once__one_of_each_pair_wins(
    sessions: Sessions, now: FakeClock
) -> None:
    def take(name: str, barrier: threading.Barrier) -> int | None:
        barrier.wait()
        return leases.acquire(sessions, name, leases.new_holder(), TTL, now())

    with ThreadPoolExecutor(2) as pool:
        for i in range(20):
            barrier = threading.Barrier(2)
            tries = [pool.submit(take, f"job {i}", barrier) for _ in range(2)]
            assert sorted(t.result() or 0 for t in tries) == [0, 1]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_held__longer_than_its_time__is_renewed_and_then_released(
    context: Context,
) -> None:
    running = replace(context, now=utc_now)
    short = timedelta(seconds=0.3)
    with leases.held(running, "job", short) as token:
        assert token == 1
        threading.Event().wait(0.8)
        with leases.held(running, "job", short) as second:
            assert second is None
    with leases.held(running, "job", short) as token:
        assert token == 2
