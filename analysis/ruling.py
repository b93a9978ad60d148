"""What the locked rule says of one treatment whose result can be read: pure.

First match wins: the primary metric, a guardrail or a declared split harmed beyond what
was agreed -> do not ship; all that the rule asks for holds -> ship; the change is too
small to matter -> do not ship; else undecided, with what is missing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from analysis import sentences, settling, wording
from analysis.cases import harm_of
from analysis.metric_facts import sign_of
from analysis.readings import MetricReading, Progress
from analysis.stats.estimate import NotComputable
from experiments.plan import Plan, PlannedMetric
from experiments.vocabulary import (
    EVERYBODY,
    GuardrailTest,
    MonitoringMode,
    PrimaryTest,
    Role,
    SentenceCase,
    Verdict,
)


@dataclass(frozen=True, slots=True)
class Judged:
    """A reading with its part in the plan, its case and its sentence."""

    reading: MetricReading
    planned: PlannedMetric
    case: SentenceCase
    sentence: str
    is_hushed: bool  # better by its answers, and silence could undo that
    label: str = ""  # of its split

    @property
    def unequal(self) -> bool:
        """Whether customers of the groups did not answer equally often."""
        return self.reading.is_unequal

    @property
    def name(self) -> str:
        """The metric's, for a person."""
        return self.planned.name

    @property
    def harm(self) -> tuple[float, float] | None:
        """Least and most harm, or None where there is no estimate."""
        if isinstance(self.reading.outcome, NotComputable):
            return None
        return harm_of(self.reading.outcome, self.planned)

    @property
    def lower_bound(self) -> float:
        """The end of the interval that is worse for customers; higher is better."""
        return -math.inf if self.harm is None else -self.harm[1]

    @property
    def is_cleared(self) -> bool:
        """Whether harm beyond the margin is ruled out, whoever answered."""
        margin = self.planned.choice.margin or 0.0
        return self.harm is not None and self.harm[1] < margin and not self.unequal

    @property
    def is_harmed(self) -> bool:
        """Whether the whole interval lies beyond the margin."""
        margin = self.planned.choice.margin or 0.0
        return self.harm is not None and self.harm[0] > margin


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the rule says of one treatment."""

    variant: str
    verdict: Verdict
    clause: str
    answer: str
    lower_bound: float  # of the primary metric


@dataclass(frozen=True, slots=True)
class _Case:
    """One treatment's readings, sorted by what the rule asks of them."""

    plan: Plan
    primary: Judged
    guardrails: Sequence[Judged]
    splits: Sequence[Judged]  # of the primary metric; empty where the rule has none
    progress: Progress

    @property
    def harmed(self) -> list[Judged]:
        """Guardrails harmed beyond their margin."""
        return [each for each in self.guardrails if each.is_harmed]

    @property
    def open_ones(self) -> list[Judged]:
        """Guardrails that stand between the primary metric and shipping."""
        if self.plan.design.decision_rule.guardrails == GuardrailTest.HARM_NOT_SHOWN:
            return []
        return [each for each in self.guardrails if not each.is_cleared]

    @property
    def open_splits(self) -> list[Judged]:
        """Declared splits in which harm is not ruled out."""
        return [each for each in self.splits if not each.is_cleared]

    @property
    def asks(self) -> PrimaryTest:
        """What the rule asks of the primary metric."""
        return self.plan.design.decision_rule.primary

    @property
    def is_primary_worse(self) -> bool:
        """Whether the primary metric alone forbids shipping."""
        if self.asks == PrimaryTest.HARM_RULED_OUT:
            return self.primary.is_harmed
        return self.primary.case == SentenceCase.WORSE

    @property
    def is_primary_met(self) -> bool:
        """Whether the primary metric is as the rule asks."""
        if self.asks == PrimaryTest.HARM_RULED_OUT:
            return self.primary.is_cleared
        if self.primary.case != SentenceCase.BETTER:
            return False
        change = self.primary.planned.choice.change_that_matters
        return self.asks == PrimaryTest.BETTER or self.primary.lower_bound > change

    @property
    def is_too_small(self) -> bool:
        """Whether what was asked for is out of reach, or would hardly be found."""
        if self.asks == PrimaryTest.HARM_RULED_OUT:
            return False
        if self.primary.case == SentenceCase.EQUAL_ENOUGH or self._is_futile():
            return True
        harm, change = self.primary.harm, self.primary.planned.choice
        beyond = self.asks == PrimaryTest.BEYOND_CHANGE
        return beyond and harm is not None and -harm[0] < change.change_that_matters

    def _is_futile(self) -> bool:
        look = self.progress.look
        if look is None or look.is_last or look.mode == MonitoringMode.ALWAYS_VALID:
            return False  # nothing is left to go on to: the interval has spoken
        outcome = self.primary.reading.outcome
        return (
            not isinstance(outcome, NotComputable)
            and self.primary.case == SentenceCase.UNDECIDED
            and not self.primary.unequal
            and not self.primary.is_hushed
            and settling.is_futile(
                outcome,
                sign_of(self.primary.planned.definition.direction),
                self.primary.planned.choice.change_that_matters,
                self.progress.mature_units / self.progress.planned_units,
            )
        )


def rule(plan: Plan, judged: Sequence[Judged], progress: Progress) -> Ruling:
    """Apply the plan's rule to one treatment.

    Args:
        plan: as it was locked.
        judged: everything read about this treatment.
        progress: how far the experiment is.

    Returns:
        Its verdict with the clause that decided, and the sentences that say why.
    """
    case = _sorted(plan, judged, progress)
    verdict, clause, said = _decided(case)
    return Ruling(
        case.primary.reading.variant,
        verdict,
        clause,
        " ".join(each.sentence for each in said),
        case.primary.lower_bound,
    )


def _sorted(plan: Plan, judged: Sequence[Judged], progress: Progress) -> _Case:
    everybody = [each for each in judged if each.reading.segment == EVERYBODY]
    by_role = {
        role: [each for each in everybody if each.planned.choice.role == role]
        for role in (Role.PRIMARY, Role.GUARDRAIL)
    }
    splits = [
        each
        for each in judged
        if each.reading.segment != EVERYBODY
        and each.planned.choice.role == Role.PRIMARY
    ]
    return _Case(
        plan,
        by_role[Role.PRIMARY][0],
        by_role[Role.GUARDRAIL],
        splits if plan.design.decision_rule.splits_not_worse else (),
        progress,
    )


def _decided(case: _Case) -> tuple[Verdict, str, list[Judged]]:
    """Find the clause that decides, and what is said with it."""
    primary, harmed = case.primary, case.harmed
    lost = [each for each in case.splits if each.is_harmed]
    if case.is_primary_worse:
        return Verdict.DO_NOT_SHIP, f"{primary.name} got worse.", [primary]
    if harmed:
        clause = f"Harm to {_names(harmed)} is beyond the limit agreed."
        return Verdict.DO_NOT_SHIP, clause, [primary, *harmed]
    if lost:
        clause = f"{primary.name} got worse beyond the limit agreed in {_splits(lost)}."
        return Verdict.DO_NOT_SHIP, clause, [primary, *lost]
    missing = [*case.open_ones, *case.open_splits]
    if case.is_primary_met and not missing:
        return Verdict.SHIP, _why_ship(case), [primary]
    if case.is_too_small:
        clause = f"The change in {primary.name} is too small to matter."
        return Verdict.DO_NOT_SHIP, clause, [primary]
    said = [primary, *missing] if case.is_primary_met else [primary]
    return Verdict.UNDECIDED, _why_undecided(case), said


def _why_ship(case: _Case) -> str:
    primary = case.primary
    change = wording.agreed(
        primary.planned.choice.change_that_matters,
        wording.measure_of(primary.planned.definition),
    )
    clause = {
        PrimaryTest.BETTER: f"{primary.name} is better",
        PrimaryTest.BEYOND_CHANGE: f"{primary.name} is better by more than {change}",
        PrimaryTest.HARM_RULED_OUT: (
            f"Harm to {primary.name} beyond the limit agreed is ruled out"
        ),
    }[case.asks]
    if case.splits:
        clause += ", in each declared split no harm beyond the limit is possible"
    if not case.guardrails:
        return f"{clause}; no guardrail was planned."
    names = _names(case.guardrails)
    if case.plan.design.decision_rule.guardrails == GuardrailTest.HARM_NOT_SHOWN:
        return f"{clause}, and no harm beyond the limit agreed was shown for {names}."
    if case.asks == PrimaryTest.HARM_RULED_OUT:
        return f"{clause}, and so it is for {names}."
    return f"{clause}, and harm beyond the limit agreed is ruled out for {names}."


def _why_undecided(case: _Case) -> str:
    primary = case.primary
    if primary.harm is None:
        return f"{primary.name} decides, and it cannot be computed."
    if primary.unequal:
        return (
            f"{primary.name} decides, and customers of the two groups did not answer"
            " equally often."
        )
    if primary.is_hushed:
        return (
            f"{primary.name} decides, and answers of customers who kept silent could"
            " undo its change."
        )
    if not case.is_primary_met:
        return _what_primary_lacks(case)
    good = f"{primary.name} is {_as_asked(case)}, but harm"
    if not case.open_ones:
        return f"{good} in {_splits(case.open_splits)} is not ruled out."
    return _with_more(case, f"{good} to {_names(case.open_ones)} is not ruled out.")


def _as_asked(case: _Case) -> str:
    return "safe" if case.asks == PrimaryTest.HARM_RULED_OUT else "better"


def _what_primary_lacks(case: _Case) -> str:
    name = case.primary.name
    if case.asks == PrimaryTest.HARM_RULED_OUT:
        return f"Harm to {name} beyond the limit agreed is not ruled out."
    if case.primary.case == SentenceCase.BETTER:
        return (
            f"{name} is better, but its range reaches below the change that matters,"
            " and the rule asks for more."
        )
    return (
        f"The range for {name} includes no change and reaches beyond the change that"
        " matters."
    )


def _with_more(case: _Case, clause: str) -> str:
    """Add how many more customers would rule the harm out."""
    needed = [
        None
        if each.unequal
        else settling.customers_to_clear(
            each.reading.outcome,
            each.planned.choice.margin or 0.0,
            share_of(case.plan, each.reading),
        )
        for each in case.open_ones
    ]
    known = [each for each in needed if each is not None]
    if len(known) < len(needed):
        return clause
    more = wording.about(max(known)).capitalize()
    times = sentences.times_as_many(max(known), case.progress.units_so_far)
    who = wording.units(case.plan.design.unit)
    return f"{clause} {more} more {who} would rule it out, if there is none{times}."


def _names(judged: Sequence[Judged]) -> str:
    return wording.joined([each.name for each in judged])


def _splits(judged: Sequence[Judged]) -> str:
    return wording.joined([each.label for each in judged])


def share_of(plan: Plan, reading: MetricReading) -> float:
    """Share of all customers who are in control or in the reading's treatment."""
    return plan.design.control.share + next(
        v.share for v in plan.design.variants if v.name == reading.variant
    )
