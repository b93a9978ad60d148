"""The OpenFeature doors in the OpenAPI document, written by hand beside their code."""

from typing import Any

_ERRORS = {
    "400": "PARSE_ERROR, INVALID_CONTEXT or TARGETING_KEY_MISSING.",
    "401": "No key, an unknown or a revoked one.",
    "403": "A key of a kind that does not open this door.",
    "413": "The body is over 64,000 bytes.",
    "415": "The body is packed.",
    "429": "Full, or just started: try again after Retry-After seconds.",
}
_FAULT = {
    "type": "object",
    "required": ["key", "errorCode", "errorDetails"],
    "additionalProperties": False,
    "properties": {
        "key": {"type": "string", "description": "The flag asked for, if it was one."},
        "errorCode": {
            "type": "string",
            "enum": [
                "PARSE_ERROR",
                "INVALID_CONTEXT",
                "TARGETING_KEY_MISSING",
                "FLAG_NOT_FOUND",
                "GENERAL",
            ],
        },
        "errorDetails": {"type": "string"},
    },
}
_FLAG = {
    "type": "object",
    "required": ["key", "value", "reason", "variant", "metadata"],
    "additionalProperties": False,
    "properties": {
        "key": {"type": "string", "description": "The experiment's key."},
        "value": {
            "description": (
                "Of the experiment's one parameter, an object of all of them, or the"
                " variant's name when it has none."
            )
        },
        "reason": {
            "type": "string",
            "enum": ["SPLIT", "TARGETING_MATCH", "DISABLED", "DEFAULT"],
        },
        "variant": {"type": "string"},
        "metadata": {
            "type": "object",
            "required": ["experimentId", "variationId", "inExperiment", "reason"],
            "properties": {
                "experimentId": {"type": "string"},
                "variationId": {"type": "string"},
                "inExperiment": {
                    "type": "boolean",
                    "description": "Whether seeing the variant counts as an exposure.",
                },
                "reason": {"type": "string", "description": "As in assignments."},
            },
        },
    },
}
_FLAGS = {
    "type": "object",
    "required": ["flags"],
    "additionalProperties": False,
    "properties": {"flags": {"type": "array", "items": _FLAG}},
}
_DESCRIPTION = (
    "OpenFeature Remote Evaluation Protocol 0.3.0; takes a server or client key. Point"
    " an OFREP provider at the address of this server."
)


def paths(path: str, max_unit: int) -> dict[str, Any]:
    """Describe the doors.

    Args:
        path: of the evaluation of all flags.
        max_unit: most characters of a customer's id.

    Returns:
        OpenAPI path items.
    """
    one = _operation("evaluate", "Evaluate one flag", _FLAG, max_unit)
    one["responses"]["404"] = _json("FLAG_NOT_FOUND.", _FAULT)
    one["parameters"] = [_parameter("key", "path", "The experiment's key.")]
    many = _operation("evaluateAll", "Evaluate all flags", _FLAGS, max_unit)
    many["responses"]["200"]["headers"] = {
        "ETag": {
            "description": "Of the answer, for If-None-Match.",
            "schema": {"type": "string"},
        }
    }
    many["responses"]["304"] = {"description": "The answer is the one that is held."}
    many["parameters"] = [
        _parameter("If-None-Match", "header", "ETag of the answer that is held."),
    ]
    for operation in (one, many):
        operation["responses"] = dict(sorted(operation["responses"].items()))
    return {path: {"post": many}, f"{path}/{{key}}": {"post": one}}


def _operation(
    name: str, summary: str, answer: dict[str, Any], max_unit: int
) -> dict[str, Any]:
    key = {"type": "string", "minLength": 1, "maxLength": max_unit}
    context = {
        "type": "object",
        "required": ["targetingKey"],
        "properties": {"targetingKey": key},
    }
    question = {
        "type": "object",
        "required": ["context"],
        "properties": {"context": context},
        "example": {"context": {"targetingKey": "customer-1", "plan": "pro"}},
    }
    responses = {status: _json(words, _FAULT) for status, words in _ERRORS.items()}
    responses["200"] = _json("Evaluated.", answer)
    return {
        "operationId": name,
        "summary": summary,
        "description": _DESCRIPTION,
        "tags": ["openfeature"],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": question}},
        },
        "responses": responses,
    }


def _parameter(name: str, place: str, description: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": place,
        "required": place == "path",
        "description": description,
        "schema": {"type": "string"},
    }


def _json(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/json": {"schema": schema}},
    }
