"""Published experiments as the doors need them, and what they answer. Pure values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from experiments.conditions import Test
from experiments.vocabulary import (
    UNIT_ATTRIBUTE,
    AssignmentReason,
    ParameterType,
    Status,
)


class Assignment(NamedTuple):
    """What one customer gets in one experiment, and why.

    Attributes:
        experiment: its key.
        variant: its name; None when the app should use its own default.
        parameters: of the variant, or of the rule that chose.
        reason: why this variant.
        in_experiment: whether this customer takes part, so that seeing the variant
            is an exposure that analysis counts.
        bucket: 0 to 9,999 when the hash was asked.
        rule: segment whose parameters a personalised variant gave; None for its
            default parameters.
        kept: whether the customer would be outside today (holdout, layer or segment),
            and keeps the variant that was seen before.
    """

    experiment: str
    variant: str | None
    parameters: Mapping[str, Any]
    reason: AssignmentReason
    in_experiment: bool
    bucket: int | None = None
    rule: str | None = None
    kept: bool = False


class Enrolled(Protocol):
    """Customers who have seen a variant of one phase of an experiment."""

    def has(self, unit: str) -> bool:
        """Whether the customer or account with this id has."""


@dataclass(frozen=True, slots=True)
class PersonalRule:
    """One line of a personalised variant: these customers get these parameters."""

    segment: str
    test: Test
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RunningVariant:
    """A variant as the doors need it."""

    name: str
    parameters: Mapping[str, Any]
    rules: tuple[PersonalRule, ...] = ()  # first match wins


@dataclass(frozen=True, slots=True)
class Holdout:
    """Customers who are kept out: those with a bucket below `below`."""

    key: str
    seed: str
    below: int  # of 10,000


@dataclass(frozen=True, slots=True)
class LayerPlace:
    """An experiment's part of a layer: `table` is 1 for each of its buckets."""

    key: str
    seed: str
    table: bytes


class Listed(Protocol):
    """Customers on a list by hand, each with the position of a variant."""

    def position(self, unit: str) -> int | None:
        """Give the position, or None for who is not on the list."""


@dataclass(frozen=True, slots=True)
class Special:
    """What only some experiments ask about a customer.

    Attributes:
        hash_attribute: attribute that is hashed; "id" is the `unit` of the request.
        fallback_attribute: hashed where the first is no usable id; None for none.
        opted_out: who takes no part.
        forced: who gets which variant by the test list, and is never analysed.
        earlier: who was in which earlier phase, and is in none any more.
        holdouts: those that began before the experiment.
        layer: the part of the customers that is its own; None without a layer.
    """

    hash_attribute: str = UNIT_ATTRIBUTE
    fallback_attribute: str | None = None
    opted_out: Listed | None = None
    forced: Listed | None = None
    earlier: tuple[Enrolled, ...] = ()
    holdouts: tuple[Holdout, ...] = ()
    layer: LayerPlace | None = None


@dataclass(frozen=True, slots=True)
class RunningDesign:
    """A published experiment, made ready so that each customer costs little.

    Attributes:
        key: of the experiment.
        status: where it stands in its life.
        variants: in the order of the split.
        control: position of control.
        decided: position of the variant for everybody, once there is one.
        in_segment: whom it is for.
        salt: of the hash, frozen at the experiment's start.
        table: for each bucket the position of its variant.
        types: of the parameters; `experiments.flags` makes the flag's value of them.
        kept: who is enrolled already, and stays so; None when nobody is asked for.
        special: what only some experiments have; None costs nothing.
        published: the entry of the ruleset that this was made from: salt, phase,
            coverage, shares, condition, layer and holdouts, as JSON values.
    """

    key: str
    status: Status
    variants: tuple[RunningVariant, ...]
    control: int
    decided: int | None
    in_segment: Test
    salt: str
    table: bytes
    types: Mapping[str, ParameterType] = field(default_factory=dict)
    kept: Enrolled | None = None
    special: Special | None = None
    published: Mapping[str, Any] = field(default_factory=dict)
