"""Entries of the ruleset become designs that doors assign by.

An entry may leave out what its experiment does not use: unit, attributes to hash,
holdouts, layer and lists.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from experiments import flags
from experiments.buckets import BUCKET_COUNT, bucket_ranges, bucket_table
from experiments.conditions import compile_rule
from experiments.enrolled import (
    FOLDER,
    OPTED_OUT,
    EnrolledFolder,
    EnrolledSet,
    Hide,
)
from experiments.privacy import Pseudonymiser
from experiments.running import (
    Enrolled,
    Holdout,
    LayerPlace,
    PersonalRule,
    RunningDesign,
    RunningVariant,
    Special,
)
from experiments.vocabulary import UNIT_ATTRIBUTE, ParameterType, Status, Unit


@dataclass(frozen=True, slots=True)
class Memory:
    """How a door knows customers again.

    Attributes:
        pseudonymiser: makes the pseudonyms that lists and sets hold.
        enrolled: the sets of enrolled customers.
        opted_out: who takes part in no experiment.
    """

    pseudonymiser: Pseudonymiser
    enrolled: EnrolledFolder
    opted_out: EnrolledSet

    def refresh(self) -> None:
        """Take the files of customers that were replaced."""
        self.opted_out.refresh()
        self.enrolled.refresh()


def memory_in(folder: Path, pseudonymiser: Pseudonymiser) -> Memory:
    """Give the memory that the files beside a ruleset hold, read as they are.

    Args:
        folder: of the ruleset.
        pseudonymiser: of this installation.

    Returns:
        The memory.
    """
    # An app that does not know a visitor yet asks with what is the anonymous id.
    hides = (pseudonymiser.customer, pseudonymiser.anonymous)
    opted_out = EnrolledSet(folder / OPTED_OUT, hides)
    opted_out.refresh()
    return Memory(pseudonymiser, EnrolledFolder(folder / FOLDER), opted_out)


class PseudonymList:
    """Customers on a list by hand: pseudonyms, each with the position of a variant."""

    def __init__(self, positions: Mapping[bytes, int], hides: Sequence[Hide]) -> None:
        self._positions = positions
        self._hides = hides

    def position(self, unit: str) -> int | None:
        """Give the position, or None for who is not on the list."""
        try:
            for hide in self._hides:
                position = self._positions.get(hide(unit))
                if position is not None:
                    return position
        except UnicodeEncodeError:  # half a surrogate pair: on no list
            return None
        return None


def read_design(entry: Mapping[str, Any], memory: Memory | None) -> RunningDesign:
    """Make a design ready.

    Args:
        entry: of the ruleset, as JSON.
        memory: of the door; without one nobody is known again, so that neither lists
            nor enrolled sets are asked.

    Returns:
        The design; an entry of another shape raises KeyError, ValueError or the like.
    """
    names = [variant["name"] for variant in entry["variants"]]
    control = names.index(entry["control"])
    types = {name: ParameterType(kind) for name, kind in entry["types"].items()}
    complete = partial(
        flags.typed, types, control=entry["variants"][control]["parameters"]
    )
    decided = entry["decided_variant"]
    status = Status(entry["status"])
    kept: Enrolled | None = None
    if memory is not None and status == Status.RUNNING:
        kept = _phases(entry, memory, [entry["phase"]])[0]
    return RunningDesign(
        key=entry["key"],
        status=status,
        variants=tuple(_variant(v, complete) for v in entry["variants"]),
        control=control,
        decided=None if decided is None else names.index(decided),
        in_segment=compile_rule(entry["segment"]["condition"]),
        salt=entry["salt"],
        table=table_of(entry),
        types=types,
        kept=kept,
        special=_special(entry, names, memory),
        published=entry,
    )


def hides_of(
    entry: Mapping[str, Any], pseudonymiser: Pseudonymiser
) -> tuple[Hide, ...]:
    """Choose how ids of an experiment's units are hidden, the likely way first.

    An app that does not know a visitor yet asks with an id of its own, and its events
    carry that as the anonymous id: only the kind of the pseudonym differs.
    """
    if entry.get("unit") == Unit.ACCOUNT:
        return (pseudonymiser.account,)
    return (pseudonymiser.customer, pseudonymiser.anonymous)


def _phases(
    entry: Mapping[str, Any], memory: Memory, phases: Iterable[int]
) -> list[Enrolled]:
    hides = hides_of(entry, memory.pseudonymiser)
    return [memory.enrolled.find(entry["key"], phase, hides) for phase in phases]


def _special(
    entry: Mapping[str, Any], names: list[str], memory: Memory | None
) -> Special | None:
    special = Special(
        hash_attribute=entry.get("hash_attribute", UNIT_ATTRIBUTE),
        fallback_attribute=entry.get("fallback_attribute"),
        opted_out=_list(entry, dict.fromkeys(entry.get("opted_out", ()), 0), memory),
        forced=_list(
            entry,
            {who: names.index(name) for who, name in entry.get("forced", {}).items()},
            memory,
        ),
        earlier=tuple(_phases(entry, memory, range(1, entry["phase"])))
        if memory is not None
        else (),
        holdouts=holdouts_of(entry),
        layer=layer_of(entry),
    )
    return None if special == Special() else special


def _list(
    entry: Mapping[str, Any], positions: Mapping[str, int], memory: Memory | None
) -> PseudonymList | None:
    if memory is None or not positions:
        return None
    known = {bytes.fromhex(who): position for who, position in positions.items()}
    return PseudonymList(known, hides_of(entry, memory.pseudonymiser))


def holdouts_of(entry: Mapping[str, Any]) -> tuple[Holdout, ...]:
    """Read the holdouts of an entry."""
    return tuple(
        Holdout(h["key"], h["seed"], round(h["share"] * BUCKET_COUNT))
        for h in entry.get("holdouts", ())
    )


def layer_of(entry: Mapping[str, Any]) -> LayerPlace | None:
    """Read the buckets of its layer that an entry has; None without a layer."""
    layer = entry.get("layer")
    if layer is None:
        return None
    table = bytearray(BUCKET_COUNT)
    for first, end in layer["ranges"]:
        table[first:end] = b"\x01" * (end - first)
    return LayerPlace(layer["key"], layer["seed"], bytes(table))


def table_of(entry: Mapping[str, Any]) -> bytes:
    """Find for each bucket the position of the entry's variant."""
    weights = [float(variant["share"]) for variant in entry["variants"]]
    return bucket_table(bucket_ranges(float(entry["coverage"]), weights))


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
                # What a rule leaves out is as for everybody else of this variant.
                complete({**entry["parameters"], **rule["parameters"]}),
            )
            for rule in entry["personalisation"]
        ),
    )
