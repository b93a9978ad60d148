"""The rules of the words, over all inputs; and the sentences that a person has read."""

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import frequencies, glossary, sentences
from analysis.cases import case_of
from analysis.metric_facts import MetricFacts
from analysis.stats.estimate import Estimate, NotComputable
from experiments.metric_definition import SURVEYS
from experiments.vocabulary import (
    Direction,
    HealthCheck,
    MetricKind,
    Reason,
    Role,
    SentenceCase,
    Verdict,
)
from tests.analysis import golden_sentences
from tests.analysis.reading_examples import (
    UNITS,
    direction_of,
    estimate_of,
    planned_metric,
)

FORBIDDEN = (
    "proves",
    "winner",
    "no effect",
    "trending",
    "significant",
    "chance of",
)
NUMBER = re.compile("(?<![A-Za-z])[+\N{MINUS SIGN}]?\\d[\\d,]*(?:\\.\\d+)?")
NAME = "Keeping up"  # holds no number, and counts as one word
FACTORS = {
    MetricKind.RETENTION: 100,
    MetricKind.CHURN: 100,
    MetricKind.CSAT_SHARE: 100,
    MetricKind.CSAT_MEAN: 1,
    MetricKind.TIME_TO_CHURN: 1,
    MetricKind.NPS: 1,
    MetricKind.CES_MEAN: 1,
    MetricKind.CES_SHARE: 100,
    MetricKind.EVENT_COUNT: 1,
    MetricKind.VALUE_SUM: 1,
    MetricKind.RATIO: 1,
    MetricKind.UNBOUNDED_RETENTION: 100,
    MetricKind.CANCELLATION: 100,
    MetricKind.TIME_TO_CANCELLATION: 1,
    MetricKind.TIME_TO_EVENT: 1,
    MetricKind.EVENT_SHARE: 100,
    MetricKind.FUNNEL: 100,
    MetricKind.FIRST_CONTACT_RESOLUTION: 100,
    MetricKind.VALUE_QUANTILE: 1,
}


def value_of(written: str) -> float:
    return float(written.replace(",", "").replace("\N{MINUS SIGN}", "-"))


def decimals_of(written: str) -> int:
    return len(written.partition(".")[2])


@st.composite
def changes(draw: st.DrawFn) -> tuple[MetricFacts, Estimate, SentenceCase]:
    """Draw a metric with an estimate inside its interval, and the case it is in."""
    kind = draw(st.sampled_from(MetricKind))
    role = draw(st.sampled_from(Role))
    scale = 1 / FACTORS[kind]
    widest = 99 if FACTORS[kind] == 100 else 4
    low = draw(st.floats(-widest, widest - 0.01)) * scale
    high = low + draw(st.floats(0.002, widest)) * scale
    effect = low + (high - low) * draw(st.floats(0.05, 0.95))
    margin = draw(st.integers(1, 400)) / 100 * scale
    base = draw(st.none() | st.integers(100, 5_000_000))
    direction = direction_of(kind)
    if kind in SURVEYS - {MetricKind.NPS}:
        direction = draw(st.sampled_from(Direction))
    target = draw(st.integers(1, 400)) / 100 * scale
    has_margin = role == Role.GUARDRAIL
    facts = MetricFacts(
        name=NAME,
        kind=kind,
        direction=direction,
        target=target,
        margin=margin if has_margin else None,
        role=role,
        segment_per_quarter=base,
        more_needed=draw(st.none() | st.integers(1, 10**9)),
        so_far=draw(st.none() | st.integers(1, 10**6)),
        scale=5,
        day=90,
        unit=UNITS.get(kind, ""),
    )
    planned = planned_metric(
        kind, role, facts.margin, target=target, direction=direction
    )
    estimate = estimate_of(effect, low, high)
    return facts, estimate, case_of(estimate, planned, guarded=has_margin)


@given(changes())
def test_metric_sentence__any_change__numbers_are_the_stored_ones_rounded(
    drawn: tuple[MetricFacts, Estimate, SentenceCase],
) -> None:
    facts, estimate, case = drawn
    text = sentences.metric_sentence(case, facts, estimate)
    low, high = estimate.interval.low or 0.0, estimate.interval.high or 0.0
    written = NUMBER.findall(text.replace(facts.where, "") if facts.where else text)
    if " per quarter " in text:
        base = facts.segment_per_quarter or 0
        ends = sorted(abs(end) * base for end in (low, high))
        _are_customers(written[4:], [abs(estimate.effect) * base, *ends], base)
        written = written[:4]
    elif case == SentenceCase.UNDECIDED and facts.more_needed:
        if " times as many " in text:
            times = facts.more_needed / (facts.so_far or 0)
            assert value_of(written.pop()) == round(times) >= 2
        _are_customers([*written[3:], "0"], [facts.more_needed], 0)
        written = written[:3]
    factor = FACTORS[facts.kind]
    for one, (what, stored) in zip(
        written, _stated(facts, estimate, case), strict=True
    ):
        if what == "rounded":
            _is_rounded(one, abs(stored) * factor, (high - low) / 2 * factor)
        else:
            chosen = stored if what == "level" else stored * factor
            assert abs(value_of(one)) == pytest.approx(chosen)


def _stated(
    facts: MetricFacts, estimate: Estimate, case: SentenceCase
) -> list[tuple[str, float]]:
    """List the numbers that a case's sentence states, in its order."""
    low = ("rounded", estimate.interval.low or 0.0)
    high = ("rounded", estimate.interval.high or 0.0)
    effect, level = ("rounded", estimate.effect), ("level", 95.0)
    margin, target = ("chosen", facts.margin or 0.0), ("chosen", facts.target)
    harmful = low if facts.direction == Direction.INCREASE else high
    return {
        SentenceCase.BETTER: [effect, level, low, high],
        SentenceCase.WORSE: [effect, level, low, high]
        + ([margin] if facts.margin else []),
        SentenceCase.HARM_RULED_OUT: [margin, effect, level, low, high],
        SentenceCase.HARM_NOT_RULED_OUT: [harmful, margin],
        SentenceCase.EQUAL_ENOUGH: [target, level, low, high],
        SentenceCase.UNDECIDED: [low, high, target],
    }[case]


def _is_rounded(written: str, exact: float, width: float) -> None:
    """Check a rounded number, and that its decimals show two digits of the width."""
    decimals = decimals_of(written)
    assert abs(abs(value_of(written)) - exact) <= 0.5 * 10**-decimals * (1 + 1e-6)
    assert 9.95 <= width * 10**decimals < 99.6 or decimals in {0, 8}
    assert decimals > 0 or width >= 9.94


def _are_customers(written: Sequence[str], exact: Sequence[float], base: int) -> None:
    """Check counts that are rounded alike, the largest end to two digits."""
    *counts, of_all = (value_of(one) for one in written)
    assert of_all == base
    place = 10 ** max(0, math.floor(math.log10(max(*exact, 1))) - 1)
    for count, customers in zip(counts, exact, strict=True):
        assert abs(count - customers) <= place * 0.5 * (1 + 1e-9)
        assert count % place == 0


def test_metric_sentence__scale_without_a_unit__is_named() -> None:
    score = golden_sentences.facts_of(MetricKind.CSAT_MEAN, None, None)
    days = golden_sentences.facts_of(MetricKind.TIME_TO_CHURN, None, None)
    fell = estimate_of(-0.533, -0.629, -0.438)
    assert sentences.metric_sentence(SentenceCase.WORSE, score, fell) == (
        "CSAT fell by 0.533 on the 1 to 5 scale (95 % CI 0.629 to 0.438 lower)."
    )
    assert "days within the first 30 days (95 %" in sentences.metric_sentence(
        SentenceCase.WORSE, days, fell
    )


@pytest.mark.parametrize(
    ("more", "so_far", "words"),
    [
        (31_000, 5_200, ": 6 times as many as took part"),
        (5_000, 5_200, ""),
        (31_000, None, ""),
        (31_000, 0, ""),
    ],
)
def test_times_as_many__says_what_is_more_than_there_were(
    more: int, so_far: int | None, words: str
) -> None:
    assert sentences.times_as_many(more, so_far) == words


@given(changes())
def test_metric_sentence__any_change__direction_word_agrees(
    drawn: tuple[MetricFacts, Estimate, SentenceCase],
) -> None:
    facts, estimate, case = drawn
    text = sentences.metric_sentence(case, facts, estimate)
    rose, fell = " rose by " in text, " fell by " in text
    low, high = estimate.interval.low or 0.0, estimate.interval.high or 0.0
    assert rose == (low > 0)
    assert fell == (high < 0)
    good = rose if facts.direction == Direction.INCREASE else fell
    if case == SentenceCase.BETTER:
        assert good
        assert "lost" not in text
    if case == SentenceCase.WORSE:
        assert not good
        assert "kept" not in text
    if case == SentenceCase.HARM_NOT_RULED_OUT:
        assert ("fallen" in text) == (facts.direction == Direction.INCREASE)
    assert ("We cannot" in text) == (
        case in {SentenceCase.UNDECIDED, SentenceCase.HARM_NOT_RULED_OUT}
    )


@given(changes())
def test_metric_sentence__any_change__is_short_and_says_nothing_forbidden(
    drawn: tuple[MetricFacts, Estimate, SentenceCase],
) -> None:
    facts, estimate, case = drawn
    text = sentences.metric_sentence(case, facts, estimate)
    for sentence in text.replace(NAME, "Name").split(". "):
        assert len(sentence.split()) <= 30
    assert len(text.split()) <= 50
    assert text.endswith(".")
    assert not any(word in text.lower() for word in FORBIDDEN)
    assert "-" not in text.replace(NAME, "")  # a hyphen is no minus and no range
    speaks_of_points = FACTORS[facts.kind] == 100 or facts.kind == MetricKind.NPS
    assert (" points" in text or " point" in text) == speaks_of_points


@given(changes())
def test_case_of__any_change__is_the_only_case_whose_condition_holds(
    drawn: tuple[MetricFacts, Estimate, SentenceCase],
) -> None:
    # The conditions of the design's table, written out a second time and disjoint.
    facts, estimate, case = drawn
    low, high = estimate.interval.low or 0.0, estimate.interval.high or 0.0
    if facts.direction == Direction.DECREASE:
        low, high = -high, -low
    zero_inside = low <= 0 <= high
    margin, target = facts.margin, facts.target
    conditions = {
        SentenceCase.BETTER: low > 0,
        SentenceCase.WORSE: high < 0,
        SentenceCase.HARM_RULED_OUT: margin is not None
        and zero_inside
        and low > -margin,
        SentenceCase.HARM_NOT_RULED_OUT: margin is not None
        and zero_inside
        and low <= -margin,
        SentenceCase.EQUAL_ENOUGH: margin is None
        and zero_inside
        and -target < low
        and high < target,
        SentenceCase.UNDECIDED: margin is None
        and zero_inside
        and not (-target < low and high < target),
    }
    assert [name for name, holds in conditions.items() if holds] == [case]


@given(st.integers(0, 10**9), st.integers(20, 10**9), st.none() | st.datetimes())
def test_too_early__any_progress__shows_counts_and_date_only(
    units: int, planned: int, due: datetime | None
) -> None:
    text = sentences.too_early(units, planned, units // 2, due)
    written = [int(value_of(one)) for one in NUMBER.findall(text)]
    expected = [units, planned] if units < planned else [units, units // 2]
    assert written == (expected if due is None else [*expected, due.day])
    assert len(text.split()) <= 30
    assert "CI" not in text


def test_too_early__no_date_yet__names_the_planned_end_unless_it_has_passed() -> None:
    begin, end = datetime(2026, 12, 27, tzinfo=UTC), datetime(2027, 1, 24, tzinfo=UTC)
    assert sentences.too_early(0, 900, 0, None, begin, planned_end=end) == (
        "Too early to say. 0 of 900 customers so far; the planned end is 24 January"
        " 2027."
    )
    assert "no date" in sentences.too_early(0, 900, 0, None, end, planned_end=end)


@given(changes(), st.floats(0, 1), st.floats(0, 1))
def test_unequal_answers__any_rates__shows_who_answered_and_no_change(
    drawn: tuple[MetricFacts, Estimate, SentenceCase], control: float, treatment: float
) -> None:
    text = sentences.unequal_answers(drawn[0], control, treatment)
    first, second = (value_of(one) for one in NUMBER.findall(text))
    assert first == pytest.approx(control * 100, abs=0.051)
    assert second == pytest.approx(treatment * 100, abs=0.051)
    assert "rose" not in text
    assert "fell" not in text
    who = {
        MetricKind.FIRST_CONTACT_RESOLUTION: "made contact",
        MetricKind.TIME_TO_EVENT: "made a start",
    }
    assert f"because of who {who.get(drawn[0].kind, 'answered')}" in text
    assert len(text.split()) <= 30


@given(changes())
def test_per_thousand__any_change__counts_whole_customers(
    drawn: tuple[MetricFacts, Estimate, SentenceCase],
) -> None:
    facts, estimate, _ = drawn
    text = frequencies.per_thousand(facts, estimate)
    if FACTORS[facts.kind] == 1:
        assert text is None
        return
    assert text is not None
    base, *written = (value_of(one) for one in NUMBER.findall(text))
    low, high = estimate.interval.low or 0.0, estimate.interval.high or 0.0
    ends = sorted([abs(low), abs(high)])
    expected = [abs(low), abs(high)] if low <= 0 <= high else [estimate.effect, *ends]
    for count, share in zip(written, expected, strict=True):
        assert count == pytest.approx(abs(share) * base, abs=0.51)
    assert ("fewer" in text) == (low <= 0)
    assert ("more" in text) == (high >= 0)


def test_metric_sentence__long_name__moves_the_customers_to_their_own_sentence() -> (
    None
):
    facts = golden_sentences.facts_of(MetricKind.RETENTION, None, 22_100)
    long = "Share of new small businesses that came back in week five"
    named = MetricFacts(long, facts.kind, facts.direction, 0.01, None)
    estimate = estimate_of(0.019, 0.006, 0.032)
    text = sentences.metric_sentence(
        SentenceCase.BETTER,
        MetricFacts(
            long,
            facts.kind,
            facts.direction,
            0.01,
            segment_per_quarter=22_100,
            label="guided",
        ),
        estimate,
    )
    assert text.startswith(f"guided: {long} rose by 1.9 points")
    assert "). That is about 420 customers kept per quarter (130 to 710), if" in text
    assert "kept" not in sentences.metric_sentence(SentenceCase.BETTER, named, estimate)


def test_metric_sentence__case_that_does_not_fit__is_refused() -> None:
    facts = golden_sentences.facts_of(MetricKind.RETENTION, None, None)
    refused = NotComputable(Reason.NO_VARIATION)
    with pytest.raises(ValueError, match="needs an estimate"):
        sentences.metric_sentence(SentenceCase.BETTER, facts, refused)
    with pytest.raises(ValueError, match="not about one metric"):
        sentences.metric_sentence(
            SentenceCase.TOO_EARLY, facts, estimate_of(0.1, 0, 0.2)
        )
    with pytest.raises(ValueError, match="has no margin"):
        sentences.metric_sentence(
            SentenceCase.HARM_RULED_OUT, facts, estimate_of(0.1, 0, 0.2)
        )


def test_glossary__every_word_of_the_vocabulary__has_words() -> None:
    assert set(glossary.VERDICT_WORDS) == set(Verdict)
    assert set(glossary.CASE_WORDS) == set(SentenceCase)
    assert set(glossary.CHECK_WORDS) == set(HealthCheck)
    for reason in Reason:
        assert glossary.because(NotComputable(reason))


def test_golden_sentences__as_read_by_a_person__are_unchanged() -> None:
    # On a deliberate change: write `golden_sentences.as_text()` to the file, read it.
    assert golden_sentences.as_text() == golden_sentences.FILE.read_text()
    assert len(list(golden_sentences.said())) >= 60


def test_golden_sentences__all_cases_and_kinds__stand_in_the_file() -> None:
    text = golden_sentences.FILE.read_text()
    for case in SentenceCase:
        assert case.replace("_", " ") in text.replace("_", " ")
    for kind in MetricKind:
        assert f"# {kind} " in text


def test_golden_sentences__reading_grade__is_at_most_nine() -> None:
    # Flesch and Kincaid (1975): 0.39 words per sentence + 11.8 syllables per word
    # - 15.59. Numbers count as one syllable: they are read as digits.
    said = [sentence for _, sentence in golden_sentences.said()]
    assert _grade(said) <= 9
    assert max(_grade([one]) for one in said if len(one.split()) > 12) <= 12


def _grade(texts: Sequence[str]) -> float:
    text = " ".join(texts)
    count = len(re.findall(r"[.:;](?:\s|$)", text))
    words = re.findall(r"[A-Za-z0-9.,]*[A-Za-z0-9]", text)
    return (
        0.39 * len(words) / count
        + 11.8 * sum(map(_syllables, words)) / len(words)
        - 15.59
    )


def _syllables(word: str) -> int:
    groups = re.findall(r"[aeiouy]+", word.lower().removesuffix("e"))
    return max(1, len(groups))
