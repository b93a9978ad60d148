"""How a request's body and query reach a view: strictly read, then shaped."""

from collections.abc import Mapping
from typing import Any, NoReturn

import flask
import marshmallow as ma
from typing_extensions import override
from webargs.flaskparser import FlaskParser

from api.errors import flatten
from api.json_body import read_object
from experiments.errors import InvalidInput
from experiments.storable import fault_in_text


class StrictParser(FlaskParser):
    """webargs with our own reader of JSON, and our own words for what is wrong."""

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {  # noqa: RUF012
        "json": ma.RAISE,
        "query": ma.RAISE,
    }

    @override
    def load_json(self, req: flask.Request, schema: ma.Schema) -> dict[str, Any]:
        return read_object(req)

    @override
    def load_querystring(
        self, req: flask.Request, schema: ma.Schema
    ) -> Mapping[str, str]:
        faults: dict[str, str] = {}
        for name, values in req.args.lists():
            fault = fault_in_text(name) or fault_in_text(values[0])
            if len(values) > 1:
                fault = "Give this only once."
            if fault is not None:
                faults[name.replace("\x00", "\ufffd")[:200]] = fault
        if faults:
            raise InvalidInput("The query cannot be read.", faults)
        return req.args.to_dict()

    @override
    def handle_error(
        self,
        error: ma.ValidationError,
        req: flask.Request,
        schema: ma.Schema,
        *,
        error_status_code: int | None,
        error_headers: Mapping[str, str] | None,
    ) -> NoReturn:
        # webargs puts the place (json, query) on top of marshmallow's messages.
        fields: dict[str, str] = {}
        for messages in error.messages_dict.values():
            fields |= flatten(messages)
        raise InvalidInput("Some fields cannot be taken.", fields) from error
