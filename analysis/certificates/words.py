"""A certificate in plain sentences: pure."""

from analysis import wording
from analysis.certificates.findings import (
    FEW_A_GROUP,
    SKEWNESS_RULE,
    Findings,
    Found,
)
from analysis.glossary import because
from analysis.stats.estimate import NotComputable
from analysis.stats.exact_binomial import clopper_pearson
from experiments.metric_definition import MetricDefinition
from experiments.vocabulary import MetricKind

GROUPS = 2
TIED = 0.2  # with so many customers at one amount, a quantile's range is coarse
SETTING_WORDS = {
    "planned_looks": "with planned looks",
    "one_look": "with one look at the end",
    "any_day": "with a look on any day",
    "two_treatments": "with two treatments",
}


def in_words(findings: Findings, definition: MetricDefinition) -> str:
    """Say what a certificate found.

    Args:
        findings: of the trial.
        definition: of the metric.

    Returns:
        Sentences: how often equal groups were said to differ, the verdict with its
        cause, and how often a planted difference was found.
    """
    usual = findings.found[0]
    said = [_lead(findings, usual), _verdict(findings, definition)]
    said.append(_power(findings, usual, definition))
    return " ".join(each for each in said if each)


def _lead(findings: Findings, found: Found) -> str:
    low, high = findings.usual(found)
    expected = wording.number(findings.alpha * found.comparisons)
    return (
        f"Of {wording.number(found.comparisons)} comparisons of two equal groups,"
        f" {wording.number(found.said)} said there is a difference (expected"
        f" {expected}; {wording.number(low)} to {wording.number(high)} would be"
        " usual)."
    )


def _verdict(findings: Findings, definition: MetricDefinition) -> str:
    if findings.is_certified:
        return "Certified."
    if findings.refused:
        worst = max(findings.refused, key=lambda found: found.refused)
        why = "it failed"
        if worst.reason is not None:
            why = because(NotComputable(worst.reason), definition.kind)
        return (
            f"Not certified: {SETTING_WORDS[worst.setting]},"
            f" {wording.number(worst.refused)} of {wording.number(worst.comparisons)}"
            f" comparisons could not be computed, as {why}."
        )
    worst = max(findings.too_many, key=lambda found: found.said)
    _, high = findings.usual(worst)
    return (
        f"Not certified: {SETTING_WORDS[worst.setting]}, {wording.number(worst.said)}"
        f" said so, and chance makes {wording.number(high)} at most of equal groups."
        f" {_cause(findings, definition)}"
    )


def _cause(findings: Findings, definition: MetricDefinition) -> str:
    """Name what may be behind too many false alarms."""
    about = findings.circumstances
    a_group = about.known // GROUPS
    needed = SKEWNESS_RULE * (about.skewness or 0.0) ** 2
    if definition.kind == MetricKind.VALUE_QUANTILE and about.most_alike > TIED:
        share = wording.percent(about.most_alike, 0)
        return (
            f"The likely cause: {share} of the customers have the very same amount, so"
            " the range of a quantile is coarse. Take another quantile, or a mean."
        )
    if needed > a_group:
        return (
            "The likely cause: a few customers have much more than all others (skewness"
            f" {wording.number(about.skewness or 0.0, 1)}), for which each group would"
            f" need {wording.about(needed)} customers, and has"
            f" {wording.number(a_group)}. Cap the amounts, or wait for more customers."
        )
    if a_group < FEW_A_GROUP:
        return (
            f"The likely cause: only {wording.number(a_group)} customers of a group"
            " have an outcome. Ask again when there are more."
        )
    return (
        "No cause shows in the outcomes themselves. Do not decide by this metric"
        " before somebody has looked into it."
    )


def _power(findings: Findings, found: Found, definition: MetricDefinition) -> str:
    planting = findings.planting
    if planting is None or not found.planted:
        return (
            "How often a real difference is found is not known: none could be planted."
        )
    measure = wording.measure_of(definition)
    shown = abs(measure.shown(planting.effect))
    decimals = wording.decimals_for(shown / 2) if shown else 0
    size = measure.written(wording.number(shown, decimals))
    power = clopper_pearson(found.found, found.planted)
    low, high = (wording.percent(end or 0.0, 0) for end in (power.low, power.high))
    share = wording.percent(found.found / found.planted, 0)
    return (
        f"With a difference of {size} planted into one group,"
        f" {wording.number(found.found)} of {wording.number(found.planted)} found it"
        f" ({share}; the true share lies between {low} and {high})."
    )
