"""Whether parameters fit their types: those declared, and one another. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from experiments import flags
from experiments.field_faults import Faults
from experiments.flags import Types


class Given(NamedTuple):
    """The parameters that a variant, or one of its rules for a segment, gives."""

    field: str  # such as "variants.0.parameters"
    variant: str
    is_control: bool
    parameters: Mapping[str, Any]


def check_types(faults: Faults, given: Sequence[Given], declared: Types) -> None:
    """Refuse parameters that have no default, or no type that holds everywhere.

    Args:
        faults: collects what is wrong, by field.
        given: of all variants and their rules, one of control among them.
        declared: types by name; of others all values must be of one type.
    """
    control = next(part for part in given if part.is_control)
    names = {name for part in given for name in part.parameters}
    for name in sorted(names.difference(control.parameters)):
        faults.add(
            f"{control.field}.{name}",
            f'Give "{name}" a value for control too: it is what customers outside the'
            " experiment get.",
        )
    for name in declared:
        if name not in names:
            faults.add(f"parameter_types.{name}", "No variant has such a parameter.")
    for part in given:
        for name, value in part.parameters.items():
            fault = _fault(name, value, part, declared, control)
            if fault is not None:
                faults.add(f"{part.field}.{name}", fault)


def _fault(
    name: str, value: object, part: Given, declared: Types, control: Given
) -> str | None:
    kind = declared.get(name)
    if kind is not None:
        return flags.fault_in_value(kind, value)
    if name not in control.parameters:
        return None  # said already
    here, there = (flags.type_of(v) for v in (value, control.parameters[name]))
    if flags.go_together(here, there):
        return None
    return (
        f'Variant {part.variant} gives "{name}" as {flags.words_for(here)}, control as'
        f" {flags.words_for(there)}. Give both the same type, or declare"
        f' "{name}" as json.'
    )
