"""What the golden sentences are made from; the words stand in golden_sentences.txt.

A person reads that file: each entry is one line of what happened and one of what
Abide says. A change of wording shows there as a diff to be read again.
"""

from collections.abc import Iterator
from pathlib import Path

from analysis import frequencies, glossary, sentences
from analysis.cases import case_of
from analysis.metric_facts import MetricFacts
from analysis.stats.estimate import Estimate, Interval, NotComputable
from experiments.vocabulary import MetricKind, Reason, Role
from tests.analysis.reading_examples import (
    DUE_AT,
    LOCKED_AT,
    NAMES,
    direction_of,
    estimate_of,
    planned_metric,
)

FILE = Path(__file__).with_name("golden_sentences.txt")
R, C, T, M, S, N, E, F, Q, V, P, B, X, L, W, H, J, K, D = (
    MetricKind.RETENTION,
    MetricKind.CHURN,
    MetricKind.TIME_TO_CHURN,
    MetricKind.CSAT_MEAN,
    MetricKind.CSAT_SHARE,
    MetricKind.NPS,
    MetricKind.CES_MEAN,
    MetricKind.CES_SHARE,
    MetricKind.EVENT_COUNT,
    MetricKind.VALUE_SUM,
    MetricKind.RATIO,
    MetricKind.UNBOUNDED_RETENTION,
    MetricKind.CANCELLATION,
    MetricKind.TIME_TO_CANCELLATION,
    MetricKind.TIME_TO_EVENT,
    MetricKind.EVENT_SHARE,
    MetricKind.FUNNEL,
    MetricKind.FIRST_CONTACT_RESOLUTION,
    MetricKind.VALUE_QUANTILE,
)
SHARE, SCORE, DAYS = 0.701, 4.12, 61.3
SO_FAR = 5_200
LEVELS = {R: SHARE, C: 0.299, T: DAYS, M: SCORE, S: 0.78, N: 15.0, E: 5.1, F: 0.64}
LEVELS |= {Q: 2.4, V: 61.5, P: 0.31, D: 24.0}
LEVELS |= {B: 0.64, X: 0.12, L: 80.1, W: 6.2, H: 0.31, J: 0.42, K: 0.71}
# kind, effect, low, high, margin of a guardrail (None: secondary), customers a quarter
CHANGES: list[
    tuple[MetricKind, float, float | None, float | None, float | None, int | None]
] = [
    (R, 0.019, 0.006, 0.032, None, 22_100),
    (R, 0.019, 0.006, 0.032, None, None),
    (R, -0.014, -0.025, -0.003, None, 22_100),
    (R, -0.014, -0.025, -0.003, None, None),
    (R, -0.008201, -0.01328, -0.00312, None, None),
    (R, 0.004, -0.008, 0.016, None, 22_100),
    (R, 0.001, -0.004, 0.006, None, None),
    (R, 0.003, -0.006, 0.012, 0.01, None),
    (R, -0.004, -0.013, 0.005, 0.01, None),
    (R, -0.004, -0.007, -0.001, 0.01, None),
    (R, -0.018, -0.024, -0.012, 0.01, None),
    (R, -0.012, -0.021, -0.003, 0.01, None),
    (R, 0.11, 0.02, 0.2, None, 640),
    (R, 0.0021, 0.0002, 0.004, None, 1_250_000),
    (C, -0.014, -0.025, -0.003, None, 22_100),
    (C, -0.014, -0.025, -0.003, None, None),
    (C, 0.019, 0.006, 0.032, None, 22_100),
    (C, 0.019, 0.006, 0.032, None, None),
    (C, 0.004, -0.008, 0.016, None, None),
    (C, -0.001, -0.006, 0.004, None, None),
    (C, -0.003, -0.012, 0.006, 0.01, None),
    (C, 0.004, -0.005, 0.013, 0.01, None),
    (C, 0.018, 0.012, 0.024, 0.01, None),
    (T, 1.2, 0.4, 2.0, None, None),
    (T, -1.2, -2.0, -0.4, None, None),
    (T, 0.3, -0.9, 1.5, None, None),
    (T, 0.1, -0.5, 0.7, None, None),
    (T, 0.2, -0.6, 1.0, 1.0, None),
    (T, -0.6, -1.6, 0.4, 1.0, None),
    (M, 0.08, 0.02, 0.14, None, None),
    (M, -0.08, -0.14, -0.02, None, None),
    (M, 0.01, -0.03, 0.05, 0.05, None),
    (M, -0.02, -0.09, 0.05, 0.05, None),
    (M, -0.12, -0.16, -0.08, 0.05, None),
    (M, -0.06, -0.1, -0.02, 0.05, None),
    (M, 0.06, 0.01, 0.11, 0.05, None),
    (M, 0.02, -0.12, 0.16, None, None),
    (M, 0.01, -0.05, 0.07, None, None),
    (S, 0.031, 0.008, 0.054, None, None),
    (S, -0.031, -0.054, -0.008, None, None),
    (S, 0.012, -0.016, 0.04, None, None),
    (S, 0.002, -0.011, 0.015, None, None),
    (S, 0.002, -0.011, 0.015, 0.02, None),
    (S, -0.009, -0.031, 0.013, 0.02, None),
    (N, 8.5, 1.52, 15.48, None, None),
    (N, -8.5, -15.48, -1.52, 3.0, None),
    (N, 1.0, -6.2, 8.2, None, None),
    (N, 0.5, -2.1, 3.1, 3.0, None),
    (E, 0.08, 0.02, 0.14, None, None),
    (E, -0.02, -0.09, 0.05, 0.05, None),
    (F, 0.031, 0.008, 0.054, None, None),
    (Q, 0.12, 0.05, 0.19, None, None),
    (Q, -0.02, -0.09, 0.05, 0.1, None),
    (V, 1.2, 0.4, 2.0, None, None),
    (V, -0.4, -2.6, 1.8, None, None),
    (V, -1.9, -2.7, -1.1, 1.0, None),
    (P, -0.03, -0.05, -0.01, None, None),
    (D, 2.5, 0.9, 4.1, None, None),
    (P, 0.01, -0.02, 0.04, 0.05, None),
    (B, 0.019, 0.006, 0.032, None, 22_100),
    (X, -0.014, -0.025, -0.003, None, 22_100),
    (X, 0.003, -0.006, 0.012, 0.01, None),
    (L, 1.2, 0.4, 2.0, None, None),
    (W, -0.8, -1.3, -0.3, None, None),
    (W, 0.1, -0.4, 0.6, 0.5, None),
    (H, 0.019, 0.006, 0.032, None, None),
    (J, 0.004, -0.008, 0.016, None, None),
    (K, -0.018, -0.034, -0.002, 0.02, None),
    (R, 0.019, 0.006, None, None, None),
    (R, 0.004, None, 0.016, None, None),
]


def facts_of(
    kind: MetricKind, margin: float | None, base: int | None, more: int | None = None
) -> MetricFacts:
    planned = planned_metric(kind)
    return MetricFacts(
        name=NAMES[kind],
        kind=kind,
        direction=direction_of(kind),
        target=planned.choice.change_that_matters,
        margin=margin,
        role=Role.SECONDARY if margin is None else Role.GUARDRAIL,
        variant="guided",
        segment_per_quarter=base,
        more_needed=more,
        so_far=SO_FAR,
        scale=planned.definition.scale,
        day=planned.definition.day,
        unit=planned.definition.unit,
    )


def said() -> Iterator[tuple[str, str]]:
    """Yield what happened, in short, with the sentence that says it."""
    yield from _whole_experiment()
    for kind, effect, low, high, margin, base in CHANGES:
        role = Role.SECONDARY if margin is None else Role.GUARDRAIL
        estimate = estimate_of(effect, low, high, control=LEVELS[kind])
        case = case_of(
            estimate,
            planned_metric(kind, role, margin),
            guarded=margin is not None,
        )
        facts = facts_of(kind, margin, base, more=11_368 if margin is None else None)
        title = (
            f"{kind} {effect:+g} [{low}, {high}] margin {margin} base {base}: {case}"
        )
        yield title, sentences.metric_sentence(case, facts, estimate)
    yield from _in_customers()
    yield from _refusals()


def _whole_experiment() -> Iterator[tuple[str, str]]:
    yield (
        "untrusted, split",
        sentences.untrusted(
            "51.9 % of customers got Variant B where 50 % was planned."
            " Find the cause and restart."
        ),
    )
    yield (
        "untrusted, plan",
        sentences.untrusted("The plan was changed after it was locked."),
    )
    yield (
        "too early, enrolling",
        sentences.too_early(6_240, 18_800, 900, DUE_AT, LOCKED_AT),
    )
    yield (
        "too early, following",
        sentences.too_early(18_950, 18_800, 12_300, DUE_AT, LOCKED_AT),
    )
    yield "too early, no date", sentences.too_early(0, 18_800, 0, None)
    yield (
        "too early, next year",
        sentences.too_early(10, 18_800, 0, DUE_AT.replace(year=2027), LOCKED_AT),
    )
    yield (
        "answered unequally",
        sentences.unequal_answers(facts_of(M, 0.05, None), 0.421, 0.36),
    )
    yield (
        "made contact unequally",
        sentences.unequal_answers(facts_of(K, 0.02, None), 0.121, 0.09),
    )
    yield (
        "made a start unequally",
        sentences.unequal_answers(facts_of(W, None, None), 0.121, 0.09),
    )
    yield (
        "silence could undo it",
        sentences.unbounded_silence(
            facts_of(M, 0.05, None),
            estimate_of(0.08, 0.02, 0.14),
            Interval(-0.03, 0.19),
        ),
    )


def _in_customers() -> Iterator[tuple[str, str]]:
    changes: list[tuple[MetricKind, Estimate]] = [
        (R, estimate_of(0.019, 0.006, 0.032)),
        (R, estimate_of(-0.014, -0.025, -0.003)),
        (R, estimate_of(0.004, -0.008, 0.016)),
        (C, estimate_of(-0.014, -0.025, -0.003)),
        (C, estimate_of(0.019, 0.006, 0.032)),
        (S, estimate_of(0.031, 0.008, 0.054)),
        (F, estimate_of(0.031, 0.008, 0.054)),
        (R, estimate_of(0.0021, 0.0002, 0.004)),
        *((kind, estimate_of(0.019, 0.006, 0.032)) for kind in (B, X, H, J, K)),
    ]
    for kind, estimate in changes:
        low, high = estimate.interval.low, estimate.interval.high
        text = frequencies.per_thousand(facts_of(kind, None, None), estimate)
        yield f"in customers, {kind} {estimate.effect:+g} [{low}, {high}]", str(text)


def _refusals() -> Iterator[tuple[str, str]]:
    for reason in Reason:
        refused = NotComputable(reason, {"field": "power"})
        text = glossary.not_computable("Day-30 retention", refused, R)
        yield f"not computable, {reason}", text
    few = NotComputable(Reason.TOO_FEW_UNITS, {"needed": 10})
    yield "not computable, few answers", glossary.not_computable("CSAT", few, M)


def as_text() -> str:
    """Lay the golden sentences out as the file that a person reads."""
    return "\n".join(f"# {title}\n{sentence}\n" for title, sentence in said())
