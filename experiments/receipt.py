"""Why a customer gets what they get: every step, with what was found. Pure.

It walks the same way as `experiments.assignment` and says what it sees there. That both
come to the same end is what its tests are for.
"""

from collections.abc import Mapping
from typing import Any

from experiments import condition_trace
from experiments.buckets import BUCKET_COUNT, NOBODY, bucket
from experiments.consent import refuses
from experiments.receipt_questions import Questions
from experiments.receipt_values import Receipt, Source, Step
from experiments.receipt_words import REASON_WORDS, STATUS_WORDS, numbers, ranges_of
from experiments.running import Assignment, RunningDesign
from experiments.vocabulary import (
    AssignmentReason,
    ReceiptStep,
    Status,
    StepOutcome,
)

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


class _Walk(Questions):
    """One customer's way through one experiment."""

    def given(self) -> Assignment:
        """Walk, and come to what the customer gets."""
        status = self.design.status
        goes_on = status is Status.RUNNING
        self.note(
            ReceiptStep.STATUS,
            StepOutcome.PASSED if goes_on else StepOutcome.DECIDED,
            STATUS_WORDS[status],
            status=status,
        )
        if not goes_on:
            return self._without_hash()
        text = self.find_unit()
        if text is None:
            return self._control(AssignmentReason.INVALID_UNIT)
        refused = self._refusal(text)
        if refused is not None:
            return refused
        outside = self.holdouts() or self.layer(text) or self.segment()
        if outside is None:
            return self._by_hash(AssignmentReason.NOT_COVERED, text)
        if not self.is_kept(text):
            return self._control(outside)
        given = self._by_hash(outside, text)
        return given._replace(kept=given.in_experiment)

    def _without_hash(self) -> Assignment:
        design = self.design
        if design.status in _WITHOUT_HASH:
            return self._control(_WITHOUT_HASH[design.status])
        if design.status is not Status.DECIDED:
            reason = AssignmentReason.NOT_STARTED
            if self.entry.get("phase", 1) > 1:
                return self._control(reason)
            return Assignment(design.key, None, {}, reason, in_experiment=False)
        if self.segment() is not None:
            return self._control(AssignmentReason.NOT_IN_SEGMENT)
        position = design.control if design.decided is None else design.decided
        return self._give(position, AssignmentReason.DECIDED, None)

    def _refusal(self, text: str) -> Assignment | None:
        """Ask for consent, lists and earlier phases; give what ends the walk."""
        if refuses(self.attributes.get("consent")):
            said = "The attribute consent is no yes: the customer takes no part."
            self.note(ReceiptStep.CONSENT, StepOutcome.DECIDED, said, consent=False)
            return self._control(AssignmentReason.NO_CONSENT)
        said = "The customer has not refused to take part."
        self.note(ReceiptStep.CONSENT, StepOutcome.PASSED, said)
        if self.is_opted_out(text):
            return self._control(AssignmentReason.OPTED_OUT)
        forced = self.forced(text)
        if forced is not None:
            return self._give(forced, AssignmentReason.FORCED, None)
        if self.was_earlier(text):
            return self._control(AssignmentReason.EARLIER_PHASE)
        return None

    # What is given

    def _by_hash(self, otherwise: AssignmentReason, text: str) -> Assignment:
        design = self.design
        number = bucket(design.salt, text)
        self.note(
            ReceiptStep.BUCKET,
            StepOutcome.PASSED,
            f"The hash gives bucket {numbers(number)} of {numbers(BUCKET_COUNT)}.",
            seed=self.entry["salt"],
            bucket=number,
        )
        position = design.table[number]
        ranges = {v.name: self._range(i) for i, v in enumerate(design.variants)}
        covered = position != NOBODY
        coverage = self.entry["coverage"]
        said = f"{coverage * 100:.10g} % of the segment take part: the bucket is"
        self.note(
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
        table, mark = self.design.table, bytes([position])
        first = table.find(mark)
        return [0, 0] if first < 0 else [first, table.rfind(mark) + 1]

    def _give(
        self, position: int, reason: AssignmentReason, number: int | None
    ) -> Assignment:
        design = self.design
        variant = design.variants[position]
        facts: dict[str, Any] = {"variant": variant.name}
        said = f"The variant is {variant.name}."
        if number is not None:
            facts["range"] = self._range(position)
            said = (
                f"The bucket lies in {variant.name}'s range,"
                f" {ranges_of([facts['range']])}."
            )
        self.note(ReceiptStep.VARIANT, StepOutcome.DECIDED, said, **facts)
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
        variant = self.design.variants[position]
        published = self.entry["variants"][position]["personalisation"]
        name = ReceiptStep.PARAMETERS
        for rule, entry in zip(variant.rules, published, strict=True):
            found = condition_trace.trace(entry["condition"], self.attributes)
            facts = {"segment": rule.segment, "version": entry["version"]}
            segment = f"segment {rule.segment}, version {entry['version']}"
            if found.holds:
                said = f"Its parameters are those for {segment}."
                self.note(name, StepOutcome.DECIDED, said, found, **facts)
                return rule.parameters, rule.segment
            said = f"Its parameters for {segment}, are not for this customer."
            self.note(name, StepOutcome.PASSED, said, found, **facts)
        said = "Its parameters are those of the variant."
        self.note(name, StepOutcome.DECIDED, said, segment=None)
        return variant.parameters, None

    def _control(
        self, reason: AssignmentReason, number: int | None = None
    ) -> Assignment:
        control = self.design.variants[self.design.control]
        return Assignment(
            self.design.key,
            control.name,
            control.parameters,
            reason,
            in_experiment=False,
            bucket=number,
        )
