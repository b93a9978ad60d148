"""Who gets what: from a customer's id and attributes to a variant. Pure.

The hash is version 2 of GrowthBook's, so that an app that evaluates locally with one
of its clients and an app that asks a door get the same variant:
bucket = fnv1a32(text of fnv1a32(salt + unit)) mod 10,000, over UTF-16 code units.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from experiments.conditions import Test
from experiments.javascript import code_units, is_number, number_text
from experiments.many_buckets import (
    BITS_32,
    BUCKET_COUNT,
    FNV_OFFSET,
    FNV_PRIME,
    ManySeeds,
)
from experiments.vocabulary import AssignmentReason, ParameterType, Status

_NOT_COVERED = 255  # in a bucket table; no experiment has so many variants
_NO_PARAMETERS: Mapping[str, Any] = {}
# Looking a member up on its enum costs as much as a step of the hash; these are on
# every customer's way.
_RUNNING, _SPLIT = Status.RUNNING, AssignmentReason.SPLIT


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
    """

    experiment: str
    variant: str | None
    parameters: Mapping[str, Any]
    reason: AssignmentReason
    in_experiment: bool
    bucket: int | None = None
    rule: str | None = None


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
class RunningDesign:
    """A published experiment, made ready so that each customer costs little.

    Attributes:
        key: of the experiment.
        status: where it stands in its life.
        variants: in the order of the split.
        control: position of control.
        decided: position of the variant for everybody, once there is one.
        in_segment: whom it is for.
        seed: state of the hash after the salt.
        table: for each bucket the position of its variant.
        types: of the parameters; `experiments.flags` makes the flag's value of them.
    """

    key: str
    status: Status
    variants: tuple[RunningVariant, ...]
    control: int
    decided: int | None
    in_segment: Test
    seed: int
    table: bytes
    types: Mapping[str, ParameterType] = field(default_factory=dict)


class ManyDesigns:
    """Experiments that are asked for together, with their seeds side by side."""

    def __init__(self, designs: Iterable[RunningDesign]) -> None:
        self.designs = tuple(designs)
        self.seeds = ManySeeds([design.seed for design in self.designs])


def assign(
    design: RunningDesign, unit: object, attributes: Mapping[str, Any]
) -> Assignment:
    """Decide what a customer gets.

    Only a running experiment asks who the customer is. Paused and stopped ones
    give control; a decided one gives its variant to the whole segment, also to
    customers without a usable id or without consent, for it is an experiment no
    more. The end of enrolment changes nothing here: everybody keeps the variant
    that the hash gives until the experiment stops.

    Args:
        design: the published experiment.
        unit: the customer's id: a text or a number, from outside.
        attributes: of the customer, any JSON values. `consent` false is a refusal
            to take part.

    Returns:
        The assignment; never raises.
    """
    return _assign(design, unit_text(unit), attributes, None)


def assign_all(
    designs: ManyDesigns, unit: object, attributes: Mapping[str, Any]
) -> list[Assignment]:
    """Decide what a customer gets in many experiments; faster than one by one.

    Args:
        designs: the published experiments.
        unit: the customer's id.
        attributes: of the customer.

    Returns:
        What `assign` gives for each, in order.
    """
    text = unit_text(unit)
    if text is None:
        return [_assign(d, None, attributes, None) for d in designs.designs]
    buckets = designs.seeds.buckets(code_units(text))
    return [
        _assign(design, text, attributes, number)
        for design, number in zip(designs.designs, buckets, strict=True)
    ]


def _assign(
    design: RunningDesign,
    text: str | None,
    attributes: Mapping[str, Any],
    number: int | None,
) -> Assignment:
    """Assign a customer whose bucket is known, or not yet."""
    if design.status is not _RUNNING:
        return _without_hash(design, attributes)
    if text is None:
        return _control(design, AssignmentReason.INVALID_UNIT)
    if attributes.get("consent") is False:
        return _control(design, AssignmentReason.NO_CONSENT)
    if not design.in_segment(attributes):
        return _control(design, AssignmentReason.NOT_IN_SEGMENT)
    if number is None:
        number = _bucket_after(design.seed, text)
    position = design.table[number]
    if position == _NOT_COVERED:
        return _control(design, AssignmentReason.NOT_COVERED, number)
    return _give(design, position, _SPLIT, attributes, number)


def silent(experiment: str, reason: AssignmentReason) -> Assignment:
    """Answer for an experiment that assigns nobody: the app uses its own default."""
    return Assignment(experiment, None, _NO_PARAMETERS, reason, in_experiment=False)


def _without_hash(design: RunningDesign, attributes: Mapping[str, Any]) -> Assignment:
    if design.status is Status.PAUSED:
        return _control(design, AssignmentReason.PAUSED)
    if design.status is Status.STOPPED:
        return _control(design, AssignmentReason.STOPPED)
    if design.status is not Status.DECIDED:
        return silent(design.key, AssignmentReason.NOT_STARTED)
    if not design.in_segment(attributes):
        return _control(design, AssignmentReason.NOT_IN_SEGMENT)
    position = design.control if design.decided is None else design.decided
    return _give(design, position, AssignmentReason.DECIDED, attributes, None)


def _control(
    design: RunningDesign, reason: AssignmentReason, bucket: int | None = None
) -> Assignment:
    control = design.variants[design.control]
    return Assignment(
        design.key,
        control.name,
        control.parameters,
        reason,
        in_experiment=False,
        bucket=bucket,
    )


def _give(
    design: RunningDesign,
    position: int,
    reason: AssignmentReason,
    attributes: Mapping[str, Any],
    bucket: int | None,
) -> Assignment:
    variant = design.variants[position]
    parameters, chosen_by = variant.parameters, None
    for rule in variant.rules:
        if rule.test(attributes):
            parameters, chosen_by = rule.parameters, rule.segment
            break
    return Assignment(
        design.key,
        variant.name,
        parameters,
        reason,
        reason is _SPLIT,
        bucket,
        chosen_by,
    )


# Hashing


def unit_text(unit: object) -> str | None:
    """Write a customer's id as the hash reads it.

    Args:
        unit: from outside; a text, or a finite number written as JavaScript does.

    Returns:
        The id, or None for what is no id: "", 0, None, true, lists, objects. The
        text "0" is one.
    """
    if isinstance(unit, str):
        return unit or None
    if not is_number(unit) or unit == 0:
        return None
    try:
        return number_text(unit) if math.isfinite(unit) else None
    except OverflowError:  # an int beyond every double: infinite in JavaScript
        return None


def bucket(salt: str, unit: str) -> int:
    """Find the bucket of a customer, from 0 to 9,999.

    Args:
        salt: the experiment's, frozen at its start.
        unit: the customer's id, as `unit_text` writes it.

    Returns:
        The bucket; divided by 10,000 it is what GrowthBook calls n.
    """
    return _bucket_after(seed_state(salt), unit)


def seed_state(salt: str) -> int:
    """Run the hash over the salt, once for all customers."""
    return _fnv1a32(FNV_OFFSET, code_units(salt))


def _bucket_after(seed: int, unit: str) -> int:
    first = _fnv1a32(seed, code_units(unit))
    return _fnv1a32(FNV_OFFSET, b"%d" % first) % BUCKET_COUNT


def _fnv1a32(state: int, units: Iterable[int]) -> int:
    for unit in units:
        state = ((state ^ unit) * FNV_PRIME) & BITS_32
    return state


# Split


def bucket_ranges(
    coverage: float, weights: Sequence[float]
) -> tuple[tuple[float, float], ...]:
    """Give each variant its range of buckets.

    Each range starts where the full weights put it, whatever the coverage: so a
    higher coverage adds customers and moves none.

    Args:
        coverage: share of the segment enrolled; outside 0 to 1 is brought inside.
        weights: share of each variant; equal ones are taken when they do not add
            to 1 (0.99 to 1.01), as the clients do.

    Returns:
        From (inside) and to (outside) of each variant, as shares of all buckets.
    """
    coverage = min(max(coverage, 0), 1)
    total = 0.0
    for weight in weights:  # in order, as clients add: math.fsum would differ
        total += weight
    if not 0.99 <= total <= 1.01:  # noqa: PLR2004
        weights = [1 / len(weights)] * len(weights)
    ranges: list[tuple[float, float]] = []
    start = 0.0
    for weight in weights:
        ranges.append((start, start + coverage * weight))
        start += weight
    return tuple(ranges)


def bucket_table(ranges: Sequence[tuple[float, float]]) -> bytes:
    """List the variant of every bucket, so that choosing is one look-up.

    Args:
        ranges: of each variant, as `bucket_ranges` gives; the first match wins.

    Returns:
        10,000 bytes: positions of variants, 255 where nobody is enrolled.
    """
    table = bytearray([_NOT_COVERED]) * BUCKET_COUNT
    for position, (start, end) in reversed(list(enumerate(ranges))):
        first, last = _first_bucket_from(start), _first_bucket_from(end)
        table[first:last] = bytes([position]) * max(last - first, 0)
    return bytes(table)


def _first_bucket_from(edge: float) -> int:
    """Find the smallest bucket b with b / 10,000 >= edge, by the clients' division."""
    guess = min(max(math.ceil(edge * BUCKET_COUNT), 0), BUCKET_COUNT)
    while guess > 0 and (guess - 1) / BUCKET_COUNT >= edge:
        guess -= 1
    while guess < BUCKET_COUNT and guess / BUCKET_COUNT < edge:
        guess += 1
    return guess
