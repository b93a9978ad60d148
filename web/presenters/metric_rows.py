"""The metrics of a result in the lines of tables: of everybody, and by segment."""

from collections.abc import Iterable
from dataclasses import dataclass

from analysis import glossary, wording
from analysis.estimate_words import EstimateWords
from analysis.result_table import SMALL_CELL, is_small
from analysis.results import ResultView, RunView
from analysis.stats.estimate import ArmValue, Estimate
from experiments.plan import Plan, PlannedMetric
from experiments.vocabulary import EVERYBODY, MetricKind, Role, SentenceCase
from web.presenters.metrics import amount_in_words

NOTHING = "\N{EN DASH}"


USUAL_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One metric of one treatment, in one line of a table."""

    name: str
    unit: str  # "1 to 5 scale"; "" where the numbers say it
    role: Role
    variant: str
    control: str  # value, then customers
    treatment: str
    change: str
    range: str  # "(+0.6 to +3.2)"
    matters: str
    limit: str  # "" where none was agreed
    case: SentenceCase
    sentence: str


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """One metric in one declared segment; `hidden` says why it shows no numbers."""

    segment: str
    row: MetricRow
    hidden: str  # "" where it does


def metric_row(plan: Plan, result: ResultView) -> MetricRow:
    """Write one metric of one treatment."""
    planned = plan.metric(result.metric)
    choice = planned.choice
    measure = wording.measure_of(planned.definition)
    outcome = result.outcome
    control = treatment = change = NOTHING
    interval = ""
    if isinstance(outcome, Estimate):
        words = EstimateWords(measure, outcome)
        control = _arm(planned, outcome.control, words.decimals)
        treatment = _arm(planned, outcome.treatment, words.decimals)
        change, interval = words.change(), _range(words, outcome)
    return MetricRow(
        name=planned.name,
        unit=_unit(planned),
        role=choice.role,
        variant=result.variant,
        control=control,
        treatment=treatment,
        change=change,
        range=interval,
        matters=wording.agreed(choice.change_that_matters, measure),
        limit="" if choice.margin is None else wording.agreed(choice.margin, measure),
        case=result.case,
        sentence=result.sentence,
    )


def _range(words: EstimateWords, outcome: Estimate) -> str:
    """Write the range; with its level where that is not the one of the heading."""
    text, interval = words.signed_range(), outcome.interval
    if interval.level == USUAL_LEVEL:
        return f"({text})"
    return f"({wording.level(interval)} {text})"


def _unit(planned: PlannedMetric) -> str:
    definition = planned.definition
    if definition.kind == MetricKind.NPS:
        return f"from {wording.MINUS}100 to +100"
    if definition.is_mean_answer:
        return wording.scale(definition.scale)
    if definition.is_time:
        return f"mean within the {wording.first_days(definition.day)}"
    return amount_in_words(definition)


def _arm(planned: PlannedMetric, arm: ArmValue, decimals: int) -> str:
    if arm.value is None:
        return NOTHING
    value = wording.value_on_scale(arm.value, planned.definition, decimals)
    accounts = arm.n_accounts
    within = "" if accounts is None else f" in {wording.count(accounts)} accounts"
    return f"{value} ({wording.count(arm.n)}{within})"


def segment_rows(run: RunView, plan: Plan) -> Iterable[SegmentRow]:
    """Write the metrics of each declared segment, as far as they may be shown."""
    for result in run.results:
        if result.segment == EVERYBODY or result.outcome is None:
            continue
        hidden = why_hidden(plan, result)
        yield SegmentRow(
            segment=plan.segment_name(result.segment),
            row=metric_row(plan, result),
            hidden=hidden,
        )


def why_hidden(plan: Plan, result: ResultView) -> str:
    """Say why a segment shows no numbers; "" where it does."""
    outcome = result.outcome
    if isinstance(outcome, Estimate):
        if not is_small(outcome):
            return ""
        return f"Hidden: fewer than {SMALL_CELL} customers in a group."
    if outcome is None:
        return ""
    kind = plan.metric(result.metric).definition.kind
    return glossary.not_computable(plan.metric(result.metric).name, outcome, kind)
