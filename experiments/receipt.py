"""Why a customer gets what they get: every step, with what was found. Pure.

It walks the same way as `experiments.assignment` and says what it sees there. That both
come to the same end is what its tests are for.
"""

from collections.abc import Mapping
from typing import Any

from experiments import condition_trace
from experiments.buckets import BUCKET_COUNT, NOBODY, bucket, is_missing, unit_text
from experiments.consent import refuses
from experiments.receipt_values import Receipt, Source, Step
from experiments.receipt_words import REASON_WORDS, STATUS_WORDS, numbers, ranges_of
from experiments.running import Assignment, RunningDesign, Special
from experiments.vocabulary import (
    UNIT_ATTRIBUTE,
    AssignmentReason,
    ReceiptStep,
    Status,
    StepOutcome,
    Unit,
)

_NO_LISTS = Special()
_WITHOUT_HASH = {
    Status.PAUSED: AssignmentReason.PAUSED,
    Status.STOPPED: AssignmentReason.STOPPED,
}


def explain(
    design: RunningDesign,
    unit: object,
    attributes: Mapping[str, Any],
    source: Source,
    *,
    opted_out: bool | None = False,
) -> Receipt:
    """Explain what a customer gets.

    Args:
        design: the published experiment. Without memory (see `ruleset_designs`) lists
            and earlier variants are not asked, and the receipt says so.
        unit: the customer's id.
        attributes: of the customer.
        source: the publication that the design is from.
        opted_out: whether the customer opted out of all experiments; None when that
            was not asked.

    Returns:
        The receipt; its `given` is what `assignment.assign` gives, or `decline`.
    """
    walk = _Walk(design, unit, attributes, opted_out=opted_out)
    given = walk.given()
    phase = design.published.get("phase", 1)
    return Receipt(source, design.status, phase, given, tuple(walk.steps))


def explain_silent(given: Assignment, source: Source) -> Receipt:
    """Explain an experiment that gives no variants.

    Args:
        given: what `assignment.silent` gives.
        source: the publication that says so.

    Returns:
        A receipt of one step.
    """
    words = f"{REASON_WORDS[given.reason][:1].upper()}{REASON_WORDS[given.reason][1:]}."
    step = Step(ReceiptStep.STATUS, StepOutcome.DECIDED, words)
    return Receipt(source, None, None, given, (step,))


class _Walk:
    """One customer's way through one experiment."""

    def __init__(
        self,
        design: RunningDesign,
        unit: object,
        attributes: Mapping[str, Any],
        *,
        opted_out: bool | None,
    ) -> None:
        self.steps: list[Step] = []
        self._opted_out = opted_out
        self._design = design
        self._special = design.special or _NO_LISTS
        self._entry = design.published
        self._unit = unit
        self._unit_text = unit_text(unit)
        self._who = self._entry.get("unit", Unit.CUSTOMER.value)
        self._attributes = attributes

    def given(self) -> Assignment:
        """Walk, and come to what the customer gets."""
        status = self._design.status
        goes_on = status is Status.RUNNING
        self._note(
            ReceiptStep.STATUS,
            StepOutcome.PASSED if goes_on else StepOutcome.DECIDED,
            STATUS_WORDS[status],
            status=status,
        )
        if not goes_on:
            return self._without_hash()
        text = self._find_unit()
        if text is None:
            return self._control(AssignmentReason.INVALID_UNIT)
        refused = self._refusal(text)
        if refused is not None:
            return refused
        outside = self._holdouts() or self._layer(text) or self._segment()
        if outside is None:
            return self._by_hash(AssignmentReason.NOT_COVERED, text)
        if not self._is_kept(text):
            return self._control(outside)
        given = self._by_hash(outside, text)
        return given._replace(kept=given.in_experiment)

    def _note(
        self,
        name: ReceiptStep,
        outcome: StepOutcome,
        sentence: str,
        trace: condition_trace.Trace | None = None,
        **facts: Any,  # noqa: ANN401  # any JSON
    ) -> None:
        self.steps.append(Step(name, outcome, sentence, facts, trace))

    def _without_hash(self) -> Assignment:
        design = self._design
        if design.status in _WITHOUT_HASH:
            return self._control(_WITHOUT_HASH[design.status])
        if design.status is not Status.DECIDED:
            reason = AssignmentReason.NOT_STARTED
            if self._entry.get("phase", 1) > 1:
                return self._control(reason)
            return Assignment(design.key, None, {}, reason, in_experiment=False)
        if self._segment() is not None:
            return self._control(AssignmentReason.NOT_IN_SEGMENT)
        position = design.control if design.decided is None else design.decided
        return self._give(position, AssignmentReason.DECIDED, None)

    # Who it is

    def _find_unit(self) -> str | None:
        special, name = self._special, ReceiptStep.UNIT
        names = [special.hash_attribute, special.fallback_attribute]
        for attribute in filter(None, names):
            value = (
                self._unit
                if attribute == UNIT_ATTRIBUTE
                else self._attributes.get(attribute)
            )
            text = unit_text(value)
            if text is None and not is_missing(value):
                self._refuse_unit(attribute)
                return None
            if text is not None:
                said = f"The {self._who} is told apart by {attribute}."
                if self._who == Unit.ACCOUNT:
                    said += " All its customers get the same variant."
                self._note(name, StepOutcome.PASSED, said, attribute=attribute)
                return text
        tried = " and ".join(filter(None, names))
        said = f"There is no usable id: {tried} is empty, zero or no text or number."
        if self._who == Unit.ACCOUNT:
            said += (
                " The app must send the account's id with every request: a group call"
                " leaves a pseudonym only, which nothing can be drawn by."
            )
        self._note(name, StepOutcome.DECIDED, said, attribute=None)
        return None

    def _refuse_unit(self, attribute: str) -> None:
        said = f"There is no usable id: {attribute} must be a text or a number."
        if self._special.fallback_attribute not in {None, attribute}:
            said += " No other id stands in for one of a wrong type."
        self._note(ReceiptStep.UNIT, StepOutcome.DECIDED, said, attribute=attribute)

    def _refusal(self, text: str) -> Assignment | None:
        """Ask for consent, lists and earlier phases; give what ends the walk."""
        if refuses(self._attributes.get("consent")):
            said = "The attribute consent is no yes: the customer takes no part."
            self._note(ReceiptStep.CONSENT, StepOutcome.DECIDED, said, consent=False)
            return self._control(AssignmentReason.NO_CONSENT)
        said = "The customer has not refused to take part."
        self._note(ReceiptStep.CONSENT, StepOutcome.PASSED, said)
        if self._is_opted_out(text):
            return self._control(AssignmentReason.OPTED_OUT)
        forced = self._forced(text)
        if forced is not None:
            return self._give(forced, AssignmentReason.FORCED, None)
        if self._was_earlier(text):
            return self._control(AssignmentReason.EARLIER_PHASE)
        return None

    def _is_opted_out(self, text: str) -> bool:
        listed, name = self._special.opted_out, ReceiptStep.OPT_OUT
        if self._opted_out:
            said = "The customer has opted out of all experiments."
            self._note(name, StepOutcome.DECIDED, said, listed=False, opted_out=True)
            return True
        if self._opted_out is None:
            said = "Opt-outs were not asked: that takes the pseudonym key."
            self._note(name, StepOutcome.NOT_ASKED, said)
            return False
        if listed is None:
            self._without(name, "opted_out", f"list of {self._who}s who take no part")
            return False
        found = listed.position(text) is not None
        outcome = StepOutcome.DECIDED if found else StepOutcome.PASSED
        is_on = "is on" if found else "is not on"
        said = f"The {self._who} {is_on} the list of those who take no part."
        self._note(name, outcome, said, listed=found)
        return found

    def _forced(self, text: str) -> int | None:
        listed, name = self._special.forced, ReceiptStep.TEST_LIST
        if listed is None:
            self._without(name, "forced", "test list")
            return None
        position = listed.position(text)
        if position is None:
            said = f"The {self._who} is not on the test list."
            self._note(name, StepOutcome.PASSED, said, variant=None)
            return None
        variant = self._design.variants[position].name
        said = f"The test list says {variant}; the {self._who} is never analysed."
        self._note(name, StepOutcome.DECIDED, said, variant=variant)
        return position

    def _without(self, name: ReceiptStep, published: str, what: str) -> None:
        """Note a list that the experiment does not have, or that cannot be read."""
        if self._entry.get(published):
            said = f"The {what} was not asked: that takes the pseudonym key."
            self._note(name, StepOutcome.NOT_ASKED, said)
        else:
            self._note(name, StepOutcome.NOT_USED, f"It has no {what}.")

    def _was_earlier(self, text: str) -> bool:
        name, phase = ReceiptStep.EARLIER_PHASES, self._entry.get("phase", 1)
        if phase == 1:
            self._note(name, StepOutcome.NOT_USED, "This is its first phase.")
            return False
        if not self._special.earlier:
            said = "Earlier phases were not asked: that takes the pseudonym key."
            self._note(name, StepOutcome.NOT_ASKED, said)
            return False
        seen = [n for n, each in enumerate(self._special.earlier, 1) if each.has(text)]
        if seen:
            said = (
                f"The {self._who} was in phase {seen[0]}, so takes no part in {phase}."
            )
            self._note(name, StepOutcome.DECIDED, said, phase=seen[0])
            return True
        said = f"The {self._who} was in no earlier phase."
        self._note(name, StepOutcome.PASSED, said, phase=None)
        return False

    # What may keep a customer out

    def _holdouts(self) -> AssignmentReason | None:
        name = ReceiptStep.HOLDOUT
        if not self._special.holdouts:
            said = "No holdout began before this experiment."
            self._note(name, StepOutcome.NOT_USED, said)
        published = self._entry.get("holdouts", ())
        if self._special.holdouts and self._unit_text is None:
            said = "A holdout asks for the customer's own id, and there is none."
            self._note(name, StepOutcome.OUTSIDE, said)
            return AssignmentReason.INVALID_UNIT
        for holdout, entry in zip(self._special.holdouts, published, strict=True):
            number = bucket(holdout.seed, self._unit_text or "")
            held = number < holdout.below
            kept = "kept out" if held else "not kept out"
            said = (
                f"Holdout {holdout.key}: bucket {numbers(number)}; it keeps out"
                f" {ranges_of([(0, holdout.below)])}, so the customer is {kept}."
            )
            outcome = StepOutcome.OUTSIDE if held else StepOutcome.PASSED
            facts = {"holdout": holdout.key, "seed": entry["seed"], "bucket": number}
            self._note(name, outcome, said, **facts, ranges=[[0, holdout.below]])
            if held:
                return AssignmentReason.HELD_OUT
        return None

    def _layer(self, text: str) -> AssignmentReason | None:
        layer, name = self._special.layer, ReceiptStep.LAYER
        if layer is None:
            said = "It is in no layer, so it excludes no other experiment."
            self._note(name, StepOutcome.NOT_USED, said)
            return None
        entry = self._entry["layer"]
        number = bucket(layer.seed, text)
        inside = bool(layer.table[number])
        verb = "has" if inside else "has only"
        said = (
            f"Layer {layer.key}: bucket {numbers(number)}; this experiment {verb}"
            f" {ranges_of(entry['ranges'])}."
        )
        outcome = StepOutcome.PASSED if inside else StepOutcome.OUTSIDE
        facts = {"layer": layer.key, "seed": entry["seed"], "bucket": number}
        self._note(name, outcome, said, **facts, ranges=entry["ranges"])
        return None if inside else AssignmentReason.NOT_IN_LAYER

    def _segment(self) -> AssignmentReason | None:
        segment = self._entry["segment"]
        found = condition_trace.trace(segment["condition"], self._attributes)
        is_in = "is" if found.holds else "is not"
        self._note(
            ReceiptStep.SEGMENT,
            StepOutcome.PASSED if found.holds else StepOutcome.OUTSIDE,
            f"The customer {is_in} in segment {segment['key']},"
            f" version {segment['version']}.",
            found,
            segment=segment["key"],
            version=segment["version"],
        )
        return None if found.holds else AssignmentReason.NOT_IN_SEGMENT

    def _is_kept(self, text: str) -> bool:
        kept, name = self._design.kept, ReceiptStep.KEPT
        if kept is None:
            said = "Earlier exposures were not asked: that takes the pseudonym key."
            self._note(name, StepOutcome.NOT_ASKED, said)
            return False
        if not kept.has(text):
            said = f"The {self._who} has not seen a variant before, as far as is known."
            self._note(name, StepOutcome.DECIDED, said, seen=False)
            return False
        said = f"The {self._who} has seen a variant before, and keeps it."
        self._note(name, StepOutcome.PASSED, said, seen=True)
        return True

    # What is given

    def _by_hash(self, otherwise: AssignmentReason, text: str) -> Assignment:
        design = self._design
        number = bucket(design.salt, text)
        self._note(
            ReceiptStep.BUCKET,
            StepOutcome.PASSED,
            f"The hash gives bucket {numbers(number)} of {numbers(BUCKET_COUNT)}.",
            seed=self._entry["salt"],
            bucket=number,
        )
        position = design.table[number]
        ranges = {v.name: self._range(i) for i, v in enumerate(design.variants)}
        covered = position != NOBODY
        coverage = self._entry["coverage"]
        said = f"{coverage * 100:.10g} % of the segment take part: the bucket is"
        self._note(
            ReceiptStep.COVERAGE,
            StepOutcome.PASSED if covered else StepOutcome.DECIDED,
            f"{said} {'one of them' if covered else 'not one of them'}.",
            coverage=coverage,
            ranges=ranges,
        )
        if not covered:
            return self._control(otherwise, number)
        return self._give(position, AssignmentReason.SPLIT, number)

    def _range(self, position: int) -> list[int]:
        """Give a variant's first bucket, and the one after its last."""
        table, mark = self._design.table, bytes([position])
        first = table.find(mark)
        return [0, 0] if first < 0 else [first, table.rfind(mark) + 1]

    def _give(
        self, position: int, reason: AssignmentReason, number: int | None
    ) -> Assignment:
        design = self._design
        variant = design.variants[position]
        facts: dict[str, Any] = {"variant": variant.name}
        said = f"The variant is {variant.name}."
        if number is not None:
            facts["range"] = self._range(position)
            said = (
                f"The bucket lies in {variant.name}'s range,"
                f" {ranges_of([facts['range']])}."
            )
        self._note(ReceiptStep.VARIANT, StepOutcome.DECIDED, said, **facts)
        parameters, rule = self._personal(position)
        return Assignment(
            design.key,
            variant.name,
            parameters,
            reason,
            reason is AssignmentReason.SPLIT,
            number,
            rule,
        )

    def _personal(self, position: int) -> tuple[Mapping[str, Any], str | None]:
        variant = self._design.variants[position]
        published = self._entry["variants"][position]["personalisation"]
        name = ReceiptStep.PARAMETERS
        for rule, entry in zip(variant.rules, published, strict=True):
            found = condition_trace.trace(entry["condition"], self._attributes)
            facts = {"segment": rule.segment, "version": entry["version"]}
            segment = f"segment {rule.segment}, version {entry['version']}"
            if found.holds:
                said = f"Its parameters are those for {segment}."
                self._note(name, StepOutcome.DECIDED, said, found, **facts)
                return rule.parameters, rule.segment
            said = f"Its parameters for {segment}, are not for this customer."
            self._note(name, StepOutcome.PASSED, said, found, **facts)
        said = "Its parameters are those of the variant."
        self._note(name, StepOutcome.DECIDED, said, segment=None)
        return variant.parameters, None

    def _control(
        self, reason: AssignmentReason, number: int | None = None
    ) -> Assignment:
        control = self._design.variants[self._design.control]
        return Assignment(
            self._design.key,
            control.name,
            control.parameters,
            reason,
            in_experiment=False,
            bucket=number,
        )
