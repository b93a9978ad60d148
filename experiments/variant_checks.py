"""The rules of a design's variants: names, shares, parameters and their types."""

import math
from collections.abc import Mapping, Sequence

from experiments.design_parts import MAX_LIST, VariantSpec
from experiments.field_faults import Faults, check_name
from experiments.parameter_check import Given
from experiments.parameter_check import check_types as check_types_of
from experiments.storable import fault_in_parameters
from experiments.vocabulary import ParameterType

MIN_VARIANTS, MAX_VARIANTS = 2, 10


def check_variants(faults: Faults, variants: Sequence[VariantSpec]) -> None:
    """Refuse variants that could not be told apart, split or given out.

    Args:
        faults: collects what is wrong, under "variants" and its parts.
        variants: of a design.
    """
    if not MIN_VARIANTS <= len(variants) <= MAX_VARIANTS:
        faults.add(
            "variants", f"Give {MIN_VARIANTS} to {MAX_VARIANTS} variants, one control."
        )
    if sum(v.is_control for v in variants) != 1:
        faults.add("variants", "Mark exactly one variant as control.")
    _check_variant_names(faults, [v.name for v in variants])
    for index, variant in enumerate(variants[:MAX_VARIANTS]):
        field = f"variants.{index}"
        if not 0 < variant.share < 1:
            faults.add(
                f"{field}.share",
                "Each variant needs a part of the customers: above 0 %, below 100 %.",
            )
        faults.optional_text(f"{field}.description", variant.description, 2000)
        _check_parameters(faults, field, variant)
    if sum(bool(v.personalisation) for v in variants) > 1:
        faults.add("variants", "Only one variant can be personalised.")
    _check_split(faults, variants)


def _check_variant_names(faults: Faults, names: Sequence[str]) -> None:
    seen: dict[str, str] = {}
    for index, name in enumerate(names[:MAX_VARIANTS]):
        field = f"variants.{index}.name"
        check_name(faults, field, name)
        first = seen.setdefault(name.casefold(), name)
        if name in names[:index]:
            faults.add(field, f'"{name}" is used twice.')
        elif first != name:  # people would take one for the other
            faults.add(field, f'"{name}" and "{first}" differ in capital letters only.')


def _check_parameters(faults: Faults, field: str, variant: VariantSpec) -> None:
    fault = fault_in_parameters(variant.parameters)
    if fault is not None:
        faults.add(f"{field}.parameters", fault)
    rules = variant.personalisation
    if variant.is_control and rules:
        faults.add(f"{field}.personalisation", "Control cannot be personalised.")
    if len(rules) > MAX_LIST:
        faults.add(f"{field}.personalisation", f"Give at most {MAX_LIST} segments.")
    for index, rule in enumerate(rules[:MAX_LIST]):
        part = f"{field}.personalisation.{index}"
        faults.version(f"{part}.version", rule.version)
        fault = fault_in_parameters(rule.parameters)
        if fault is not None:
            faults.add(f"{part}.parameters", fault)


def check_types(
    faults: Faults,
    variants: Sequence[VariantSpec],
    declared: Mapping[str, ParameterType],
) -> None:
    """Refuse parameters whose values are not of one type in all variants.

    Args:
        faults: of the variants so far; where parameters have some, types are not said.
        variants: of a design.
        declared: the types by name, where the design declares them.
    """
    controls = [v for v in variants if v.is_control]
    if len(controls) != 1 or any("parameters" in field for field in faults.fields):
        return  # said already
    given = []
    for index, variant in enumerate(variants):
        rules = [
            (f"variants.{index}.personalisation.{line}.parameters", rule.parameters)
            for line, rule in enumerate(variant.personalisation)
        ]
        own = (f"variants.{index}.parameters", variant.parameters)
        given += [
            Given(field, variant.name, variant.is_control, parameters)
            for field, parameters in [own, *rules]
        ]
    check_types_of(faults, given, declared)


def _check_split(faults: Faults, variants: Sequence[VariantSpec]) -> None:
    if not variants or not all(0 < v.share < 1 for v in variants):
        return
    total = math.fsum(v.share for v in variants)
    if not math.isclose(total, 1, abs_tol=1e-6):
        # In percent: the form asks so, and whoever sends 0.95 understands it too.
        total *= 100
        gap = abs(100 - total)
        word = "is missing" if total < 100 else "is too much"  # noqa: PLR2004
        faults.add(
            "variants",
            f"The shares add to {total:.6g} %, not 100 %: {gap:.4g} % {word}.",
        )
