"""What a receipt asks of a customer, step by step: who it is, and what keeps out. Pure.

Each question writes down what it found.
"""

from collections.abc import Mapping
from typing import Any

from experiments import condition_trace
from experiments.buckets import bucket, is_missing, unit_text
from experiments.receipt_values import Step
from experiments.receipt_words import numbers, ranges_of
from experiments.running import RunningDesign, Special
from experiments.vocabulary import (
    UNIT_ATTRIBUTE,
    AssignmentReason,
    ReceiptStep,
    StepOutcome,
    Unit,
)

_NO_LISTS = Special()


class Questions:
    """Questions about one customer and one experiment.

    Attributes:
        steps: what was asked so far, and found.
        design: the experiment, made ready.
        entry: the experiment as published.
        attributes: of the customer.
    """

    def __init__(
        self,
        design: RunningDesign,
        unit: object,
        attributes: Mapping[str, Any],
        *,
        opted_out: bool | None,
    ) -> None:
        """Ask nothing yet.

        Args:
            design: the experiment, made ready.
            unit: the customer's id, whatever came.
            attributes: of the customer.
            opted_out: whether of all experiments; None when that was not asked.
        """
        self.steps: list[Step] = []
        self._opted_out = opted_out
        self.design = design
        self.special = design.special or _NO_LISTS
        self.entry = design.published
        self._unit = unit
        self._unit_text = unit_text(unit)
        self._who = self.entry.get("unit", Unit.CUSTOMER.value)
        self.attributes = attributes

    def note(
        self,
        name: ReceiptStep,
        outcome: StepOutcome,
        sentence: str,
        trace: condition_trace.Trace | None = None,
        **facts: Any,  # noqa: ANN401  # any JSON
    ) -> None:
        """Write down a step, and what was found in it."""
        self.steps.append(Step(name, outcome, sentence, facts, trace))

    # Who it is

    def find_unit(self) -> str | None:
        """Find the id that is drawn by; None when there is no usable one."""
        special, name = self.special, ReceiptStep.UNIT
        names = [special.hash_attribute, special.fallback_attribute]
        for attribute in filter(None, names):
            value = (
                self._unit
                if attribute == UNIT_ATTRIBUTE
                else self.attributes.get(attribute)
            )
            text = unit_text(value)
            if text is None and not is_missing(value):
                self._refuse_unit(attribute)
                return None
            if text is not None:
                said = f"The {self._who} is told apart by {attribute}."
                if self._who == Unit.ACCOUNT:
                    said += " All its customers get the same variant."
                self.note(name, StepOutcome.PASSED, said, attribute=attribute)
                return text
        tried = " and ".join(filter(None, names))
        said = f"There is no usable id: {tried} is empty, zero or no text or number."
        if self._who == Unit.ACCOUNT:
            said += (
                " The app must send the account's id with every request: a group call"
                " leaves a pseudonym only, which nothing can be drawn by."
            )
        self.note(name, StepOutcome.DECIDED, said, attribute=None)
        return None

    def _refuse_unit(self, attribute: str) -> None:
        said = f"There is no usable id: {attribute} must be a text or a number."
        if self.special.fallback_attribute not in {None, attribute}:
            said += " No other id stands in for one of a wrong type."
        self.note(ReceiptStep.UNIT, StepOutcome.DECIDED, said, attribute=attribute)

    def is_opted_out(self, text: str) -> bool:
        """Whether the unit takes no part, in this or in any experiment."""
        listed, name = self.special.opted_out, ReceiptStep.OPT_OUT
        if self._opted_out:
            said = "The customer has opted out of all experiments."
            self.note(name, StepOutcome.DECIDED, said, listed=False, opted_out=True)
            return True
        if self._opted_out is None:
            said = "Opt-outs were not asked: that takes the pseudonym key."
            self.note(name, StepOutcome.NOT_ASKED, said)
            return False
        if listed is None:
            self._without(name, "opted_out", f"list of {self._who}s who take no part")
            return False
        found = listed.position(text) is not None
        outcome = StepOutcome.DECIDED if found else StepOutcome.PASSED
        is_on = "is on" if found else "is not on"
        said = f"The {self._who} {is_on} the list of those who take no part."
        self.note(name, outcome, said, listed=found)
        return found

    def forced(self, text: str) -> int | None:
        """Find the variant that the test list names, by its position."""
        listed, name = self.special.forced, ReceiptStep.TEST_LIST
        if listed is None:
            self._without(name, "forced", "test list")
            return None
        position = listed.position(text)
        if position is None:
            said = f"The {self._who} is not on the test list."
            self.note(name, StepOutcome.PASSED, said, variant=None)
            return None
        variant = self.design.variants[position].name
        said = f"The test list says {variant}; the {self._who} is never analysed."
        self.note(name, StepOutcome.DECIDED, said, variant=variant)
        return position

    def _without(self, name: ReceiptStep, published: str, what: str) -> None:
        """Note a list that the experiment does not have, or that cannot be read."""
        if self.entry.get(published):
            said = f"The {what} was not asked: that takes the pseudonym key."
            self.note(name, StepOutcome.NOT_ASKED, said)
        else:
            self.note(name, StepOutcome.NOT_USED, f"It has no {what}.")

    def was_earlier(self, text: str) -> bool:
        """Whether the unit was in a phase before the present one."""
        name, phase = ReceiptStep.EARLIER_PHASES, self.entry.get("phase", 1)
        if phase == 1:
            self.note(name, StepOutcome.NOT_USED, "This is its first phase.")
            return False
        if not self.special.earlier:
            said = "Earlier phases were not asked: that takes the pseudonym key."
            self.note(name, StepOutcome.NOT_ASKED, said)
            return False
        seen = [n for n, each in enumerate(self.special.earlier, 1) if each.has(text)]
        if seen:
            said = (
                f"The {self._who} was in phase {seen[0]}, so takes no part in {phase}."
            )
            self.note(name, StepOutcome.DECIDED, said, phase=seen[0])
            return True
        said = f"The {self._who} was in no earlier phase."
        self.note(name, StepOutcome.PASSED, said, phase=None)
        return False

    # What may keep a customer out

    def holdouts(self) -> AssignmentReason | None:
        """Say why a holdout keeps the customer out, or None."""
        name = ReceiptStep.HOLDOUT
        if not self.special.holdouts:
            said = "No holdout began before this experiment."
            self.note(name, StepOutcome.NOT_USED, said)
        published = self.entry.get("holdouts", ())
        if self.special.holdouts and self._unit_text is None:
            said = "A holdout asks for the customer's own id, and there is none."
            self.note(name, StepOutcome.OUTSIDE, said)
            return AssignmentReason.INVALID_UNIT
        for holdout, entry in zip(self.special.holdouts, published, strict=True):
            number = bucket(holdout.seed, self._unit_text or "")
            held = number < holdout.below
            kept = "kept out" if held else "not kept out"
            said = (
                f"Holdout {holdout.key}: bucket {numbers(number)}; it keeps out"
                f" {ranges_of([(0, holdout.below)])}, so the customer is {kept}."
            )
            outcome = StepOutcome.OUTSIDE if held else StepOutcome.PASSED
            facts = {"holdout": holdout.key, "seed": entry["seed"], "bucket": number}
            self.note(name, outcome, said, **facts, ranges=[[0, holdout.below]])
            if held:
                return AssignmentReason.HELD_OUT
        return None

    def layer(self, text: str) -> AssignmentReason | None:
        """Say why the layer keeps the unit out, or None."""
        layer, name = self.special.layer, ReceiptStep.LAYER
        if layer is None:
            said = "It is in no layer, so it excludes no other experiment."
            self.note(name, StepOutcome.NOT_USED, said)
            return None
        entry = self.entry["layer"]
        number = bucket(layer.seed, text)
        inside = bool(layer.table[number])
        verb = "has" if inside else "has only"
        said = (
            f"Layer {layer.key}: bucket {numbers(number)}; this experiment {verb}"
            f" {ranges_of(entry['ranges'])}."
        )
        outcome = StepOutcome.PASSED if inside else StepOutcome.OUTSIDE
        facts = {"layer": layer.key, "seed": entry["seed"], "bucket": number}
        self.note(name, outcome, said, **facts, ranges=entry["ranges"])
        return None if inside else AssignmentReason.NOT_IN_LAYER

    def segment(self) -> AssignmentReason | None:
        """Say why the segment keeps the customer out, or None."""
        segment = self.entry["segment"]
        found = condition_trace.trace(segment["condition"], self.attributes)
        is_in = "is" if found.holds else "is not"
        self.note(
            ReceiptStep.SEGMENT,
            StepOutcome.PASSED if found.holds else StepOutcome.OUTSIDE,
            f"The customer {is_in} in segment {segment['key']},"
            f" version {segment['version']}.",
            found,
            segment=segment["key"],
            version=segment["version"],
        )
        return None if found.holds else AssignmentReason.NOT_IN_SEGMENT

    def is_kept(self, text: str) -> bool:
        """Whether the unit has seen a variant, and keeps it outside the segment too."""
        kept, name = self.design.kept, ReceiptStep.KEPT
        if kept is None:
            said = "Earlier exposures were not asked: that takes the pseudonym key."
            self.note(name, StepOutcome.NOT_ASKED, said)
            return False
        if not kept.has(text):
            said = f"The {self._who} has not seen a variant before, as far as is known."
            self.note(name, StepOutcome.DECIDED, said, seen=False)
            return False
        said = f"The {self._who} has seen a variant before, and keeps it."
        self.note(name, StepOutcome.PASSED, said, seen=True)
        return True
