"""A stored result as its page shows it: words and rows, nothing computed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from analysis import glossary, wording
from analysis.estimate_words import EstimateWords
from analysis.result_table import SMALL_CELL, is_small
from analysis.results import ChartView, CheckShown, ResultView, RunView
from analysis.stats.estimate import ArmValue, Estimate, Lift, NotComputable
from analysis.survey_groups import same_answers
from experiments.models import AmendmentRow
from experiments.plan import Plan, PlannedMetric
from experiments.vocabulary import (
    EVERYBODY,
    CheckState,
    MetricKind,
    MonitoringMode,
    Role,
    SentenceCase,
)
from web.presenters.answers import SurveyReadings, survey_readings
from web.presenters.hazards import hazard_notes
from web.presenters.metrics import amount_in_words
from web.presenters.monitoring import estimates_in_words
from web.presenters.read_outs import beliefs, segment_notes

NOTHING = "\N{EN DASH}"
METHODS = {
    "newcombe": "Difference of two shares: Newcombe interval, score test",
    "welch": "Difference of two means: Welch",
    "promoter_score": "Difference of two scores: hybrid of Wilson-type intervals",
    "km_difference": "Difference of two retention curves on a day: Greenwood",
    "ratio": "Difference of two ratios: linearised, Welch",
    "quantile": "Difference of two quantiles: order statistics, normal",
    "lin": "Difference of two means adjusted for what came before: Lin",
    "rmst_difference": "Difference of mean days (restricted mean): Greenwood",
    "incidence_difference": "Difference of two cumulative incidences: delta method",
    "days_free_difference": (
        "Difference of mean days before the event, beside another cause: delta method"
    ),
    "clustered": "Difference of two groups of accounts: linearised, Welch on accounts",
}


@dataclass(frozen=True, slots=True)
class Trust:
    """The strip above everything else."""

    sentence: str  # "7 of 8 checks passed; 1 to note."
    failed: tuple[CheckShown, ...]
    noted: tuple[CheckShown, ...]
    rest: tuple[CheckShown, ...]  # passed, or not applicable


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
class ResponseRow:
    """Who answered a survey, in one group."""

    metric: str
    group: str
    exposed: str
    invited: str
    answered: str
    of_exposed: str
    of_invited: str


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """One metric in one declared segment; `hidden` says why it shows no numbers."""

    segment: str
    row: MetricRow
    hidden: str  # "" where it does


@dataclass(frozen=True, slots=True)
class AnalystRow:
    """The same metric with everything an analyst asks for."""

    name: str
    method: str
    change: str
    range: str  # with its level
    p_value: str
    lift: str
    lift_range: str
    more: str


@dataclass(frozen=True, slots=True)
class ResultsPage:
    """Everything on the page of a result, top to bottom."""

    verdict: str  # "Ship nudge"
    trust: Trust
    rows: tuple[MetricRow, ...]  # primary first, then guardrails, then secondary
    responses: tuple[ResponseRow, ...]
    segments: tuple[SegmentRow, ...]
    segment_notes: tuple[str, ...]  # whether they differ, and whether one got worse
    analyst: tuple[AnalystRow, ...]
    beliefs: tuple[str, ...]  # what the changes probably are, for the analyst
    hazards: tuple[str, ...]  # of times: Cox's ratio and its check, for the analyst
    curves: tuple[ChartView, ...]
    funnels: tuple[ChartView, ...]
    answers: tuple[ChartView, ...]
    readings: tuple[SurveyReadings, ...]
    difference: ChartView | None
    facts: tuple[tuple[str, str], ...]
    variants: int  # treatments

    @property
    def primary(self) -> tuple[MetricRow, ...]:
        """The metric that decides, once for each treatment."""
        return tuple(row for row in self.rows if row.role == Role.PRIMARY)


def results_page(
    run: RunView,
    plan: Plan,
    charts: Mapping[str, ChartView],
    amendments: Sequence[AmendmentRow],
) -> ResultsPage:
    """Lay a run out as its page.

    Args:
        run: as far as it may be shown.
        plan: the locked plan it was judged by.
        charts: stored with the run.
        amendments: to the plan.

    Returns:
        The page in words.
    """
    rows = [
        (result, _metric_row(plan, result))
        for result in run.results
        if result.segment == EVERYBODY and result.outcome is not None
    ]
    rows.sort(key=lambda pair: _ORDER[pair[0].role])
    return ResultsPage(
        verdict=verdict_title(run),
        trust=trust_of(run),
        rows=tuple(row for _, row in rows),
        responses=tuple(_responses(run, plan)),
        segments=tuple(_segments(run, plan)),
        segment_notes=tuple(segment_notes(run, plan, segment_name)),
        beliefs=tuple(beliefs(run, plan)),
        hazards=tuple(hazard_notes(run.results, plan)),
        analyst=tuple(_analyst_row(plan, result) for result, _ in rows),
        curves=_named(charts, "retention:"),
        funnels=_named(charts, "funnel:"),
        answers=_named(charts, "csat:"),
        readings=survey_readings(run, plan) if run.shows_estimates else (),
        difference=next(iter(_named(charts, "difference:")), None),
        facts=tuple(_facts(run, plan, amendments)),
        variants=len(plan.design.treatments),
    )


_ORDER = {Role.PRIMARY: 0, Role.GUARDRAIL: 1, Role.SECONDARY: 2}


def verdict_title(run: RunView) -> str:
    """Write the verdict, with the variant where there is one."""
    word = glossary.VERDICT_WORDS[run.verdict]
    return f"{word} {run.variant}" if run.variant else word


def trust_of(run: RunView) -> Trust:
    """Count the checks, the failed ones first."""
    by_state = {
        state: tuple(check for check in run.checks if check.state == state)
        for state in CheckState
    }
    passed, noted = by_state[CheckState.PASSED], by_state[CheckState.NOTICE]
    failed = by_state[CheckState.FAILED]
    sentence = (
        f"{len(passed)} of {len(passed) + len(noted) + len(failed)} checks passed"
    )
    if failed:
        sentence += f"; {len(failed)} failed"
    if noted:
        sentence += f"; {len(noted)} to note"
    rest = passed + by_state[CheckState.NOT_APPLICABLE]
    return Trust(f"{sentence}.", failed, noted, rest)


def segment_name(plan: Plan, label: str) -> str:
    """Find the name of a segment by the label of its results.

    Args:
        plan: the locked plan.
        label: key of the segment; with "@2" for a second version of the same.

    Returns:
        The name, with the version where the label has one.
    """
    for segment in plan.segments:
        if label == segment.key:
            return segment.name
        if label == f"{segment.key[:58]}@{segment.version}":
            return f"{segment.name} (version {segment.version})"
    return label


def _named(charts: Mapping[str, ChartView], prefix: str) -> tuple[ChartView, ...]:
    return tuple(chart for name, chart in charts.items() if name.startswith(prefix))


def _metric_row(plan: Plan, result: ResultView) -> MetricRow:
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
        change, interval = words.change(), f"({words.signed_range()})"
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


def _responses(run: RunView, plan: Plan) -> Iterable[ResponseRow]:
    counted = run.counts.get("responses") or {}
    for metrics in same_answers(plan, counted):
        names = wording.joined([plan.metric(metric).name for metric in metrics])
        for group, counts in counted[metrics[0]].items():
            exposed, invited, answered = (
                int(counts[name]) for name in ("exposed", "invited", "answered")
            )
            asked = invited >= answered and invited > 0
            yield ResponseRow(
                metric=names,
                group=group,
                exposed=wording.count(exposed),
                invited=wording.count(invited) if asked else NOTHING,
                answered=wording.count(answered),
                of_exposed=wording.percent(answered / exposed) if exposed else NOTHING,
                of_invited=wording.percent(answered / invited) if asked else NOTHING,
            )


def _segments(run: RunView, plan: Plan) -> Iterable[SegmentRow]:
    for result in run.results:
        if result.segment == EVERYBODY or result.outcome is None:
            continue
        hidden = _why_hidden(plan, result)
        yield SegmentRow(
            segment=segment_name(plan, result.segment),
            row=_metric_row(plan, result),
            hidden=hidden,
        )


def _why_hidden(plan: Plan, result: ResultView) -> str:
    outcome = result.outcome
    if isinstance(outcome, Estimate):
        if not is_small(outcome):
            return ""
        return f"Hidden: fewer than {SMALL_CELL} customers in a group."
    if outcome is None:
        return ""
    kind = plan.metric(result.metric).definition.kind
    return glossary.not_computable(plan.metric(result.metric).name, outcome, kind)


def _analyst_row(plan: Plan, result: ResultView) -> AnalystRow:
    planned = plan.metric(result.metric)
    outcome = result.outcome
    name = planned.name
    if len(plan.design.treatments) > 1:
        name = f"{name}, {result.variant}"
    if not isinstance(outcome, Estimate):
        why = "" if outcome is None else glossary.because(outcome)
        return AnalystRow(name, why, NOTHING, "", NOTHING, NOTHING, "", "")
    words = EstimateWords(wording.measure_of(planned.definition), outcome)
    lift, lift_range = _lift(outcome.lift)
    return AnalystRow(
        name=name,
        method=METHODS.get(outcome.method, outcome.method),
        change=words.change(),
        range=f"({wording.level(outcome.interval)} {words.signed_range()})",
        p_value=wording.p_value(outcome.p_value),
        lift=lift,
        lift_range=lift_range,
        more=_further(result, words),
    )


def lift_in_words(lift: Lift | NotComputable) -> str:
    """Write a relative change with its interval, or why there is none.

    Args:
        lift: 0.12 is +12 %.

    Returns:
        Such as "+2.7 % (+0.9 % to +4.6 %)".
    """
    return " ".join(_lift(lift)).strip()


def _lift(lift: Lift | NotComputable) -> tuple[str, str]:
    if isinstance(lift, NotComputable):
        return f"Not given: {glossary.because(lift)}.", ""
    decimals = wording.decimals_for(100 * wording.half_width(lift.interval, lift.value))
    low, high = (
        "no limit" if end is None else f"{wording.signed(end * 100, decimals)} %"
        for end in (lift.interval.low, lift.interval.high)
    )
    return f"{wording.signed(lift.value * 100, decimals)} %", f"({low} to {high})"


def _beside(words: EstimateWords, facts: Mapping[str, float | int | str]) -> list[str]:
    """Write the estimate that is not adjusted, and what a cap was."""
    parts = []
    names = ("effect", "low", "high")
    effect, low, high = (facts.get(f"unadjusted_{name}") for name in names)
    if isinstance(effect, float) and isinstance(low, float) and isinstance(high, float):
        plain = words.of(effect, low, high)
        parts.append(f"not adjusted {plain.change_and_range()}")
    ratio = facts.get("variance_ratio")
    if isinstance(ratio, float):
        parts.append(f"variance {ratio:.3g} of that without adjusting")
    cap = facts.get("cap")
    if isinstance(cap, (int, float)):
        parts.append(f"capped at {wording.agreed(cap, words.measure)}")
    return parts


def _further(result: ResultView, words: EstimateWords) -> str:
    parts = []
    log_rank = result.details.get("log_rank")
    if log_rank and log_rank.get("computable"):
        parts.append(f"log-rank p {wording.p_value(log_rank['p_value'])}")
    response = result.details.get("response")
    if response and response.get("p_value") is not None:
        parts.append(f"equal response p {wording.p_value(response['p_value'])}")
    if isinstance(result.outcome, Estimate):
        known = result.outcome.facts
        parts += _beside(words, known)
        if known.get("look"):
            parts.append(_look_words(known))
        for name, title in (("design_effect", "design effect"), ("icc", "ICC")):
            if isinstance(known.get(name), (int, float)):
                parts.append(f"{title} {known[name]:.3g}")
    return "; ".join(parts)


def _look_words(known: Mapping[str, float | int | str]) -> str:
    """Say of a look how far its statistic is from its boundary."""
    number, planned = known["look"], known.get("looks")
    of_all = f" of {planned}" if planned else ""
    words = (
        f"look {number}{of_all}: z {known['z']:.3g}, boundary {known['boundary']:.3g}"
    )
    if "plain_effect" in known:
        words += f", before the adjustment {known['plain_effect']:.3g}"
    return words


def _facts(
    run: RunView, plan: Plan, amendments: Sequence[AmendmentRow]
) -> Iterable[tuple[str, str]]:
    counts = run.counts
    yield "Analysed", wording.date_time(run.as_of)
    if run.data_cutoff is not None:
        yield "Data complete up to", wording.date_time(run.data_cutoff)
    units = int(counts.get("units") or 0)
    planned = plan.design.planned_units
    share = wording.percent(units / planned, 0)
    who = wording.units(plan.design.unit).capitalize()
    yield (
        who,
        f"{wording.count(units)} of {wording.count(planned)} planned ({share})",
    )
    inside = sum(counts.get("customers", {}).values())
    if inside:
        yield "Customers in them", wording.count(inside)
    for name, title in _LEFT_OUT:
        if counts.get(name):
            yield title, wording.count(int(counts[name]))
    late = counts.get("late_events")
    if late:
        yield (
            "Events that came late",
            f"{wording.count(int(late))} since the run before",
        )
    yield "Estimates", estimates_in_words(plan.design)
    yield "Plan locked", wording.date_time(plan.locked_at)
    yield "Amendments", wording.count(len(amendments)) if amendments else "None"
    treatments = len(plan.design.treatments)
    if treatments > 1:
        yield "Several variants", "Primary metric adjusted by Holm"
    secondary = sum(metric.choice.role == Role.SECONDARY for metric in plan.metrics)
    # At planned looks their ranges hold over the looks, and are not adjusted further.
    one_look = plan.design.monitoring_mode == MonitoringMode.FIXED_END
    if one_look and secondary * treatments > 1:
        share = wording.percent(plan.design.alpha, 0)
        yield (
            "Secondary metrics",
            f"Of those called changed at most {share} are false (Benjamini-Hochberg)",
        )
    yield "Plan, SHA-256", run.plan_sha256
    yield (
        "Ruleset revision",
        (NOTHING if run.ruleset_revision is None else str(run.ruleset_revision)),
    )
    yield "Abide version", run.code_version


_LEFT_OUT = (
    ("two_variants", "Left out: seen in two variants"),
    ("unknown_variants", "Left out: variant not in the plan"),
    ("only_wrongly_shown", "Left out: saw what their assignment was not"),
    ("only_outside", "Left out: seen only outside the time or in a pause"),
    ("beyond_size", "Left out: came after the planned size"),
    ("earlier_phase", "Left out: seen in an earlier phase"),
    ("listed", "Left out: on a list by hand"),
    ("opted_out", "Left out: opted out of experiments"),
    ("previewed", "Left out: used a preview link"),
    ("without_account", "Left out: customers without an account"),
    ("moved", "Left out: customers who went to an account of another variant"),
)
