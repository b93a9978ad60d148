"""Endpoints: each says in one place what it needs, takes and gives.

A view gets a `Call` and the values that the request was made into, and gives what
its answer's schema shows. Around it stand, in this order: the caller's check
(`api.auth`), body and query, one transaction, and the repeated request.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeVar

from flask import Response, current_app, request
from flask_smorest import Blueprint  # type: ignore[import-untyped]
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from api import errors
from api.arguments import StrictParser
from api.auth import Needs, caller, declare
from api.errors import json_bytes, stored_answer
from api.schemas.fields import StrictSchema
from experiments import idempotency
from experiments.actors import Actor
from experiments.context import Context
from experiments.db import transaction
from experiments.errors import Conflict
from experiments.idempotency import Answer
from experiments.vocabulary import PersonRole

URL_PREFIX = "/api/v1"
IDEMPOTENCY_HEADER = "Idempotency-Key"
# Which refusals an endpoint can answer with, beside those that any can.
ANY_REFUSALS = (400, 401, 403, 404, 429, 500, 503)
BODY_REFUSALS = (409, 413, 415, 422, 507)

CSV_TYPE = "text/csv; charset=utf-8"

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Call:
    """One request on its way through a view.

    Attributes:
        session: inside the one transaction of this request.
        actor: who asks.
        now: when.
        context: what the process shares.
    """

    session: Session
    actor: Actor
    now: datetime
    context: Context


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What an endpoint needs, takes and gives.

    Attributes:
        role: the weakest that may call it.
        to: what it does, to finish "Only editors and above may ...".
        answer: shows what the view gives; None of a view that gives lines of CSV.
        body: makes the JSON body into the view's next argument.
        query: makes what stands behind the question mark into the one after.
        creates: a repeated request with the same idempotency key is answered again.
        takes: media types of a body that is a file, which the view reads itself.
        forgets: field of the answer that a repeated request is not shown again.
    """

    role: PersonRole
    to: str
    answer: type[StrictSchema] | None
    body: type[StrictSchema] | None = None
    query: type[StrictSchema] | None = None
    creates: bool = False
    forgets: str | None = None
    takes: tuple[str, ...] = ()

    @property
    def status(self) -> HTTPStatus:
        """What the answer's status is when all went well."""
        if self.takes:
            return HTTPStatus.ACCEPTED  # read, and waits for a word to be stored
        return HTTPStatus.CREATED if self.creates else HTTPStatus.OK


class _NoQuery(StrictSchema):
    """Nothing may stand behind the question mark: what is unknown is refused."""


class Resource:
    """The endpoints of one kind of thing; `tag` puts them beside another's."""

    def __init__(self, name: str, description: str, tag: str | None = None) -> None:
        self._tag = tag or name
        self.blueprint = Blueprint(
            name, __name__, url_prefix=URL_PREFIX, description=description
        )
        self.blueprint.ARGUMENTS_PARSER = StrictParser()
        errors.register(self.blueprint)

    def route(
        self, method: str, rule: str, endpoint: Endpoint
    ) -> Callable[[View], View]:
        """Open a view at `rule`.

        Args:
            method: such as "GET".
            rule: below /api/v1, such as "/segments/<key:key>".
            endpoint: what it needs, takes and gives.

        Returns:
            The decorator, which leaves the view as it is.
        """

        def open_view(view: View) -> View:
            opened = _document(self.blueprint, endpoint)(_answering(view, endpoint))
            # The innermost argument comes first, so the query is put on first.
            if endpoint.query is None:
                opened = self.blueprint.arguments(
                    _NoQuery, location="query", required=False, as_kwargs=True
                )(opened)
            for schema, location in (
                (endpoint.query, "query"),
                (endpoint.body, "json"),
            ):
                if schema is not None:
                    opened = self.blueprint.arguments(
                        schema, location=location, required=_asks(schema)
                    )(opened)
            declare(opened, Needs(endpoint.role, endpoint.to))
            # flask-smorest drops the argument of this name, Flask reads this.
            opened.provide_automatic_options = False
            self.blueprint.route(rule, methods=[method], tags=[self._tag])(opened)
            return view

        return open_view


def _asks(schema: type[StrictSchema]) -> bool:
    """Whether an empty object would be refused."""
    return any(field.required for field in schema().fields.values())


def _document(blueprint: Any, endpoint: Endpoint) -> Callable[..., Any]:  # noqa: ANN401
    has_body = endpoint.body or endpoint.takes
    refusals = ANY_REFUSALS + (BODY_REFUSALS if has_body else ())
    # What stands behind a question mark may be unknown everywhere.
    refusals += (HTTPStatus.UNPROCESSABLE_ENTITY,)

    def decorate(view: Callable[..., Response]) -> Any:  # noqa: ANN401
        documented = _documented_answer(blueprint, endpoint)(view)
        for status in sorted(set(refusals)):
            documented = blueprint.alt_response(status, HTTPStatus(status).name)(
                documented
            )
        extra: dict[str, Any] = {"x-least-role": endpoint.role.value}
        if endpoint.creates:
            extra["parameters"] = [_IDEMPOTENCY_PARAMETER]
        if endpoint.takes:
            file = {"schema": {"type": "string", "format": "binary"}}
            content = dict.fromkeys(endpoint.takes, file)
            extra["requestBody"] = {"required": True, "content": content}
        return blueprint.doc(**extra)(documented)

    return decorate


def _documented_answer(blueprint: Any, endpoint: Endpoint) -> Any:  # noqa: ANN401
    if endpoint.answer is not None:
        return blueprint.response(endpoint.status, endpoint.answer)
    return blueprint.response(
        endpoint.status, {"type": "string"}, content_type=CSV_TYPE
    )


_IDEMPOTENCY_PARAMETER: dict[str, Any] = {
    "in": "header",
    "name": IDEMPOTENCY_HEADER,
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": (
        "Send the same one when you repeat a creation: it is done once, and the"
        " repeated request gets the first answer."
    ),
}


def _answering(view: Callable[..., Any], endpoint: Endpoint) -> Callable[..., Response]:
    @wraps(view)
    def answer(*values: Any, **path: Any) -> Response:  # noqa: ANN401
        context: Context = current_app.extensions["abide"]
        try:
            with transaction(context.sessions) as session:
                call = Call(session, caller(), context.now(), context)

                schema = endpoint.answer
                if schema is None:
                    lines = view(call, *values, **path)
                    return Response(lines, content_type=CSV_TYPE)

                def create() -> Answer:
                    shown = schema().dump(view(call, *values, **path))
                    return Answer(endpoint.status, json_bytes(shown))

                done = _once(call, endpoint, create) if endpoint.creates else create()
        except IntegrityError as error:
            raise Conflict(
                "Somebody changed this at the same moment. Look again, then retry."
            ) from error
        return stored_answer(done.body, done.status)

    return answer


def _once(call: Call, endpoint: Endpoint, create: Callable[[], Answer]) -> Answer:
    key = request.headers.get(IDEMPOTENCY_HEADER)
    if key is None:
        return create()
    return idempotency.remember(
        call.session,
        actor=call.actor,
        key=key,
        request=b"\n".join(
            (request.method.encode(), request.path.encode(), request.get_data())
        ),
        create=create,
        now=call.now,
        forget=_without(endpoint.forgets) if endpoint.forgets else None,
    )


def _without(field: str) -> Callable[[bytes], bytes]:
    def forget(body: bytes) -> bytes:
        return json_bytes({**json.loads(body), field: None})

    return forget
