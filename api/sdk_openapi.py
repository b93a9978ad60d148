"""GrowthBook's doors in the OpenAPI document, written by hand beside their code."""

from typing import Any

_FAULT = {
    "type": "object",
    "required": ["status", "error"],
    "additionalProperties": False,
    "properties": {"status": {"type": "integer"}, "error": {"type": "string"}},
}
_PAYLOAD = {
    "type": "object",
    "required": ["status", "features", "experiments", "savedGroups"],
    "properties": {
        "status": {"const": 200},
        "features": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "required": ["defaultValue"],
                "properties": {
                    "defaultValue": {},
                    "rules": {"type": "array", "items": {"type": "object"}},
                },
            },
        },
        "experiments": {"type": "array", "maxItems": 0},
        "savedGroups": {"type": "object"},
        "dateUpdated": {"type": "string", "format": "date-time"},
    },
}
_QUESTION = {
    "type": "object",
    "properties": {
        "attributes": {
            "type": ["object", "null"],
            "description": "What is known of the customer; id is who it is.",
        },
        "forcedVariations": {
            "type": ["object", "null"],
            "description": "Experiment key -> position of a variant, for a test.",
        },
        "forcedFeatures": {
            "type": ["array", "null"],
            "description": "[key, value] of features that the app sets itself.",
        },
    },
    "example": {"attributes": {"id": "customer-1", "plan": "pro"}},
}


def paths(features: str, evaluate: str) -> dict[str, Any]:
    """Describe the doors.

    Args:
        features: path of the payload.
        evaluate: path of remote evaluation.

    Returns:
        OpenAPI path items.
    """
    read: dict[str, Any] = {
        "operationId": "sdkPayload",
        "summary": "Read all rules, for a GrowthBook SDK",
        "description": (
            "For apps that evaluate locally. Only a client key that may read rules"
            " opens it. Ask again with the ETag; there is no stream of changes."
        ),
        "responses": {
            "200": _json("All experiments that give variants.", _PAYLOAD),
            "304": {"description": "The answer is the one that is held."},
        },
    }
    ask: dict[str, Any] = {
        "operationId": "sdkEvaluate",
        "summary": "Evaluate remotely, for a GrowthBook SDK",
        "description": (
            "For browsers: rules stay on the server. The answer has values, and what"
            " to track when they are used."
        ),
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _QUESTION}},
        },
        "responses": {
            "200": _json("Values for this customer.", _PAYLOAD),
            "413": _json("The body is over 64,000 bytes.", _FAULT),
            "415": _json("The body is packed.", _FAULT),
        },
    }
    for operation in (read, ask):
        operation["tags"] = ["growthbook"]
        operation["security"] = []  # the key is in the address, and public
        operation["parameters"] = [_KEY]
        answers: dict[str, Any] = operation["responses"]
        answers["400"] = _json("A key that does not open it, or a bad body.", _FAULT)
        answers["503"] = _json("Full, or just started.", _FAULT)
        operation["responses"] = dict(sorted(answers.items()))
    return {features: {"get": read}, evaluate: {"post": ask}}


_KEY = {
    "name": "client_key",
    "in": "path",
    "required": True,
    "description": "A client key.",
    "schema": {"type": "string"},
}


def _json(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/json": {"schema": schema}},
    }
