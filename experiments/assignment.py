"""Who gets what: from a customer's id and attributes to a variant. Pure.

The order in which things are asked is that of GrowthBook's clients, so that an app
that evaluates locally gets the same variant as one that asks a door:

status, id, consent, opt-out (of all experiments: `decline`; of one: a list by hand),
test list, customers of earlier phases, holdouts, layer, segment, bucket, coverage. A
customer who is enrolled already keeps the variant that the hash gives, whatever
holdouts, layer and segment say by now.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from experiments.buckets import (
    NOBODY,
    bucket,
    bucket_ranges,
    bucket_table,
    is_missing,
    unit_text,
)
from experiments.consent import refuses
from experiments.running import (
    Assignment,
    Enrolled,
    Holdout,
    LayerPlace,
    Listed,
    PersonalRule,
    RunningDesign,
    RunningVariant,
    Special,
)
from experiments.vocabulary import UNIT_ATTRIBUTE, AssignmentReason, Status

__all__ = [
    "Assignment",
    "Enrolled",
    "Holdout",
    "LayerPlace",
    "Listed",
    "PersonalRule",
    "RunningDesign",
    "RunningVariant",
    "Special",
    "assign",
    "assign_all",
    "bucket",
    "bucket_ranges",
    "bucket_table",
    "decline",
    "hashed_text",
    "is_missing",
    "silent",
    "unit_text",
]

_NO_PARAMETERS: Mapping[str, Any] = {}
# Looking a member up on its enum costs as much as a step of the hash; these are on
# every customer's way.
_RUNNING, _SPLIT = Status.RUNNING, AssignmentReason.SPLIT
# Experiments that are asked for together share holdouts and layers.
_shared_bucket = lru_cache(4096)(bucket)
_UNUSABLE = ""  # an id of a wrong type, which no fallback stands in for


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
        attributes: of the customer, any JSON values. `consent`, if it is there,
            must be a yes.

    Returns:
        The assignment; never raises.
    """
    text = unit if type(unit) is str and unit else _read_unit(unit)
    return _assign(design, text, attributes)


def assign_all(
    designs: Iterable[RunningDesign],
    unit: object,
    attributes: Mapping[str, Any],
    *,
    opted_out: bool = False,
) -> list[Assignment]:
    """Decide what a customer gets in many experiments.

    Args:
        designs: the published experiments.
        unit: the customer's id.
        attributes: of the customer.
        opted_out: whether the customer opted out of all experiments.

    Returns:
        What `assign` gives for each, or `decline`, in order.
    """
    if opted_out:
        return [decline(design, unit, attributes) for design in designs]
    text = _read_unit(unit)
    return [_assign(design, text, attributes) for design in designs]


def decline(
    design: RunningDesign, unit: object, attributes: Mapping[str, Any]
) -> Assignment:
    """Decide what a customer gets who opted out of all experiments: control.

    What is no experiment (any more) is for everybody.

    Args:
        design: the published experiment.
        unit: the customer's id.
        attributes: of the customer.

    Returns:
        The assignment; never raises.
    """
    if design.status is not _RUNNING:
        return _without_hash(design, attributes)
    text = _read_unit(unit)
    if design.special is not None:
        text = hashed_text(design.special, text, attributes)
    if not text:
        return _control(design, AssignmentReason.INVALID_UNIT)
    if "consent" in attributes and refuses(attributes["consent"]):
        return _control(design, AssignmentReason.NO_CONSENT)
    return _control(design, AssignmentReason.OPTED_OUT)


def _assign(  # noqa: PLR0911  # parting it would cost each customer a call more
    design: RunningDesign, text: str | None, attributes: Mapping[str, Any]
) -> Assignment:
    if design.status is not _RUNNING:
        return _without_hash(design, attributes)
    if design.special is not None:
        return _assign_specially(design, design.special, text, attributes)
    if not text:
        return _control(design, AssignmentReason.INVALID_UNIT)
    if "consent" in attributes and refuses(attributes["consent"]):
        return _control(design, AssignmentReason.NO_CONSENT)
    if not design.in_segment(attributes):
        outside = AssignmentReason.NOT_IN_SEGMENT
        return _unless_kept(design, outside, text, attributes)
    number = bucket(design.salt, text)
    position = design.table[number]
    if position == NOBODY:
        return _control(design, AssignmentReason.NOT_COVERED, number)
    return _give(design, position, _SPLIT, attributes, number)


def silent(experiment: str, reason: AssignmentReason) -> Assignment:
    """Answer for an experiment that assigns nobody: the app uses its own default."""
    return Assignment(experiment, None, _NO_PARAMETERS, reason, in_experiment=False)


# What only some experiments ask


def _assign_specially(
    design: RunningDesign,
    special: Special,
    unit: str | None,
    attributes: Mapping[str, Any],
) -> Assignment:
    text = hashed_text(special, unit, attributes)
    if text is None:
        return _control(design, AssignmentReason.INVALID_UNIT)
    if "consent" in attributes and refuses(attributes["consent"]):
        return _control(design, AssignmentReason.NO_CONSENT)
    listed = _by_list(design, special, text, attributes)
    if listed is not None:
        return listed
    if any(phase.has(text) for phase in special.earlier):
        return _control(design, AssignmentReason.EARLIER_PHASE)
    outside = _outside(design, special, text, unit, attributes)
    if outside is not None:
        return _unless_kept(design, outside, text, attributes)
    return _by_hash(design, AssignmentReason.NOT_COVERED, text, attributes)


def _by_hash(
    design: RunningDesign,
    otherwise: AssignmentReason,
    text: str,
    attributes: Mapping[str, Any],
) -> Assignment:
    number = bucket(design.salt, text)
    position = design.table[number]
    if position == NOBODY:
        return _control(design, otherwise, number)
    return _give(design, position, _SPLIT, attributes, number)


def hashed_text(
    special: Special, unit: str | None, attributes: Mapping[str, Any]
) -> str | None:
    """Find the id that is hashed, or None when there is no usable one.

    An id of a wrong type is no reason to fall back: it is a fault of the app, and
    GrowthBook's clients, which evaluate locally, would not fall back either.

    Args:
        special: says which attribute it is.
        unit: the customer's id, as `unit_text` writes it; "" for a wrong type.
        attributes: of the customer.

    Returns:
        The id as text.
    """
    for name in (special.hash_attribute, special.fallback_attribute):
        if name is None:
            continue
        text = unit if name == UNIT_ATTRIBUTE else _read_unit(attributes.get(name))
        if text is not None:
            return text or None
    return None


def _read_unit(unit: object) -> str | None:
    """Write an id as `unit_text` does, but "" when it is of a wrong type."""
    text = unit_text(unit)
    return text if text is not None or is_missing(unit) else _UNUSABLE


def _by_list(
    design: RunningDesign, special: Special, text: str, attributes: Mapping[str, Any]
) -> Assignment | None:
    out, forced = special.opted_out, special.forced
    if out is not None and out.position(text) is not None:
        return _control(design, AssignmentReason.OPTED_OUT)
    position = None if forced is None else forced.position(text)
    if position is None:
        return None
    return _give(design, position, AssignmentReason.FORCED, attributes, None)


def _outside(
    design: RunningDesign,
    special: Special,
    text: str,
    unit: str | None,
    attributes: Mapping[str, Any],
) -> AssignmentReason | None:
    """Say what keeps a customer out, or None.

    A holdout is of customers, whatever an experiment draws by: each is in it or not,
    in all experiments alike. A layer is of what its experiments draw by.
    """
    if special.holdouts and not unit:
        return AssignmentReason.INVALID_UNIT
    for holdout in special.holdouts:
        if _shared_bucket(holdout.seed, unit or "") < holdout.below:
            return AssignmentReason.HELD_OUT
    layer = special.layer
    if layer is not None and not layer.table[_shared_bucket(layer.seed, text)]:
        return AssignmentReason.NOT_IN_LAYER
    if not design.in_segment(attributes):
        return AssignmentReason.NOT_IN_SEGMENT
    return None


def _unless_kept(
    design: RunningDesign,
    outside: AssignmentReason,
    text: str,
    attributes: Mapping[str, Any],
) -> Assignment:
    """Give control to who is outside, but the old variant to who was inside before.

    A churn segment empties because the treatment works: a customer who leaves it must
    not lose the variant for that.
    """
    if design.kept is None or not design.kept.has(text):
        return _control(design, outside)
    given = _by_hash(design, outside, text, attributes)
    return given._replace(kept=given.in_experiment)


# What is given


def _without_hash(design: RunningDesign, attributes: Mapping[str, Any]) -> Assignment:
    if design.status is Status.PAUSED:
        return _control(design, AssignmentReason.PAUSED)
    if design.status is Status.STOPPED:
        return _control(design, AssignmentReason.STOPPED)
    if design.status is not Status.DECIDED:
        if design.published.get("phase", 1) > 1:  # customers know it from before
            return _control(design, AssignmentReason.NOT_STARTED)
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
