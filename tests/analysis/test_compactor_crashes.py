"""Compactors that die, tear, or meet: still each message once."""

import pkgutil
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from analysis import compactor as compactor_module
from analysis import delta, leases
from analysis.compacted import Compacted
from analysis.compactor import Compactor, compact_once
from analysis.store import EventStore
from experiments.context import Context
from experiments.errors import Conflict, Unavailable
from tests.analysis.intake import events, quarantined, send, sources
from tests.clock import FakeClock
from tests.experiments.sent_messages import track

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Killed(BaseException):
    """As kill -9: nothing after it runs."""


CRASHES = (
    ("analysis.intake_records.put_aside", "after"),
    ("analysis.intake_records.record", "before"),
    ("analysis.intake_records.record", "after"),
    ("analysis.compactor.write_file", "before"),
    ("analysis.compactor.write_file", "after"),
    ("analysis.delta.DeltaWriter.commit", "before"),
    ("analysis.delta.DeltaWriter.commit", "after"),
    ("analysis.intake_records.raise_complete_through", "after"),
    ("experiments.inbox_reading.SqliteInboxes.delete", "before"),
    ("experiments.inbox_reading.PostgresInbox.delete", "before"),
)


@pytest.mark.parametrize(("place", "when"), CRASHES)
def test_compactor__killed_anywhere__stores_and_counts_once(
    context: Context, monkeypatch: pytest.MonkeyPatch, place: str, when: str
) -> None:
    messages = [track(messageId=f"m{i % 7}") for i in range(10)]
    send(context, *messages, {"type": "nonsense"}, track("Other", messageId="m1"))
    with monkeypatch.context() as patch:
        die_at(patch, place, when)
        with suppress(Killed):
            Compactor(context, EventStore(context.settings)).round()
    compact_once(context)
    assert len(events(context)) == 7
    (source,) = sources(context)
    assert (source.event_count, source.duplicate_count) == (7, 3)
    reasons = sorted(one.reason for one in quarantined(context))
    assert reasons == ["different_payload", "unknown_type"]


def die_at(patch: pytest.MonkeyPatch, place: str, when: str) -> None:
    holder, _, name = place.rpartition(".")
    original = pkgutil.resolve_name(place)

    def dying(*given: Any, **named: Any) -> Any:  # noqa: ANN401
        if when == "after":
            original(*given, **named)
        raise Killed

    patch.setattr(f"{holder}.{name}", dying)


@on_sqlite
def test_commit__torn_by_a_power_cut__is_undone_and_done_again(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(context, track(messageId="m0"))
    compact_once(context)
    send(context, track(messageId="m1"))
    with monkeypatch.context() as patch:
        die_at(patch, "experiments.inbox_reading.SqliteInboxes.delete", "before")
        with pytest.raises(Killed):
            Compactor(context, EventStore(context.settings)).round()
    log = EventStore(context.settings).path / "_delta_log"
    newest = max(log.glob("*.json"))
    newest.write_bytes(newest.read_bytes()[:100])
    assert compact_once(context).event_count == 1
    assert len(events(context)) == 2


def test_compactor__that_read_before_another_wrote__writes_nothing(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(context, track(messageId="m1"))
    late = Compactor(context, EventStore(context.settings))
    assert late.round().event_count == 1
    send(context, track(messageId="m2"))

    original = delta.write_file

    def slow(*given: Any) -> Any:  # noqa: ANN401
        # While this one writes its file, the other does the whole round.
        monkeypatch.setattr(compactor_module, "write_file", original)
        Compactor(context, EventStore(context.settings)).round()
        return original(*given)

    monkeypatch.setattr(compactor_module, "write_file", slow)
    with pytest.raises(Conflict):
        late.round()
    assert late.round() == Compacted()
    assert len(events(context)) == 2
    assert sources(context)[0].event_count == 2


def test_compactor__whose_lease_has_passed_on__writes_nothing(
    context: Context, now: FakeClock
) -> None:
    minute = timedelta(minutes=1)
    name = compactor_module.LEASE
    old = leases.acquire(context.sessions, name, "old", minute, now())
    now.advance(minutes=2)
    new = leases.acquire(context.sessions, name, "new", minute, now())
    send(context, track())
    with pytest.raises(leases.LeaseLost):
        Compactor(context, EventStore(context.settings), old).round()
    assert events(context) == []
    assert Compactor(context, EventStore(context.settings), new).round().event_count


def test_compact_once__while_another_process_compacts__waits_for_it(
    context: Context, now: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compactor_module, "PATIENCE_SECONDS", 0.3)
    name = compactor_module.LEASE
    leases.acquire(context.sessions, name, "other", timedelta(minutes=1), now())
    assert compact_once(context) == Compacted()
    send(context, track())
    with pytest.raises(Unavailable, match="abide compact"):
        compact_once(context)
    Compactor(context, EventStore(context.settings)).round()
    assert compact_once(context) == Compacted()
