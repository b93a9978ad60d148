"""The ruleset as values: what the doors serve from, in memory, without a database."""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from experiments.assignment import RunningDesign, unit_text
from experiments.body_mapping import BodyMapping
from experiments.body_mapping import parse as parse_mapping
from experiments.enrolled import EnrolledSet
from experiments.errors import InvalidInput
from experiments.ruleset_designs import Memory, read_design
from experiments.signatures import Scheme
from experiments.vocabulary import (
    UNIT_ATTRIBUTE,
    AssignmentReason,
    Environment,
    KeyKind,
    ParameterType,
    Unit,
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
class PublishedConnector:
    """What a door needs to take a connector's webhooks.

    Attributes:
        public_id: part of its address, and the source of its events.
        environment: of its events.
        scheme: how its sender signs.
        secrets: sealed, each with the time until which it holds; None for ever.
        mapping: what its bodies mean; None while nobody has said it.
        mapping_version: of the mapping, 0 for none.
    """

    public_id: str
    environment: Environment
    scheme: Scheme
    secrets: tuple[tuple[bytes, datetime | None], ...]
    mapping: BodyMapping | None
    mapping_version: int

    def secrets_at(self, now: datetime) -> list[bytes]:
        """Give the sealed secrets that hold at a time."""
        return [one for one, until in self.secrets if until is None or now < until]


@dataclass(frozen=True, slots=True)
class PublishedPreview:
    """A link that shows one variant.

    Attributes:
        id: its number.
        experiment: key.
        variant: name.
        parameters: of the variant, complete, as of when the link was made.
        types: of the parameters.
        expires_at: from then on the link shows nothing.
    """

    id: int
    experiment: str
    variant: str
    parameters: Mapping[str, Any]
    types: Mapping[str, ParameterType]
    expires_at: datetime


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
        connectors: senders of webhooks, by public id; those that ended are not there.
        checksum: SHA-256 of what was published, in hexadecimal.
        previews: links that work, by the SHA-256 of their tokens, in hexadecimal.
        opted_out: who takes part in no experiment; None where nobody is known again.
        customer_ids: the attributes, beside the customer's id, that experiments draw
            customers by.
    """

    revision: int
    published_at: datetime
    experiments: Mapping[str, RunningDesign]
    together: tuple[RunningDesign, ...]
    silent: Mapping[str, AssignmentReason]
    keys: Mapping[str, PublishedKey]
    attributes: frozenset[str]
    checksum: str = ""
    connectors: Mapping[str, PublishedConnector] = field(default_factory=dict)
    previews: Mapping[str, PublishedPreview] = field(default_factory=dict)
    opted_out: EnrolledSet | None = None
    customer_ids: tuple[str, ...] = ()

    def has_opted_out(self, unit: object, attributes: Mapping[str, Any]) -> bool:
        """Whether a customer takes part in no experiment, by their own choice.

        Args:
            unit: the customer's id.
            attributes: of the customer; other ids may be among them.

        Returns:
            True when one of the ids is known to have opted out. It is asked once a
            request, and costs next to nothing while nobody has.
        """
        known = self.opted_out
        if known is None or not known.count:
            return False
        named = [unit, *(attributes.get(name) for name in self.customer_ids)]
        texts = [unit_text(one) for one in named]
        return any(text is not None and known.has(text) for text in texts)


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
        together=tuple(experiments.values()),
        silent={
            key: AssignmentReason(reason) for key, reason in content["silent"].items()
        },
        keys={key["public_id"]: _key(key) for key in content["keys"]},
        attributes=frozenset(content["attributes"]),
        checksum=checksum,
        connectors={
            entry["public_id"]: _connector(entry)
            for entry in content.get("connectors", ())
        },
        previews={
            link["digest"]: _preview(link) for link in content.get("previews", ())
        },
        opted_out=None if memory is None else memory.opted_out,
        customer_ids=_customer_ids(content["experiments"]),
    )


def _customer_ids(entries: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    names = {
        entry.get(name)
        for entry in entries
        if entry.get("unit", Unit.CUSTOMER) == Unit.CUSTOMER
        for name in ("hash_attribute", "fallback_attribute")
    }
    return tuple(sorted(name for name in names if name not in {None, UNIT_ATTRIBUTE}))


def _preview(entry: Mapping[str, Any]) -> PublishedPreview:
    return PublishedPreview(
        id=int(entry["id"]),
        experiment=entry["experiment"],
        variant=entry["variant"],
        parameters=entry["parameters"],
        types={name: ParameterType(kind) for name, kind in entry["types"].items()},
        expires_at=datetime.fromisoformat(entry["expires_at"]),
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


def _connector(entry: Mapping[str, Any]) -> PublishedConnector:
    mapping, version = None, int(entry["mapping_version"])
    if entry["mapping"] is not None:
        try:
            mapping = parse_mapping(entry["mapping"])
        except InvalidInput:
            # One mapping that this version no longer reads must not keep variants
            # from apps: its bodies wait as if there were none.
            version = 0
    return PublishedConnector(
        public_id=entry["public_id"],
        environment=Environment(entry["environment"]),
        scheme=Scheme(**entry["signature"]),
        secrets=tuple(
            (
                base64.b64decode(one["sealed"]),
                None if one["until"] is None else datetime.fromisoformat(one["until"]),
            )
            for one in entry["secrets"]
        ),
        mapping=mapping,
        mapping_version=version,
    )
