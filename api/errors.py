"""One error shape for all that programs call, and the one place where it is made.

`{"code": ..., "message": ..., "fields": {...}}`: the code is for programs, the
message for people, and fields says what is wrong with each part of the request.
"""

import json
import secrets
import traceback
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from api.json_body import MalformedJson, UnsupportedMediaType
from experiments.errors import (
    AbideError,
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    StorageFull,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)

log = structlog.get_logger(__name__)

# The first class of an error's family that stands here decides.
STATUS: Mapping[type[AbideError], HTTPStatus] = {
    MalformedJson: HTTPStatus.BAD_REQUEST,
    InvalidInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    StorageFull: HTTPStatus.INSUFFICIENT_STORAGE,
}
# What the framework itself refuses, before a view is reached.
HTTP_ERRORS: Mapping[int, tuple[str, str]] = {
    400: ("bad_request", "This request cannot be understood."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not take this method."),
    413: ("too_large", "The request is too large."),
}
# What programs call; below these nothing is ever answered with a page.
_PROGRAMS = ("api", "hooks", "ofrep", "v1")
# An answer belongs to one caller, and no browser should take it for a page.
HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


def is_for_programs(path: str) -> bool:
    """Whether an address is one that programs call, and read its refusals."""
    return path.lstrip("/").partition("/")[0] in _PROGRAMS


def json_answer(
    body: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Make a JSON answer with the headers that every API answer carries."""
    return stored_answer(json_bytes(body), status, headers)


def json_bytes(body: object) -> bytes:
    """Write JSON; a NaN is our fault and never goes out."""
    text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode()


def stored_answer(
    body: bytes, status: int, headers: Mapping[str, str] | None = None
) -> Response:
    """Make an answer from JSON that is already written."""
    answer = Response(body, status, mimetype="application/json")
    answer.headers.update({**HEADERS, **(headers or {})})
    return answer


def error_answer(
    status: int,
    code: str,
    message: str,
    fields: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Make an answer in the one error shape."""
    body = {"code": code, "message": message, "fields": dict(fields or {})}
    return json_answer(body, status, headers)


def refuse(error: AbideError) -> Response:
    """Turn a refusal of the house into its answer."""
    family = (STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    status = next(family, None)
    if status is None:
        return fail(error)
    headers = {}
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="abide"'
    if isinstance(error, (TooManyRequests, Unavailable)):
        headers["Retry-After"] = str(error.retry_after)
    return error_answer(status, error.code, error.message, error.fields, headers)


def refuse_http(error: HTTPException) -> Response:
    """Turn an error of the framework into its answer."""
    # Anything else is a redirect: an address is right, or it is not there.
    known = error.code if error.code in HTTP_ERRORS else None
    status = known or HTTPStatus.NOT_FOUND
    code, message = HTTP_ERRORS[status]
    headers = {}
    if isinstance(error, MethodNotAllowed):
        headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
    return error_answer(status, code, message, headers=headers)


def fail(error: Exception) -> Response:
    """Answer an error of ours with a number that finds it in the log.

    The log gets where it happened and of what kind it was. Neither the body nor
    the error's own words are written: both may hold what customers said.
    """
    incident = secrets.token_hex(4)
    log.error(
        "unexpected failure",
        incident=incident,
        method=request.method,
        endpoint=request.endpoint,
        error_type=type(error).__qualname__,
        where=traceback.format_tb(error.__traceback__),
    )
    return error_answer(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal_error",
        "Something went wrong on our side. The operator finds it in the log under"
        f" incident {incident}.",
    )


def register(blueprint: Blueprint) -> None:
    """Have all errors of a blueprint's views answered in the one shape."""
    blueprint.register_error_handler(AbideError, refuse)
    blueprint.register_error_handler(HTTPException, refuse_http)
    blueprint.register_error_handler(Exception, fail)


def flatten(messages: Any, prefix: str = "") -> dict[str, str]:  # noqa: ANN401
    """Turn marshmallow's nested messages into dotted fields.

    Args:
        messages: lists of sentences at the leaves; "_schema" is the thing itself.
        prefix: dotted name of the thing the messages are about.

    Returns:
        Such as {"variants.0.share": "Enter a number."}.
    """
    if not isinstance(messages, Mapping):
        sentences = messages if isinstance(messages, list) else [messages]
        return {prefix or "body": " ".join(str(sentence) for sentence in sentences)}
    fields: dict[str, str] = {}
    for name, inner in messages.items():
        path = ".".join(part for part in (prefix, str(name)) if part)
        fields |= flatten(inner, prefix if name == "_schema" else path)
    return fields
