"""What a plan takes, in sentences: for the form and for the API."""

import math
from dataclasses import dataclass

from analysis import wording
from analysis.arrival_words import arrivals_in_words
from analysis.plan_basis import Basis, lacks
from analysis.plan_values import (
    Fit,
    PlanAhead,
    PlanQuestion,
    Protected,
    units_of,
)
from analysis.stats.arrivals import Arrivals
from analysis.stats.duration import DAYS_A_WEEK, Duration
from analysis.stats.estimate import NotComputable
from analysis.wording import agreed, count, exact, joined, measure_of
from experiments.metric_definition import MetricDefinition
from experiments.vocabulary import Direction, MetricKind, Reason, Unit

MIN_WEEKS, MAX_WEEKS = 1, 8
DAYS_A_YEAR, YEARS_FROM = 365.25, 2  # weeks are said up to two years
MOST_YEARS = 1000
# Field of the power functions -> what a person would call it.
QUESTIONS = {
    "baseline": "where the metric stands today",
    "sd": "how much customers differ in it",
    "effect": "the change that matters",
    "margin": "the largest harm you accept",
    "power": "the power",
    "alpha": "the accepted rate of false alarms",
    "ratio": "the shares of the variants",
    "split": "the shares of the variants",
    "response_share": "how many answer, or are counted",
    "weekly_customers": "how many customers come",
    "coverage": "the share of the segment to enrol",
    "account_customers": "how many customers an account has",
    "account_cv": "how much that varies",
    "icc": "how alike customers of an account are",
    "looks": "the times of the looks",
}


def asks_for_value(definition: MetricDefinition) -> str:
    """Ask where a metric stands, so that somebody can answer from a report."""
    if definition.is_time:
        return f"What share is still without the event after {definition.day} days?"
    if definition.is_share:
        return "What share is it today?"
    return "What is it today, on average?"


def asks_for_spread(definition: MetricDefinition) -> str:
    """Ask how much customers differ; what is meant depends on the kind."""
    if definition.kind == MetricKind.RATIO:
        return (
            "How much do customers differ in it? Standard deviation over customers of"
            " what is above the line less the ratio times what is below, divided by the"
            " mean of what is below."
        )
    return "How much do customers differ in it? Standard deviation over customers."


def missing_in_words(question: PlanQuestion) -> str | None:
    """Ask for what a size needs and nobody has said; None when nothing is missing."""
    field = lacks(question.definition, question.basis)
    if field is None:
        return None
    if field == "sd":
        return "To work out the duration, say how much customers differ in the metric."
    if question.definition.is_time:
        return (
            "To work out the duration, say what share is still without the event after"
            f" {question.definition.day} days."
        )
    return "To work out the duration, say where the primary metric stands today."


def plan_in_words(question: PlanQuestion, ahead: PlanAhead, unit: Unit) -> str:
    """Say what a plan takes, or why it cannot be carried out.

    Args:
        question: what is planned.
        ahead: what it takes.
        unit: who is drawn.

    Returns:
        One to three sentences.
    """
    missing = missing_in_words(question)
    if missing is not None:
        return missing
    if ahead.refused is not None or ahead.size is None or ahead.lasts is None:
        return _refusal(question, ahead, unit)
    measure = measure_of(question.definition)
    who = wording.units(unit)
    size, scheme = ahead.size, question.scheme
    if size.control == size.treatment:
        needs = f"{count(size.control)} {who} per variant"
    else:
        groups = "each" if scheme.treatments == 1 else "each of the treatments"
        needs = (
            f"{count(size.control)} {who} in control and {count(size.treatment)}"
            f" in {groups}"
        )
    weeks = max(1, round(ahead.lasts.enrolment_weeks))
    takes = f"about {count(weeks)} {'week' if weeks == 1 else 'weeks'}"
    claim = f"detect a change of {agreed(question.effect, measure)}"
    if question.rules_out_harm and question.margin is not None:
        claim = f"rule out harm beyond {agreed(question.margin, measure)}"
    return (
        f"To {claim}{_from(question)} with"
        f" {exact(scheme.power * 100)} % power you need {needs}:"
        f" {takes}{_rate(scheme.arrivals, unit)} The last customer"
        f" counts after {count(ahead.lasts.total_days)} days."
    )


def _rate(arrivals: Arrivals, unit: Unit) -> str:
    """Go on from a number of weeks to how many come in them."""
    if arrivals.is_steady:
        return f" at {count(round(arrivals.later))} a week."
    return f" of enrolment. {arrivals_in_words(arrivals, unit)}"


def _from(question: PlanQuestion) -> str:
    value = question.basis.value
    if value is None or not question.definition.is_share:
        return ""
    return f" from {exact(round(value * 100, 2))} %"


def dates_in_words(question: PlanQuestion, ahead: PlanAhead) -> str:
    """Say when the answer is due, and when estimates are first seen; "" for never."""
    if ahead.answer_at is None:
        return ""
    begin, end = question.begins_at, ahead.answer_at
    said = (
        f"If it starts on {wording.day_month(begin)}, the first answer that holds"
        f" whatever it says is due on {wording.day_month(end, begin)}."
    )
    earlier = [
        f"{wording.day_month(look.at, begin)} ({wording.percent(look.share, 0)})"
        for look in ahead.looks[:-1]
    ]
    if not earlier:
        return said
    looks = "Looks before" if len(earlier) > 1 else "A look before"
    return f"{said} {looks}, where only a large change would end it: {joined(earlier)}."


def events_in_words(ahead: PlanAhead) -> str:
    """Say how many events a comparison of times rests on; "" for other metrics."""
    found = ahead.needed
    if found is None or found.events is None or found.hazard_ratio is None:
        return ""
    return (
        f"It rests on about {count(wording.rounded_like(found.events, found.events))}"
        " events in control and one treatment together, and takes the change as a"
        f" hazard of {found.hazard_ratio:.2f} times on every day."
    )


def source_in_words(basis: Basis) -> str:
    """Say from whom something is known; "" where it was stated."""
    source = basis.source
    if source is None:
        return ""
    whom = "customers" if not source.segment else "customers of the segment"
    return (
        f"From your own data: {count(source.customers)} {whom} who were seen from"
        f" {wording.date(source.since)} to {wording.date(source.until)}, each from"
        " their first day in these weeks."
    )


def accounts_in_words(
    question: PlanQuestion, ahead: PlanAhead, known_from: str | None = None
) -> str:
    """Say how many customers accounts bring, and what that follows from.

    Args:
        question: what is planned, by account.
        ahead: what it takes.
        known_from: experiment whose results some of it is from.

    Returns:
        One or two sentences; "" where customers are drawn.
    """
    grown, by = ahead.accounts, question.scheme.accounts
    if grown is None or by is None:
        return ""
    total = units_of(grown.customers, question.scheme.treatments)
    said = (
        f"These bring {count(total)} customers, {exact(round(grown.design_effect, 2))}"
        " times as many as if each were drawn alone: an account has"
        f" {exact(round(by.customers, 1))} on average, varying by"
        f" {exact(round(by.cv, 2))} of that, and they are alike by an ICC of"
        f" {exact(round(by.icc, 3))}."
    )
    if known_from is None:
        return said
    return f"{said} What you left empty is from the results of {known_from}."


def accounts_asked(
    arrivals: str,
    customers: float | None,
    cv: float | None,
    icc: float | None,
) -> str:
    """Ask for what a plan by account needs and nobody has said; "" for nothing.

    Args:
        arrivals: what to ask of how many come; "" where it is known.
        customers: of an account on average.
        cv: coefficient of variation of that.
        icc: intra-account correlation of the metric.

    Returns:
        One or two sentences.
    """
    asked = (
        (customers, "how many customers an account has"),
        (cv, "how much that varies between accounts"),
        (icc, "how alike customers of an account are in this metric (ICC)"),
    )
    missing = [arrivals] if arrivals else []
    missing += [words for value, words in asked if value is None]
    if not missing:
        return ""
    none_yet = "" if customers is not None else " No results by account tell it yet."
    return f"To work out the duration, say {joined(missing)}.{none_yet}"


@dataclass(frozen=True, slots=True)
class ProtectedInWords:
    """One guardrail or split: its name, the margin, the chance, and what follows."""

    name: str
    margin: str
    chance: str
    sentence: str
    holds: bool


def protected_in_words(
    each: Protected, definition: MetricDefinition, power: float, unit: Unit
) -> ProtectedInWords:
    """Say whether harm can be ruled out at the planned size.

    Args:
        each: a guardrail, or a split of the primary metric.
        definition: of its metric.
        power: that was asked for.
        unit: who is drawn.

    Returns:
        Words for a row of a table.
    """
    margin = agreed(each.margin, measure_of(definition))
    if each.chance is None:
        sentence = "Not known: there is no data of your own on it yet."
        return ProtectedInWords(each.name, margin, "not known", sentence, holds=False)
    chance = wording.percent(each.chance, 0)
    if each.holds(power):
        sentence = "Protected at this size."
    elif each.units is None:
        sentence = "Cannot be protected: no number of customers would do."
    else:
        sentence = (
            f"Cannot be protected at this size: it takes {count(each.units)}"
            f" {wording.units(unit)} in all, or a wider margin."
        )
    return ProtectedInWords(each.name, margin, chance, sentence, each.holds(power))


def warnings_of(lasts: Duration | None) -> list[str]:
    """Say what to think about, of how long a plan takes."""
    found: list[str] = []
    if lasts is None:
        return found
    if lasts.enrolment_weeks <= MIN_WEEKS:
        found.append(
            "One week shows each weekday once only; two weeks say more about habit."
        )
    if lasts.enrolment_weeks > MAX_WEEKS:
        found.append(
            "More than 8 weeks of enrolment: customers change devices and delete"
            " cookies meanwhile, which blurs the difference."
        )
    return found


def _refusal(question: PlanQuestion, ahead: PlanAhead, unit: Unit) -> str:
    refused = ahead.refused or NotComputable(Reason.UNREACHABLE)
    weeks = refused.facts.get("weeks")
    if refused.reason == Reason.UNREACHABLE and isinstance(weeks, (int, float)):
        return (
            f"Not reachable: it would take {_long(weeks)}"
            f"{_slowly(question.scheme.arrivals, unit)}"
            f"{_fitting(question, ahead.fits, unit)}"
        )
    needed, come = refused.facts.get("needed"), refused.facts.get("come")
    if isinstance(needed, (int, float)) and isinstance(come, (int, float)):
        who = wording.units(unit)
        come_in_words = (
            f"only {wording.about(come)} come in a year."
            f" {arrivals_in_words(question.scheme.arrivals, unit)}"
        )
        return (
            f"Not reachable: it takes {count(math.ceil(needed))} {who}, and"
            f" {come_in_words if come >= 1 else 'nobody comes.'}"
            f"{_fitting(question, ahead.fits, unit)}"
        )
    if refused.reason == Reason.UNREACHABLE:
        return (
            "Not reachable: no number of customers would show this change. Make it"
            " bigger, or choose another metric."
        )
    beyond = beyond_shares(question)
    if beyond and refused.facts.get("field") == "effect":
        return f"This change cannot be: {beyond}."
    field = QUESTIONS.get(str(refused.facts.get("field")), "the numbers")
    return f"The duration cannot be worked out: look again at {field}."


def beyond_shares(question: PlanQuestion) -> str:
    """Say that a change would leave the range of shares; "" where it does not."""
    value, asked = question.basis.value, question.definition
    if not asked.is_share or value is None:
        return ""
    rises = asked.direction == Direction.INCREASE
    after = value + (question.effect if rises else -question.effect)
    if 0 < after < 1:
        return ""
    change = agreed(question.effect, measure_of(asked))
    end = "reach 100 % or more" if rises else "reach 0 % or less"
    return f"{change} {'up' if rises else 'down'}{_from(question)} would {end}"


def _slowly(arrivals: Arrivals, unit: Unit) -> str:
    """Go on from a long time to how many come in it."""
    if not arrivals.is_steady:
        return f". {arrivals_in_words(arrivals, unit)}"
    daily = arrivals.later / DAYS_A_WEEK
    rate = exact(round(daily, 1)) if daily < 10 else count(round(daily))  # noqa: PLR2004  # one digit more
    return f" at {rate} {wording.units(unit)} a day."


def _long(weeks: float) -> str:
    years = weeks * DAYS_A_WEEK / DAYS_A_YEAR
    if years < YEARS_FROM:
        return f"{count(round(weeks))} weeks"
    if years > MOST_YEARS:
        return f"more than {count(MOST_YEARS)} years"
    return f"{wording.number(years, 1)} years"


def _fitting(question: PlanQuestion, fits: tuple[Fit, ...], unit: Unit) -> str:
    """Say what would fit: a larger change, or more customers."""
    measure = measure_of(question.definition)
    changes = [
        f"{agreed(_two_digits(fit.change), measure)} in {fit.weeks} weeks of enrolment"
        for fit in fits
        if fit.change is not None
    ]
    said = ""
    if changes and not question.rules_out_harm:
        said = f" It could detect a change of {' or '.join(changes)}."
    weekly = next((fit for fit in fits if fit.weekly is not None), None)
    if weekly is not None and weekly.weekly is not None:
        many = wording.about(weekly.weekly).capitalize()
        said += (
            f" {many} new {wording.units(unit)} a week would do for this one"
            f" in {weekly.weeks} weeks."
        )
    return (
        f"{said} Make the change bigger, widen the segment, or choose an earlier"
        " signal."
    )


def _two_digits(value: float) -> float:
    """Round a change up to two digits, so that it is detected."""
    place = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(f"{math.ceil(value / place - 1e-9) * place:.2g}")
