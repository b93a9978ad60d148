"""POST /v1/...: events as Segment's and RudderStack's clients send them.

200, exactly, once everything in the body is durable: stored, or set aside with its
reason. A message that cannot be read never fails its batch, because clients would
send the whole batch again for hours.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from api import tracking_openapi
from api.door_auth import authenticate
from api.door_values import Door, Request, Response
from api.json_body import MalformedJson
from experiments.errors import InvalidInput, Unavailable
from experiments.events import MAX_MESSAGE_BYTES, Envelope, Sender, read_messages
from experiments.exposure_check import ExposureCheck
from experiments.inbox import Inbox
from experiments.privacy import Pseudonymiser
from experiments.ruleset_reader import RulesetReader
from experiments.vocabulary import KeyKind
from experiments.wire_json import Body, read_body

BODY_CAP = 500_000  # bytes, unpacked
MAX_MESSAGES = 5000  # in one batch
KINDS = frozenset({KeyKind.WRITE, KeyKind.SERVER})
# The browser client's short names stand beside the long ones.
TYPES = {
    "identify": "i",
    "track": "t",
    "page": "p",
    "screen": "s",
    "group": "g",
    "alias": "a",
    "batch": "b",
}
_DONE = Response(200, [("Content-Type", "application/json")], b'{"success":true}')
# analytics-next, for which the short paths are, reads no answer, and Chromium keeps
# what a page leaves unread: a piece of shared memory each, of which 16,000 are all.
_DONE_UNREAD = Response(200)

OPENAPI_PATHS: dict[str, Any] = tracking_openapi.paths(TYPES, MAX_MESSAGES)


def routes(
    reader: RulesetReader,
    inbox: Inbox,
    pseudonymiser: Pseudonymiser,
    now: Callable[[], datetime],
) -> dict[tuple[str, str], Door]:
    """List the doors of this file.

    Args:
        reader: knows keys and the attributes that may be stored.
        inbox: makes events durable.
        pseudonymiser: hides ids.
        now: the clock.

    Returns:
        (method, path) -> door.
    """
    found = {}
    for name, short in TYPES.items():
        for path, done in ((name, _DONE), (short, _DONE_UNREAD)):
            door = _door(name, done, reader, inbox, pseudonymiser, now)
            found["POST", f"/v1/{path}"] = door
    return found


def _door(
    name: str,
    done: Response,
    reader: RulesetReader,
    inbox: Inbox,
    pseudonymiser: Pseudonymiser,
    now: Callable[[], datetime],
) -> Door:
    kind = None if name == "batch" else name

    def door(request: Request) -> Response:
        received_at = now()
        if "authorization" in request.headers or "x-api-key" in request.headers:
            key = authenticate(request, reader, KINDS)
            body = _read(request.body)
        else:
            body = _read(request.body)
            key = authenticate(request, reader, KINDS, _body_key(body.document))
        ruleset = reader.current
        if ruleset is None:
            raise Unavailable("Abide has just started. Try again soon.")
        document = body.document
        context = document.get("context")
        parcel = read_messages(
            [document] if kind else _messages(document),
            Sender(key.public_id, key.environment, ruleset.attributes),
            Envelope(
                received_at=received_at,
                kind=kind,
                sent_at=document.get("sentAt"),
                context=context if isinstance(context, dict) else {},
                doubtful=body.doubtful,
                deep=body.deep,
                large=len(request.body) > MAX_MESSAGE_BYTES,
                consent=b"onsent" in request.body or b"\\u" in request.body,
            ),
            pseudonymiser,
            ExposureCheck(reader),
        )
        if parcel.message_count or parcel.consent_refused:
            inbox.append(parcel)
        return done

    return door


def _read(raw: bytes) -> Body:
    try:
        return read_body(raw)
    except InvalidInput as fault:
        raise MalformedJson(fault.message) from fault


def _messages(document: Mapping[str, Any]) -> list[Any]:
    messages = document.get("batch")
    if not isinstance(messages, list):
        raise MalformedJson('Send {"batch": [...]} with a list of messages.')
    if len(messages) > MAX_MESSAGES:
        raise MalformedJson(f"Send at most {MAX_MESSAGES:,} messages in a batch.")
    return messages


def _body_key(document: Mapping[str, Any]) -> str | None:
    value = document.get("writeKey")
    return value if isinstance(value, str) else None
