"""Are the data there that the answer needs?"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from analysis import wording
from analysis.cells import Summaries
from analysis.cutoff import Cutoff
from analysis.health.check import Check, Facts
from analysis.readings import UNEQUAL_P
from analysis.reconciliation import reconcile
from analysis.stats.satisfaction import ResponseBalance
from experiments.plan import Plan
from experiments.vocabulary import AssignedBy, CheckState, HealthCheck


def freshness(
    cutoff: Cutoff | None, needed_at: datetime | None, as_of: datetime
) -> Check:
    """Check that the sources of the data still send.

    Args:
        cutoff: up to when data are complete; None for a unit table.
        needed_at: data up to here are needed; None while that is open.
        as_of: when the analysis was made.

    Returns:
        FAILED where the data that the answer needs did not come.
    """
    name = HealthCheck.FRESHNESS
    if cutoff is None:
        sentence = "The data come from a file; they do not grow old."
        return Check(name, CheckState.NOT_APPLICABLE, sentence)
    facts = {
        "data_cutoff": cutoff.at.isoformat(),
        "frozen": ", ".join(cutoff.frozen),
        "unseen": ", ".join(cutoff.unseen),
        "unfinished": ", ".join(cutoff.unfinished),
    }
    until = wording.date_time(cutoff.at)
    if cutoff.frozen or cutoff.unfinished:
        return _held_back(cutoff, needed_at, as_of, facts)
    if cutoff.unseen:
        unseen = wording.joined([f'"{event}"' for event in cutoff.unseen])
        sentence = f"No source has sent {unseen} yet; check the spelling in the metric."
        return Check(name, CheckState.NOTICE, sentence, facts)
    return Check(name, CheckState.PASSED, f"Data are complete up to {until}.", facts)


def _held_back(
    cutoff: Cutoff, needed: datetime | None, as_of: datetime, facts: Facts
) -> Check:
    """Judge a source that is behind: it matters when the answer needs later data."""
    name, until = HealthCheck.FRESHNESS, wording.date_time(cutoff.at)
    if needed is not None and needed <= cutoff.at:
        sentence = f"Data are complete up to {until}; the answer needs no later ones."
        return Check(name, CheckState.PASSED, sentence, facts)
    is_primary = bool(cutoff.primary_frozen or cutoff.primary_unfinished)
    if needed is not None and needed <= as_of and is_primary:
        sentence = (
            f"Data end on {until}, and the answer needs them up to"
            f" {wording.date_time(needed)}. {_why(cutoff, 'send what is missing.')}"
        )
        return Check(name, CheckState.FAILED, sentence, facts)
    sentence = f"Data end on {until}. {_why(cutoff, 'is it still running?')}"
    return Check(name, CheckState.NOTICE, sentence, facts)


def _why(cutoff: Cutoff, advice: str) -> str:
    """Say what holds data back, and what to do about it."""
    said = []
    if cutoff.frozen:
        silent = wording.joined(list(cutoff.frozen))
        said.append(f"Nothing has come from {silent} since then; {advice}")
    if cutoff.unfinished:
        names = wording.joined(list(cutoff.unfinished))
        said.append(
            f"{names} {'is' if len(cutoff.unfinished) == 1 else 'are'} not imported"
            " whole; if nobody is at it, import the same file again."
        )
    return " ".join(said)


def answering(responses: Mapping[str, Sequence[ResponseBalance]]) -> Check:
    """Check that customers of all variants answered surveys equally often."""
    name = HealthCheck.RESPONSE_BALANCE
    tested = [
        (balance.p_value, metric, balance)
        for metric, balances in responses.items()
        for balance in balances
        if balance.p_value is not None
    ]
    if not responses:
        sentence = "No metric of this experiment is a survey."
        return Check(name, CheckState.NOT_APPLICABLE, sentence)
    if not tested:
        sentence = "Too few customers so far to compare how often they answered."
        return Check(name, CheckState.NOT_APPLICABLE, sentence)
    p_value, metric, balance = min(tested, key=lambda each: (each[0], each[1]))
    facts: Facts = {"p_value": p_value, "metric": metric}
    if p_value >= UNEQUAL_P:
        sentence = "Customers of all groups answered about equally often."
        return Check(name, CheckState.PASSED, sentence, facts)
    control, treatment = (
        wording.percent(rates.of_exposed or 0.0)
        for rates in (balance.control, balance.treatment)
    )
    sentence = (
        f"{metric} was answered by {control} of control and {treatment} of the"
        " treatment. Who kept silent may explain a difference."
    )
    return Check(name, CheckState.NOTICE, sentence, facts)


def from_assignment_to_outcome(
    plan: Plan, summaries: Summaries, assigned: Mapping[str, int]
) -> Check:
    """Check that assignments, exposures and outcomes fit together.

    Args:
        plan: the locked plan.
        summaries: who was exposed, and had an outcome.
        assigned: variant -> customers that the doors have assigned, about, before the
            trail's end.

    Returns:
        NOTICE where they do not.
    """
    name, trail = HealthCheck.RECONCILIATION, summaries.trail
    if trail is None:
        sentence = "The data come from a file, which tells of no exposures by day."
        return Check(name, CheckState.NOT_APPLICABLE, sentence)
    by_day = summaries.exposures.by_day
    day = trail.until.date()
    analysed = dict.fromkeys((v.name for v in plan.design.variants), 0)
    for when, variant, n in by_day:
        analysed[variant] += n if when < day else 0
    watched = sum(n for when, _, n in by_day if when < day - timedelta(days=1))
    is_ours = plan.design.assigned_by == AssignedBy.ABIDE
    found = reconcile(assigned if is_ours else None, analysed, trail, watched)
    sentence = wording.of_units(found.sentence, plan.design.unit)
    return Check(name, found.state, sentence, found.facts)
