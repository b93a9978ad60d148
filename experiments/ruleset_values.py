"""The ruleset as values: what the doors serve from, in memory, without a database."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from experiments.assignment import (
    ManyDesigns,
    RunningDesign,
)
from experiments.ruleset_designs import Memory, read_design
from experiments.vocabulary import (
    AssignmentReason,
    Environment,
    KeyKind,
)

FORMAT = 2


class RulesetRefusedError(Exception):
    """A ruleset that must not be served; the message says why."""


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """What a door needs to check an API key."""

    public_id: str
    digest: str  # SHA-256 of the whole key text, in hexadecimal
    kind: KeyKind
    environment: Environment
    revoked: bool
    may_read_rules: bool = False  # whether its app may evaluate by itself


@dataclass(frozen=True, slots=True)
class Ruleset:
    """One published state, never changed.

    Attributes:
        revision: counts publications, from 1.
        published_at: when.
        experiments: those that give variants, by key.
        together: the same, for apps that ask for all.
        silent: those that do not (yet), by key, with the reason.
        keys: all API keys, revoked ones included, by public id.
        attributes: names of customer attributes that may be stored.
        checksum: SHA-256 of what was published, in hexadecimal.
    """

    revision: int
    published_at: datetime
    experiments: Mapping[str, RunningDesign]
    together: ManyDesigns
    silent: Mapping[str, AssignmentReason]
    keys: Mapping[str, PublishedKey]
    attributes: frozenset[str]
    checksum: str = ""


def parse(body: bytes, memory: Memory | None = None) -> Ruleset:
    """Read a published ruleset.

    Args:
        body: JSON, as `experiments.ruleset.publish` stored it.
        memory: how a door knows customers again; only doors have one.

    Returns:
        The ruleset, ready to serve.

    Raises:
        RulesetRefusedError: it is not a ruleset of this format.
    """
    try:
        content = orjson.loads(body)
        if content["format"] != FORMAT:
            raise RulesetRefusedError(
                f"The ruleset has format {content['format']}, not {FORMAT}."
            )
        return _ruleset(content, memory, hashlib.sha256(body).hexdigest())
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise RulesetRefusedError(
            f"The ruleset does not have the expected shape ({error})."
        ) from error


def _ruleset(
    content: Mapping[str, Any], memory: Memory | None, checksum: str
) -> Ruleset:
    experiments = {
        entry["key"]: read_design(entry, memory) for entry in content["experiments"]
    }
    return Ruleset(
        revision=int(content["revision"]),
        published_at=datetime.fromisoformat(content["published_at"]),
        experiments=experiments,
        together=ManyDesigns(experiments.values()),
        silent={
            key: AssignmentReason(reason) for key, reason in content["silent"].items()
        },
        keys={key["public_id"]: _key(key) for key in content["keys"]},
        attributes=frozenset(content["attributes"]),
        checksum=checksum,
    )


def _key(entry: Mapping[str, Any]) -> PublishedKey:
    return PublishedKey(
        public_id=entry["public_id"],
        digest=entry["digest"],
        kind=KeyKind(entry["kind"]),
        environment=Environment(entry["environment"]),
        revoked=bool(entry["revoked"]),
        may_read_rules=bool(entry.get("may_read_rules", False)),
    )
