"""GET /api/features/{clientKey} and POST /api/eval/{clientKey}: GrowthBook's SDKs.

The first gives all rules, and the app evaluates locally: only with a client key that
may read them. The second evaluates here for one customer and gives values alone, and
is what browsers should use. Both come to the variant that every other door gives.

There is no stream of changes: the SDKs ask again with the ETag they hold.
"""

import gzip
import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Any, NamedTuple

import orjson

from api import sdk_openapi
from api.door_auth import recognise
from api.door_body import decode_json
from api.door_values import Door, Refusal, Request, Response, json_response
from api.etags import holds
from api.json_body import MalformedJson
from api.sdk_features import control_value, feature, variant_values
from experiments.assigned_counts import Tally
from experiments.assignment import Assignment, RunningDesign, assign_all, unit_text
from experiments.errors import Forbidden, Unavailable
from experiments.flags import flag_value
from experiments.previews import Previewer, shown_by, without_shown
from experiments.ruleset_reader import RulesetReader
from experiments.ruleset_values import PublishedKey, Ruleset
from experiments.vocabulary import Environment, KeyKind

FEATURES, EVALUATE = "/api/features/{client_key}", "/api/eval/{client_key}"
BODY_CAP = 64_000  # bytes
MAX_UNIT = 512  # characters of a customer's id
# A proxy may answer for us while we are away, but tells of changes within seconds.
_CACHED = "public, max-age=10, stale-while-revalidate=60, stale-if-error=36000"
_ALL_KINDS = frozenset(KeyKind)
_PACK_FROM = 1_000  # bytes; less does not shrink

OPENAPI_PATHS: dict[str, Any] = sdk_openapi.paths(FEATURES, EVALUATE)


class Payload(NamedTuple):
    """What all apps read of one ruleset, plain and packed."""

    plain: bytes
    packed: bytes
    etag: str


class Asked(NamedTuple):
    """For whom to evaluate; what is forced is forced for a test, and not tracked."""

    attributes: Mapping[str, Any]
    forced_variations: Mapping[str, Any]
    forced_features: frozenset[str]


def routes(
    reader: RulesetReader,
    previewer: Previewer | None = None,
    tally: Tally | None = None,
) -> dict[tuple[str, str], Door]:
    """List the doors of this file.

    Args:
        reader: holds the ruleset to answer from.
        previewer: reads preview links, for evaluation here; None reads none.
        tally: counts what is assigned here to customers of production.

    Returns:
        (method, path) -> door.
    """
    doors = _Doors(reader, previewer, tally)
    return {("GET", FEATURES): doors.features, ("POST", EVALUATE): doors.evaluate}


class _Doors:
    """Give rules or values; the payload of the ruleset in force is kept."""

    def __init__(
        self, reader: RulesetReader, previewer: Previewer | None, tally: Tally | None
    ) -> None:
        self._reader = reader
        self._previewer = previewer
        self._tally = tally
        self._kept: tuple[Ruleset, Payload] | None = None

    def features(self, request: Request) -> Response:
        """Give all rules to an app that may read them."""
        ruleset = _ruleset(self._reader)
        key = _client_key(request.name, ruleset)
        if not key.may_read_rules:
            raise Forbidden(
                "This key may not read rules. Set remoteEval in the SDK, or make a"
                " client key that may read them."
            )
        kept = self._kept
        if kept is None or kept[0] is not ruleset:
            kept = self._kept = (ruleset, _payload(ruleset))
        return _send(request, kept[1])

    def evaluate(self, request: Request) -> Response:
        """Evaluate all experiments for one customer."""
        ruleset = _ruleset(self._reader)
        key = _client_key(request.name, ruleset)
        asked = read_question(request.body)
        unit, attributes = asked.attributes.get("id"), asked.attributes
        opted_out = ruleset.has_opted_out(unit, attributes)
        given = assign_all(ruleset.together, unit, attributes, opted_out=opted_out)
        preview = shown_by(self._previewer, ruleset, unit, attributes, key.environment)
        if self._tally is not None and key.environment is Environment.PRODUCTION:
            assigned = without_shown(given, preview)
            self._tally.note(key.public_id, ruleset, unit, attributes, assigned)
        told = _evaluated(ruleset, asked, given)
        if preview is not None:
            shown = preview.given
            value = flag_value(preview.types, shown.parameters, str(shown.variant))
            told["features"][shown.experiment] = {"defaultValue": value}
        return json_response(200, told)


def word(refusal: Refusal, _name: str) -> Response:
    """Word a refusal as the SDKs read it: every one of a key is a 400."""
    status, headers = refusal.status, list(refusal.headers)
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        status = HTTPStatus.BAD_REQUEST.value
        headers = [("X-Unrecoverable", "1")]  # asking again would not help
    told = {"status": status, "error": refusal.message}
    return json_response(status, told, headers)


def read_question(body: bytes) -> Asked:
    """Read for whom to evaluate.

    Args:
        body: {attributes, forcedVariations, forcedFeatures, url}, all optional.

    Returns:
        The question.

    Raises:
        MalformedJson: it is something else.
    """
    content = decode_json(body)
    if not isinstance(content, dict):
        raise MalformedJson('Send one JSON object, such as {"attributes": {}}.')
    given = {name: value for name, value in content.items() if value is not None}
    attributes = given.get("attributes", {})
    variations = given.get("forcedVariations", {})
    features = given.get("forcedFeatures", [])
    if not isinstance(attributes, dict):
        raise MalformedJson("attributes must be an object.")
    if not isinstance(variations, dict):
        raise MalformedJson("forcedVariations must be an object.")
    if not isinstance(features, list):
        raise MalformedJson("forcedFeatures must be a list of [key, value].")
    unit = attributes.get("id")
    if isinstance(unit, str) and len(unit) > MAX_UNIT:
        raise MalformedJson(f"id must be a text of at most {MAX_UNIT} characters.")
    names = [pair[0] for pair in features if isinstance(pair, list) and pair]
    return Asked(
        attributes,
        variations,
        frozenset(name for name in names if isinstance(name, str)),
    )


def _ruleset(reader: RulesetReader) -> Ruleset:
    ruleset = reader.current
    if ruleset is None:
        raise Unavailable("Abide has just started. Try again soon.")
    return ruleset


def _client_key(text: str, ruleset: Ruleset) -> PublishedKey:
    key = recognise(text, ruleset, _ALL_KINDS)
    if key.kind in {KeyKind.SERVER, KeyKind.ADMIN}:
        raise Forbidden(
            f"This {key.kind} key is a secret and does not belong in an address. Revoke"
            " it, and use a client key."
        )
    if key.kind is not KeyKind.CLIENT:
        raise Forbidden(f"This {key.kind} key does not open this door.")
    return key


def _send(request: Request, payload: Payload) -> Response:
    headers = [
        ("Cache-Control", _CACHED),
        ("ETag", payload.etag),
        ("Vary", "Accept-Encoding"),
    ]
    if holds(request.headers.get("if-none-match", ""), payload.etag):
        return Response(304, headers)
    headers.append(("Content-Type", "application/json"))
    packs = "gzip" in request.headers.get("accept-encoding", "")
    if packs and len(payload.plain) >= _PACK_FROM:
        headers.append(("Content-Encoding", "gzip"))
        return Response(200, headers, payload.packed)
    return Response(200, headers, payload.plain)


def _payload(ruleset: Ruleset) -> Payload:
    # JavaScript drops what is not dated otherwise than what it holds, so two changes
    # in the same millisecond must be dated apart.
    published = ruleset.published_at
    whole_ms = published.replace(microsecond=published.microsecond // 1000 * 1000)
    dated = whole_ms + timedelta(microseconds=ruleset.revision % 1000)
    written = {
        "status": 200,
        "features": {
            key: feature(design) for key, design in ruleset.experiments.items()
        },
        "experiments": [],
        "dateUpdated": dated.isoformat(timespec="microseconds"),
        "savedGroups": {},
    }
    plain = orjson.dumps(written)
    etag = f'"{hashlib.sha256(plain).hexdigest()[:24]}"'
    return Payload(plain, gzip.compress(plain, mtime=0), etag)


def _evaluated(
    ruleset: Ruleset, asked: Asked, given: Sequence[Assignment]
) -> dict[str, Any]:
    """Evaluate everything for one customer: values, and what seeing them would show.

    It is not dated: the same rules give another answer for other attributes.
    """
    features = {}
    for one in given:
        design = ruleset.experiments[one.experiment]
        forced = _forced(design, asked.forced_variations.get(design.key))
        if forced is not None:
            features[design.key] = {
                "defaultValue": control_value(design),
                "rules": [{"id": "forced", "force": forced[0]}],
            }
        else:
            tracked = design.key not in asked.forced_features
            features[design.key] = _one(design, one, asked, tracked=tracked)
    return {"status": 200, "features": features, "experiments": [], "savedGroups": {}}


def _forced(design: RunningDesign, index: object) -> tuple[Any] | None:
    whole = isinstance(index, int) and not isinstance(index, bool)
    if not whole or not isinstance(index, int) or not 0 <= index < len(design.variants):
        return None
    return (variant_values(design)[index],)


def _one(
    design: RunningDesign,
    given: Assignment,
    asked: Asked,
    *,
    tracked: bool,
) -> dict[str, Any]:
    name = given.variant or design.variants[design.control].name
    value = flag_value(design.types, given.parameters, name)
    if not given.in_experiment or not tracked:
        return {"defaultValue": value}
    hashed, unit = _hashed(design.published, asked.attributes)
    names = [variant.name for variant in design.variants]
    result = {
        "key": name,
        "variationId": names.index(name),
        "value": value,
        "inExperiment": True,
        "hashUsed": True,
        "hashAttribute": hashed,
        "hashValue": unit,
        "featureId": design.key,
    }
    seen = {"experiment": {"key": design.key, "variations": [value]}, "result": result}
    return {
        "defaultValue": control_value(design),
        "rules": [{"id": given.reason.value, "force": value, "tracks": [seen]}],
    }


def _hashed(entry: Mapping[str, Any], attributes: Mapping[str, Any]) -> tuple[str, str]:
    """Name the attribute that was hashed, and its value as the SDKs write it."""
    first: str = entry.get("hash_attribute", "id")
    names: list[str | None] = [first, entry.get("fallback_attribute")]
    for name in names:
        text = None if name is None else unit_text(attributes.get(name))
        if name is not None and text is not None:
            return name, text
    return first, ""
