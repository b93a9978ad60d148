"""GET /api/v1/assignments/explain: why does this customer get this variant?

Answered from the ruleset in memory, like an assignment; nothing is written, and the
address, which holds the customer's id, is never logged.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from api import explain_openapi
from api.door_auth import authenticate
from api.door_body import decode_json
from api.door_values import Door, Request, Response, json_response
from api.json_body import MalformedJson
from experiments.errors import InvalidInput, Unavailable
from experiments.explaining import receipt_of
from experiments.receipt_values import to_json
from experiments.ruleset_reader import RulesetReader
from experiments.vocabulary import KeyKind

PATH = "/api/v1/assignments/explain"
BODY_CAP = 1_000  # bytes; nothing is asked by a body
KINDS = frozenset({KeyKind.SERVER, KeyKind.ADMIN})
MAX_UNIT = 512  # characters of a customer's id
MAX_ATTRIBUTES = 8_000  # characters
MAX_FIELDS = 10
_LONGEST = {"experiment": MAX_UNIT, "unit": MAX_UNIT, "attributes": MAX_ATTRIBUTES}

OPENAPI_PATHS: dict[str, Any] = explain_openapi.paths(PATH, MAX_UNIT, MAX_ATTRIBUTES)


def routes(
    reader: RulesetReader, now: Callable[[], datetime]
) -> dict[tuple[str, str], Door]:
    """List the doors of this file.

    Args:
        reader: holds the ruleset to explain by.
        now: the clock, for links that expire.

    Returns:
        (method, path) -> door.
    """

    def explain(request: Request) -> Response:
        authenticate(request, reader, KINDS)
        ruleset = reader.current
        if ruleset is None:
            raise Unavailable("Abide has just started. Try again soon.")
        asked = read_query(request.query)
        attributes = _attributes(asked.get("attributes", ""))
        receipt = receipt_of(
            ruleset, asked["experiment"], asked["unit"], attributes, now()
        )
        return json_response(200, to_json(receipt))

    return {("GET", PATH): explain}


def read_query(query: str) -> dict[str, str]:
    """Read what stands behind the question mark.

    Args:
        query: as it came.

    Returns:
        experiment, unit and, where given, attributes.

    Raises:
        InvalidInput: names every parameter at fault.
    """
    try:
        given = parse_qs(
            query,
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except ValueError:  # not UTF-8, or too many
        raise InvalidInput("Send experiment, unit and attributes, as UTF-8.") from None
    faults = {
        name[:MAX_UNIT]: "There is no such parameter."
        for name in given.keys() - _LONGEST
    }
    for name, longest in _LONGEST.items():
        values = given.get(name, [])
        if not values and name != "attributes":
            faults[name] = f"Give the {name}."
        elif len(values) > 1:
            faults[name] = "Give it once."
        elif values and len(values[0]) > longest:
            faults[name] = f"Use at most {longest:,} characters."
        elif values and "\x00" in values[0]:
            faults[name] = "Remove the NUL character."
    if faults:
        raise InvalidInput("This request cannot be answered.", faults)
    return {name: values[0] for name, values in given.items()}


def _attributes(text: str) -> dict[str, Any]:
    try:
        found = decode_json(text.encode(), "The attributes are") if text.strip() else {}
    except MalformedJson as fault:
        raise InvalidInput(fault.message, {"attributes": fault.message}) from None
    if not isinstance(found, dict):
        words = 'Give a JSON object, such as {"plan": "pro"}.'
        raise InvalidInput("This request cannot be answered.", {"attributes": words})
    return found
