"""Messages that cannot be used never harm those beside them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.parcels import QuarantineRow
from experiments.vocabulary import QuarantineReason
from tests.experiments.sent_messages import read, row, track


def deep(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (None, QuarantineReason.NOT_AN_OBJECT),
        ("unreadable", QuarantineReason.NOT_AN_OBJECT),
        ([], QuarantineReason.NOT_AN_OBJECT),
        (17, QuarantineReason.NOT_AN_OBJECT),
        ({}, QuarantineReason.UNKNOWN_TYPE),
        (track(type="delete"), QuarantineReason.UNKNOWN_TYPE),
        (track(type=["track"]), QuarantineReason.UNKNOWN_TYPE),
        (track(userId=None), QuarantineReason.NO_IDENTITY),
        (track(userId=""), QuarantineReason.NO_IDENTITY),
        (track(userId=1.5), QuarantineReason.INVALID_ID),
        (track(userId=True), QuarantineReason.INVALID_ID),
        (track(userId=["u"]), QuarantineReason.INVALID_ID),
        (track(userId="u" * 513), QuarantineReason.INVALID_ID),
        (track(anonymousId={}), QuarantineReason.INVALID_ID),
        (track(messageId=1), QuarantineReason.INVALID_MESSAGE_ID),
        (track(messageId="m" * 101), QuarantineReason.INVALID_MESSAGE_ID),
        (track(""), QuarantineReason.INVALID_EVENT_NAME),
        (track(" "), QuarantineReason.INVALID_EVENT_NAME),
        (track("e" * 201), QuarantineReason.INVALID_EVENT_NAME),
        (track("e\n"), QuarantineReason.INVALID_EVENT_NAME),
        ({**track(), "event": None}, QuarantineReason.INVALID_EVENT_NAME),
        ({**track(), "event": 1}, QuarantineReason.INVALID_EVENT_NAME),
        (track(properties=[]), QuarantineReason.INVALID_PROPERTIES),
        (track(properties="x"), QuarantineReason.INVALID_PROPERTIES),
        (track(properties={"a": float("inf")}), QuarantineReason.INVALID_PROPERTIES),
        (track(properties={"a": float("nan")}), QuarantineReason.INVALID_PROPERTIES),
        (track(properties={"a": 2**64}), QuarantineReason.INVALID_PROPERTIES),
        (track(properties={"a": 10**400}), QuarantineReason.INVALID_PROPERTIES),
        (track(properties={"a": "\x00"}), QuarantineReason.INVALID_TEXT),
        (track(properties={"\ud800": 1}), QuarantineReason.INVALID_TEXT),
        (track(userId="u\udfff"), QuarantineReason.INVALID_TEXT),
        (track(context=deep(64)), QuarantineReason.TOO_DEEP),
        (track(properties={"a": [[[deep(61)]]]}), QuarantineReason.TOO_DEEP),
        (track(properties={"a": "x" * 32 * 1024}), QuarantineReason.TOO_LARGE),
        (
            track("Hello customer-17", userId="customer-17"),
            QuarantineReason.INVALID_TEXT,
        ),
        ({"type": "group", "userId": "u1"}, QuarantineReason.INVALID_ID),
        ({"type": "alias", "userId": "u1"}, QuarantineReason.INVALID_ID),
        (
            {"type": "alias", "anonymousId": "a", "previousId": "p"},
            QuarantineReason.NO_IDENTITY,
        ),
        (
            {"type": "identify", "userId": "u1", "traits": 1},
            QuarantineReason.INVALID_PROPERTIES,
        ),
    ],
)
def test_message__that_cannot_be_used__is_set_aside_alone(
    item: object, reason: QuarantineReason
) -> None:
    parcel = read(track(messageId="before"), item, track(messageId="after"))
    assert len(parcel.rows) == 2
    (fields,) = parcel.quarantined
    found = QuarantineRow(*fields)
    assert found.reason == reason
    assert found.detail.endswith((".", "-"))
    assert "customer-17" not in str(found)


def test_depth__of_64_levels__is_let_through() -> None:
    assert row(track(context=deep(63))).kind == "activity"


def test_short_id__inside_a_name__proves_nothing() -> None:
    assert row(track("Level 1 Done", userId="1")).name == "Level 1 Done"


LEAF = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8)
ANY = st.recursive(
    LEAF,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = ("userId", "anonymousId", "messageId", "timestamp", "sentAt", "event", "name")
OBJECTS = ("properties", "traits", "context", "consent", "groupId", "previousId")


@given(
    st.sampled_from(["track", "identify", "page", "screen", "group", "alias"]),
    st.dictionaries(st.sampled_from([*FIELDS, *OBJECTS]), ANY),
)
def test_message__of_any_shape__is_stored_counted_or_set_aside(
    kind: str, fields: dict[str, Any]
) -> None:
    parcel = read({"type": kind, "userId": "u1", **fields})
    outcomes = [len(parcel.rows) > 0, len(parcel.quarantined), parcel.consent_refused]
    assert sum(outcomes) == 1


PERSONAL_NAMES = [
    "Invited bob@canary.example",
    "bob@canary.example",
    "Called +49 171 5551234",
    "Called 0171 5551234.",
    "+49 171 5551234",
    "Paid 4111 1111 1111 1111",
    "for n-9-own",
]


@pytest.mark.parametrize("name", PERSONAL_NAMES)
@pytest.mark.parametrize("where", ["event", "survey", "wave"])
def test_name__that_tells_who_somebody_is__is_set_aside(name: str, where: str) -> None:
    said: dict[str, Any] = {"event": name}
    if where != "event":
        asked = {"survey": "s", "score": 4, "scale": 5, where: name}
        said = {"event": "CSAT Submitted", "properties": asked}
    parcel = read(track(userId="n-9-own", **said))
    assert not parcel.rows
    (aside,) = parcel.quarantined
    assert QuarantineRow(*aside).reason == "invalid_text"
    assert name not in repr(aside)


@pytest.mark.parametrize(
    ("name", "user"),
    [
        ("Viewed Plan 2024", "n-9-own"),
        ("Viewed 2024-2025 report", "n-9-own"),
        ("2026-03-14 09:30 release", "n-9-own"),
        ("Order 1234567890 paid", "n-9-own"),
        ("Viewed plan", "plan"),
        ("Viewed Plan 2024", "2024"),
        ("Step 0.10.20.30.40", "u"),
    ],
)
def test_name__with_digits_that_tell_nobody__is_stored(name: str, user: str) -> None:
    assert len(read(track(userId=user, event=name)).rows) == 1
