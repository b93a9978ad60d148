"""Sentences about past experiments and expectations, over all inputs."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import past_words, wording
from analysis.backlog_score import NoScore, Range, Score
from analysis.past_effects import MetricPast, PastEffect, by_means, by_metric
from analysis.stats.estimate import NotComputable
from experiments.metric_definition import MetricDefinition
from tests.analysis.test_sentences import FORBIDDEN, NUMBER, decimals_of, value_of
from tests.factories import csat_definition, definition

AT = datetime(2026, 3, 14, tzinfo=UTC)
MINUS = "\N{MINUS SIGN}"


def effect_of(
    size: float,
    error: float,
    *,
    stage: str = "renewal",
    lever: str = "reminder",
    measured: MetricDefinition | None = None,
) -> PastEffect:
    return PastEffect(
        experiment="e",
        name="E",
        decided_at=AT,
        decision="ship",
        stage=stage,
        stage_name=stage.capitalize(),
        lever=lever,
        metric="kept",
        metric_name="Keeping up",
        definition=measured or definition(),
        effect=size,
        low=size - 1.96 * error,
        high=size + 1.96 * error,
        error=error,
    )


def past_of(*effects: PastEffect) -> MetricPast:
    return by_metric(effects)["kept"]


@st.composite
def pasts(draw: st.DrawFn) -> MetricPast:
    """Draw the past of a rate or a score, each effect with its own error."""
    measured = draw(st.sampled_from([definition(), csat_definition()]))
    pairs = st.tuples(st.floats(-0.3, 0.3), st.floats(0.002, 0.1))
    stages = st.sampled_from(["renewal", "onboarding"])
    return past_of(
        *(
            effect_of(size, error, stage=draw(stages), measured=measured)
            for size, error in draw(st.lists(pairs, min_size=1, max_size=12))
        )
    )


def check_words(text: str) -> None:
    for sentence in re.split(r"(?<=\.) (?=[A-Z])", text):
        assert len(sentence.split()) <= 30, sentence
    assert not any(word in text.lower() for word in FORBIDDEN), text
    assert "--" not in text
    assert "-0" not in text


@given(pasts())
def test_before__any_past__says_the_ends_rounded_and_how_many(
    past: MetricPast,
) -> None:
    text = past_words.before(past, "renewal")
    check_words(text)
    effects = past.at_stage("renewal") or past.effects
    assert ("No decided experiment in this stage" in text) == (
        not past.at_stage("renewal")
    )
    *ends, number = NUMBER.findall(text)
    assert int(number) == len(effects)
    sizes = [past.measure.shown(each.effect) for each in effects]
    for written, exact in zip(
        ends, (min(sizes), max(sizes))[-len(ends) :], strict=True
    ):
        tolerance = 0.5 * 10 ** -decimals_of(written) * (1 + 1e-6)
        assert abs(value_of(written) - exact) <= tolerance
        assert written.startswith("+") == (value_of(written) > 0)


@given(pasts())
def test_average__any_past__lies_in_its_interval_and_nearer_to_0(
    past: MetricPast,
) -> None:
    for tried in by_means(past):
        text = past_words.average(past, tried)
        check_words(text)
        if isinstance(tried.average, NotComputable):
            assert "no average is given" in text
            continue
        value, least, most = past_words.average_in_words(past, tried)
        low, middle, high = (
            value_of(NUMBER.findall(each)[0]) for each in (least, value, most)
        )
        assert low <= middle <= high
        assert f"{value} (95 % CI {least} to {most})" in text
        farthest = max(abs(past.measure.shown(e.effect)) for e in tried.effects)
        step = 10.0 ** -decimals_of(least)
        assert abs(middle) <= farthest + step


@given(
    reach=st.integers(1, 5_000_000),
    likely=st.floats(-0.3, 0.3),
    half=st.floats(0, 0.3),
    forecast=st.booleans(),
)
def test_expectation__any_score__has_its_range_rounded_alike(
    reach: int, likely: float, half: float, *, forecast: bool
) -> None:
    low, high = reach * (likely - half), reach * (likely + half)
    kept = Range(reach * likely, *((low, high) if forecast else (None, None)))
    score = Score(kept.likely, kept, reach, 0.3, Range(likely / 0.3), 0.6, 1)
    text = past_words.expectation(score)
    check_words(text)
    assert ("Nobody made a forecast" in text) == (not forecast)
    known = [abs(end) for end in (kept.likely, kept.low, kept.high) if end is not None]
    place = 10 ** max(0, len(str(int(max(known)))) - 2)
    for written in NUMBER.findall(text):
        assert any(abs(abs(value_of(written)) - k) <= place for k in known)
    assert ("lost per quarter" in text) == (
        kept.likely < 0 and not (forecast and high > 0)
    )


def test_sentences__examples__read_as_the_design_has_them() -> None:
    # design/pages.md 3.4: "by -0.4 to +1.8 points (n = 9)"
    sizes = (-0.004, 0.003, 0.018)
    past = past_of(*(effect_of(size, 0.012) for size in sizes))
    assert past_words.before(past, "renewal") == (
        f"Experiments in this stage moved this metric by {MINUS}0.4 to +1.8 points"
        " (n = 3)."
    )
    assert past_words.before(past_of(effect_of(0.018, 0.012)), "onboarding") == (
        "No decided experiment in this stage yet. One experiment in other stages moved"
        " this metric by +1.8 points (n = 1)."
    )
    assert past_words.before(None, "renewal") == (
        "No decided experiment has measured this metric yet."
    )


@pytest.mark.parametrize(
    ("why", "words"),
    [
        (NoScore(("reach",)), "Not ranked: reach is missing."),
        (
            NoScore(("reach", "baseline", "effort")),
            "Not ranked: reach, the baseline and the effort are missing.",
        ),
        (NoScore(), "Not ranked: CSAT does not count customers who stay or leave."),
    ],
)
def test_not_ranked__names_what_is_missing(why: NoScore, words: str) -> None:
    assert past_words.not_ranked(why, "CSAT") == words


def scored(value: float) -> Score:
    return Score(value, Range(value), 1, 0.3, Range(0.1), 0.6, 1)


def test_compared__two_scores__names_the_better_first() -> None:
    # By hand: 90 / 30.
    better = 'For a week of work, "B" promises 3.0 times what "A" does.'
    assert past_words.compared("A", scored(30), "B", scored(90)) == better
    assert past_words.compared("B", scored(90), "A", scored(30)) == better
    alike = past_words.compared("A", scored(100), "B", scored(101))
    assert alike == '"B" and "A" promise about as much for a week of work.'
    lost = past_words.compared("A", scored(-5), "B", scored(1))
    assert lost == '"B" promises more for a week of work than "A".'


def test_contradiction__only_where_both__is_said() -> None:
    assert past_words.contradiction("A reminder", "Renewal", 2, 0) == ""
    text = past_words.contradiction("A reminder", "Renewal", 1, 12)
    assert "ship once, and not to ship 12 times" in text
    check_words(text)


def test_average__two_experiments__is_shrunk_by_hand() -> None:
    # Effects 3 and 1 points with errors of 1: tau^2 about 0 solves
    # (9 + 1) / (1 + t) = 2, so t = 4; each is kept by 4 / 5: (2.4 + 0.8) / 2 = 1.6,
    # with an error of sqrt(2 x 0.8) / 2 = 0.632 and an interval of 1.24 each way.
    past = past_of(effect_of(0.03, 0.01), effect_of(0.01, 0.01))
    (tried,) = by_means(past)
    assert past_words.average_in_words(past, tried) == ("+1.6 points", "+0.4", "+2.8")
    assert wording.measure_of(past.definition) is wording.POINTS
