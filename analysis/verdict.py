"""What the pre-registered rule says about a run: pure, values in and values out.

The rule, first match wins: a failed check -> do not use; before the planned end ->
keep running; the primary metric worse, or a guardrail wholly beyond its margin -> do
not ship; the primary better, harm ruled out for every guardrail and answers equally
frequent -> ship; too small to matter -> do not ship; else undecided. The interval
decides, never the p-value.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from analysis import sentences, settling, wording
from analysis.glossary import CHECK_WORDS
from analysis.readings import EVERYBODY, CheckView, Judgement, MetricReading, Progress
from analysis.sentences import MetricFacts, harm_range, sign_of
from analysis.stats.estimate import Estimate, NotComputable, Outcome
from analysis.stats.nonresponse import LeeBounds
from experiments.plan import Plan, PlannedMetric
from experiments.vocabulary import (
    CheckState,
    Reason,
    ResultPhase,
    Role,
    SentenceCase,
    Verdict,
)

__all__ = [
    "EVERYBODY",
    "CheckView",
    "Judgement",
    "MetricReading",
    "Progress",
    "case_of",
    "judge",
]


def judge(
    plan: Plan,
    readings: Sequence[MetricReading],
    checks: Sequence[CheckView],
    progress: Progress,
) -> Judgement:
    """Apply the decision rule to everything a run found.

    Args:
        plan: as it was locked.
        readings: of all metrics, treatments and declared segments; those of the
            primary metric about everybody decide, with the guardrails.
        checks: the run's trust checks.
        progress: how far the experiment is.

    Returns:
        The verdict with its clause, its lead sentence and a sentence for each reading.
    """
    failed = [check for check in checks if check.state == CheckState.FAILED]
    if failed:
        answer = sentences.untrusted(failed[0].sentence)
        names = wording.joined([CHECK_WORDS[check.name].lower() for check in failed])
        return Judgement(
            Verdict.DO_NOT_USE,
            None,
            f"Checks that failed: {names}.",
            answer,
            _all(readings, SentenceCase.UNTRUSTED, answer),
        )
    if progress.phase == ResultPhase.COUNTING or _too_little(readings):
        answer = sentences.too_early(
            progress.units_so_far,
            progress.planned_units,
            progress.mature_units,
            progress.due_at,
            progress.as_of,
            wording.units(plan.design.unit),
        )
        return Judgement(
            Verdict.KEEP_RUNNING,
            None,
            "The plan allows an answer at its end only.",
            answer,
            _all(readings, SentenceCase.TOO_EARLY, answer),
        )
    judged = [_judge_reading(plan, reading, progress) for reading in readings]
    cases = {
        (each.reading.metric, each.reading.variant, each.reading.segment): (
            each.case,
            each.sentence,
        )
        for each in judged
    }
    return _decide(plan, judged, progress, cases)


def case_of(
    outcome: Outcome,
    planned: PlannedMetric,
    *,
    unequal: bool = False,
    unbounded: bool = False,
) -> SentenceCase:
    """Say in which of the cases a trusted, final outcome stands.

    Args:
        outcome: of the metric.
        planned: the metric's part in the plan; its margin speaks for every role but
            the primary's, whose rule is about getting better.
        unequal: whether customers answered the survey unequally often; then nothing
            good can be said of its answers.
        unbounded: whether those who kept silent could undo a change; then it is no win.

    Returns:
        The first case that applies.
    """
    if isinstance(outcome, NotComputable):
        return SentenceCase.NOT_COMPUTABLE
    choice = planned.choice
    least, most = _harm(outcome, planned)
    guarded = choice.margin is not None and choice.role != Role.PRIMARY
    if most < 0:
        case = SentenceCase.BETTER
    elif least > 0:
        case = SentenceCase.WORSE
    elif guarded and most < (choice.margin or 0):
        case = SentenceCase.HARM_RULED_OUT
    elif guarded:
        case = SentenceCase.HARM_NOT_RULED_OUT
    elif -choice.change_that_matters < least and most < choice.change_that_matters:
        case = SentenceCase.EQUAL_ENOUGH
    else:
        case = SentenceCase.UNDECIDED
    good = {
        SentenceCase.BETTER,
        SentenceCase.HARM_RULED_OUT,
        SentenceCase.EQUAL_ENOUGH,
    }
    if unequal and case in good:
        return SentenceCase.UNDECIDED
    return SentenceCase.UNDECIDED if unbounded and case == SentenceCase.BETTER else case


@dataclass(frozen=True, slots=True)
class _Judged:
    """A reading with its part in the plan, its case and its sentence."""

    reading: MetricReading
    planned: PlannedMetric
    case: SentenceCase
    sentence: str

    @property
    def unequal(self) -> bool:
        return self.reading.is_unequal

    @property
    def unbounded(self) -> bool:
        return self.reading.is_unbounded

    @property
    def name(self) -> str:
        return self.planned.name

    @property
    def harm(self) -> tuple[float, float] | None:
        """Least and most harm, or None where there is no estimate."""
        if isinstance(self.reading.outcome, NotComputable):
            return None
        return _harm(self.reading.outcome, self.planned)

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
    def is_hushed(self) -> bool:
        """Whether it is better by its answers, and silence could undo that."""
        return (
            self.unbounded
            and self.case == SentenceCase.UNDECIDED
            and case_of(self.reading.outcome, self.planned) == SentenceCase.BETTER
        )

    @property
    def is_harmed(self) -> bool:
        """Whether the whole interval lies beyond the margin."""
        margin = self.planned.choice.margin or 0.0
        return self.harm is not None and self.harm[0] > margin


@dataclass(frozen=True, slots=True)
class _Ruling:
    """What the rule says of one treatment."""

    variant: str
    verdict: Verdict
    clause: str
    answer: str
    lower_bound: float  # of the primary metric


def _judge_reading(plan: Plan, reading: MetricReading, progress: Progress) -> _Judged:
    planned = plan.metric(reading.metric)
    case = case_of(
        reading.outcome,
        planned,
        unequal=reading.is_unequal,
        unbounded=reading.is_unbounded,
    )
    everybody = reading.segment == EVERYBODY
    facts = MetricFacts(
        name=planned.name,
        kind=planned.definition.kind,
        direction=planned.definition.direction,
        target=planned.choice.change_that_matters,
        margin=planned.choice.margin,
        role=planned.choice.role,
        label=_label(plan, reading),
        variant=reading.variant,
        segment_per_quarter=progress.segment_per_quarter if everybody else None,
        so_far=progress.units_so_far if everybody else None,
        who=wording.units(plan.design.unit),
        scale=planned.definition.scale,
        day=planned.definition.day,
        more_needed=settling.customers_to_settle(
            reading.outcome,
            planned.choice.change_that_matters,
            _share(plan, reading),
        ),
    )
    sentence = _of_silence(facts, planned, reading, case)
    if sentence is None:
        sentence = sentences.metric_sentence(case, facts, reading.outcome)
    return _Judged(reading, planned, case, sentence)


def _of_silence(
    facts: MetricFacts,
    planned: PlannedMetric,
    reading: MetricReading,
    case: SentenceCase,
) -> str | None:
    """Say that who answered leaves it open; None where silence changes nothing."""
    response, silence = reading.response, reading.silence
    if case != SentenceCase.UNDECIDED or isinstance(reading.outcome, NotComputable):
        return None
    if reading.is_unequal and response is not None:
        return sentences.unequal_answers(
            facts, response.control.of_exposed or 0, response.treatment.of_exposed or 0
        )
    answered = case_of(reading.outcome, planned)
    if answered != case and silence and isinstance(silence.bounds, LeeBounds):
        return sentences.unbounded_silence(
            facts, reading.outcome, silence.bounds.interval
        )
    return None


def _decide(
    plan: Plan,
    judged: Sequence[_Judged],
    progress: Progress,
    cases: dict[tuple[str, str, str], tuple[SentenceCase, str]],
) -> Judgement:
    rulings = [
        _rule(
            plan,
            [
                each
                for each in judged
                if each.reading.variant == treatment.name
                and each.reading.segment == EVERYBODY
            ],
            progress,
        )
        for treatment in plan.design.treatments
    ]
    # One treatment that qualifies is enough; one that may yet do keeps it open.
    order = [Verdict.SHIP, Verdict.UNDECIDED, Verdict.DO_NOT_SHIP]
    verdict = min((ruling.verdict for ruling in rulings), key=order.index)
    leading = [ruling for ruling in rulings if ruling.verdict == verdict]
    lead = max(leading, key=lambda ruling: ruling.lower_bound)
    clause = lead.clause
    if verdict == Verdict.SHIP and len(rulings) > 1:
        clause = f"{clause} {_recommendation(lead, leading)}"
    return Judgement(
        verdict,
        lead.variant if verdict == Verdict.SHIP else None,
        clause,
        lead.answer,
        cases,
    )


def _recommendation(lead: _Ruling, qualified: Sequence[_Ruling]) -> str:
    if len(qualified) == 1:
        return f"Only {lead.variant} qualifies."
    names = wording.joined([ruling.variant for ruling in qualified])
    return (
        f"{names} qualify; {lead.variant} has the better lower end of its range."
        " They were not compared with each other."
    )


def _rule(plan: Plan, judged: Sequence[_Judged], progress: Progress) -> _Ruling:
    primary = next(each for each in judged if each.planned.choice.role == Role.PRIMARY)
    guardrails = [each for each in judged if each.planned.choice.role == Role.GUARDRAIL]
    harmed = [each for each in guardrails if each.is_harmed]
    open_ones = [each for each in guardrails if not each.is_cleared]
    said = [primary]
    if primary.case == SentenceCase.WORSE:
        verdict, clause = Verdict.DO_NOT_SHIP, f"{primary.name} got worse."
    elif harmed:
        said += harmed
        verdict = Verdict.DO_NOT_SHIP
        clause = f"Harm to {_names(harmed)} is beyond the limit agreed."
    elif primary.case == SentenceCase.BETTER and not open_ones:
        verdict, clause = Verdict.SHIP, _why_ship(primary, guardrails)
    elif primary.case == SentenceCase.EQUAL_ENOUGH or _is_futile(primary, progress):
        verdict = Verdict.DO_NOT_SHIP
        clause = f"The change in {primary.name} is too small to matter."
    else:
        if primary.case == SentenceCase.BETTER:
            said += open_ones
        verdict, clause = (
            Verdict.UNDECIDED,
            _why_undecided(plan, primary, open_ones, progress),
        )
    return _Ruling(
        primary.reading.variant,
        verdict,
        clause,
        " ".join(each.sentence for each in said),
        primary.lower_bound,
    )


def _why_ship(primary: _Judged, guardrails: Sequence[_Judged]) -> str:
    if not guardrails:
        return f"{primary.name} is better; no guardrail was planned."
    return (
        f"{primary.name} is better, and harm beyond the limit agreed is ruled out for"
        f" {_names(guardrails)}."
    )


def _why_undecided(
    plan: Plan, primary: _Judged, open_ones: Sequence[_Judged], progress: Progress
) -> str:
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
    if primary.case == SentenceCase.UNDECIDED:
        return (
            f"The range for {primary.name} includes no change and reaches beyond the"
            " change that matters."
        )
    clause = (
        f"{primary.name} is better, but harm to {_names(open_ones)} is not ruled out."
    )
    needed = [
        None
        if each.unequal
        else settling.customers_to_clear(
            each.reading.outcome,
            each.planned.choice.margin or 0.0,
            _share(plan, each.reading),
        )
        for each in open_ones
    ]
    known = [each for each in needed if each is not None]
    if len(known) < len(needed):
        return clause
    more = wording.about(max(known)).capitalize()
    times = sentences.times_as_many(max(known), progress.units_so_far)
    who = wording.units(plan.design.unit)
    return f"{clause} {more} more {who} would rule it out, if there is none{times}."


def _is_futile(primary: _Judged, progress: Progress) -> bool:
    outcome = primary.reading.outcome
    return (
        not isinstance(outcome, NotComputable)
        and primary.case == SentenceCase.UNDECIDED
        and not primary.unequal
        and not primary.is_hushed
        and settling.is_futile(
            outcome,
            sign_of(primary.planned.definition.direction),
            primary.planned.choice.change_that_matters,
            progress.mature_units / progress.planned_units,
        )
    )


def _names(judged: Sequence[_Judged]) -> str:
    return wording.joined([each.name for each in judged])


def _share(plan: Plan, reading: MetricReading) -> float:
    """Share of all customers who are in control or in the reading's treatment."""
    return plan.design.control.share + next(
        v.share for v in plan.design.variants if v.name == reading.variant
    )


def _label(plan: Plan, reading: MetricReading) -> str:
    parts = []
    if len(plan.design.treatments) > 1:
        parts.append(reading.variant)
    if reading.segment != EVERYBODY:
        names = [s.name for s in plan.segments if s.key == reading.segment]
        parts.append(names[0] if names else reading.segment)
    return ", ".join(parts)


def _harm(estimate: Estimate, planned: PlannedMetric) -> tuple[float, float]:
    return harm_range(estimate.interval, sign_of(planned.definition.direction))


def _too_little(readings: Sequence[MetricReading]) -> bool:
    """Say whether the primary metric still waits for customers to be followed."""
    waiting = {Reason.NO_MATURE_UNITS, Reason.FOLLOW_UP_TOO_SHORT}
    outcomes = [
        reading.outcome
        for reading in readings
        if reading.role == Role.PRIMARY and reading.segment == EVERYBODY
    ]
    return bool(outcomes) and all(
        isinstance(outcome, NotComputable) and outcome.reason in waiting
        for outcome in outcomes
    )


def _all(
    readings: Sequence[MetricReading], case: SentenceCase, sentence: str
) -> dict[tuple[str, str, str], tuple[SentenceCase, str]]:
    return {(r.metric, r.variant, r.segment): (case, sentence) for r in readings}
