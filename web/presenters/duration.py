"""How long an experiment takes, for the form: the one thing a page works out."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from experiments.vocabulary import Reason, Unit

if TYPE_CHECKING:
    from analysis.chart_drawn import DrawnChart
    from analysis.plan_values import PlanAhead, PlanQuestion
    from analysis.plan_words import ProtectedInWords


@dataclass(frozen=True, slots=True)
class Answer:
    """Size and duration in words.

    Attributes:
        sentence: what was worked out, or why nothing was.
        dates: when an answer is due; "" where there is none.
        notes: whence what was left out is, and what the numbers rest on.
        warnings: what to think about.
        planned_units: customers or accounts, all variants together; None when it
            cannot be worked out.
        total_days: until the last customer counts; None likewise.
        ends_at: when that is; None likewise.
        enrolment_ends_at: when the last customer comes; None likewise.
        guardrails: which of them would be protected.
        parts: likewise, the splits in which the primary must not be harmed.
        chart: what each week could detect; None where it was not asked for, or there
            is nothing to draw.
        is_out_of_reach: whether no time that a plan may take is enough.
    """

    sentence: str
    dates: str = ""
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    planned_units: int | None = None
    total_days: int | None = None
    ends_at: datetime | None = None
    enrolment_ends_at: datetime | None = None
    guardrails: "tuple[ProtectedInWords, ...]" = ()
    parts: "tuple[ProtectedInWords, ...]" = ()
    chart: "DrawnChart | None" = None
    is_out_of_reach: bool = False


def work_out(
    question: "PlanQuestion",
    unit: Unit,
    *,
    known_from: str | None = None,
    draws: bool = True,
) -> Answer:
    """Work out size and duration, and say them.

    Args:
        question: from the form, with own data where something was left out.
        unit: who is drawn.
        known_from: experiment whose results tell how customers lie in accounts.
        draws: whether the chart is drawn, which takes a second.

    Returns:
        The answer; one without numbers names what is missing.
    """
    from analysis import plan_words as words  # noqa: PLC0415  # only who asks pays
    from analysis.plan_values import units_of  # noqa: PLC0415
    from analysis.planner import plan_ahead  # noqa: PLC0415

    missing = words.missing_in_words(question)
    if missing is not None:
        return Answer(missing)
    ahead = plan_ahead(question)
    size, lasts = ahead.size, ahead.lasts
    total = None
    if size is not None and lasts is not None:
        total = units_of(size, question.scheme.treatments)
    ends_at = None if total is None else ahead.answer_at
    maturity = question.definition.maturity
    notes = (
        words.source_in_words(question.basis),
        words.accounts_in_words(question, ahead, known_from) if total else "",
        words.events_in_words(ahead),
    )
    return Answer(
        sentence=words.plan_in_words(question, ahead, unit),
        dates=words.dates_in_words(question, ahead),
        notes=tuple(note for note in notes if note),
        warnings=tuple(words.warnings_of(lasts)),
        planned_units=total,
        total_days=None if lasts is None else lasts.total_days,
        ends_at=ends_at,
        enrolment_ends_at=None if ends_at is None else ends_at - maturity,
        guardrails=_guardrails(question, ahead, unit),
        parts=tuple(
            words.protected_in_words(
                each, question.definition, question.scheme.power, unit
            )
            for each in ahead.parts
        ),
        chart=_chart(question, ahead, unit) if draws else None,
        is_out_of_reach=ahead.refused is not None
        and ahead.refused.reason == Reason.UNREACHABLE,
    )


def _guardrails(
    question: "PlanQuestion", ahead: "PlanAhead", unit: Unit
) -> "tuple[ProtectedInWords, ...]":
    from analysis.plan_words import protected_in_words  # noqa: PLC0415  # as above

    return tuple(
        protected_in_words(each, guarded.definition, question.scheme.power, unit)
        for each, guarded in zip(ahead.guardrails, question.guardrails, strict=False)
    )


def _chart(
    question: "PlanQuestion", ahead: "PlanAhead", unit: Unit
) -> "DrawnChart | None":
    from analysis.chart_plans import draw_by_week  # noqa: PLC0415  # as above

    return draw_by_week(question, ahead, unit)
