"""May these results be used? Each check with its state and a sentence.

FAILED blocks: the verdict is "do not use". NOTICE stands beside the answer. Limits
are those of statistics 4.13.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from analysis import wording
from analysis.cells import Summaries
from analysis.cohort import ExposureCounts
from analysis.cutoff import Cutoff
from analysis.leaving import ERASED, OPTED_OUT, balance
from analysis.readings import UNEQUAL_P
from analysis.reconciliation import reconcile
from analysis.stats.satisfaction import ResponseBalance
from analysis.stats.srm import SampleRatio, sample_ratio
from experiments.plan import Plan
from experiments.vocabulary import AssignedBy, CheckState, HealthCheck

MAX_SHARE = 0.01  # of customers in two, or in unplanned, variants

Facts = Mapping[str, float | int | str | bool | None]


@dataclass(frozen=True, slots=True)
class Check:
    """How one check came out."""

    name: HealthCheck
    state: CheckState
    sentence: str
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the checks look at beside the summaries.

    Attributes:
        plan_is_intact: the stored plan still has the hash it was locked with.
        cutoff: up to when data are complete; None for a unit table.
        needed_at: data up to here are needed for the answer; None while that is open.
        as_of: when the analysis was made.
        pauses: (from, to) of each pause; None has not ended.
        responses: survey metric's name -> balance of each treatment with control.
        erased: variant -> customers who were erased after they had seen it.
        assigned: variant -> customers that the doors have assigned, about.
    """

    plan_is_intact: bool
    cutoff: Cutoff | None
    needed_at: datetime | None
    as_of: datetime
    pauses: Sequence[tuple[datetime, datetime | None]] = ()
    responses: Mapping[str, Sequence[ResponseBalance]] = field(default_factory=dict)
    erased: Mapping[str, int] = field(default_factory=dict)
    assigned: Mapping[str, int] = field(default_factory=dict)


def check(plan: Plan, summaries: Summaries, around: Circumstances) -> list[Check]:
    """Make all checks of a run.

    Args:
        plan: the locked plan.
        summaries: who is in, and who had to be left out.
        around: plan, data and pauses.

    Returns:
        One check for each `HealthCheck`, in its order.
    """
    exposures = summaries.exposures
    of_units = [
        _sample_ratio(plan, exposures),
        _two_variants(exposures),
        _contradicting(plan, exposures),
        _unknown_variants(exposures),
    ]
    unit = plan.design.unit
    return [
        *(replace(c, sentence=wording.of_units(c.sentence, unit)) for c in of_units),
        _plan_intact(around.plan_is_intact),
        _freshness(around),
        _response_balance(around),
        _pauses(around),
        _pre_registered(plan),
        _reviewed(plan),
        Check(HealthCheck.ERASURES, *balance(plan, around.erased, ERASED)),
        Check(HealthCheck.OPT_OUTS, *balance(plan, exposures.opted_out_by, OPTED_OUT)),
        _reconciliation(plan, summaries, around),
    ]


def _sample_ratio(plan: Plan, exposures: ExposureCounts) -> Check:
    shares = {variant.name: variant.share for variant in plan.design.variants}
    result = sample_ratio(exposures.analysed, shares)
    facts: dict[str, float | int | str | bool | None] = {
        "p_value": result.p_value,
        "anytime_p_value": result.anytime_p_value,
        "chi2": result.chi2,
    }
    facts |= {f"n_{name}": n for name, n in result.observed.items()}
    name = HealthCheck.SAMPLE_RATIO
    if result.p_value is None:
        sentence = "Too few customers so far to check the split."
        return Check(name, result.state, sentence, facts)
    worst = _farthest_variant(result)
    seen = result.observed[worst] / sum(result.observed.values())
    if result.state == CheckState.PASSED:
        text = "Customers were split as planned."
        return Check(name, result.state, text, facts)
    planned = shares[worst] / sum(shares.values())
    decimals = _decimals_apart(seen, planned)
    text = (
        f"{wording.percent(seen, decimals)} of customers got {worst} where"
        f" {wording.percent(planned, decimals)} was planned."
    )
    if result.state == CheckState.FAILED:
        return Check(name, result.state, f"{text} Find the cause and restart.", facts)
    text += " This can still be chance; look for a cause."
    return Check(name, result.state, text, facts)


def _farthest_variant(result: SampleRatio) -> str:
    """Name the variant that adds most to chi-square; of two equal ones the last.

    With two variants both add alike when the split is even, and the treatment, which
    stands last, is the one people ask about.
    """
    parts = {
        name: (result.observed[name] - expected) ** 2 / expected
        for name, expected in result.expected.items()
    }
    largest = max(parts.values())
    return [name for name, part in parts.items() if part >= largest * (1 - 1e-9)][-1]


def _decimals_apart(seen: float, planned: float) -> int:
    """Write enough decimals to tell two shares apart, one at least."""
    decimals = 1
    while round(seen * 100, decimals) == round(planned * 100, decimals):
        decimals += 1
    return decimals


def _two_variants(exposures: ExposureCounts) -> Check:
    return _left_out(
        HealthCheck.TWO_VARIANTS,
        exposures.two_variants,
        exposures.units + exposures.two_variants,
        "were seen in two variants and are left out",
        "No customer was seen in two variants.",
        "Find why customers change groups.",
    )


def _unknown_variants(exposures: ExposureCounts) -> Check:
    named = wording.joined(list(exposures.undeclared_names))
    return _left_out(
        HealthCheck.UNKNOWN_VARIANTS,
        exposures.unknown_variants,
        exposures.everybody,
        f"were seen in variants the plan does not have ({named})",
        "All exposures name a variant of the plan.",
        "Send the variant names of the plan.",
    )


def _contradicting(plan: Plan, exposures: ExposureCounts) -> Check:
    """Count customers whose exposures the assignment cannot have given.

    Intake compares each exposure with the rules in force at its time, where the id that
    was hashed comes with it. What is certain without: the hash gives a customer one
    variant, and one of the plan.
    """
    name = HealthCheck.CONTRADICTING_EXPOSURES
    if plan.design.assigned_by == AssignedBy.EXTERNAL:
        sentence = "Another system assigned the variants, so there is nothing to match."
        return Check(name, CheckState.NOT_APPLICABLE, sentence)
    found = _left_out(
        name,
        exposures.contradicting,
        exposures.everybody,
        "were shown what their assignment at the time was not",
        _agreeing(exposures),
        "Show customers the variant that the assignment door answers, and send the"
        " exposure with the id it was asked with.",
    )
    known = {
        "wrongly_shown": exposures.wrongly_shown,
        "unchecked": exposures.unchecked,
    }
    return replace(found, facts={**found.facts, **known})


def _agreeing(exposures: ExposureCounts) -> str:
    """Say that nothing contradicts, and how much of it is known."""
    if not exposures.everybody or exposures.unchecked >= exposures.everybody:
        return "No exposure is known to contradict the assignment."
    if not exposures.unchecked:
        return "All exposures agree with the assignment in force at their time."
    share = exposures.unchecked / exposures.everybody
    return (
        "No exposure contradicts the assignment, as far as can be told: for"
        f" {wording.percent(share, _decimals_of(share))} of customers some came without"
        " the id that was hashed, or from before the rules known."
    )


def _left_out(
    name: HealthCheck, found: int, of: int, what: str, none: str, advice: str
) -> Check:
    """Judge how many customers had to be left out or doubted: 1 % is too many."""
    share = found / of if of else 0.0
    facts = {"customers": found, "of": of, "share": share}
    if not found:
        return Check(name, CheckState.PASSED, none, facts)
    sentence = (
        f"{wording.percent(share, _decimals_of(share))} of customers"
        f" ({wording.count(found)} of {wording.count(of)}) {what}."
    )
    if share > MAX_SHARE:
        return Check(name, CheckState.FAILED, f"{sentence} {advice}", facts)
    return Check(name, CheckState.NOTICE, sentence, facts)


def _decimals_of(share: float) -> int:
    """Write enough decimals that a share above 0 does not look like 0."""
    decimals = 1
    while round(share * 100, decimals) == 0:
        decimals += 1
    return decimals


def _plan_intact(is_intact: bool) -> Check:  # noqa: FBT001  # it is the whole question
    name = HealthCheck.PLAN_INTACT
    if is_intact:
        return Check(name, CheckState.PASSED, "The plan is as it was locked.")
    return Check(
        name,
        CheckState.FAILED,
        "The stored plan was changed after it was locked, so nobody can tell what was"
        " planned. Restore it from a backup.",
    )


def _freshness(around: Circumstances) -> Check:
    name, cutoff = HealthCheck.FRESHNESS, around.cutoff
    if cutoff is None:
        sentence = "The data come from a file; they do not grow old."
        return Check(name, CheckState.NOT_APPLICABLE, sentence)
    facts = {
        "data_cutoff": cutoff.at.isoformat(),
        "frozen": ", ".join(cutoff.frozen),
        "unseen": ", ".join(cutoff.unseen),
    }
    until = wording.date_time(cutoff.at)
    if cutoff.frozen:
        return _frozen(around, cutoff, facts)
    if cutoff.unseen:
        unseen = wording.joined([f'"{event}"' for event in cutoff.unseen])
        sentence = f"No source has sent {unseen} yet; check the spelling in the metric."
        return Check(name, CheckState.NOTICE, sentence, facts)
    return Check(name, CheckState.PASSED, f"Data are complete up to {until}.", facts)


def _frozen(around: Circumstances, cutoff: Cutoff, facts: Facts) -> Check:
    """Judge a source that fell silent: it matters when the answer needs later data."""
    name, until = HealthCheck.FRESHNESS, wording.date_time(cutoff.at)
    silent = f"Nothing has come from {wording.joined(list(cutoff.frozen))} since then"
    needed = around.needed_at
    if needed is not None and needed <= cutoff.at:
        sentence = f"Data are complete up to {until}; the answer needs no later ones."
        return Check(name, CheckState.PASSED, sentence, facts)
    if needed is not None and needed <= around.as_of and cutoff.primary_frozen:
        sentence = (
            f"Data end on {until}, and the answer needs them up to"
            f" {wording.date_time(needed)}. {silent}; send what is missing."
        )
        return Check(name, CheckState.FAILED, sentence, facts)
    sentence = f"Data end on {until}. {silent}; is it still running?"
    return Check(name, CheckState.NOTICE, sentence, facts)


def _response_balance(around: Circumstances) -> Check:
    name = HealthCheck.RESPONSE_BALANCE
    tested = [
        (balance.p_value, metric, balance)
        for metric, balances in around.responses.items()
        for balance in balances
        if balance.p_value is not None
    ]
    if not around.responses:
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


def _pauses(around: Circumstances) -> Check:
    name, count = HealthCheck.PAUSES, len(around.pauses)
    if not count:
        return Check(name, CheckState.PASSED, "The experiment ran without a break.")
    spans = [
        f"from {wording.date_time(begin)} to {wording.date_time(end)}"
        if end is not None
        else f"since {wording.date_time(begin)}"
        for begin, end in around.pauses
    ]
    sentence = (
        f"Everybody got control {wording.joined(spans)}; whoever was first exposed then"
        " is not analysed."
    )
    return Check(name, CheckState.NOTICE, sentence, {"pauses": count})


def _pre_registered(plan: Plan) -> Check:
    name, locked = HealthCheck.NOT_PRE_REGISTERED, wording.date_time(plan.locked_at)
    if plan.pre_registered:
        sentence = f"The plan was locked on {locked}, before the first exposure."
        return Check(name, CheckState.PASSED, sentence)
    sentence = f"Not pre-registered: the plan was locked on {locked}, after exposures."
    return Check(name, CheckState.NOTICE, sentence)


def _reviewed(plan: Plan) -> Check:
    name = HealthCheck.NOT_REVIEWED
    if plan.reviewed:
        return Check(name, CheckState.PASSED, "Another person approved the plan.")
    if plan.design.assigned_by == AssignedBy.EXTERNAL:
        sentence = "It ran elsewhere, so nobody was asked to review it here."
        return Check(name, CheckState.NOT_APPLICABLE, sentence)
    sentence = "Not reviewed: nobody but its author has approved the plan."
    return Check(name, CheckState.NOTICE, sentence)


def _reconciliation(plan: Plan, summaries: Summaries, around: Circumstances) -> Check:
    name = HealthCheck.RECONCILIATION
    if plan.design.assigned_by == AssignedBy.EXTERNAL:
        sentence = "Another system assigned the variants; only exposures came here."
        return Check(name, CheckState.NOT_APPLICABLE, sentence)
    exposures, until = summaries.exposures, around.as_of
    if around.cutoff is not None:
        until = around.cutoff.at
    watched = sum(
        n for day, _, n in exposures.by_day if day < (until - timedelta(days=1)).date()
    )
    found = reconcile(
        around.assigned,
        exposures.analysed,
        exposures.everybody,
        summaries.with_outcome,
        watched,
    )
    return Check(name, found.state, found.sentence, found.facts)
