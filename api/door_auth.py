"""Who may use a hot door: the key is checked against the ruleset, not a database."""

import base64
import binascii
import functools
import hmac
from collections.abc import Collection

from api.door_values import Request
from experiments import key_format
from experiments.errors import Forbidden, Unauthenticated, Unavailable
from experiments.ruleset_reader import RulesetReader
from experiments.ruleset_values import PublishedKey, Ruleset
from experiments.vocabulary import KeyKind

# Compared with when there is no such key, so that both take the same time.
_NO_DIGEST = "0" * 64


def authenticate(
    request: Request,
    reader: RulesetReader,
    kinds: Collection[KeyKind],
    body_key: str | None = None,
) -> PublishedKey:
    """Check a request's key.

    Args:
        request: with `Authorization: Bearer KEY`, `X-API-Key: KEY` or
            `Authorization: Basic base64(KEY:)`.
        reader: keys ride in its ruleset, revoked ones too.
        kinds: of key that open this door.
        body_key: key that came in the body, where a protocol puts it there;
            counts when no header has one.

    Returns:
        The key.

    Raises:
        Unauthenticated: there is no key, or it is unknown or revoked.
        Forbidden: it is of another kind.
        Unavailable: there is no ruleset yet.
    """
    ruleset = reader.current
    if ruleset is None:
        raise Unavailable(
            "Abide has just started and knows no keys yet. Try again soon."
        )
    headers = request.headers
    shown = _shown(headers.get("authorization", ""), headers.get("x-api-key", ""))
    if shown is not None:
        return _find(*shown, ruleset, kinds)
    if not body_key:
        raise Unauthenticated(
            "Send an API key, as Authorization: Bearer KEY or X-API-Key: KEY."
        )
    return recognise(body_key, ruleset, kinds)


def recognise(text: str, ruleset: Ruleset, kinds: Collection[KeyKind]) -> PublishedKey:
    """Find a key by its text; compared in the same time whether it is known or not.

    Args:
        text: what the caller shows.
        ruleset: knows all keys.
        kinds: of key that open this door.

    Returns:
        The key.

    Raises:
        Unauthenticated: it is unknown or revoked.
        Forbidden: it is of another kind.
    """
    return _find(*_read(text), ruleset, kinds)


def _find(
    public_id: str, digest: str, ruleset: Ruleset, kinds: Collection[KeyKind]
) -> PublishedKey:
    held = ruleset.keys.get(public_id)
    expected = _NO_DIGEST if held is None else held.digest
    same = hmac.compare_digest(digest, expected)
    if held is None or not same or held.revoked:
        raise Unauthenticated("This key is not known, or it was revoked.")
    if held.kind not in kinds:
        # "a server or admin key", and never "a admin key".
        fitting = " or ".join(sorted(kinds, reverse=True))
        raise Forbidden(
            f"This {held.kind} key does not open this door. Use a {fitting} key."
        )
    return held


@functools.lru_cache(1000)  # an application shows the same key all day
def _read(text: str) -> tuple[str, str]:
    """Read a key's public id, "" when it is none, and hash the key."""
    return key_format.parse(text) or "", _digest(text)


def _digest(text: str) -> str:
    # Header text is latin-1 and body text may hold anything; a real key is ASCII.
    return key_format.digest(text.encode("utf-8", "replace").decode())


@functools.lru_cache(1000)
def _shown(authorization: str, api_key: str) -> tuple[str, str] | None:
    """Read the key in a request's headers; None when there is none."""
    text = _key_text(authorization, api_key)
    return _read(text) if text else None


def _key_text(authorization: str, api_key: str) -> str:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        return _user_name(value.strip())
    return api_key.strip()


def _user_name(credentials: str) -> str:
    """Read the user name of basic credentials, where event clients put the key."""
    try:
        decoded = base64.b64decode(credentials, validate=True).decode("latin-1")
    except (binascii.Error, ValueError):
        return ""
    return decoded.partition(":")[0]
