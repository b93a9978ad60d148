"""Rulesets as they are published, made by hand, with keys that fit them."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from experiments import key_format
from experiments.ruleset_files import RulesetFolder
from experiments.ruleset_reader import RulesetReader
from experiments.ruleset_values import FORMAT, Ruleset, parse
from experiments.vocabulary import KeyKind


def new_key(
    name: str, kind: KeyKind, *, may_read_rules: bool = False, revoked: bool = False
) -> tuple[str, dict[str, Any]]:
    """Make a key: its text, and how a ruleset holds it."""
    # The same in every process that collects the tests.
    secret = hashlib.sha256(name.encode()).hexdigest()
    public_id = secret[:12]
    text = f"abide_{kind}_prod_{public_id}_{secret[:43]}"
    assert key_format.parse(text) == public_id
    held = {
        "public_id": public_id,
        "digest": key_format.digest(text),
        "kind": kind.value,
        "environment": "production",
        "may_read_rules": may_read_rules,
        "revoked": revoked,
    }
    return text, held


SERVER, _SERVER = new_key("server", KeyKind.SERVER)
ADMIN, _ADMIN = new_key("admin", KeyKind.ADMIN)
CLIENT, _CLIENT = new_key("client", KeyKind.CLIENT)
READER, _READER = new_key("reader", KeyKind.CLIENT, may_read_rules=True)
WRITE, _WRITE = new_key("write", KeyKind.WRITE)
REVOKED, _REVOKED = new_key(
    "revoked", KeyKind.CLIENT, may_read_rules=True, revoked=True
)
UNKNOWN, _ = new_key("unknown", KeyKind.CLIENT)
KEYS = (_SERVER, _ADMIN, _CLIENT, _READER, _WRITE, _REVOKED)


def variant(name: str, share: float = 0.5, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "name": name,
        "share": share,
        "parameters": {},
        "personalisation": [],
        **more,
    }


def personal(segment: str, condition: Mapping[str, Any], **parameters: Any) -> Any:  # noqa: ANN401
    """Write one line of a personalised variant."""
    return {
        "segment": segment,
        "version": 1,
        "condition": condition,
        "parameters": parameters,
    }


def entry(key: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """Write one running experiment: halves, everybody, without parameters."""
    condition = changes.pop("condition", {})
    return {
        "key": key,
        "status": "running",
        "salt": f"salt of {key}",
        "phase": 1,
        "coverage": 1.0,
        "segment": {"key": "s", "version": 1, "condition": condition},
        "control": "control",
        "decided_variant": None,
        "types": {},
        "variants": [variant("control"), variant("treatment")],
        **changes,
    }


def body_of(entries: Sequence[Mapping[str, Any]], **changes: Any) -> bytes:  # noqa: ANN401
    content = {
        "format": FORMAT,
        "revision": 1,
        "published_at": "2026-03-14T09:30:00+00:00",
        "experiments": sorted(entries, key=lambda one: str(one["key"])),
        "silent": {"draft": "not_started", "elsewhere": "external"},
        "keys": list(KEYS),
        "attributes": ["plan"],
        **changes,
    }
    return orjson.dumps(content)


def ruleset_of(entries: Sequence[Mapping[str, Any]], **changes: Any) -> Ruleset:  # noqa: ANN401
    return parse(body_of(entries, **changes))


def reader_of(ruleset: Ruleset | None) -> RulesetReader:
    reader = RulesetReader(RulesetFolder(Path("nowhere")))
    reader.current = ruleset
    return reader


def preview(
    token: str,
    key: str,
    shown: str = "treatment",
    until: str = "2026-03-15T09:30:00+00:00",
    **more: Any,  # noqa: ANN401
) -> dict[str, Any]:
    """Write a preview link, as a ruleset holds it."""
    return {
        "id": 7,
        "digest": hashlib.sha256(token.encode()).hexdigest(),
        "experiment": key,
        "variant": shown,
        "parameters": {"on": 9},
        "types": {"on": "integer"},
        "expires_at": until,
        **more,
    }
