"""The assignment door in the OpenAPI document, written by hand beside its code."""

from typing import Any

from experiments.vocabulary import AssignmentReason

_ERRORS = {
    "400": "The body is not JSON, or its headers do not fit it.",
    "401": "No key, an unknown or a revoked one.",
    "403": "A key of a kind that does not open this door.",
    "413": "The body is over 64,000 bytes.",
    "415": "The body is packed.",
    "422": "A field is missing, unknown or of the wrong type.",
    "503": "Full, or just started: try again after Retry-After seconds.",
}


def _refusal(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Error"}
    return {
        "description": description,
        "content": {"application/json": {"schema": schema}},
    }


def paths(path: str, max_unit: int, max_experiments: int) -> dict[str, Any]:
    """Describe the door.

    Args:
        path: of the door.
        max_unit: most characters of a customer's id.
        max_experiments: most experiments named in one request.

    Returns:
        OpenAPI path items.
    """
    responses = {status: _refusal(words) for status, words in _ERRORS.items()}
    responses["200"] = {
        "description": "One assignment for each experiment, of one ruleset revision.",
        "content": {"application/json": {"schema": _ANSWER}},
    }
    operation = {
        "operationId": "assign",
        "summary": "Ask which variants a customer gets.",
        "description": (
            "Takes a server or client key. The same customer always gets the same"
            " variant of an experiment. A customer who is not in the experiment gets"
            " control, with the reason; where the variant is null, use your own"
            " default. Nothing is stored: send Experiment Viewed when the customer"
            " sees the variant. A development key gets what a production key gets."
        ),
        "tags": ["assignments"],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": _question(max_unit, max_experiments)}
            },
        },
        "responses": dict(sorted(responses.items())),
    }
    return {path: {"post": operation}}


def _question(max_unit: int, max_experiments: int) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["unit"],
        "additionalProperties": False,
        "properties": {
            "unit": {
                "description": (
                    "The customer's id. A number counts as JavaScript writes it;"
                    ' "", 0 and null are nobody, who gets control.'
                ),
                "anyOf": [
                    {"type": "string", "maxLength": max_unit},
                    {"type": "number"},
                    {"type": "null"},
                ],
            },
            "attributes": {
                "type": "object",
                "description": (
                    "What is known of the customer, for segment rules. consent,"
                    " when it is sent, must be true: all else is a refusal."
                ),
                "default": {},
            },
            "experiments": {
                "type": "array",
                "description": "Keys; all that give variants when it is left out.",
                "items": {"type": "string"},
                "maxItems": max_experiments,
            },
        },
        "example": {
            "unit": "customer-1",
            "attributes": {"plan": "pro", "tenure_days": 41},
        },
    }


_ASSIGNMENT = {
    "type": "object",
    "required": ["experiment", "variant", "parameters", "reason", "in_experiment"],
    "additionalProperties": False,
    "properties": {
        "experiment": {"type": "string", "description": "The experiment's key."},
        "variant": {
            "type": ["string", "null"],
            "description": "Its name; null: use your own default.",
        },
        "parameters": {"type": "object", "description": "Of the variant."},
        "reason": {
            "type": "string",
            "enum": [reason.value for reason in AssignmentReason],
        },
        "in_experiment": {
            "type": "boolean",
            "description": "Whether seeing the variant is an exposure that counts.",
        },
    },
}
_ANSWER = {
    "type": "object",
    "required": ["revision", "assignments"],
    "additionalProperties": False,
    "properties": {
        "revision": {"type": "integer", "minimum": 1},
        "assignments": {"type": "array", "items": _ASSIGNMENT},
    },
}
