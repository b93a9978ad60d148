"""The door of receipts in the OpenAPI document, written by hand beside its code."""

from typing import Any

from experiments.vocabulary import AssignmentReason, ReceiptStep, StepOutcome

_ERRORS = {
    "400": "The attributes are not JSON.",
    "401": "No key, an unknown or a revoked one.",
    "403": "A key of a kind that does not open this door.",
    "404": "The ruleset knows no such experiment.",
    "413": "There is a body, and it is over its limit.",
    "415": "There is a body, and it is packed.",
    "422": "A parameter is missing, unknown, or not what it should be.",
    "503": "Full, or just started: try again after Retry-After seconds.",
}
_STEP = {
    "type": "object",
    "required": ["name", "outcome", "sentence", "facts"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "enum": [step.value for step in ReceiptStep]},
        "outcome": {"type": "string", "enum": [one.value for one in StepOutcome]},
        "sentence": {"type": "string"},
        "facts": {
            "type": "object",
            "description": "Seed, bucket, ranges ([from, to) of 10,000), rule parts.",
        },
    },
}
_OR_NONE = ["string", "null"]
_PROPERTIES: dict[str, Any] = {
    "revision": {"type": "integer", "minimum": 1},
    "checksum": {"type": "string", "description": "SHA-256 of the ruleset."},
    "published_at": {"type": "string", "format": "date-time"},
    "experiment": {"type": "string"},
    "status": {"type": _OR_NONE},
    "phase": {"type": ["integer", "null"]},
    "variant": {"type": _OR_NONE},
    "parameters": {"type": "object"},
    "reason": {"type": "string", "enum": [one.value for one in AssignmentReason]},
    "in_experiment": {"type": "boolean"},
    "bucket": {"type": ["integer", "null"]},
    "rule": {"type": _OR_NONE, "description": "Segment whose parameters are given."},
    "kept": {"type": "boolean"},
    "sentence": {"type": "string"},
    "steps": {"type": "array", "items": _STEP},
}
_ANSWER = {
    "type": "object",
    "required": list(_PROPERTIES),
    "additionalProperties": False,
    "properties": _PROPERTIES,
}


def paths(path: str, max_unit: int, max_attributes: int) -> dict[str, Any]:
    """Describe the door.

    Args:
        path: of the door.
        max_unit: most characters of a customer's id.
        max_attributes: most characters of the attributes.

    Returns:
        OpenAPI path items.
    """
    error = {"$ref": "#/components/schemas/Error"}
    responses = {status: _json(words, error) for status, words in _ERRORS.items()}
    responses["200"] = _json("The receipt: every step, in the order asked.", _ANSWER)
    operation = {
        "operationId": "explainAssignment",
        "summary": "Ask why a customer gets what they get.",
        "description": (
            "Takes a server or admin key. The answer is worked out from the ruleset"
            " like an assignment, and names what each step found. Abide logs neither"
            " the id nor the attributes, but they stand in the address: a proxy in"
            " front may log it."
        ),
        "tags": ["assignments"],
        "parameters": [
            _parameter("experiment", "Its key.", max_unit, required=True),
            _parameter("unit", "The customer's id.", max_unit, required=True),
            _parameter("attributes", "A JSON object.", max_attributes, required=False),
        ],
        "responses": dict(sorted(responses.items())),
    }
    return {path: {"get": operation}}


def _parameter(
    name: str, description: str, longest: int, *, required: bool
) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": required,
        "description": description,
        "schema": {"type": "string", "maxLength": longest},
    }


def _json(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/json": {"schema": schema}},
    }
