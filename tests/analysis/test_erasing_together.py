"""Erasures, copies, compaction and imports at the same time: each does its work."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any, TypeVar

import pytest

from analysis.compactor import compact_once, erase_once
from analysis.customer_data import copy_of
from analysis.import_request import Request
from analysis.importing import import_file, silently
from experiments import audit, data_requests
from experiments.actors import SYSTEM
from experiments.context import Context
from experiments.db import transaction
from experiments.privacy import Pseudonymiser, load_pseudonymiser
from experiments.vocabulary import ErasureState, IdKind
from tests.analysis.intake import events, send
from tests.experiments.sent_messages import HIDE, track

Result = TypeVar("Result")


def ask(context: Context, customer_id: str, hide: Pseudonymiser = HIDE) -> int:
    with transaction(context.sessions) as session:
        return data_requests.request_erasure(
            session,
            hide,
            customer_id,
            IdKind.CUSTOMER,
            actor=SYSTEM,
            now=context.now(),
        ).id


def together(*works: Callable[[], Result]) -> list[Result]:
    """Let all begin at the same moment; give what each of them gives."""
    start = Barrier(len(works))

    def begin(work: Callable[[], Result]) -> Result:
        start.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        waiting: list[Future[Result]] = [pool.submit(begin, work) for work in works]
        return [one.result() for one in waiting]


def states(context: Context) -> list[tuple[str, int]]:
    with transaction(context.sessions) as session:
        return [(one.state, one.event_count) for one in data_requests.listing(session)]


def fill(context: Context, *customers: str) -> None:
    sent = [track("Opened", userId=one, messageId=f"m-{one}") for one in customers]
    send(context, *sent)
    compact_once(context)


def test_erasure__asked_by_two_people_at_once__is_one(context: Context) -> None:
    fill(context, "u1", "u2")
    first, second = together(lambda: ask(context, "u1"), lambda: ask(context, "u1"))
    assert first == second
    assert erase_once(context)
    assert states(context) == [("done", 1)]
    assert {row["customer"] for row in events(context)} == {HIDE.customer("u2")}
    with transaction(context.sessions) as session:
        assert audit.verify(session) == []
        asked = [e for e in audit.entries(session) if e.action == "erasure.request"]
    assert len(asked) == 1


def test_erasures__of_two_customers_at_once__are_both_done(context: Context) -> None:
    fill(context, "u1", "u2", "u3")
    numbers = together(lambda: ask(context, "u1"), lambda: ask(context, "u2"))
    assert len(set(numbers)) == 2
    # Two processes carry them out: one has the lease, and does both.
    assert any(together(*[lambda: erase_once(context)] * 2))
    erase_once(context)
    assert states(context) == [("done", 1), ("done", 1)]
    assert {row["customer"] for row in events(context)} == {HIDE.customer("u3")}


def test_erasure__while_others_compact_and_import__leaves_nothing(
    context: Context, tmp_path: Path
) -> None:
    hide = load_pseudonymiser(context.settings)  # that of imports
    path = tmp_path / "history.csv"
    rows = [f"u{n % 3},Opened,2026-03-01T00:{n % 60:02}:00Z" for n in range(600)]
    path.write_text("\n".join(["user_id,event,timestamp", *rows[:300]]) + "\n")
    import_file(context, Request(path=path), silently)
    path.write_text("\n".join(["user_id,event,timestamp", *rows]) + "\n")

    def imports() -> Any:  # noqa: ANN401  # what each does differs
        return import_file(context, Request(path=path), silently)

    def compacts() -> Any:  # noqa: ANN401
        more = [track(userId="u9", messageId=f"x{n}") for n in range(50)]
        send(context, *more)
        return compact_once(context)

    def erases() -> Any:  # noqa: ANN401
        number = ask(context, "u1", hide)
        while not erase_once(context):  # another compacts: it waits for its turn
            pass
        return number

    together(imports, compacts, erases)
    compact_once(context)
    erase_once(context)
    assert [state for state, _ in states(context)] == [ErasureState.DONE.value]
    stored = Counter(row["customer"] for row in events(context))
    # Minutes repeat: 60 different rows of three customers, none of them twice.
    assert stored == {
        hide.customer("u0"): 20,
        hide.customer("u2"): 20,
        HIDE.customer("u9"): 50,
    }


def test_copies__for_two_people_at_once__are_the_same_and_both_noted(
    context: Context,
) -> None:
    fill(context, "u1", "u2")

    def take() -> dict[str, Any]:
        copy = copy_of(context, HIDE, "u1", IdKind.CUSTOMER)
        with transaction(context.sessions) as session:
            data_requests.note_export(
                session, IdKind.CUSTOMER, actor=SYSTEM, now=context.now()
            )
        return copy

    one, other = together(take, take)
    assert one == other
    assert [event["name"] for event in one["events"]] == ["Opened"]
    with transaction(context.sessions) as session:
        assert audit.verify(session) == []
        noted = [e for e in audit.entries(session) if e.action == "export.make"]
    assert len(noted) == 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_copy__while_the_customer_is_erased__is_whole_or_empty(
    context: Context,
) -> None:
    fill(context, *[f"u{n}" for n in range(20)])
    ask(context, "u1")

    def take() -> Any:  # noqa: ANN401
        return copy_of(context, HIDE, "u1", IdKind.CUSTOMER)["events"]

    copies = together(take, lambda: erase_once(context), take)
    assert all(len(copied) in {0, 1} for copied in (copies[0], copies[2]))
    assert take() == []
