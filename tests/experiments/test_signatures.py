"""Signatures of webhooks, against those that openssl makes."""

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from experiments.signatures import SCHEMES, STANDARD, Scheme, is_signed, sign
from experiments.vocabulary import ConnectorKind
from tests.experiments.sent_messages import NOW

SECRET = b"0123456789abcdef-shared"
BODY = b'{"id":"1","score":4}'
# printf '%s' "$BODY" | openssl dgst -sha1 -hmac "$SECRET"; for others -sha256, and
# -binary | base64; with the time printed before the body where it is signed too.
SIGNED = {
    ConnectorKind.INTERCOM: {
        "x-hub-signature": "sha1=442a5d8d7c7164581d527b7939099ca3ba73989f"
    },
    ConnectorKind.ZENDESK: {
        "x-zendesk-webhook-signature": "Tt/CeoWQMSSH9MI1T3AnsDVuMid5EQVLjShiX7ceWGY=",
        "x-zendesk-webhook-signature-timestamp": "2026-03-14T09:30:00Z",
    },
    ConnectorKind.TYPEFORM: {
        "typeform-signature": "sha256=Ld2uwnGu9vkTq70EV154x7S7KdOKZYAT/QomEiB6jU0="
    },
    ConnectorKind.DELIGHTED: {
        "x-delighted-webhook-signature": "sha256="
        "2dddaec271aef6f913abbd04575e78c7b4bb29d38a658013fd0a2612207a8d4d"
    },
    ConnectorKind.GENERIC: {
        "x-abide-signature": "sha256="
        "254632cfde082ad5635b28dab843d53493fa5f147bf7fbe00178a9f92419c2b4",
        "x-abide-timestamp": "1773480600",
    },
}
TIMED = (ConnectorKind.ZENDESK, ConnectorKind.GENERIC)


@pytest.mark.parametrize("kind", ConnectorKind)
def test_signature__of_each_vendor__is_right_for_its_secret_and_body(
    kind: ConnectorKind,
) -> None:
    scheme, headers = SCHEMES[kind], SIGNED[kind]
    assert is_signed(scheme, [SECRET], headers, BODY, NOW)
    assert is_signed(scheme, [b"another", SECRET], headers, BODY, NOW)
    assert not is_signed(scheme, [b"another"], headers, BODY, NOW)
    assert not is_signed(scheme, [], headers, BODY, NOW)
    assert not is_signed(scheme, [SECRET], headers, BODY + b" ", NOW)
    assert not is_signed(scheme, [SECRET], {}, BODY, NOW)
    for name, value in headers.items():
        for wrong in ("", value[:-1], value + "0", "\xe9", "sha256="):
            changed = {**headers, name: wrong}
            assert not is_signed(scheme, [SECRET], changed, BODY, NOW)


@pytest.mark.parametrize("kind", TIMED)
def test_signature__with_a_time__holds_for_five_minutes_either_way(
    kind: ConnectorKind,
) -> None:
    scheme, headers = SCHEMES[kind], SIGNED[kind]
    for minutes, right in ((-6, False), (-5, True), (5, True), (6, False)):
        now = NOW + timedelta(minutes=minutes)
        assert is_signed(scheme, [SECRET], headers, BODY, now) == right


def test_signature__of_zendesk_without_its_time__does_not_hold() -> None:
    kind = ConnectorKind.ZENDESK
    name = "x-zendesk-webhook-signature"
    headers = {name: SIGNED[kind][name]}
    assert not is_signed(SCHEMES[kind], [SECRET], headers, BODY, NOW)


def test_signature__in_upper_case_hex__is_the_same() -> None:
    headers = {
        "x-signature": SIGNED[ConnectorKind.DELIGHTED]["x-delighted-webhook-signature"]
        .removeprefix("sha256=")
        .upper()
    }
    assert is_signed(Scheme("X-Signature"), [SECRET], headers, BODY, NOW)


@pytest.mark.parametrize(
    ("stamp", "right"),
    [
        ("1773480600", True),
        ("1773480600000", True),
        ("2026-03-14T09:30:00", True),
        ("2026-03-14T10:30:00+01:00", True),
        ("2026-03-14T09:30:00+01:00", False),
        ("9" * 13, False),
        ("soon", False),
    ],
)
def test_signed_time__however_written__is_read(stamp: str, right: bool) -> None:  # noqa: FBT001  # a case
    scheme = dataclasses.replace(
        SCHEMES[ConnectorKind.GENERIC], timestamp_header="X-At", header="X-Sig"
    )
    signed = stamp.encode() + b"." + BODY

    headers = {"x-at": stamp, "x-sig": sign(scheme, SECRET, signed)}
    assert is_signed(scheme, [SECRET], headers, BODY, NOW) == right


# The vector that the specification's libraries share (test "sign function works").
STANDARD_SECRET = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
STANDARD_BODY = b'{"test": 2432232314}'
STANDARD_AT = datetime.fromtimestamp(1614265330, UTC)
STANDARD_HEADERS = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}


def is_standard(
    changes: Mapping[str, str] | None = None,
    *secrets: bytes,
    body: bytes = STANDARD_BODY,
    minutes: float = 0,
) -> bool:
    headers = {**STANDARD_HEADERS, **(changes or {})}
    now = STANDARD_AT + timedelta(minutes=minutes)
    return is_signed(STANDARD, secrets or (STANDARD_SECRET,), headers, body, now)


def test_standard_webhooks__the_published_vector__is_right() -> None:
    assert is_standard()
    assert is_standard({}, STANDARD_SECRET.removeprefix(b"whsec_"))
    assert is_standard({}, b"whsec_" + b"A" * 32, STANDARD_SECRET)
    assert not is_standard({}, b"whsec_" + b"A" * 32)
    assert not is_standard(body=STANDARD_BODY + b" ")


@pytest.mark.parametrize("name", STANDARD_HEADERS)
def test_standard_webhooks__a_changed_header__is_refused(name: str) -> None:
    right = STANDARD_HEADERS[name]
    for wrong in ("", right[:-1], right + "0", "\xe9", "v1,", "-1"):
        assert not is_standard({name: wrong}), wrong


def test_standard_webhooks__several_signatures__one_of_them_must_fit() -> None:
    right = STANDARD_HEADERS["webhook-signature"]
    other = "v1," + "A" * 43 + "="
    asymmetric = "v1a," + right.removeprefix("v1,")
    assert is_standard({"webhook-signature": f"{other} {asymmetric} {right}"})
    assert not is_standard({"webhook-signature": f"{other} {asymmetric}"})


def test_standard_webhooks__time__holds_five_minutes_and_is_unix_seconds() -> None:
    for minutes, right in ((-5.1, False), (-5, True), (5, True), (5.1, False)):
        assert is_standard(minutes=minutes) == right
    # Signed rightly, but no Unix time: the specification knows no other.
    stamp = "2021-02-25T15:02:10Z"
    signed = f"{STANDARD_HEADERS['webhook-id']}.{stamp}.".encode() + STANDARD_BODY
    changes = {
        "webhook-timestamp": stamp,
        "webhook-signature": sign(STANDARD, STANDARD_SECRET, signed),
    }
    assert not is_standard(changes)
