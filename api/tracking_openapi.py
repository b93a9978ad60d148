"""The event doors in the OpenAPI document, written by hand beside their code."""

from collections.abc import Mapping
from typing import Any

_ERRORS = {
    "400": "The body is not JSON, or not of the shape of this address.",
    "401": "No key, an unknown or a revoked one.",
    "403": "A key of a kind that does not open this door.",
    "413": "The body is over 500,000 bytes, packed or not.",
    "415": "The body is packed otherwise than with gzip.",
    "429": "Too much waits to be stored: try again after Retry-After seconds.",
    "503": "Events cannot be stored now: try again after Retry-After seconds.",
    "507": "The disk is full; nothing was stored.",
}
_WORDS = {
    "identify": "Tell what is known of a customer",
    "track": "Tell what a customer did, saw or answered",
    "page": "Tell that a customer saw a page",
    "screen": "Tell that a customer saw a screen of an app",
    "group": "Tell which account a customer belongs to",
    "alias": "Tell that two ids are one customer",
    "batch": "Send many messages at once",
}
_TEXT = {"type": "string"}
_IDENTITY = {
    "userId": {"type": "string", "maxLength": 512},
    "anonymousId": {"type": "string", "maxLength": 512},
    "messageId": {
        "type": "string",
        "maxLength": 100,
        "description": "The same id is stored once, however often it is sent.",
    },
    "timestamp": {"type": "string", "format": "date-time"},
    "sentAt": {"type": "string", "format": "date-time"},
    "context": {"type": "object"},
    "writeKey": _TEXT,
}
_OWN: Mapping[str, dict[str, Any]] = {
    "identify": {"traits": {"type": "object"}},
    "track": {"event": _TEXT, "properties": {"type": "object"}},
    "page": {"name": _TEXT, "properties": {"type": "object"}},
    "screen": {"name": _TEXT, "properties": {"type": "object"}},
    "group": {"groupId": _TEXT, "traits": {"type": "object"}},
    "alias": {"previousId": _TEXT},
}
_EXAMPLES: Mapping[str, dict[str, Any]] = {
    "identify": {"userId": "customer-1", "traits": {"plan": "pro"}},
    "track": {
        "userId": "customer-1",
        "event": "Experiment Viewed",
        "properties": {"experimentId": "annual-nudge", "variationId": "treatment"},
    },
    "page": {"anonymousId": "visitor-1", "name": "Pricing"},
    "screen": {"userId": "customer-1", "name": "Home"},
    "group": {"userId": "customer-1", "groupId": "account-1"},
    "alias": {"userId": "customer-1", "previousId": "visitor-1"},
    "batch": {
        "batch": [
            {
                "type": "track",
                "messageId": "8d7f0a4e",
                "userId": "customer-1",
                "event": "App Opened",
                "timestamp": "2026-03-14T09:30:00Z",
            }
        ],
        "sentAt": "2026-03-14T09:30:05Z",
    },
}
_DESCRIPTION = (
    "As Segment's clients send it; takes a write or server key, as Basic credentials"
    " (the key, no password), as a bearer token, or as writeKey in the body. 200 means"
    " durable. A message that cannot be used is set aside with its reason and never"
    " fails the others. Of equal names in the JSON the last one counts."
)


def paths(types: Mapping[str, str], max_messages: int) -> dict[str, Any]:
    """Describe the doors.

    Args:
        types: message type -> the browser client's short name for it.
        max_messages: most messages of a batch.

    Returns:
        OpenAPI path items.
    """
    found = {}
    for name, short in types.items():
        schema = _batch(max_messages) if name == "batch" else _message(name)
        for path in (name, short):
            operation = _operation(name, path, schema)
            if path == short:
                operation["responses"]["200"] = {
                    "description": "Durable. Without a body."
                }
            found[f"/v1/{path}"] = {"post": operation}
    return found


def _message(name: str) -> dict[str, Any]:
    return {"type": "object", "properties": {**_IDENTITY, **_OWN[name]}}


def _batch(max_messages: int) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["batch"],
        "properties": {
            "batch": {"type": "array", "maxItems": max_messages},
            "sentAt": _IDENTITY["sentAt"],
            "context": _IDENTITY["context"],
            "writeKey": _TEXT,
        },
    }


def _operation(name: str, path: str, schema: dict[str, Any]) -> dict[str, Any]:
    done = {
        "type": "object",
        "required": ["success"],
        "properties": {"success": {"const": True}},
    }
    error = {"$ref": "#/components/schemas/Error"}
    responses = {
        status: {
            "description": words,
            "content": {"application/json": {"schema": error}},
        }
        for status, words in _ERRORS.items()
    }
    responses["200"] = {
        "description": "Durable.",
        "content": {"application/json": {"schema": done}},
    }
    return {
        "operationId": f"track_{path}",
        "summary": _WORDS[name],
        "description": _DESCRIPTION,
        "tags": ["events"],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": schema, "example": _EXAMPLES[name]}
            },
        },
        "responses": dict(sorted(responses.items())),
    }
