"""When an event occurred, and what makes it a repeat."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.parcels import QuarantineRow
from experiments.vocabulary import QuarantineReason
from tests.experiments.sent_messages import NOW, NOW_US, aside, read, row, track


def test_clock__that_is_behind__is_corrected_by_sent_at() -> None:
    # Segment: corrected = receivedAt - (sentAt - timestamp). Sent at 08:00 by its own
    # clock, an hour and a half behind; the event was 5 minutes before that.
    event = row(track(timestamp="2026-03-14T07:55:00Z"), sent_at="2026-03-14T08:00:00Z")
    assert event.occurred_us == NOW_US - 5 * 60 * 1_000_000
    assert event.original_us == NOW_US - 95 * 60 * 1_000_000


def test_own_sent_at__of_a_message__comes_before_the_requests() -> None:
    message = track(timestamp="2026-03-14T09:29:00Z", sentAt="2026-03-14T09:29:30Z")
    event = row(message, sent_at="2026-03-14T01:00:00Z")
    assert event.occurred_us == NOW_US - 30 * 1_000_000


@pytest.mark.parametrize("sent_at", [None, "", "yesterday", 17, "0000-01-01", [1]])
def test_sent_at__that_cannot_be_used__corrects_nothing(sent_at: object) -> None:
    event = row(track(timestamp="2026-03-14T09:00:00Z"), sent_at=sent_at)
    assert event.occurred_us == event.original_us == NOW_US - 1800 * 1_000_000


def test_time__that_is_missing__is_the_arrival() -> None:
    event = row(track(), sent_at="2026-03-14T01:00:00Z")
    assert (event.occurred_us, event.original_us) == (NOW_US, None)


def test_original_timestamp__without_timestamp__counts() -> None:
    event = row(track(originalTimestamp="2026-03-14T11:00:00+02:00"))
    assert event.occurred_us == NOW_US - 1800 * 1_000_000


def test_history__with_a_right_clock__keeps_its_times() -> None:
    event = row(
        track(timestamp="2019-02-03T04:05:06.789Z"), sent_at="2026-03-14T09:30:00Z"
    )
    # date -u -d 2019-02-03T04:05:06Z +%s
    assert event.occurred_us == 1_549_166_706_789_000


@given(st.integers(0, NOW_US))
def test_time__of_any_moment__is_exact_to_the_microsecond(microseconds: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    assert row(track(timestamp=moment.isoformat())).occurred_us == microseconds


@pytest.mark.parametrize(
    "timestamp",
    [
        "yesterday",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "1969-12-31T23:59:59Z",
        "2026-02-30T00:00:00Z",
        1773480600,
        True,
        {"a": 1},
    ],
)
def test_time__that_is_none__is_set_aside(timestamp: object) -> None:
    assert aside(track(timestamp=timestamp)).reason == QuarantineReason.INVALID_TIME


def test_corrected_time__before_1970__is_set_aside() -> None:
    message = track(timestamp="1970-01-01T00:00:01Z")
    found = aside(message, sent_at="2026-03-14T09:30:02Z")
    assert found.reason == QuarantineReason.INVALID_TIME


@pytest.mark.parametrize(
    ("timestamp", "ahead"),
    [
        ("2026-03-14T09:40:00Z", False),
        ("2026-03-14T09:40:00.001Z", True),
        ("9999-12-31T23:59:59-12:00", True),
    ],
)
def test_time__more_than_ten_minutes_ahead__is_set_aside(
    timestamp: str, *, ahead: bool
) -> None:
    parcel = read(track(timestamp=timestamp))
    assert bool(parcel.quarantined) == ahead
    if ahead:
        reason = QuarantineRow(*parcel.quarantined[0]).reason
        assert reason == QuarantineReason.IN_THE_FUTURE


def test_repeat__sent_later_with_another_context__has_the_same_payload() -> None:
    first = row(track(timestamp="2026-03-14T09:00:00Z"), sent_at="2026-03-14T09:29:00Z")
    second = row(
        track(timestamp="2026-03-14T09:00:00Z", context={"retry": 1}),
        sent_at="2026-03-14T09:31:00Z",
    )
    assert first.message_id == second.message_id
    assert first.payload_hash == second.payload_hash
    assert first.occurred_us != second.occurred_us


@pytest.mark.parametrize(
    "change",
    [
        {"event": "Other"},
        {"userId": "u2"},
        {"anonymousId": "a1"},
        {"timestamp": "2026-03-14T09:00:01Z"},
        {"properties": {"unlisted": 1}},
    ],
)
def test_other_content__under_the_same_id__has_another_payload(
    change: dict[str, Any],
) -> None:
    base = track(timestamp="2026-03-14T09:00:00Z")
    assert row(base).payload_hash != row({**base, **change}).payload_hash


def test_order_of_names__in_a_repeat__does_not_matter() -> None:
    first = track(properties={"a": 1, "b": {"c": 1, "d": 2}})
    second = dict(reversed(first.items()))
    second["properties"] = {"b": {"d": 2, "c": 1}, "a": 1}
    assert row(first).payload_hash == row(second).payload_hash


def test_missing_message_id__with_a_time__comes_from_the_content() -> None:
    message = track(messageId=None, timestamp="2026-03-14T09:00:00Z")
    later = NOW + timedelta(days=1)
    first, second = row(message), row(message, received_at=later)
    assert first.message_id == second.message_id
    other = row({**message, "event": "Other"})
    assert other.message_id != first.message_id


def test_missing_message_id_and_time__of_two_arrivals__are_two_events() -> None:
    message = track(messageId=None)
    first, again = row(message), row(message)
    second = row(message, received_at=NOW + timedelta(days=1))
    assert first.message_id == again.message_id
    assert first.message_id != second.message_id
