"""Repeats, found exactly: against a plain set, for any stream in any order."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis import duplicates
from analysis.compactor import Compactor
from analysis.duplicates import Findings, RecentMessages, find_duplicates
from analysis.event_table import Batch, Keys, build
from analysis.store import EventStore
from experiments import parcels
from experiments.context import Context
from experiments.inbox import Inbox
from experiments.inbox_reading import Group, Run
from tests.analysis.intake import events, send
from tests.experiments.sent_messages import NOW, read, track

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
DAY_US = 86_400_000_000
START = datetime(2026, 3, 1, tzinfo=UTC)
START_US = 20513 * DAY_US  # days from 1970 to START


def keys_of(numbers: list[tuple[int, int]]) -> Keys:
    return np.array(numbers, dtype=np.uint64).reshape(-1, 2)


HALF = st.integers(0, 3)  # few values, so that halves often agree
IDS = st.lists(st.tuples(HALF, HALF, st.integers(0, 9)), max_size=30)


@given(st.lists(IDS, max_size=6), IDS)
def test_recent_messages__of_any_history__finds_as_a_dictionary_does(
    tmp_path_factory: pytest.TempPathFactory,
    history: list[list[tuple[int, int, int]]],
    asked: list[tuple[int, int, int]],
) -> None:
    recent = RecentMessages(tmp_path_factory.getbasetemp(), START)
    known: dict[tuple[int, int], int] = {}
    for day, messages in enumerate(history):
        new = {(a, b): c for a, b, c in messages if (a, b) not in known}
        known |= new
        recent.learn(
            keys_of(list(new)),
            np.array(list(new.values()), dtype=np.int64),
            np.full(len(new), START_US + day * DAY_US, dtype=np.int64),
        )
    found, payload = recent.find(keys_of([(a, b) for a, b, _ in asked]))
    assert list(found) == [(a, b) in known for a, b, _ in asked]
    assert list(payload) == [known.get((a, b), 0) for a, b, _ in asked]


def test_recent_messages__of_many_ids__live_in_nameless_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duplicates, "_IN_MEMORY_ROWS", 100)
    recent = RecentMessages(tmp_path, START)
    numbers = np.arange(4000, dtype=np.uint64).reshape(-1, 2)
    for part in np.array_split(numbers, 7):
        payloads = part[:, 0].astype(np.int64)
        recent.learn(part, payloads, np.full(len(part), START_US, dtype=np.int64))
    found, payload = recent.find(numbers)
    assert found.all()
    assert (payload == numbers[:, 0].astype(np.int64)).all()
    assert not recent.find(numbers + np.uint64(1))[0].any()
    assert list(tmp_path.iterdir()) == []


def test_recent_messages__after_seven_days__are_forgotten(tmp_path: Path) -> None:
    recent = RecentMessages(tmp_path, START)
    one = keys_of([(1, 1)])
    recent.learn(one, np.array([5]), np.array([START_US + 5]))
    recent.forget(START + timedelta(days=7, hours=23))
    assert recent.find(one)[0].all()
    recent.forget(START + timedelta(days=8, minutes=1))
    assert not recent.find(one)[0].any()
    assert recent.since == START + timedelta(days=1)


def batch_of(messages: list[dict[str, Any]]) -> Batch:
    body = parcels.join([parcels.encode(read(*messages))])
    return build([Run("0123456789ab", [Group(1, body)], None)])


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)), max_size=20))
def test_batch__of_any_messages__keeps_the_first_of_each_id(
    tmp_path_factory: pytest.TempPathFactory, stream: list[tuple[int, int]]
) -> None:
    messages = [track(f"Event {content}", messageId=f"m{i}") for i, content in stream]
    recent = RecentMessages(tmp_path_factory.getbasetemp(), NOW)
    found: Findings = find_duplicates(batch_of(messages), recent, Path(), [])
    first: dict[int, int] = {}
    for place, (number, content) in enumerate(stream):
        kept = first.setdefault(number, content)
        is_first = [n for n, _ in stream].index(number) == place
        assert found.new[place] == is_first
        assert found.conflicting[place] == (kept != content)
        assert found.repeated[place] == (not is_first and kept == content)


@on_sqlite
# Each example has a data folder of its own; the database may be shared.
@settings(
    max_examples=8,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_store__of_any_multiset_and_order_of_a_stream__holds_the_same(
    context: Context, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:

    own = Context(
        settings=type(context.settings)(
            tmp_path_factory.mktemp("var"), context.settings.database_url
        ),
        sessions=context.sessions,
        now=context.now,
    )
    clean = [
        track(messageId=f"m{i}", timestamp=f"2026-03-{1 + i % 9:02}T08:00:00Z")
        for i in range(12)
    ]
    stream = data.draw(st.lists(st.sampled_from(clean), max_size=30))
    stream = data.draw(st.permutations(clean + stream))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=3)))
    inbox = Inbox.for_settings(own.settings)
    compactor = Compactor(own, EventStore(own.settings))
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        if end > start:
            send(own, *stream[start:end], inbox=inbox)
            compactor.round()
    inbox.close()
    found = [(row["message_id"], row["occurred_at"]) for row in events(own)]
    assert len(found) == len(set(found)) == 12
