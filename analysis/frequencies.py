"""A change as a number of customers: of every 1,000, and kept in a quarter."""

from analysis import wording
from analysis.metric_facts import MetricFacts
from analysis.stats.estimate import Estimate
from experiments.metric_definition import KEEPING
from experiments.vocabulary import MetricKind


def per_thousand(facts: MetricFacts, estimate: Estimate) -> str | None:
    """Say the change as a number of customers among 1,000, or more when it is small.

    Args:
        facts: of the metric.
        estimate: its change.

    Returns:
        Such as "Of every 1,000 customers, 19 more stayed (6 to 32)."; None for
        metrics that are not shares, and where an end of the interval is open.
    """
    verbs = {
        MetricKind.RETENTION: ("customers", "stayed"),
        MetricKind.UNBOUNDED_RETENTION: ("customers", "came back"),
        MetricKind.CHURN: ("customers", "left"),
        MetricKind.CANCELLATION: ("customers", "cancelled"),
        MetricKind.EVENT_SHARE: ("customers", "got there"),
        MetricKind.FUNNEL: ("customers", "took all steps"),
        MetricKind.FIRST_CONTACT_RESOLUTION: (
            "customers who made contact",
            "needed no second one",
        ),
        MetricKind.CSAT_SHARE: ("customers who answered", "were satisfied"),
        MetricKind.CES_SHARE: ("customers who answered", "scored in the upper box"),
    }
    low, high = estimate.interval.low, estimate.interval.high
    if facts.kind not in verbs or low is None or high is None:
        return None
    who, did = verbs[facts.kind]
    # People are counted whole: a base at which half the range is 10 of them or more.
    base = 1000
    while base * (high - low) / 2 < 10 and base < 10_000_000:  # noqa: PLR2004
        base *= 10
    change = wording.number(abs(estimate.effect) * base)
    lower, upper = (wording.number(abs(end) * base) for end in (low, high))
    start = f"Of every {wording.count(base)} {who},"
    if low <= 0 <= high:
        return f"{start} between {lower} fewer and {upper} more {did}."
    if estimate.effect < 0:
        return f"{start} {change} fewer {did} ({upper} to {lower})."
    return f"{start} {change} more {did} ({lower} to {upper})."


def customers_kept(facts: MetricFacts, estimate: Estimate) -> str | None:
    """Say what a change of retention or churn is worth, in customers a quarter.

    Args:
        facts: of the metric, with the customers of the segment in a quarter.
        estimate: its change.

    Returns:
        Such as "about 420 customers kept per quarter (130 to 710), if all 22,100 in
        the segment got it"; None without a base, for other kinds of metric, where
        the interval includes no change and where one of its ends is open.
    """
    base = facts.segment_per_quarter
    interval = estimate.interval
    if (
        not base
        or facts.kind not in KEEPING
        or interval.low is None
        or interval.high is None
        or interval.low <= 0 <= interval.high
    ):
        return None
    word = "kept" if facts.sign * estimate.effect > 0 else "lost"
    few, many = sorted(abs(end) * base for end in (interval.low, interval.high))
    of_all = (
        f"if all {wording.count(base)} in the segment got it"
        if word == "kept"
        else f"of {wording.count(base)} in the segment"
    )
    # Alike to the place at which the larger end has two significant digits.
    size, least, most = (
        wording.count(wording.rounded_like(customers, many))
        for customers in (abs(estimate.effect) * base, few, many)
    )
    return f"about {size} customers {word} per quarter ({least} to {most}), {of_all}"
