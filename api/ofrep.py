"""POST /ofrep/v1/evaluate/flags[/{key}]: OpenFeature's Remote Evaluation Protocol.

A flag is an experiment, under its key. Providers for servers ask for one flag at a
time, providers for browsers for all at once, and again with the ETag of the answer
they hold. Answered from memory, like /api/v1/assignments. Protocol 0.3.0.
"""

import hashlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

import orjson

from api import ofrep_openapi
from api.door_auth import authenticate
from api.door_body import decode_json
from api.door_values import (
    JSON_HEADERS,
    Door,
    Refusal,
    Request,
    Response,
    json_response,
)
from api.etags import holds
from api.json_body import MalformedJson
from api.written import Written
from experiments.assigned_counts import Tally
from experiments.assignment import (
    Assignment,
    assign,
    assign_all,
    decline,
)
from experiments.errors import NotFound, Unavailable
from experiments.flags import flag_value
from experiments.previews import (
    ATTRIBUTE,
    Preview,
    Previewer,
    shown_by,
    without_shown,
)
from experiments.ruleset_reader import RulesetReader
from experiments.ruleset_values import PublishedKey, Ruleset
from experiments.vocabulary import (
    AssignmentReason,
    Environment,
    KeyKind,
    ParameterType,
)

PATH = "/ofrep/v1/evaluate/flags"
BODY_CAP = 64_000  # bytes
KINDS = frozenset({KeyKind.SERVER, KeyKind.CLIENT})
MAX_UNIT = 512  # characters of a customer's id
# Clients know only the reasons of OpenFeature; metadata has ours.
_REASONS: Mapping[AssignmentReason, str] = {
    AssignmentReason.SPLIT: "SPLIT",
    AssignmentReason.DECIDED: "TARGETING_MATCH",
    AssignmentReason.FORCED: "TARGETING_MATCH",
    AssignmentReason.PREVIEW: "TARGETING_MATCH",
    AssignmentReason.PAUSED: "DISABLED",
    AssignmentReason.STOPPED: "DISABLED",
    AssignmentReason.NOT_STARTED: "DISABLED",
}
_OUTSIDE = "DEFAULT"
_PRODUCTION = Environment.PRODUCTION

OPENAPI_PATHS: dict[str, Any] = ofrep_openapi.paths(PATH, MAX_UNIT)


class InvalidContext(MalformedJson):
    """The context is not one."""

    code = "INVALID_CONTEXT"


class TargetingKeyMissing(MalformedJson):
    """The context does not say which customer it is."""

    code = "TARGETING_KEY_MISSING"


class FlagNotFound(NotFound):
    """No experiment of this key gives variants."""

    code = "FLAG_NOT_FOUND"


class Asked(NamedTuple):
    """Who asks."""

    unit: str
    attributes: Mapping[str, Any]


class Item(NamedTuple):
    """One evaluated flag as it goes out; `mark` stands for it in the ETag."""

    body: bytes
    mark: bytes


def routes(
    reader: RulesetReader,
    previewer: Previewer | None = None,
    tally: Tally | None = None,
) -> dict[tuple[str, str], Door]:
    """List the doors of this file.

    Args:
        reader: holds the ruleset to answer from.
        previewer: reads preview links; without one none is read.
        tally: counts what is assigned to customers of production.

    Returns:
        (method, path) -> door.
    """
    doors = _Doors(reader, previewer, tally)
    return {("POST", PATH): doors.many, ("POST", f"{PATH}/{{key}}"): doors.one}


class _Doors:
    """Evaluate flags, and count what was given."""

    def __init__(
        self, reader: RulesetReader, previewer: Previewer | None, tally: Tally | None
    ) -> None:
        self._reader = reader
        self._previewer = previewer
        self._tally = tally
        self._items = Written(_item)

    def one(self, request: Request) -> Response:
        """Evaluate the flag that the address names."""
        key, ruleset, asked = self._read(request)
        if ATTRIBUTE in asked.attributes:
            preview = self._previewed(ruleset, asked, key)
            if preview is not None and preview.given.experiment == request.name:
                shown = _flag(preview.given, preview.types)
                return Response(200, JSON_HEADERS, shown.body)
        design = ruleset.experiments.get(request.name)
        if design is None:
            raise FlagNotFound(_absent(ruleset, request.name))
        opted_out = ruleset.has_opted_out(asked.unit, asked.attributes)
        decide = decline if opted_out else assign
        given = decide(design, asked.unit, asked.attributes)
        self._note(key, ruleset, asked, [given])
        return Response(200, JSON_HEADERS, self._items.one(ruleset, given).body)

    def many(self, request: Request) -> Response:
        """Evaluate all flags."""
        key, ruleset, asked = self._read(request)
        opted_out = ruleset.has_opted_out(asked.unit, asked.attributes)
        together = ruleset.together
        given = assign_all(together, asked.unit, asked.attributes, opted_out=opted_out)
        preview = self._previewed(ruleset, asked, key)
        self._note(key, ruleset, asked, without_shown(given, preview))
        flags = self._items.of(ruleset, given)
        if preview is not None:
            name = preview.given.experiment
            others = zip(given, flags, strict=True)
            flags = [flag for one, flag in others if one.experiment != name]
            flags.append(_flag(preview.given, preview.types))
        etag = _etag(flags)
        if holds(request.headers.get("if-none-match", ""), etag):
            return Response(304, [("ETag", etag)])
        body = b'{"flags":[' + b",".join([flag.body for flag in flags]) + b"]}"
        return Response(200, [*JSON_HEADERS, ("ETag", etag)], body)

    def _read(self, request: Request) -> tuple[PublishedKey, Ruleset, Asked]:
        key = authenticate(request, self._reader, KINDS)
        ruleset = self._reader.current
        if ruleset is None:
            raise Unavailable("Abide has just started. Try again soon.")
        return key, ruleset, read_context(request.body)

    def _previewed(
        self, ruleset: Ruleset, asked: Asked, key: PublishedKey
    ) -> Preview | None:
        return shown_by(
            self._previewer, ruleset, asked.unit, asked.attributes, key.environment
        )

    def _note(
        self, key: PublishedKey, ruleset: Ruleset, asked: Asked, given: list[Assignment]
    ) -> None:
        if self._tally is not None and key.environment is _PRODUCTION:
            unit, attributes = asked
            self._tally.note(key.public_id, ruleset, unit, attributes, given)


def word(refusal: Refusal, name: str) -> Response:
    """Word a refusal as the protocol's clients read it.

    Python's provider reads errorDetails in every error, and JavaScript's want key and
    errorCode beside it. All of them hold back after a 429 and use the app's defaults,
    so that is what being full, or not ready yet, looks like here.
    """
    status, headers = refusal.status, refusal.headers
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        status = HTTPStatus.TOO_MANY_REQUESTS.value
    known = {"INVALID_CONTEXT", "TARGETING_KEY_MISSING", "FLAG_NOT_FOUND"}
    code = refusal.code if refusal.code in known else "GENERAL"
    if status == HTTPStatus.BAD_REQUEST and code == "GENERAL":
        code = "PARSE_ERROR"
    told = {"key": name, "errorCode": code, "errorDetails": refusal.message}
    return json_response(status, told, headers)


def read_context(body: bytes) -> Asked:
    """Read who asks.

    Args:
        body: JSON object {context: {targetingKey, ...}}; more fields are let pass.

    Returns:
        The customer. `id` is the targeting key, under the name that rules know it by.

    Raises:
        InvalidContext: there is an odd context.
        TargetingKeyMissing: there is none, or an empty targetingKey.
    """
    content = decode_json(body)
    context = content.get("context", {}) if isinstance(content, dict) else None
    if not isinstance(context, dict):
        raise InvalidContext(
            'Send one JSON object, such as {"context": {"targetingKey": "customer-1"}}.'
        )
    unit = context.pop("targetingKey", None)
    if unit is None or unit == "":
        raise TargetingKeyMissing("Give the customer's id as targetingKey.")
    if not isinstance(unit, str) or len(unit) > MAX_UNIT:
        raise InvalidContext(
            f"Give targetingKey as a text of at most {MAX_UNIT} characters."
        )
    context["id"] = unit
    return Asked(unit, context)


def _absent(ruleset: Ruleset, key: str) -> str:
    reason = ruleset.silent.get(key)
    if reason is AssignmentReason.NOT_STARTED:
        return "This experiment has not started: use your default."
    if reason is AssignmentReason.EXTERNAL:
        return "Another system assigns this experiment."
    return "There is no experiment with this key."


def _item(ruleset: Ruleset, given: Assignment) -> Item:
    design = ruleset.experiments[given.experiment]
    # The variant is never None here: experiments that give none are not asked.
    name = given.variant or design.variants[design.control].name
    return _flag(given._replace(variant=name), design.types)


def _flag(given: Assignment, types: Mapping[str, ParameterType]) -> Item:
    name = str(given.variant)
    flag = {
        "key": given.experiment,
        "value": flag_value(types, given.parameters, name),
        "reason": _REASONS.get(given.reason, _OUTSIDE),
        "variant": name,
        # Flat, of texts, numbers and truth values: JavaScript drops the rest.
        "metadata": {
            "experimentId": given.experiment,
            "variationId": name,
            "inExperiment": given.in_experiment,
            "reason": given.reason.value,
        },
    }
    body = orjson.dumps(flag)
    return Item(body, hashlib.sha256(body).digest()[:8])


def _etag(flags: list[Item]) -> str:
    """Name the answer, not the configuration that it came from.

    A browser keeps the ETag while attributes change: with the old one it must get the
    new values, and 304 only when they are the same.
    """
    marks = b"".join([flag.mark for flag in flags])
    return f'"{hashlib.sha256(marks).hexdigest()[:24]}"'
