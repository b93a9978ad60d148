"""What a plan takes, as JSON values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.baselines import Baseline
    from analysis.plan_fits import OtherPlan
    from analysis.plan_values import PlanAhead, PlanQuestion, Protected
    from analysis.stats.arrivals import Arrivals
    from experiments.vocabulary import Unit


def shown_plan(
    question: PlanQuestion,
    ahead: PlanAhead,
    unit: Unit,
    assumed: dict[str, Any],
    known: Baseline | None,
) -> dict[str, Any]:
    """Lay out what a plan takes.

    Args:
        question: what is planned.
        ahead: what it takes.
        unit: who is drawn.
        assumed: of accounts.
        known: the project's own data on the primary metric.

    Returns:
        The body of the answer; nulls where something could not be worked out.
    """
    from analysis.plan_values import units_of  # noqa: PLC0415  # likewise
    from analysis.plan_words import plan_in_words  # noqa: PLC0415  # loads statistics

    size, lasts, refused = ahead.size, ahead.lasts, ahead.refused
    treatments, grown = question.scheme.treatments, ahead.accounts
    power = question.scheme.power
    return {
        "sentence": plan_in_words(question, ahead, unit),
        "computable": refused is None,
        "reason": None if refused is None else refused.reason,
        "facts": {} if refused is None else refused.facts,
        "control_count": None if size is None else size.control,
        "treatment_count": None if size is None else size.treatment,
        "planned_units": None if size is None else units_of(size, treatments),
        "arrivals": _arrivals(question.scheme.arrivals),
        "enrolment_days": None if lasts is None else lasts.enrolment_days,
        "total_days": None if lasts is None else lasts.total_days,
        "first_answer_at": ahead.answer_at,
        "looks": [{"share": look.share, "at": look.at} for look in ahead.looks],
        "event_count": None if ahead.needed is None else ahead.needed.events,
        "hazard_ratio": None if ahead.needed is None else ahead.needed.hazard_ratio,
        "design_effect": None if grown is None else grown.design_effect,
        "planned_customers": None
        if grown is None
        else units_of(grown.customers, treatments),
        "assumed": assumed if grown is not None else {},
        "by_week": [
            {
                "weeks": week.weeks,
                "units": week.units,
                "change": week.change,
                "answer_at": week.answer_at,
            }
            for week in ahead.by_week
        ],
        "guardrails": [_protected(each, power) for each in ahead.guardrails],
        "would_fit": [
            {"weeks": fit.weeks, "change": fit.change, "weekly_units": fit.weekly}
            for fit in ahead.fits
        ],
        "own_data": None if known is None else _own(known),
    }


def shown_others(sentence: str, others: tuple[OtherPlan, ...]) -> dict[str, Any]:
    """Lay out what would fit instead, and end the sentence with it, as pages do."""
    from analysis.plan_fits import others_in_words  # noqa: PLC0415  # as above

    return {
        "sentence": f"{sentence} {others_in_words(others)}".strip(),
        "others_that_fit": [
            {
                "metric": each.metric,
                "segment": each.segment or None,
                "weeks": each.weeks,
            }
            for each in others
        ],
    }


def _protected(each: Protected, power: float) -> dict[str, Any]:
    return {
        "metric": each.key,
        "margin": each.margin,
        "chance": each.chance,
        "protected": each.holds(power),
        "needed_units": each.units,
    }


def _own(known: Baseline) -> dict[str, Any]:
    basis = known.basis
    source = basis.source
    return {
        "measured_at": known.measured_at,
        "segment": None if source is None else source.segment or None,
        "customers": None if source is None else source.customers,
        "since": None if source is None else source.since,
        "until": None if source is None else source.until,
        "baseline": basis.value,
        "sd": basis.sd,
        "response_share": basis.counted_share,
        "correlation": basis.correlation,
        "arrivals": None if known.arrivals is None else _arrivals(known.arrivals),
        "account_arrivals": None
        if known.account_arrivals is None
        else _arrivals(known.account_arrivals),
    }


def _arrivals(arrivals: Arrivals) -> dict[str, Any]:
    return {"weeks": list(arrivals.weeks), "later": arrivals.later}
