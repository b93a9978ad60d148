"""The ruleset as values: what the doors serve from, in memory, without a database."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import orjson

from experiments import flags
from experiments.assignment import (
    ManyDesigns,
    PersonalRule,
    RunningDesign,
    RunningVariant,
    bucket_ranges,
    bucket_table,
    seed_state,
)
from experiments.conditions import compile_rule
from experiments.vocabulary import (
    AssignmentReason,
    Environment,
    KeyKind,
    ParameterType,
    Status,
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
        entries: what `experiments` was made from, for apps that evaluate by
            themselves.
    """

    revision: int
    published_at: datetime
    experiments: Mapping[str, RunningDesign]
    together: ManyDesigns
    silent: Mapping[str, AssignmentReason]
    keys: Mapping[str, PublishedKey]
    attributes: frozenset[str]
    entries: Sequence[Mapping[str, Any]] = ()


def parse(body: bytes) -> Ruleset:
    """Read a published ruleset.

    Args:
        body: JSON, as `experiments.ruleset.publish` stored it.

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
        return _ruleset(content)
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise RulesetRefusedError(
            f"The ruleset does not have the expected shape ({error})."
        ) from error


def _ruleset(content: Mapping[str, Any]) -> Ruleset:
    experiments = {entry["key"]: _design(entry) for entry in content["experiments"]}
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
        entries=content["experiments"],
    )


def _design(entry: Mapping[str, Any]) -> RunningDesign:
    names = [variant["name"] for variant in entry["variants"]]
    control = names.index(entry["control"])
    types = {name: ParameterType(kind) for name, kind in entry["types"].items()}
    complete = partial(
        flags.typed, types, control=entry["variants"][control]["parameters"]
    )
    weights = [float(variant["share"]) for variant in entry["variants"]]
    decided = entry["decided_variant"]
    return RunningDesign(
        key=entry["key"],
        status=Status(entry["status"]),
        variants=tuple(_variant(v, complete) for v in entry["variants"]),
        control=control,
        decided=None if decided is None else names.index(decided),
        in_segment=compile_rule(entry["segment"]["condition"]),
        seed=seed_state(entry["salt"]),
        table=bucket_table(bucket_ranges(float(entry["coverage"]), weights)),
        types=types,
    )


def _variant(
    entry: Mapping[str, Any], complete: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> RunningVariant:
    return RunningVariant(
        name=entry["name"],
        parameters=complete(entry["parameters"]),
        rules=tuple(
            PersonalRule(
                rule["segment"],
                compile_rule(rule["condition"]),
                complete(rule["parameters"]),
            )
            for rule in entry["personalisation"]
        ),
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
