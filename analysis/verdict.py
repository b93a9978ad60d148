"""What the pre-registered rule says about a run: pure, values in and values out.

First match wins: a failed check -> do not use; before the planned end -> keep running;
else what the plan's rule says of each treatment (ruling.py). The interval decides,
never the p-value.
"""

from collections.abc import Sequence
from dataclasses import replace

from analysis import sentences, settling, wording
from analysis.cases import case_in_plan, case_of_answers
from analysis.glossary import CHECK_WORDS
from analysis.metric_facts import MetricFacts
from analysis.readings import CheckView, Judgement, MetricReading, Progress
from analysis.ruling import Judged, Ruling, rule, share_of
from analysis.stats.estimate import NotComputable
from analysis.stats.nonresponse import LeeBounds
from experiments.plan import Plan
from experiments.vocabulary import (
    EVERYBODY,
    CheckState,
    MonitoringMode,
    Reason,
    ResultPhase,
    Role,
    SentenceCase,
    Verdict,
)

__all__ = [
    "CheckView",
    "Judgement",
    "MetricReading",
    "Progress",
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
    if progress.phase == ResultPhase.COUNTING or too_little(readings):
        answer = sentences.too_early(
            progress.units_so_far,
            progress.planned_units,
            progress.mature_units,
            progress.due_at,
            progress.as_of,
            wording.units(plan.design.unit),
            plan.design.planned_end_at,
        )
        return Judgement(
            Verdict.KEEP_RUNNING,
            None,
            _why_early(plan, progress),
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
    decided = _decide(plan, judged, progress, cases)
    return decided if progress.look is None else _at_look(plan, decided, progress)


def _why_early(plan: Plan, progress: Progress) -> str:
    """Say when the plan allows to look."""
    match plan.design.monitoring_mode:
        case MonitoringMode.FIXED_END:
            return "The plan allows an answer at its end only."
        case MonitoringMode.GROUP_SEQUENTIAL:
            share = wording.percent(progress.next_look or 1.0, 0)
            return (
                "The plan allows estimates at its looks only; the next is at"
                f" {share} of the planned size."
            )
        case MonitoringMode.ALWAYS_VALID:
            return "A range that holds on any day needs a week and enough customers."


def _at_look(plan: Plan, decided: Judgement, progress: Progress) -> Judgement:
    """Say of a look before the end that it decides, or that the experiment goes on."""
    look = progress.look
    if look is None or look.is_last:
        return decided
    place = (
        f"look {look.number}"
        if look.mode == MonitoringMode.ALWAYS_VALID
        else f"look {look.number}, with {wording.percent(look.fraction, 0)} of the"
        " planned size"
    )
    if decided.verdict in {Verdict.SHIP, Verdict.DO_NOT_SHIP}:
        clause = f"{decided.clause} Decided at {place}."
        return replace(decided, clause=clause)
    answer = sentences.goes_on(
        look.number,
        progress.mature_units,
        progress.planned_units,
        progress.due_at if look.later else None,
        progress.as_of,
        wording.units(plan.design.unit),
    )
    return replace(decided, verdict=Verdict.KEEP_RUNNING, variant=None, answer=answer)


def _judge_reading(plan: Plan, reading: MetricReading, progress: Progress) -> Judged:
    planned = plan.metric(reading.metric)
    case = case_in_plan(plan, reading)
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
        unit=planned.definition.unit,
        more_needed=None  # the plan says how many more come
        if progress.look is not None and not progress.look.is_last
        else settling.customers_to_settle(
            reading.outcome,
            planned.choice.change_that_matters,
            share_of(plan, reading),
        ),
    )
    answered = case_of_answers(plan, reading)
    sentence = _of_silence(facts, reading, case, answered)
    if sentence is None:
        sentence = sentences.metric_sentence(case, facts, reading.outcome)
    return Judged(
        reading,
        planned,
        case,
        sentence,
        is_hushed=reading.is_unbounded
        and case == SentenceCase.UNDECIDED
        and answered == SentenceCase.BETTER,
        label=_split(plan, reading),
    )


def _of_silence(
    facts: MetricFacts,
    reading: MetricReading,
    case: SentenceCase,
    answered: SentenceCase,
) -> str | None:
    """Say that who answered leaves it open; None where silence changes nothing."""
    response, silence = reading.response, reading.silence
    if case != SentenceCase.UNDECIDED or isinstance(reading.outcome, NotComputable):
        return None
    if reading.is_unequal and response is not None:
        return sentences.unequal_answers(
            facts, response.control.of_exposed or 0, response.treatment.of_exposed or 0
        )
    if answered != case and silence and isinstance(silence.bounds, LeeBounds):
        return sentences.unbounded_silence(
            facts, reading.outcome, silence.bounds.interval
        )
    return None


def _decide(
    plan: Plan,
    judged: Sequence[Judged],
    progress: Progress,
    cases: dict[tuple[str, str, str], tuple[SentenceCase, str]],
) -> Judgement:
    rulings = [
        rule(
            plan,
            [each for each in judged if each.reading.variant == treatment.name],
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


def _recommendation(lead: Ruling, qualified: Sequence[Ruling]) -> str:
    if len(qualified) == 1:
        return f"Only {lead.variant} qualifies."
    names = wording.joined([ruling.variant for ruling in qualified])
    return (
        f"{names} qualify; {lead.variant} has the better lower end of its range."
        " They were not compared with each other."
    )


def _label(plan: Plan, reading: MetricReading) -> str:
    several = len(plan.design.treatments) > 1
    parts = (reading.variant if several else "", _split(plan, reading))
    return ", ".join(part for part in parts if part)


def _split(plan: Plan, reading: MetricReading) -> str:
    """Name the split of a reading; everybody has none."""
    names = [s.name for s in plan.segments if s.key == reading.segment]
    return names[0] if names else reading.segment


def too_little(readings: Sequence[MetricReading]) -> bool:
    """Say whether the primary metric still waits for customers to be followed."""
    waiting = {Reason.NO_MATURE_UNITS, Reason.FOLLOW_UP_TOO_SHORT, Reason.BURN_IN}
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
