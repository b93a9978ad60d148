"""The door of connectors in the OpenAPI document, by hand beside its code."""

from typing import Any

_ERRORS = {
    "401": "No such connector, or not its signature, or signed too long ago.",
    "413": "The body is over 256 KB.",
    "415": "The body is packed.",
    "429": (
        "Too much waits to be stored, or too many bodies for a mapping that fits them:"
        " try again after Retry-After seconds."
    ),
    "503": "Events cannot be stored now: try again after Retry-After seconds.",
    "507": "The disk is full; nothing was stored.",
}
_DONE = {
    "type": "object",
    "required": ["success"],
    "properties": {"success": {"const": True}},
}


def paths(path: str, most_bytes: int) -> dict[str, Any]:
    """Describe the door.

    Args:
        path: of the door.
        most_bytes: of a body.

    Returns:
        OpenAPI path items.
    """
    error = {"$ref": "#/components/schemas/Error"}
    responses = {status: _json(words, error) for status, words in _ERRORS.items()}
    responses["200"] = _json("Durable.", _DONE)
    common = {
        "tags": ["events"],
        "security": [],  # the signature is in a header of the sender's choice
        "parameters": [
            {
                "name": "connector",
                "in": "path",
                "required": True,
                "description": "Public id of the connector.",
                "schema": {"type": "string"},
            }
        ],
    }
    post = {
        **common,
        "operationId": "receiveWebhook",
        "summary": "Send a signed webhook, to a registered connector",
        "description": (
            "Signed as the connector says: each vendor in its own header. The body's"
            " facts are stored by the connector's mapping; a body that the mapping"
            " does not fit is kept, sealed, until one does. JSON of at most"
            f" {most_bytes:,} bytes, whatever its Content-Type says."
        ),
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"type": "object"}}},
        },
        "responses": dict(sorted(responses.items())),
    }
    get = {
        **common,
        "operationId": "greetWebhook",
        "summary": "Ask whether the address takes webhooks",
        "description": (
            "Some senders ask by HEAD before they send. The answer is the same whether"
            " or not a connector has this address; only a signed webhook tells."
        ),
        "responses": {"200": _json("It does.", _DONE)},
    }
    return {path: {"get": get, "post": post}}


def _json(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/json": {"schema": schema}},
    }
