"""How long an experiment takes, as a sentence: the one thing a page works out."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from analysis.stats.estimate import NotComputable
from analysis.wording import Measure, agreed, count, exact, joined, measure_of
from experiments.metric_definition import MetricDefinition
from experiments.vocabulary import Direction, MonitoringMode, Reason

if TYPE_CHECKING:
    from analysis.stats import account_power, power
    from analysis.stats.duration import Duration

MIN_WEEKS, MAX_WEEKS = 1, 8
# Field of the power functions -> what a person would call it here.
QUESTIONS = {
    "baseline": "where the metric stands today",
    "sd": "how much customers differ in it",
    "effect": "the change that matters",
    "power": "the power",
    "alpha": "the accepted rate of false alarms",
    "ratio": "the shares of the variants",
    "split": "the shares of the variants",
    "response_share": "how many answer, or are counted",
    "weekly_customers": "how many customers come each week",
    "coverage": "the share of the segment to enrol",
    "account_customers": "how many customers an account has",
    "account_cv": "how much that varies",
    "icc": "how alike customers of an account are",
    "looks": "the times of the looks",
}


@dataclass(frozen=True, slots=True)
class ByAccount:
    """What is known of accounts, where whole ones are drawn; None for what is not.

    Attributes:
        weekly_accounts: new ones who reach the change.
        customers: of an account on average.
        cv: coefficient of variation of that.
        icc: intra-account correlation of the metric.
        known_from: experiment whose results some of it is from.
    """

    weekly_accounts: float | None
    customers: float | None
    cv: float | None
    icc: float | None
    known_from: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What the size and the duration follow from.

    Attributes:
        definition: of the primary metric.
        effect: change that matters, absolute, on the metric's scale.
        baseline: where the metric stands, on its scale; None when not said.
        spread: standard deviation of the outcome; None when not said.
        response_share: customers who answer the survey, or are counted at all, 0 to 1.
        power: 0 to 1.
        alpha: two-sided, for all treatments together.
        weekly_customers: of the segment, who reach the change.
        coverage: share of the segment that is enrolled.
        shares: of the variants, control first.
        by_account: None where customers are drawn.
        mode: when estimates are seen, which has its price in customers.
        looks: shares of the planned size at which they are, rising.
    """

    definition: MetricDefinition
    effect: float
    baseline: float | None
    spread: float | None
    response_share: float
    power: float
    alpha: float
    weekly_customers: float | None
    coverage: float
    shares: tuple[float, ...]
    by_account: ByAccount | None = None
    mode: MonitoringMode = MonitoringMode.FIXED_END
    looks: tuple[float, ...] = ()

    @property
    def weekly(self) -> float:
        """New units a week: customers, or accounts."""
        if self.by_account is not None:
            return self.by_account.weekly_accounts or 0
        return self.weekly_customers or 0


@dataclass(frozen=True, slots=True)
class Answer:
    """Size and duration in words.

    Attributes:
        sentence: what was worked out, or why nothing was.
        warnings: what to think about.
        planned_units: customers or accounts, all variants together; None when it
            cannot be worked out.
        total_days: until the last customer counts; None likewise.
    """

    sentence: str
    warnings: tuple[str, ...] = ()
    planned_units: int | None = None
    total_days: int | None = None


def work_out(question: Question) -> Answer:
    """Work out size and duration, and say them.

    Args:
        question: from the form.

    Returns:
        The answer; one without numbers names what is missing.
    """
    from analysis.stats import power as stats  # noqa: PLC0415  # only who asks pays
    from analysis.stats.duration import duration  # noqa: PLC0415

    missing = _missing(question)
    if missing is not None:
        return Answer(missing)
    treatments = len(question.shares) - 1
    demand = stats.Demand(
        alpha=question.alpha,
        power=question.power,
        treatments=treatments,
        ratio=min(question.shares[1:]) / question.shares[0],
    )
    size = _size(question, demand)
    grown = None
    if question.by_account is not None:
        grown = _in_accounts(size, question.by_account, demand)
        size = grown if isinstance(grown, NotComputable) else grown.accounts
    if isinstance(size, NotComputable):
        return Answer(_refusal(size))
    lasts = duration(
        size,
        question.weekly,
        question.definition.maturity.days,
        question.coverage,
        question.shares,
    )
    if isinstance(lasts, NotComputable):
        return Answer(_refusal(lasts))
    found = _answer(question, size, lasts)
    if grown is None or isinstance(grown, NotComputable):
        return found
    return replace(found, warnings=(_as_customers(question, grown), *found.warnings))


def _size(
    question: Question, demand: "power.Demand"
) -> "power.SampleSize | NotComputable":
    """Work out how many customers, were each drawn alone."""
    from analysis.stats import power as stats  # noqa: PLC0415  # as above
    from analysis.stats.sequential_power import size_for_mode  # noqa: PLC0415

    if question.definition.is_share:
        size = stats.size_for_proportions(
            question.baseline or 0, _signed(question), demand
        )
    else:
        size = stats.size_for_means(question.spread or 0, question.effect, demand)
    if question.definition.is_survey or question.definition.selects:
        size = stats.size_with_silence(size, question.response_share)
    return size_for_mode(size, question.mode, question.looks, demand)


def _in_accounts(
    size: "power.SampleSize | NotComputable", by: ByAccount, demand: "power.Demand"
) -> "account_power.AccountSize | NotComputable":
    from analysis.stats import account_power as stats  # noqa: PLC0415  # as above

    accounts = stats.Accounts(by.customers or 0, by.cv or 0, by.icc or 0)
    return stats.size_in_accounts(size, accounts, demand)


def _as_customers(question: Question, grown: "account_power.AccountSize") -> str:
    """Say how many customers the accounts bring, and what that follows from."""
    by = question.by_account
    if by is None:
        raise TypeError("only a plan by account grows")
    customers = grown.customers
    total = customers.control + customers.treatment * (len(question.shares) - 1)
    said = (
        f"These bring {count(total)} customers, {exact(round(grown.design_effect, 2))}"
        " times as many as if each were drawn alone: an account has"
        f" {exact(round(by.customers or 0, 1))} on average, varying by"
        f" {exact(round(by.cv or 0, 2))} of that, and they are alike by an ICC of"
        f" {exact(round(by.icc or 0, 3))}."
    )
    if by.known_from is None:
        return said
    return f"{said} What you left empty is from the results of {by.known_from}."


def _signed(question: Question) -> float:
    """Detect a change towards better."""
    higher = question.definition.direction == Direction.INCREASE
    return question.effect if higher else -question.effect


def _missing(question: Question) -> str | None:
    if question.by_account is not None:
        of_accounts = _missing_of_accounts(question.by_account)
        if of_accounts is not None:
            return of_accounts
    elif question.weekly_customers is None:
        return "To work out the duration, say how many customers come each week."
    if question.definition.is_share and question.baseline is None:
        return "To work out the duration, say where the primary metric stands today."
    if not question.definition.is_share and question.spread is None:
        return "To work out the duration, say how much customers differ in the metric."
    return None


def _missing_of_accounts(by: ByAccount) -> str | None:
    asked = (
        (by.weekly_accounts, "how many new accounts reach the change each week"),
        (by.customers, "how many customers an account has"),
        (by.cv, "how much that varies between accounts"),
        (by.icc, "how alike customers of an account are in this metric (ICC)"),
    )
    missing = [words for value, words in asked if value is None]
    if not missing:
        return None
    none_yet = "" if by.customers is not None else " No results by account tell it yet."
    return f"To work out the duration, say {joined(missing)}.{none_yet}"


def _refusal(outcome: NotComputable) -> str:
    weeks = outcome.facts.get("weeks")
    if outcome.reason == Reason.UNREACHABLE and isinstance(weeks, (int, float)):
        return (
            f"Not reachable: it would take {count(round(weeks))} weeks. Make the change"
            " bigger, widen the segment, or choose an earlier signal."
        )
    if outcome.reason == Reason.UNREACHABLE:
        return (
            "Not reachable: no number of customers would show this change. Make it"
            " bigger, or choose another metric."
        )
    field = QUESTIONS.get(str(outcome.facts.get("field")), "the numbers")
    return f"The duration cannot be worked out: look again at {field}."


def _answer(question: Question, size: "power.SampleSize", lasts: "Duration") -> Answer:
    measure = measure_of(question.definition)
    who = "customers" if question.by_account is None else "accounts"
    groups = "each" if len(question.shares) == 2 else "each of the treatments"  # noqa: PLR2004
    if size.control == size.treatment:
        needs = f"{count(size.control)} {who} per variant"
    else:
        needs = (
            f"{count(size.control)} {who} in control and {count(size.treatment)}"
            f" in {groups}"
        )
    weeks = max(1, round(lasts.enrolment_weeks))
    start = _from(question, measure)
    sentence = (
        f"To detect a change of {agreed(question.effect, measure)}{start} with"
        f" {exact(question.power * 100)} % power you need {needs}: about"
        f" {count(weeks)} {'week' if weeks == 1 else 'weeks'} at"
        f" {count(round(question.weekly))} a week. The last customer"
        f" counts after {count(lasts.total_days)} days."
    )
    total = size.control + size.treatment * (len(question.shares) - 1)
    return Answer(sentence, tuple(_warnings(lasts)), total, lasts.total_days)


def _from(question: Question, measure: Measure) -> str:
    if question.baseline is None or not question.definition.is_share:
        return ""
    return f" from {exact(measure.shown(question.baseline))} %"


def _warnings(lasts: "Duration") -> list[str]:
    found = []
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
