"""The words for verdicts, cases, checks and reasons: one word for one thing."""

from analysis.stats.estimate import NotComputable
from experiments.metric_definition import SURVEYS
from experiments.vocabulary import (
    HealthCheck,
    MetricKind,
    Reached,
    Reason,
    SentenceCase,
    Verdict,
)

INTERVAL_HELP = (
    "If we ran this many times, about 95 of 100 such ranges would contain the true"
    " change."
)
VERDICT_WORDS = {
    Verdict.SHIP: "Ship",
    Verdict.DO_NOT_SHIP: "Do not ship",
    Verdict.UNDECIDED: "Undecided",
    Verdict.KEEP_RUNNING: "Keep running",
    Verdict.DO_NOT_USE: "Do not use",
}
CASE_WORDS = {
    SentenceCase.UNTRUSTED: "Not usable",
    SentenceCase.TOO_EARLY: "Too early",
    SentenceCase.NOT_COMPUTABLE: "Cannot be computed",
    SentenceCase.BETTER: "Better",
    SentenceCase.WORSE: "Worse",
    SentenceCase.HARM_RULED_OUT: "Harm ruled out",
    SentenceCase.HARM_NOT_RULED_OUT: "Harm not ruled out",
    SentenceCase.EQUAL_ENOUGH: "Equal enough",
    SentenceCase.UNDECIDED: "Undecided",
}
CHECK_WORDS = {
    HealthCheck.SAMPLE_RATIO: "Split as planned",
    HealthCheck.SPLIT_BY_SEGMENT: "Each segment split as planned",
    HealthCheck.SPLIT_BY_DAY: "Each day split as planned",
    HealthCheck.SPLIT_BY_SOURCE: "Each source split as planned",
    HealthCheck.TWO_VARIANTS: "Customers in two groups",
    HealthCheck.CONTRADICTING_EXPOSURES: "Exposures as assigned",
    HealthCheck.UNKNOWN_VARIANTS: "Known variants only",
    HealthCheck.EXPOSURE_DELAY: "Exposures arrive alike",
    HealthCheck.MACHINES: "People, not machines",
    HealthCheck.ALIKE_BEFORE: "Groups alike beforehand",
    HealthCheck.FOLLOWED_ALIKE: "Followed equally long",
    HealthCheck.PLAN_INTACT: "Plan unchanged since its lock",
    HealthCheck.FRESHNESS: "Data is fresh",
    HealthCheck.RESPONSE_BALANCE: "Survey answers balanced",
    HealthCheck.PAUSES: "No pauses",
    HealthCheck.NOT_PRE_REGISTERED: "Planned beforehand",
    HealthCheck.NOT_REVIEWED: "Reviewed by a second person",
    HealthCheck.ERASURES: "Erased customers balanced",
    HealthCheck.OPT_OUTS: "Opt-outs balanced",
    HealthCheck.RECONCILIATION: "From assignment to outcome",
    HealthCheck.OUTLIERS: "No customer weighs too much",
    HealthCheck.TOO_GOOD: "Changes of a usual size",
}
# After a number of customers.
REACHED_WORDS = {
    Reached.WITH_OUTCOME: "with an event that a metric of the plan reads",
    Reached.NOT_MATURE: "not watched for long enough yet",
    Reached.NEVER_TIED: "anonymous, never tied to a customer id",
    Reached.NOT_ANSWERED: "asked and without an answer",
    Reached.NEVER_ASKED: "never asked",
    Reached.NO_EVENT: "without an event that a metric reads",
    Reached.NOT_COUNTED: "whose events were not counted, for a metric failed",
    Reached.TWO_VARIANTS: "seen in two variants",
    Reached.WRONGLY_SHOWN: "shown what was not their assignment",
    Reached.UNKNOWN_VARIANT: "seen only in a variant that the plan does not have",
    Reached.EARLIER_PHASE: "there in an earlier phase",
    Reached.LISTED: "given a variant by hand",
    Reached.OPTED_OUT: "opted out",
    Reached.PREVIEWED: "used a preview link",
    Reached.MOVED: "whose people went to an account of another variant",
    Reached.BEYOND_SIZE: "came after the planned number was reached",
}
_BECAUSE = {
    Reason.TOO_FEW_UNITS: "a group has fewer than {needed} customers",
    Reason.TOO_FEW_ACCOUNTS: "a group has fewer than {needed} accounts",
    Reason.NO_VARIATION: "all customers of both groups have the same outcome",
    Reason.EMPTY_ARM: "a group has no customers",
    Reason.NO_MATURE_UNITS: "no customer of a group has been followed for long enough",
    Reason.NO_ANSWERS: "nobody in a group answered the survey",
    Reason.BASELINE_NEAR_ZERO: "control is too close to 0 for a change in %",
    Reason.BASELINE_NOT_POSITIVE: "control is not above 0, so % means nothing",
    Reason.NON_FINITE: "some of its values are not finite numbers",
    Reason.TOO_FEW_EVENTS: "both groups together have fewer than {needed} events",
    Reason.DENOMINATOR_NEAR_ZERO: "what it is divided by is too close to 0",
    Reason.TOO_FEW_SEGMENTS: "too few segments have a number",
    Reason.SEGMENTS_OVERLAP: "a customer may be in two of these segments",
    Reason.NO_HISTORY: "too few finished experiments to learn from",
    Reason.NO_PROPENSITIES: "nobody recorded how likely each choice was",
    Reason.NO_OVERLAP: "what the rule would do was hardly ever done",
    Reason.ONE_FOR_ALL: "one variant suits every segment best",
    Reason.FOLLOW_UP_TOO_SHORT: "too few customers were followed for that long",
    Reason.MEDIAN_NOT_REACHED: "in a group fewer than half had got there by then",
    Reason.NOT_BY_ACCOUNT: "it would take customers of an account for strangers",
    Reason.NO_TIMES: "the imported file has no event times",
    Reason.NO_REQUESTS: "fewer survey requests arrived than answers",
    Reason.NO_SILENCE: "everybody answered",
    Reason.NOT_CONVERGED: "the answers of the groups lie too far apart for the model",
    Reason.NO_SEGMENTS: "no segments were declared",
    Reason.SILENT_STRATUM: "nobody of some kind of customer answered, or all did",
    Reason.OUT_OF_RANGE: "the value for {field} is out of range",
    Reason.UNREACHABLE: "no number of customers within the time would be enough",
    Reason.BURN_IN: (
        "a range that holds on any day needs {units} customers of a group, and {events}"
        " with either outcome"
    ),
    Reason.RANGES_DISAGREE: (
        "the ranges of earlier days have nothing in common, so the effect has changed"
        " over time"
    ),
    Reason.FAILED: "the computation failed; the log of this run says why",
}


def not_computable(name: str, outcome: NotComputable, kind: MetricKind) -> str:
    """Say why a metric has no number.

    Args:
        name: of the metric.
        outcome: the reason, with its facts.
        kind: of the metric; surveys speak of answers.

    Returns:
        One sentence.
    """
    return f"{name} cannot be computed: {because(outcome, kind)}."


def because(outcome: NotComputable, kind: MetricKind | None = None) -> str:
    """Give the reason alone, as a clause without full stop.

    Args:
        outcome: the reason, with its facts.
        kind: of the metric, where there is one.

    Returns:
        A clause that follows "cannot be computed:" or "not given:".
    """
    facts = {"needed": 10, "field": "an input", "units": 100, "events": 10}
    facts |= outcome.facts
    if outcome.reason == Reason.TOO_FEW_UNITS and kind in SURVEYS:
        return f"fewer than {facts['needed']} customers of a group answered"
    return _BECAUSE[outcome.reason].format_map(facts)
