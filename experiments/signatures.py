"""Whether a webhook was signed by who shares its secret.

Each sender is one instance of the same scheme: an HMAC over the raw body, with a
time before it or not, in a header of its own. Sources: Intercom "Signed
notifications"; Zendesk "Verifying webhooks"; Typeform "Secure your webhooks";
Delighted signs with the account's API key; Standard Webhooks 1.0.0 (its secrets are
base64, its id is signed too, and one header holds a signature for each secret).
"""

import base64
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from experiments.vocabulary import ConnectorKind, SignatureStyle

# How far a signed time may lie from ours; later, a copied request is worth nothing.
TOLERANCE = timedelta(minutes=5)
ALGORITHMS = ("sha256", "sha512", "sha1")
ENCODINGS = ("hex", "base64")
STANDARD_PREFIX = "whsec_"
STANDARD_KEY_BYTES = (24, 64)  # least and most, says the specification
STANDARD_ID = "webhook-id"  # the same at every try to deliver
_UNIX = re.compile(r"\d{9,13}", re.ASCII)
_MILLISECONDS_FROM = 100_000_000_000  # as seconds, the year 5138


@dataclass(frozen=True, slots=True)
class Scheme:
    """How one sender signs.

    Attributes:
        header: that holds the signature.
        algorithm: of the HMAC.
        encoding: of the signature.
        prefix: before it, such as "sha256=".
        timestamp_header: holds the time that is signed before the body; "" for none.
        separator: between that time and the body.
        style: an HMAC as described here, or that of Standard Webhooks.
    """

    header: str
    algorithm: str = "sha256"
    encoding: str = "hex"
    prefix: str = ""
    timestamp_header: str = ""
    separator: str = ""
    style: SignatureStyle = SignatureStyle.HMAC


STANDARD = Scheme(
    "webhook-signature",
    encoding="base64",
    prefix="v1,",
    timestamp_header="webhook-timestamp",
    separator=".",
    style=SignatureStyle.STANDARD_WEBHOOKS,
)
SCHEMES: Mapping[ConnectorKind, Scheme] = {
    ConnectorKind.INTERCOM: Scheme("X-Hub-Signature", "sha1", "hex", "sha1="),
    ConnectorKind.ZENDESK: Scheme(
        "X-Zendesk-Webhook-Signature",
        encoding="base64",
        timestamp_header="X-Zendesk-Webhook-Signature-Timestamp",
    ),
    ConnectorKind.TYPEFORM: Scheme(
        "Typeform-Signature", encoding="base64", prefix="sha256="
    ),
    ConnectorKind.DELIGHTED: Scheme("X-Delighted-Webhook-Signature", prefix="sha256="),
    ConnectorKind.GENERIC: Scheme(
        "X-Abide-Signature",
        prefix="sha256=",
        timestamp_header="X-Abide-Timestamp",
        separator=".",
    ),
}


def is_signed(
    scheme: Scheme,
    secrets: Sequence[bytes],
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
) -> bool:
    """Check a signature; takes the same time whether it is right or wrong.

    Args:
        scheme: of the sender.
        secrets: in force; while one is changed there are two.
        headers: of the request, names in lower case.
        body: as it came, before anything reads it.
        now: aware UTC.

    Returns:
        True when one of the secrets made it, at a time near ours where one is signed.
    """
    given, signed, stamp = _parts(scheme, headers, body)
    right = False
    for secret in secrets:
        expected = sign(scheme, secret, signed).encode()
        for one in given:
            # Header text may be no ASCII, which comparing as text would refuse.
            same = hmac.compare_digest(one.encode("utf-8", "replace"), expected)
            right = right or same
    return right and (stamp is None or _is_near(scheme, stamp, now))


def _parts(
    scheme: Scheme, headers: Mapping[str, str], body: bytes
) -> tuple[list[str], bytes, str | None]:
    """Find the signatures that were given, what they sign, and the time if it does."""
    given = [headers.get(scheme.header.lower(), "").strip()]
    if scheme.encoding == "hex":
        given = [given[0].lower()]
    if not scheme.timestamp_header:
        return given, body, None
    stamp = headers.get(scheme.timestamp_header.lower(), "").strip()
    before = stamp + scheme.separator
    if scheme.style == SignatureStyle.STANDARD_WEBHOOKS:
        given = given[0].split()  # one for each secret while the sender changes it
        before = f"{headers.get(STANDARD_ID, '').strip()}.{before}"
    return given, before.encode("utf-8", "replace") + body, stamp


def sign(scheme: Scheme, secret: bytes, signed: bytes) -> str:
    """Make the text of a signature.

    Args:
        scheme: of the sender.
        secret: shared with it.
        signed: the body, with what stands before it where the scheme has that.

    Returns:
        What stands in the header.
    """
    if scheme.style == SignatureStyle.STANDARD_WEBHOOKS:
        secret = standard_key(secret.decode()) or secret
    digest = hmac.digest(secret, signed, scheme.algorithm)
    if scheme.encoding == "base64":
        return scheme.prefix + base64.b64encode(digest).decode()
    return scheme.prefix + digest.hex()


def standard_key(secret: str) -> bytes | None:
    """Read a secret of Standard Webhooks.

    Args:
        secret: base64, after `whsec_` or without it.

    Returns:
        The key; None when it is no such secret.
    """
    try:
        key = base64.b64decode(secret.removeprefix(STANDARD_PREFIX), validate=True)
    except ValueError:
        return None
    least, most = STANDARD_KEY_BYTES
    return key if least <= len(key) <= most else None


def _is_near(scheme: Scheme, stamp: str, now: datetime) -> bool:
    in_seconds = scheme.style == SignatureStyle.STANDARD_WEBHOOKS
    if in_seconds and not _UNIX.fullmatch(stamp):
        return False
    moment = _moment(stamp)
    return moment is not None and abs(now - moment) <= TOLERANCE


def _moment(stamp: str) -> datetime | None:
    """Read a time in ISO 8601 or as Unix seconds or milliseconds."""
    if _UNIX.fullmatch(stamp):
        number = int(stamp)
        seconds = number / 1000 if number >= _MILLISECONDS_FROM else number
        return datetime.fromtimestamp(seconds, UTC)
    try:
        moment = datetime.fromisoformat(stamp)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
