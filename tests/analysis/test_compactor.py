"""From the inbox into the store: each message once, whatever happens in between."""

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from analysis import (
    compactor as compactor_module,
)
from analysis import (
    exposure_days,
    intake_records,
    leases,
    source_hours,
    survey_records,
)
from analysis.compacted import Compacted
from analysis.compactor import Compactor, compact_once
from analysis.intake_records import IN_FLIGHT
from analysis.store import EVENT_LAYOUT, EventStore
from experiments.context import Context
from experiments.events import Envelope, Sender, read_messages
from experiments.inbox import Inbox
from experiments.inbox_reading import open_reader
from experiments.models import CompactionMark
from experiments.vocabulary import Environment
from tests.analysis.intake import events, quarantined, send, sources, table
from tests.clock import FakeClock
from tests.experiments.sent_messages import HIDE, track

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def compact(context: Context) -> Compacted:
    return compact_once(context)


def test_message__after_compaction__is_one_row_of_the_store(
    context: Context, now: FakeClock
) -> None:
    message = track(
        "Song Played",
        messageId="m1",
        anonymousId="a1",
        timestamp="2026-03-13T23:59:59.5Z",
        properties={"plan": "pro", "value": 2},
    )
    send(context, message)
    assert compact(context).event_count == 1
    (row,) = events(context)
    occurred = datetime(2026, 3, 13, 23, 59, 59, 500_000, tzinfo=UTC)
    payload = row.pop("payload_hash")
    assert isinstance(payload, int)
    assert row == {
        "bucket": HIDE.customer("u1")[0],
        "environment": "production",
        "source": "src1",
        "message_id": HIDE.message("src1", b"m1"),
        "kind": "activity",
        "name": "Song Played",
        "occurred_at": occurred,
        "original_at": occurred,
        "received_at": now(),
        "customer": HIDE.customer("u1"),
        "anonymous": HIDE.anonymous("a1"),
        "account": None,
        "experiment": None,
        "variant": None,
        "value": 2.0,
        "scale": None,
        "properties": '{"plan":"pro"}',
        "key_id": HIDE.key_id,
        "schema_version": 1,
    }
    (file,) = EventStore(context.settings).files()
    assert "/day=2026-03-13/" in file


def test_inbox__after_compaction__is_empty(context: Context) -> None:
    inbox = Inbox.for_settings(context.settings)
    send(context, track(), inbox=inbox)
    compact(context)
    reader = open_reader(context)
    assert [reader.ends(slot) for slot in reader.slots()] in ([], [None])
    assert compact(context) == Compacted()
    send(context, track(messageId="m2"), inbox=inbox)
    assert compact(context).event_count == 1
    assert len(events(context)) == 2
    inbox.close()


def test_store__before_the_first_event__has_no_file(context: Context) -> None:
    store = EventStore(context.settings)
    assert (store.version, store.files()) == (0, ())
    assert compact(context) == Compacted()
    assert store.files() == ()


def test_files__of_some_days__are_those_days_alone(context: Context) -> None:
    days = ("2026-03-01", "2026-03-02", "2026-03-09")
    send(context, *(track(messageId=d, timestamp=f"{d}T12:00:00Z") for d in days))
    compact(context)
    store = EventStore(context.settings)
    first, last = datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 9, tzinfo=UTC)
    assert len(store.files()) == 3
    assert len(store.files(first.date(), last.date())) == 2
    assert len(store.files(last_day=first.date())) == 2


def test_rows__of_a_file__are_in_order_of_customer_and_time(context: Context) -> None:
    chance = random.Random(1)  # noqa: S311  # a shuffle, not a secret
    send(
        context,
        *(
            track(
                messageId=f"m{i}",
                userId=f"u{chance.randrange(20)}",
                timestamp=f"2026-03-14T0{chance.randrange(9)}:00:00Z",
            )
            for i in range(300)
        ),
    )
    compact(context)
    (file,) = EventStore(context.settings).files()
    rows = table([file]).to_pylist()
    keys = [(row["bucket"], row["customer"], row["occurred_at"]) for row in rows]
    assert keys == sorted(keys)


@on_sqlite
def test_round__while_it_counts__lets_others_renew_their_leases(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions, ttl = context.sessions, timedelta(seconds=30)
    token = leases.acquire(sessions, "other job", "me", ttl, context.now())
    assert token is not None
    renewed = []

    def renewing(original: Callable[..., None]) -> Callable[..., None]:
        def act(*given: Any) -> None:  # noqa: ANN401  # as the original
            original(*given)
            renewed.append(
                leases.renew(sessions, "other job", token, ttl, context.now())
            )

        return act

    for module, name in (
        (source_hours, "add"),
        (exposure_days, "add"),
        (survey_records, "add_replies"),
    ):
        monkeypatch.setattr(module, name, renewing(getattr(module, name)))
    monkeypatch.setattr(intake_records, "ASIDE_AT_ONCE", 2)
    own, sizes = intake_records.put_aside, []

    def noting(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
        sizes.append(len(rows))
        own(session, rows)

    monkeypatch.setattr(intake_records, "put_aside", noting)
    exposure = track(
        "Experiment Viewed",
        messageId="m1",
        properties={"experiment": "e", "variant": "v"},
    )
    send(context, exposure, *({"type": "nonsense"} for _ in range(5)))
    done = compact_once(context)
    assert (done.event_count, done.quarantined_count) == (1, 5)
    assert renewed == [True] * 3
    assert sizes == [2, 2, 1]
    assert len(quarantined(context)) == 5


def test_names__of_refused_messages__are_not_among_those_received(
    context: Context,
) -> None:
    send(context, track("Opened", messageId="m1"), track("Closed", messageId="m1"))
    compact(context)
    (source,) = sources(context)
    assert source.event_names == ["Opened"]


def test_repeat__in_one_request__is_stored_once(context: Context) -> None:
    send(context, track(), track(), track())
    done = compact(context)
    assert (done.event_count, done.duplicate_count) == (1, 2)
    assert len(events(context)) == 1


def test_repeat__through_another_process__is_stored_once(context: Context) -> None:
    send(context, track(timestamp="2026-03-14T09:00:00Z"))
    send(context, track(timestamp="2026-03-14T09:00:00Z"))
    done = compact(context)
    assert (done.event_count, done.duplicate_count) == (1, 1)


@pytest.mark.parametrize("days", [0, 1, 6.9, 30])
def test_repeat__days_later__is_stored_once(
    context: Context, now: FakeClock, days: float
) -> None:
    message = track(timestamp="2026-03-14T09:00:00Z")
    send(context, message)
    compact(context)
    now.advance(days=days)
    send(context, message, track(messageId="new"))
    done = compact(context)
    assert (done.event_count, done.duplicate_count) == (1, 1)
    assert len(events(context)) == 2


def test_repeat__within_seven_days_that_counts_for_another_day__is_stored_once(
    context: Context, now: FakeClock
) -> None:
    # Without a timestamp the day is that of the arrival, so the repeat's differs.
    send(context, track())
    compact(context)
    now.advance(days=2)
    send(context, track())
    assert compact(context).duplicate_count == 1


def test_repeat__after_weeks_of_other_events__is_found_by_its_day(
    context: Context, now: FakeClock
) -> None:
    message = track(timestamp="2026-03-14T09:00:00Z")
    send(context, message)
    compactor = Compactor(context, EventStore(context.settings))
    compactor.round()
    for week in range(3):
        now.advance(days=7)
        send(context, track(messageId=f"w{week}"))
        compactor.round()
    send(context, message)
    assert compactor.round().duplicate_count == 1


def test_same_id__of_another_source__is_another_message(context: Context) -> None:
    inbox = Inbox.for_settings(context.settings)
    for source in ("a", "b"):
        sender = Sender(source, Environment.PRODUCTION, frozenset())
        inbox.append(read_messages([track()], sender, Envelope(context.now()), HIDE))
    inbox.close()
    assert compact(context).event_count == 2


@pytest.mark.parametrize("apart", [False, True])
def test_other_content__under_a_known_id__is_set_aside_and_the_first_stays(
    context: Context, now: FakeClock, *, apart: bool
) -> None:
    send(context, track("First"))
    now.advance(seconds=1)
    if apart:
        compact(context)
    send(context, track("Second"))
    done = compact(context)
    assert done.quarantined_count == 1
    assert [row["name"] for row in events(context)] == ["First"]
    (aside,) = quarantined(context)
    assert aside.reason == "different_payload"
    assert aside.message == {"kind": "activity", "name": "aaaaaa"}
    assert (aside.source, aside.environment) == ("src1", "production")


def test_source__after_compaction__knows_names_counts_and_times(
    context: Context, now: FakeClock
) -> None:
    send(
        context,
        track("Song Played", timestamp="2026-03-14T08:00:00Z"),
        track("Song Played", timestamp="2026-03-14T08:00:00Z"),
        track("CSAT Submitted", messageId="m2", properties={"score": 3, "x": 1}),
        track("CSAT Requested", messageId="m3", properties={"survey": "s1"}),
        track(
            "Experiment Viewed",
            messageId="m4",
            properties={"experimentId": "e", "variationId": "v"},
        ),
        track(messageId="m5", consent=False),
        {"type": "identify", "userId": "u1", "traits": {"email": "a@b.cd"}},
        {"type": "nonsense"},
    )
    compact(context)
    (source,) = sources(context)
    assert (source.source, source.environment) == ("src1", "production")
    assert not source.is_import
    assert (source.event_count, source.duplicate_count) == (5, 1)
    assert source.event_names == [
        "CSAT Requested",
        "CSAT Submitted",
        "Experiment Viewed",
        "Song Played",
        "identify",
    ]
    assert source.last_event_at == source.last_received_at == now()
    assert source.complete_through == now() - IN_FLIGHT
    assert source.consent_refused_count == 1
    assert source.personal_value_count == 1
    assert source.unlisted_value_count == 0  # a survey answer keeps no properties


def test_complete_through__without_events__goes_on_with_the_clock(
    context: Context, now: FakeClock
) -> None:
    send(context, track())
    compactor = Compactor(context, EventStore(context.settings))
    compactor.round()
    now.advance(hours=3)
    compactor.round()
    (source,) = sources(context)
    assert source.complete_through == now() - IN_FLIGHT


def test_complete_through__with_groups_left__stops_before_them(
    context: Context, now: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compactor_module, "ROUND_BYTES", 1)
    inbox = Inbox.for_settings(context.settings)
    send(context, track(messageId="m1"), inbox=inbox)
    later = now.advance(minutes=5)
    send(context, track(messageId="m2"), inbox=inbox)
    now.advance(minutes=5)
    compactor = Compactor(context, EventStore(context.settings))
    assert compactor.round().event_count == 1
    assert sources(context)[0].complete_through == later - IN_FLIGHT
    assert compactor.round().event_count == 1
    assert compactor.round() == Compacted()
    assert sources(context)[0].complete_through == now() - IN_FLIGHT
    inbox.close()


def test_quarantined_message__keeps_reason_words_and_shape(
    context: Context, now: FakeClock
) -> None:
    send(context, track(), track(userId=["ada"], messageId="m2"))
    assert compact(context).quarantined_count == 1
    (aside,) = quarantined(context)
    assert (aside.reason, aside.position) == ("invalid_id", 1)
    assert aside.detail == "userId must be text of 1 to 512 characters."
    assert aside.message["userId"] == ["aaa"]
    assert aside.received_at == now()


def test_small_files__of_a_day__become_one_with_the_same_rows(
    context: Context, now: FakeClock
) -> None:
    store = EventStore(context.settings)
    compactor = Compactor(context, store)
    inbox = Inbox.for_settings(context.settings)
    for number in range(8):
        now.advance(minutes=1)
        user = f"u{number % 3}"
        send(context, track(messageId=f"m{number}", userId=user), inbox=inbox)
        compactor.round()
    before, old = events(context), store.files()
    assert len(old) == 8
    assert compactor.tidy()
    assert not compactor.tidy()
    (file,) = store.files()
    assert events(context) == before
    rows = table([file]).to_pylist()
    keys = [(row["customer"], row["occurred_at"]) for row in rows]
    assert keys == sorted(keys)
    # Whoever holds the old list can read on for an hour.
    compactor.clean()
    assert table(old).num_rows == 8
    send(context, track(messageId="m1", userId="u1"), inbox=inbox)
    assert compactor.round().duplicate_count == 1
    inbox.close()


def test_log_of_the_store__tells_no_id(context: Context) -> None:
    send(context, *(track(messageId=f"m{i}", userId=f"u{i}") for i in range(20)))
    compact(context)
    logged = "".join(
        path.read_text()
        for path in (EventStore(context.settings).path / "_delta_log").glob("*.json")
    )
    assert '"numRecords": 20' in logged.replace('\\"', '"')
    for number in range(20):
        assert HIDE.customer(f"u{number}").hex() not in logged
    assert set(EVENT_LAYOUT.measured) == {"bucket", "occurred_at", "received_at"}


def test_marks__of_slots_that_are_gone__are_forgotten(context: Context) -> None:
    living = Inbox.for_settings(context.settings)
    send(context, track(messageId="m1"), inbox=living)
    send(context, track(messageId="m2"))
    compactor = Compactor(context, EventStore(context.settings))
    compactor.round()
    compactor.clean()
    with context.sessions() as session:
        assert session.scalar(select(func.count()).select_from(CompactionMark)) == 1
    living.close()
    compactor.clean()
    with context.sessions() as session:
        assert session.scalar(select(func.count()).select_from(CompactionMark)) == 0
