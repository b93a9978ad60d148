"""Experiments as the features of GrowthBook's SDK payload: rules to evaluate locally.

An app's SDK must come to the answer that a door gives. Source: specification 0.8.0 of
the SDKs, and what their JavaScript and Python clients do. Pure.

Variants are chosen by the hash alone, so a personalised variant must not make its
segments choose: each personal rule becomes one more experiment rule with the same key
and seed, whose range holds that one variant's customers. The rule that takes in
everybody comes last.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from experiments.assignment import PersonalRule, RunningDesign, bucket_ranges
from experiments.buckets import BUCKET_COUNT
from experiments.condition_check import GROUPS, NUMBER_ORDER, VERSION_ORDER
from experiments.consent import YES
from experiments.flags import flag_value
from experiments.javascript import is_number
from experiments.vocabulary import UNIT_ATTRIBUTE, Status

Entry = Mapping[str, Any]  # of the ruleset
Rule = dict[str, Any]
Condition = Mapping[str, Any]

# What `refuses` refuses. SDKs look into lists, so a list with a yes is named as well.
_NO_CONSENT: Condition = {
    "$and": [
        {"consent": {"$exists": True}},
        {"$or": [{"consent": {"$nin": [*YES]}}, {"consent": {"$type": "array"}}]},
    ]
}


def feature(design: RunningDesign) -> dict[str, Any]:
    """Write one experiment.

    Args:
        design: as doors assign by it, with the entry that it was made from.

    Returns:
        A feature: control for everybody whom no rule takes.
    """
    found: dict[str, Any] = {"defaultValue": control_value(design)}
    if design.status is Status.RUNNING:
        found["rules"] = list(_split(design, design.published))
    elif design.status is Status.DECIDED:
        found["rules"] = list(_decided(design, design.published))
    return found


def control_value(design: RunningDesign) -> Any:  # noqa: ANN401  # JSON is any type
    """Give the value of customers who are not in the experiment."""
    return variant_values(design)[design.control]


def variant_values(design: RunningDesign) -> list[Any]:
    """List the flag's value of each variant, without personal rules."""
    return [
        flag_value(design.types, variant.parameters, variant.name)
        for variant in design.variants
    ]


def strict(condition: Condition) -> Condition:
    """Rewrite a segment rule so that JavaScript converts no types.

    Its client takes "5" for 5 and any text for true unless told the type; the others,
    and our doors, do not.

    Args:
        condition: the rule, as stored.

    Returns:
        A rule of the same meaning, in the same language.
    """
    written: dict[str, Any] = {}
    for name, value in condition.items():
        if name in GROUPS:
            written[name] = [strict(inner) for inner in value]
        elif name == "$not":
            written[name] = strict(value)
        else:
            written[name] = _strict_value(value)
    return written


def _strict_value(value: Any) -> Any:  # noqa: ANN401  # JSON is any type
    if not isinstance(value, Mapping):
        return {"$eq": value} if isinstance(value, (str, bool)) else value
    written: dict[str, Any] = {}
    types = set()
    for name, operand in value.items():
        if name in NUMBER_ORDER and is_number(operand):
            types.add("number")
        elif name in VERSION_ORDER - {"$vne"}:
            types.add("string")
        written[name] = _strict_value(operand) if name == "$not" else operand
    if "$vne" in written and "$not" not in written:
        # A value of another type is another version.
        written["$not"] = {"$type": "string", "$veq": written.pop("$vne")}
    if types:
        written["$type"] = types.pop() if len(types) == 1 else "nothing is both"
    return written


def _split(design: RunningDesign, entry: Entry) -> Iterator[Rule]:
    """Write the rules of a running experiment."""
    yield {
        "id": "no consent",
        "condition": _NO_CONSENT,
        "force": control_value(design),
    }
    segment = strict(entry["segment"]["condition"])
    attribute = entry.get("hash_attribute", UNIT_ATTRIBUTE)
    yield from _split_by(attribute, segment, design, entry)
    if fallback := entry.get("fallback_attribute"):
        # The SDKs' own fallback works with sticky buckets only.
        without = _both(segment, _without(attribute))
        yield from _split_by(fallback, without, design, entry)


def _split_by(
    attribute: str, segment: Condition, design: RunningDesign, entry: Entry
) -> Iterator[Rule]:
    """Write the rules for customers who are drawn by one attribute."""
    if attribute != UNIT_ATTRIBUTE or "fallback_attribute" in entry:
        segment = _both(segment, _is_typed(attribute))
    shares = [float(variant["share"]) for variant in entry["variants"]]
    coverage = float(entry["coverage"])
    values = variant_values(design)
    common = {
        "key": design.key,
        "seed": entry["salt"],
        "hashVersion": 2,
        "hashAttribute": attribute,
        "phase": str(entry["phase"]),
        "meta": [{"key": variant.name} for variant in design.variants],
    }
    if filters := list(_filters(entry, attribute)):
        common["filters"] = filters
    ranges = bucket_ranges(coverage, shares)
    for position, own, condition in _personal_rules(design, entry):
        # What the app's SDK remembers would skip the condition, which must hold.
        yield {
            **common,
            "id": own.segment,
            "condition": _both(segment, condition),
            "variations": _with(values, position, _value(design, position, own)),
            "ranges": [
                span if place == position else (0, 0)
                for place, span in enumerate(ranges)
            ],
            "disableStickyBucketing": True,
        }
    last = {
        **common,
        "id": "split",
        "variations": values,
        "coverage": coverage,
        "weights": shares,
        "bucketVersion": entry["phase"],
    }
    if segment:
        last["condition"] = segment
    if entry["phase"] > 1:  # customers of earlier phases are in none any more
        last["minBucketVersion"] = entry["phase"]
    yield last


def _decided(design: RunningDesign, entry: Entry) -> Iterator[Rule]:
    """Write the rules once one variant is for the whole segment."""
    position = design.control if design.decided is None else design.decided
    segment = strict(entry["segment"]["condition"])
    for place, own, condition in _personal_rules(design, entry):
        if place == position:
            yield {
                "id": own.segment,
                "condition": _both(segment, condition),
                "force": _value(design, position, own),
            }
    last: Rule = {"id": "decided", "force": variant_values(design)[position]}
    if segment:
        last["condition"] = segment
    yield last


def _personal_rules(
    design: RunningDesign, entry: Entry
) -> Iterator[tuple[int, PersonalRule, Condition]]:
    for position, variant in enumerate(design.variants):
        stored = entry["variants"][position]["personalisation"]
        for rule, kept in zip(variant.rules, stored, strict=True):
            yield position, rule, strict(kept["condition"])


def _value(design: RunningDesign, position: int, rule: PersonalRule) -> Any:  # noqa: ANN401
    name = design.variants[position].name
    return flag_value(design.types, rule.parameters, name)


def _with(values: list[Any], position: int, value: Any) -> list[Any]:  # noqa: ANN401
    return [*values[:position], value, *values[position + 1 :]]


def _both(segment: Condition, condition: Condition) -> Condition:
    return {"$and": [segment, condition]} if segment else condition


def _is_typed(attribute: str) -> Condition:
    """Say that an attribute has a type of ids; the SDKs draw by lists and true too."""
    return {"$or": [{attribute: {"$type": one}} for one in ("string", "number")]}


def _without(attribute: str) -> Condition:
    """Say that there is no id, as `is_missing` does.

    Not by `$in`, which asks the elements of a list.
    """
    missing: tuple[Condition, ...] = ({"$exists": False}, {"$eq": ""}, {"$eq": 0})
    return {"$or": [{attribute: one} for one in missing]}


def _filters(entry: Entry, attribute: str) -> Iterator[Mapping[str, Any]]:
    """Write holdouts and layer: whose bucket, by another seed, is outside is out."""
    outside = [
        (h["seed"], UNIT_ATTRIBUTE, [(round(h["share"] * BUCKET_COUNT), BUCKET_COUNT)])
        for h in entry.get("holdouts", ())
    ]
    if layer := entry.get("layer"):
        outside.append((layer["seed"], attribute, layer["ranges"]))
    for seed, drawn_by, ranges in outside:
        yield {
            "seed": seed,
            "hashVersion": 2,
            "attribute": drawn_by,
            "ranges": [
                (first / BUCKET_COUNT, end / BUCKET_COUNT) for first, end in ranges
            ],
        }
