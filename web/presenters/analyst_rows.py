"""Metrics with everything an analyst asks for: method, p-value, relative change."""

from collections.abc import Mapping
from dataclasses import dataclass

from analysis import glossary, wording
from analysis.estimate_words import EstimateWords
from analysis.results import ResultView
from analysis.stats.estimate import ADJUSTED_BY, Estimate, Lift, NotComputable
from experiments.plan import Plan
from web.presenters.adjusting import adjusted_in_words
from web.presenters.metric_rows import NOTHING

METHODS = {
    "newcombe": "Difference of two shares: Newcombe interval, score test",
    "welch": "Difference of two means: Welch",
    "promoter_score": "Difference of two scores: hybrid of Wilson-type intervals",
    "km_difference": "Difference of two retention curves on a day: Greenwood",
    "ratio": "Difference of two ratios: linearised, Welch",
    "quantile": "Difference of two quantiles: order statistics, normal",
    "lin": "Difference of two means adjusted for what came before: Lin",
    "post_stratified": "Difference of two means, compared within segments",
    "rmst_difference": "Difference of mean days (restricted mean): Greenwood",
    "incidence_difference": "Difference of two cumulative incidences: delta method",
    "days_free_difference": (
        "Difference of mean days before the event, beside another cause: delta method"
    ),
    "clustered": "Difference of two groups of accounts: linearised, Welch on accounts",
}


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


def analyst_row(plan: Plan, result: ResultView) -> AnalystRow:
    """Write one metric of one treatment for analysts."""
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
        p_value=_p_value(outcome),
        lift=lift,
        lift_range=lift_range,
        more=_further(result, words),
    )


def _p_value(outcome: Estimate) -> str:
    text = wording.p_value(outcome.p_value)
    return f"{text} (adjusted)" if ADJUSTED_BY in outcome.facts else text


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
    strata = facts.get("strata")
    if isinstance(strata, int):
        parts.append(f"compared within {wording.count(strata)} strata")
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
        parts += [*adjusted_in_words(known), *_beside(words, known)]
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
