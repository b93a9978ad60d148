"""POST /track?client_key=: exposures as GrowthBook's tracking plugins send them.

With the plugin, an app that uses one of the SDKs reports what customers saw without a
line of its own. The plugins also tell of evaluated features and of the app's own
events, which are no exposures: those are let pass and not stored.

200, exactly, means durable: the Python plugin takes any other status for a failure.
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from api import track_openapi
from api.door_auth import recognise
from api.door_body import decode_json
from api.door_values import Door, Request, Response
from api.json_body import MalformedJson
from experiments.assignment import RunningDesign
from experiments.errors import Forbidden, Unauthenticated, Unavailable
from experiments.event_rows import EXPOSURE_NAME
from experiments.events import Envelope, Sender, read_messages
from experiments.exposure_check import ExposureCheck
from experiments.inbox import Inbox
from experiments.privacy import Pseudonymiser
from experiments.ruleset_reader import RulesetReader
from experiments.ruleset_values import PublishedKey, Ruleset
from experiments.vocabulary import KeyKind, Unit

PATH = "/track"
BODY_CAP = 500_000  # bytes
MAX_EVENTS = 5000  # in one request
KINDS = frozenset({KeyKind.CLIENT, KeyKind.WRITE})
_SECRET = frozenset({KeyKind.SERVER, KeyKind.ADMIN})
# JavaScript's plugin and Python's spell the event and its parts differently.
_NAMES = frozenset({"Experiment Viewed", "$$experiment_viewed"})
# Attributes that name a visitor whom nobody knows yet.
_ANONYMOUS = frozenset({"anonymous_id", "anonymousId", "device_id"})
# Without a body: the plugin reads none, and browsers keep what a page leaves unread.
_DONE = Response(200)

OPENAPI_PATHS: dict[str, Any] = track_openapi.paths(PATH, MAX_EVENTS)


def routes(
    reader: RulesetReader,
    inbox: Inbox,
    pseudonymiser: Pseudonymiser,
    now: Callable[[], datetime],
) -> dict[tuple[str, str], Door]:
    """List the door of this file.

    Args:
        reader: knows keys and experiments.
        inbox: makes events durable.
        pseudonymiser: hides ids.
        now: the clock.

    Returns:
        (method, path) -> door.
    """

    def track(request: Request) -> Response:
        ruleset = reader.current
        if ruleset is None:
            raise Unavailable("Abide has just started. Try again soon.")
        key = _key(request, ruleset)
        messages = [
            message
            for event in _events(request.body)
            if (message := _exposure(event, ruleset)) is not None
        ]
        parcel = read_messages(
            messages,
            Sender(key.public_id, key.environment, ruleset.attributes),
            Envelope(received_at=now(), kind="track"),
            pseudonymiser,
            ExposureCheck(reader),
        )
        if parcel.message_count or parcel.consent_refused:
            inbox.append(parcel)
        return _DONE

    return {("POST", PATH): track}


def _key(request: Request, ruleset: Ruleset) -> PublishedKey:
    """Find the key, which stands in the address: a public one then."""
    given = parse_qs(request.query).get("client_key", [""])[-1]
    if not given:
        raise Unauthenticated("Give the SDK a client key: it comes as client_key.")
    key = recognise(given, ruleset, KINDS | _SECRET)
    if key.kind in _SECRET:
        raise Forbidden(
            f"This {key.kind} key is a secret and does not belong in an address. Revoke"
            " it, and use a client key."
        )
    return key


def _events(body: bytes) -> list[Any]:
    # JSON whatever its Content-Type says: the plugins say text/plain, so that a
    # browser needs no preflight.
    events = decode_json(body)
    if not isinstance(events, list):
        raise MalformedJson("Send a list of events.")
    if len(events) > MAX_EVENTS:
        raise MalformedJson(f"Send at most {MAX_EVENTS:,} events.")
    return events


def _exposure(event: object, ruleset: Ruleset) -> dict[str, Any] | None:
    """Write an event as Segment's message, or None when it is no exposure.

    Events have neither time nor id. The same customer's same exposure gets the same
    id, so that however often an app starts it is stored once.
    """
    if not isinstance(event, dict) or str(event.get("event_name")) not in _NAMES:
        return None
    properties = event.get("properties_json")
    if not isinstance(properties, dict):
        properties = {}
    experiment = _first(properties, "experimentId", "experiment_id")
    variation = _first(properties, "variation_key", "variationId", "variation_id")
    design = ruleset.experiments.get(str(experiment))
    identity = _identity(event, properties, design)
    context = _context(event, properties, design)
    said = repr((experiment, variation, sorted(identity.items())))
    if "groupId" in context:  # people move between accounts
        said = repr((said, context["groupId"]))
    digest = hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()
    return {
        "event": EXPOSURE_NAME,
        "messageId": f"exposure-{digest[:32]}",
        **identity,
        "properties": {
            "experimentId": experiment,
            "variationId": variation,
            "hashAttribute": _first(properties, "hashAttribute", "hash_attribute"),
            "hashValue": _first(properties, "hashValue", "hash_value"),
        },
        "context": context,
    }


def _identity(
    event: Mapping[str, Any],
    properties: Mapping[str, Any],
    design: RunningDesign | None,
) -> dict[str, Any]:
    """Say who it was: whose id was hashed, or for an account who of its people."""
    unit = _first(properties, "hashValue", "hash_value")
    attribute = _first(properties, "hashAttribute", "hash_attribute")
    if _draws_accounts(design):
        return {"userId": event.get("user_id") or event.get("device_id")}
    return {"anonymousId" if attribute in _ANONYMOUS else "userId": unit}


def _draws_accounts(design: RunningDesign | None) -> bool:
    return design is not None and design.published.get("unit") == Unit.ACCOUNT


def _context(
    event: Mapping[str, Any],
    properties: Mapping[str, Any],
    design: RunningDesign | None,
) -> dict[str, Any]:
    attributes = event.get("context_json")
    consent = attributes.get("consent") if isinstance(attributes, dict) else None
    context = {} if consent is None else {"consent": consent}
    if _draws_accounts(design):
        context["groupId"] = _first(properties, "hashValue", "hash_value")
    return context


def _first(properties: Mapping[str, Any], *names: str) -> Any:  # noqa: ANN401
    found = (properties[name] for name in names if properties.get(name) is not None)
    return next(found, None)
