"""The leadership summary: one page of words, no p-values, black-and-white safe."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from analysis import frequencies, wording
from analysis.glossary import INTERVAL_HELP
from analysis.metric_facts import MetricFacts, harm_range, sign_of
from analysis.results import ChartView, ResultView, RunView
from analysis.stats.estimate import Estimate, Lift
from experiments.models import AmendmentRow, Experiment, Learning
from experiments.plan import Plan
from experiments.vocabulary import (
    EVERYBODY,
    CertificateStanding,
    Decision,
    Role,
    SentenceCase,
    Status,
    Verdict,
)
from web.presenters.analyst_rows import lift_in_words
from web.presenters.experiments import WAITS
from web.presenters.results import trust_of, verdict_title
from web.presenters.words import DECISION, VERDICT

_CERTIFIED = {
    CertificateStanding.CERTIFIED: "yes",
    CertificateStanding.REFUSED: "no",
    CertificateStanding.OUTDATED: "not any more",
    CertificateStanding.NONE: "not tried",
}
# What fits one page, in characters: of one free text, of a name in the headline, and
# of all guardrails together.
LONGEST, LONGEST_NAME, LONGEST_GUARDRAILS = 180, 60, 420

MOST_TREATMENTS_IN_BOTH, MOST_TREATMENTS_DRAWN = 1, 3


@dataclass(frozen=True, slots=True)
class GuardrailLine:
    """One guardrail in one line."""

    case: SentenceCase
    sentence: str


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything on the page."""

    title: str
    verdict: Verdict
    headline: str  # "Ship nudge, for Business customers"
    against: str  # that the decision was not what the rule said; "" where it was
    why: str  # what decided
    standing: str  # who decided what, or that nobody has yet
    changed: str
    happened: str
    worth: str
    guardrails: tuple[GuardrailLine, ...]
    more_guardrails: int
    sureness: tuple[tuple[str, str], ...]
    forecast: str  # "" where nobody made one
    follows: str
    charts: tuple[ChartView, ...]  # the groups, then the difference


def summary_of(
    experiment: Experiment,
    plan: Plan,
    run: RunView,
    charts: Mapping[str, ChartView],
    amendments: Sequence[AmendmentRow],
    learning: Learning | None = None,
) -> Summary:
    """Lay a final, trusted run out as one page.

    Args:
        experiment: with its decision, if there is one.
        plan: the locked plan.
        run: that may be shown and used.
        charts: stored with the run.
        amendments: to the plan.
        learning: what was recorded with the decision.

    Returns:
        The page in words.
    """
    lead = _lead(plan, run)
    guardrails = [
        GuardrailLine(result.case, result.sentence)
        for result in run.results
        if result.role == Role.GUARDRAIL
        and result.segment == EVERYBODY
        and (lead is None or result.variant == lead.variant)
    ]
    shown = _that_fit(guardrails)
    return Summary(
        title=plan.hypothesis.title,
        verdict=run.verdict,
        headline=_headline(experiment, plan, run),
        against=against_in_words(experiment),
        why=shortened(run.clause, LONGEST_NAME * 2),
        standing=_standing(experiment),
        changed=as_sentence(plan.hypothesis.change),
        # The answer may go on about guardrails; each has its own line below.
        happened=run.answer if lead is None else lead.sentence,
        worth=_worth(plan, run, lead),
        guardrails=shown,
        more_guardrails=len(guardrails) - len(shown),
        sureness=tuple(_sureness(plan, run, amendments)),
        forecast=_forecast(plan, lead),
        follows=_follows(experiment, plan, run, lead, learning),
        charts=_that_fit_drawn(charts, len(plan.design.treatments)),
    )


def _that_fit(guardrails: Sequence[GuardrailLine]) -> tuple[GuardrailLine, ...]:
    """Take as many as the page has room for, those that are not ruled out first."""
    worst_first = sorted(
        guardrails, key=lambda line: line.case == SentenceCase.HARM_RULED_OUT
    )
    shown: list[GuardrailLine] = []
    letters = 0
    for line in worst_first:
        letters += len(line.sentence)
        if letters > LONGEST_GUARDRAILS and shown:
            break
        shown.append(line)
    return tuple(shown)


def _that_fit_drawn(
    charts: Mapping[str, ChartView], treatments: int
) -> tuple[ChartView, ...]:
    """Take the charts of the primary metric; each treatment makes both of them taller.

    With many treatments the difference alone is shown, then none: the page of the
    results has them all.
    """
    names = [name for name in charts if name.startswith("difference:")]
    if treatments <= MOST_TREATMENTS_IN_BOTH:
        names = ["primary_outcome", *names]
    elif treatments > MOST_TREATMENTS_DRAWN:
        names = []
    return tuple(charts[name] for name in names if name in charts)


def shortened(text: str, longest: int = LONGEST) -> str:
    """Cut a long text at a word, so that the page stays one page."""
    one_line = " ".join(text.split())
    if len(one_line) <= longest:
        return one_line
    cut = one_line[:longest].rpartition(" ")[0] or one_line[:longest]
    return f"{cut.rstrip('.,;:')} \N{HORIZONTAL ELLIPSIS}"


def as_sentence(text: str) -> str:
    """Give a text that somebody wrote a capital and a full stop, cut to fit."""
    short = shortened(text)
    stop = "" if short.endswith((".", "!", "?", "\N{HORIZONTAL ELLIPSIS}")) else "."
    return f"{short[:1].upper()}{short[1:]}{stop}"


def _lead(plan: Plan, run: RunView) -> ResultView | None:
    """Find the primary result of the variant to ship; of the first one when none is."""
    found = [
        result
        for result in run.results
        if result.role == Role.PRIMARY and result.segment == EVERYBODY
    ]
    wanted = run.variant or plan.design.treatments[0].name
    return next((r for r in found if r.variant == wanted), None)


def _headline(experiment: Experiment, plan: Plan, run: RunView) -> str:
    segment = shortened(plan.segments[0].name, LONGEST_NAME)
    if experiment.status == Status.DECIDED.value and experiment.decision:
        decided = Decision(experiment.decision)
        if decided == Decision.SHIP:
            return f"Shipped: {experiment.decided_variant}, for {segment}"
        return f"Decided: {DECISION[decided].lower()}, for {segment}"
    return f"{verdict_title(run)}, for {segment}"


def _standing(experiment: Experiment) -> str:
    if experiment.decision_proposal:
        return f"This is what the rule says. {WAITS}"
    if experiment.status != Status.DECIDED.value or experiment.decided_at is None:
        return "This is what the rule says. Nobody has decided yet."
    when = wording.date(experiment.decided_at)
    reason = shortened(experiment.decision_reason or "")
    return f"Decided on {when}. {reason}".strip()


def _facts(plan: Plan, run: RunView, result: ResultView) -> MetricFacts:
    planned = plan.metric(result.metric)
    base = run.counts.get("segment_per_quarter")
    return MetricFacts(
        name=planned.name,
        kind=planned.definition.kind,
        direction=planned.definition.direction,
        target=planned.choice.change_that_matters,
        unit=planned.definition.unit,
        segment_per_quarter=int(base) if base else None,
    )


def _worth(plan: Plan, run: RunView, lead: ResultView | None) -> str:
    if lead is None or not isinstance(lead.outcome, Estimate):
        return "It cannot be said what it is worth, for there is no estimate."
    facts = _facts(plan, run, lead)
    if lead.case == SentenceCase.UNDECIDED:
        return "It cannot be said what it is worth before the answer is clear."
    kept = frequencies.customers_kept(facts, lead.outcome)
    counted = frequencies.per_thousand(facts, lead.outcome)
    parts = [f"{kept[0].upper()}{kept[1:]}."] if kept else []
    if counted:
        parts.append(counted)
    return " ".join(parts) or (
        "This metric does not count customers, so Abide puts no number on it."
    )


def _sureness(
    plan: Plan, run: RunView, amendments: Sequence[AmendmentRow]
) -> list[tuple[str, str]]:
    trust = trust_of(run)
    applicable = len(run.checks) - sum(
        check.state == "not_applicable" for check in run.checks
    )
    passed = applicable - len(trust.failed) - len(trust.noted)
    units = int(run.counts.get("units") or 0)
    return [
        ("Planned beforehand", "yes" if plan.pre_registered else "no"),
        ("Reviewed", "yes" if plan.reviewed else "no"),
        ("Size reached", wording.percent(units / plan.design.planned_units, 0)),
        ("Checks passed", f"{passed} of {applicable}"),
        ("Amendments", str(len(amendments))),
        ("Metric certified", _CERTIFIED[run.certificate]),
    ]


def _forecast(plan: Plan, lead: ResultView | None) -> str:
    """Compare what the team expected with what came, as relative changes."""
    forecast = plan.hypothesis.forecast
    if forecast is None:
        return ""
    if not plan.pre_registered:
        return "The forecast was locked only after the start, so it is not compared."
    low, mid, high = (
        f"{wording.signed(lift * 100, 1)} %"
        for lift in (forecast.lift_low, forecast.lift_mid, forecast.lift_high)
    )
    expected = (
        f"Before the start we expected {mid} ({low} to {high}), and thought it"
        f" {wording.percent(forecast.ship_probability, 0)} likely to ship."
    )
    outcome = None if lead is None else lead.outcome
    if not isinstance(outcome, Estimate) or not isinstance(outcome.lift, Lift):
        return f"{expected} The relative change cannot be given."
    value = outcome.lift.value
    where = "inside the forecast"
    if value < forecast.lift_low:
        where = "below the forecast"
    elif value > forecast.lift_high:
        where = "above the forecast"
    return f"{expected} It came out at {lift_in_words(outcome.lift)}, {where}."


def against_in_words(experiment: Experiment) -> str:
    """Say that a decision was not what the rule said, and who confirmed it."""
    found = experiment.decided_against
    if found is None:
        return ""
    said = found["verdict"]
    rule = VERDICT[Verdict(said)] if said else "no result yet"
    by = f"; confirmed by {found['name']}" if found["name"] else ""
    return f"Against the rule ({rule}){by}."


def _follows(
    experiment: Experiment,
    plan: Plan,
    run: RunView,
    lead: ResultView | None,
    learning: Learning | None,
) -> str:
    """Say what was recorded as the next step; without it, what was promised."""
    own = "" if learning is None else learning.next_step
    said = [as_sentence(own) if own else _promised(experiment, plan, run, lead)]
    if learning is not None and learning.next_hypothesis is not None:
        title = shortened(learning.next_hypothesis.title, LONGEST_NAME * 2)
        said.append(f"Next hypothesis: {as_sentence(title)}")
    if learning is not None and learning.follow_up_at is not None:
        said.append(f"To be looked at again on {wording.date(learning.follow_up_at)}.")
    return " ".join([*said, f"Owner: {experiment.owner.name}."])


def _promised(
    experiment: Experiment, plan: Plan, run: RunView, lead: ResultView | None
) -> str:
    """Say what the team promised to do in this case, or that it promised nothing."""
    hypothesis = plan.hypothesis
    harmed = _harmed(plan, run)
    if _is_decided_otherwise(experiment, run):
        text = "The decision differs from the rule, so no promised step applies."
    elif run.verdict == Verdict.SHIP:
        text = hypothesis.if_up
    elif lead is not None and lead.case == SentenceCase.WORSE:
        text = hypothesis.if_down
    elif harmed:
        text = (
            f"Keep control: harm to {wording.joined(harmed)} is more than was agreed."
            " The plan promised no step for this case, so agree on one."
        )
    elif run.verdict == Verdict.DO_NOT_SHIP:
        text = hypothesis.if_flat
    elif lead is not None and lead.case == SentenceCase.BETTER:
        text = "The gain alone does not decide: harm elsewhere is not ruled out yet."
    else:
        text = (
            "The plan promised steps for a rise, a fall and no change; it is open"
            " which of them came true."
        )
    return as_sentence(text)


def _is_decided_otherwise(experiment: Experiment, run: RunView) -> bool:
    decided = experiment.decision
    if experiment.decided_against is not None:
        return True
    return decided is not None and decided != {
        Verdict.SHIP: Decision.SHIP.value,
        Verdict.DO_NOT_SHIP: Decision.DO_NOT_SHIP.value,
    }.get(run.verdict, decided)


def _harmed(plan: Plan, run: RunView) -> list[str]:
    """Name the guardrails whose whole range lies beyond the harm that was agreed."""
    found = []
    for result in run.results:
        planned = plan.metric(result.metric)
        if (
            result.role != Role.GUARDRAIL
            or result.segment != EVERYBODY
            or not isinstance(result.outcome, Estimate)
        ):
            continue
        sign = sign_of(planned.definition.direction)
        least, _ = harm_range(result.outcome.interval, sign)
        if least > (planned.choice.margin or 0) and planned.name not in found:
            found.append(planned.name)
    return found


def printed_foot(run: RunView, now: datetime) -> str:
    """Write the line at the foot of the page: how old it is, and what it is about."""
    help_text = INTERVAL_HELP[0].lower() + INTERVAL_HELP[1:]
    return (
        f"As of {wording.date_time(run.as_of)}. Experiment {run.experiment}."
        f" Printed {wording.date(now)}. A 95 % CI is a range: {help_text}"
    )
