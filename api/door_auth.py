"""Who may use a hot door: the key is checked against the ruleset, not a database."""

import base64
import binascii
import hmac
from collections.abc import Container
from typing import NamedTuple

from api.doors import Request, Response, refuse
from experiments import key_format
from experiments.errors import Forbidden, Unauthenticated, Unavailable
from experiments.ruleset_reader import RulesetReader
from experiments.vocabulary import Environment, KeyKind

# Compared with when there is no such key, so that both take the same time.
_NO_DIGEST = "0" * 64


class DoorKey(NamedTuple):
    """The key of a request that may go on."""

    public_id: str
    kind: KeyKind
    environment: Environment


def authenticate(
    request: Request,
    reader: RulesetReader,
    kinds: Container[KeyKind],
    body_key: str | None = None,
) -> DoorKey | Response:
    """Check a request's key.

    Args:
        request: with `Authorization: Bearer KEY`, `X-API-Key: KEY` or
            `Authorization: Basic base64(KEY:)`.
        reader: keys ride in its ruleset, revoked ones too.
        kinds: of key that open this door.
        body_key: key that came in the body, where a protocol puts it there;
            counts when no header has one.

    Returns:
        The key, or the refusal to answer with: 401 for no key, an unknown or a
        revoked one, 403 for one of another kind, 503 while there is no ruleset.
    """
    ruleset = reader.current
    if ruleset is None:
        return refuse(
            Unavailable("Abide has just started and knows no keys yet. Try again soon.")
        )
    text = _key_text(request) or body_key or ""
    if not text:
        return refuse(
            Unauthenticated(
                "Send an API key, as Authorization: Bearer KEY or X-API-Key: KEY."
            )
        )
    held = ruleset.keys.get(key_format.parse(text) or "")
    expected = _NO_DIGEST if held is None else held.digest
    same = hmac.compare_digest(_digest(text), expected)
    if held is None or not same or held.revoked:
        return refuse(Unauthenticated("This key is not known, or it was revoked."))
    if held.kind not in kinds:
        return refuse(Forbidden(f"A {held.kind} key does not open this door."))
    return DoorKey(held.public_id, held.kind, held.environment)


def _digest(text: str) -> str:
    # Header text is latin-1 and body text may hold anything; a real key is ASCII.
    return key_format.digest(text.encode("utf-8", "replace").decode())


def _key_text(request: Request) -> str:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        return _user_name(value.strip())
    return request.headers.get("x-api-key", "").strip()


def _user_name(credentials: str) -> str:
    """Read the user name of basic credentials, where event clients put the key."""
    try:
        decoded = base64.b64decode(credentials, validate=True).decode("latin-1")
    except (binascii.Error, ValueError):
        return ""
    return decoded.partition(":")[0]
