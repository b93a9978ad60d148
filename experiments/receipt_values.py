"""A receipt: what one customer gets, and every step to it, as values. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from experiments import condition_trace
from experiments.receipt_words import REASON_WORDS
from experiments.running import Assignment
from experiments.vocabulary import ReceiptStep, Status, StepOutcome


@dataclass(frozen=True, slots=True)
class Source:
    """The publication that a receipt was made from."""

    revision: int
    checksum: str
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was asked.

    Attributes:
        name: what.
        outcome: what it did.
        sentence: the same for people.
        facts: what was found, as JSON values.
        trace: the rule of a segment, part by part; None for other steps.
    """

    name: ReceiptStep
    outcome: StepOutcome
    sentence: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    trace: condition_trace.Trace | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one customer gets in one experiment, and every step to it.

    Attributes:
        source: the publication it was made from.
        status: of the experiment; None when it gives no variants.
        phase: from 1; None likewise.
        given: exactly what `assign` gives.
        steps: in the order they were asked.
    """

    source: Source
    status: Status | None
    phase: int | None
    given: Assignment
    steps: tuple[Step, ...]

    @property
    def sentence(self) -> str:
        """Say what the customer gets and why, in one sentence."""
        given = self.given
        what = (
            "The app uses its own default"
            if given.variant is None
            else f"This customer gets {given.variant}"
        )
        why = (
            "it was seen before and is kept"
            if given.kept
            else REASON_WORDS[given.reason]
        )
        return f"{what}: {why}."


def to_json(receipt: Receipt) -> dict[str, Any]:
    """Write a receipt as plain JSON values.

    Args:
        receipt: of one customer in one experiment.

    Returns:
        All of it, but not the customer's id.
    """
    given, source = receipt.given, receipt.source
    return {
        "revision": source.revision,
        "checksum": source.checksum,
        "published_at": source.published_at.isoformat(),
        "experiment": given.experiment,
        "status": receipt.status,
        "phase": receipt.phase,
        "variant": given.variant,
        "parameters": dict(given.parameters),
        "reason": given.reason,
        "in_experiment": given.in_experiment,
        "bucket": given.bucket,
        "rule": given.rule,
        "kept": given.kept,
        "sentence": receipt.sentence,
        "steps": [_step_json(step) for step in receipt.steps],
    }


def _step_json(step: Step) -> dict[str, Any]:
    facts = dict(step.facts)
    if step.trace is not None:
        facts["rule"] = condition_trace.to_json(step.trace)
    return {
        "name": step.name,
        "outcome": step.outcome,
        "sentence": step.sentence,
        "facts": facts,
    }
