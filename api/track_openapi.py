"""The door of tracking plugins in the OpenAPI document, by hand beside its code."""

from typing import Any

_ERRORS = {
    "400": "The body is not a list of events.",
    "401": "No key, an unknown or a revoked one.",
    "403": "A key of a kind that does not open this door.",
    "413": "The body is over 500,000 bytes, packed or not.",
    "415": "The body is packed otherwise than with gzip.",
    "429": "Too much waits to be stored: try again after Retry-After seconds.",
    "503": "Events cannot be stored now: try again after Retry-After seconds.",
    "507": "The disk is full; nothing was stored.",
}
_EVENT = {
    "type": "object",
    "required": ["event_name"],
    "properties": {
        "event_name": {"type": "string"},
        "properties_json": {"type": "object"},
        "context_json": {"type": "object"},
        "user_id": {"type": ["string", "null"]},
        "device_id": {"type": ["string", "null"]},
    },
}
_EXAMPLE = [
    {
        "event_name": "Experiment Viewed",
        "properties_json": {
            "experimentId": "annual-nudge",
            "variationId": "treatment",
            "hashAttribute": "id",
            "hashValue": "customer-1",
        },
    }
]


def paths(path: str, max_events: int) -> dict[str, Any]:
    """Describe the door.

    Args:
        path: of the door.
        max_events: most events of one request.

    Returns:
        OpenAPI path items.
    """
    error = {"$ref": "#/components/schemas/Error"}
    responses = {status: _json(words, error) for status, words in _ERRORS.items()}
    responses["200"] = {"description": "Durable. Without a body."}
    events = {"type": "array", "items": _EVENT, "maxItems": max_events}
    operation = {
        "operationId": "trackPlugin",
        "summary": "Report exposures, from a GrowthBook SDK's tracking plugin",
        "description": (
            "Takes a client or write key. Exposures are stored once for each customer,"
            " experiment and variant; other events are not stored. JSON, whatever its"
            " Content-Type says."
        ),
        "tags": ["events"],
        "security": [],  # the key is in the address, and public
        "parameters": [
            {
                "name": "client_key",
                "in": "query",
                "required": True,
                "description": "A client or write key.",
                "schema": {"type": "string"},
            }
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": events, "example": _EXAMPLE}},
        },
        "responses": dict(sorted(responses.items())),
    }
    return {path: {"post": operation}}


def _json(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/json": {"schema": schema}},
    }
