"""The presets of the decision rule, and rules of one's own: what each asks for.

Intervals are by hand: a margin of 0.02 for retention and 0.05 for CSAT, and a change in
retention that matters of 0.01.
"""

import pytest

from analysis.readings import Judgement
from analysis.stats.estimate import NotComputable, Outcome
from analysis.verdict import judge
from experiments.decision_rule import DecisionRule, preset_rule
from experiments.plan import PlannedSegment
from experiments.vocabulary import (
    GuardrailTest,
    MetricKind,
    PrimaryTest,
    Reason,
    Role,
    RulePreset,
    SentenceCase,
    Verdict,
)
from tests.analysis.reading_examples import (
    PASSED,
    estimate_of,
    plan_of,
    planned_metric,
    progress_of,
    reading_of,
    response_of,
)

RETENTION = planned_metric(margin=0.02, target=0.01)
CSAT = planned_metric(MetricKind.CSAT_MEAN, Role.GUARDRAIL, 0.05)
CLEAR = estimate_of(0.03, 0.012, 0.048)
BETTER = estimate_of(0.019, 0.006, 0.032)
SMALL_WIN = estimate_of(0.005, 0.001, 0.009)
WIDE = estimate_of(0.004, -0.008, 0.016)
NARROW = estimate_of(0.001, -0.004, 0.006)
SLIP = estimate_of(-0.01, -0.018, -0.002)  # worse, within the margin
VAGUE = estimate_of(-0.01, -0.03, 0.01)
LOSS = estimate_of(-0.04, -0.055, -0.025)  # wholly beyond the margin
SAFE = estimate_of(0.01, -0.03, 0.05, control=4.12)
OPEN = estimate_of(-0.02, -0.09, 0.05, control=4.12)
HARM = estimate_of(-0.12, -0.16, -0.08, control=4.12)
REFUSED = NotComputable(Reason.NO_VARIATION)
SHIP, STOP, OPEN_END = Verdict.SHIP, Verdict.DO_NOT_SHIP, Verdict.UNDECIDED
SPLITS = (
    PlannedSegment("solo", 1, "One-person firms", {}),
    PlannedSegment("teams", 1, "Teams", {}),
)


def judged(
    rule: DecisionRule,
    primary: Outcome,
    guardrail: Outcome = SAFE,
    splits: tuple[Outcome, ...] = (),
) -> Judgement:
    readings = [
        reading_of(RETENTION, primary),
        reading_of(CSAT, guardrail, response=response_of(400, 400)),
        *(
            reading_of(RETENTION, outcome, segment=split.key)
            for split, outcome in zip(SPLITS, splits, strict=False)
        ),
    ]
    plan = plan_of(RETENTION, CSAT, segments=SPLITS, rule=rule)
    return judge(plan, readings, [PASSED], progress_of())


@pytest.mark.parametrize(
    ("primary", "guardrail", "verdict"),
    [
        (BETTER, SAFE, SHIP),
        (WIDE, SAFE, SHIP),  # no change is no harm
        (NARROW, SAFE, SHIP),
        (SLIP, SAFE, SHIP),  # worse, and within what was accepted beforehand
        (VAGUE, SAFE, OPEN_END),
        (LOSS, SAFE, STOP),
        (NARROW, OPEN, OPEN_END),
        (NARROW, HARM, STOP),
        (REFUSED, SAFE, OPEN_END),
    ],
)
def test_do_no_harm__asks_for_no_gain(
    primary: Outcome, guardrail: Outcome, verdict: Verdict
) -> None:
    rule = preset_rule(RulePreset.DO_NO_HARM)
    assert judged(rule, primary, guardrail).verdict == verdict


def test_do_no_harm__speaks_of_harm_to_the_primary_metric() -> None:
    rule = preset_rule(RulePreset.DO_NO_HARM)
    safe = judged(rule, WIDE)
    assert safe.cases["retention", "guided", ""][0] == SentenceCase.HARM_RULED_OUT
    assert safe.clause == (
        "Harm to Day-30 retention beyond the limit agreed is ruled out, and so it is"
        " for CSAT."
    )
    vague = judged(rule, VAGUE)
    assert vague.clause == (
        "Harm to Day-30 retention beyond the limit agreed is not ruled out."
    )


@pytest.mark.parametrize(
    ("primary", "guardrail", "verdict"),
    [
        (CLEAR, SAFE, SHIP),
        (BETTER, SAFE, OPEN_END),  # better, perhaps by less than what matters
        (SMALL_WIN, SAFE, STOP),  # better, and surely by less than what matters
        (NARROW, SAFE, STOP),
        (SLIP, SAFE, STOP),
        (CLEAR, OPEN, OPEN_END),
        (CLEAR, HARM, STOP),
    ],
)
def test_clear_win__asks_for_more_than_the_change_that_matters(
    primary: Outcome, guardrail: Outcome, verdict: Verdict
) -> None:
    rule = preset_rule(RulePreset.CLEAR_WIN)
    assert judged(rule, primary, guardrail).verdict == verdict


def test_clear_win__not_clear_enough__says_what_is_missing() -> None:
    rule = preset_rule(RulePreset.CLEAR_WIN)
    assert judged(rule, CLEAR).clause.startswith(
        "Day-30 retention is better by more than 1 point, and harm"
    )
    assert judged(rule, BETTER).clause == (
        "Day-30 retention is better, but its range reaches below the change that"
        " matters, and the rule asks for more."
    )


@pytest.mark.parametrize(
    ("guardrail", "verdict"), [(SAFE, SHIP), (OPEN, SHIP), (HARM, STOP)]
)
def test_own_rule__harm_not_shown__an_open_guardrail_does_not_stand_in_the_way(
    guardrail: Outcome, verdict: Verdict
) -> None:
    rule = DecisionRule(RulePreset.OWN, guardrails=GuardrailTest.HARM_NOT_SHOWN)
    assert judged(rule, BETTER, guardrail).verdict == verdict


@pytest.mark.parametrize(
    ("splits", "verdict", "words"),
    [
        ((BETTER, NARROW), SHIP, "in each declared split no harm"),
        ((BETTER, VAGUE), OPEN_END, "harm in Teams is not ruled out"),
        ((BETTER, REFUSED), OPEN_END, "harm in Teams is not ruled out"),
        ((BETTER, LOSS), STOP, "beyond the limit agreed in Teams"),
    ],
)
def test_own_rule__splits_not_worse__each_split_must_be_safe(
    splits: tuple[Outcome, ...], verdict: Verdict, words: str
) -> None:
    rule = DecisionRule(RulePreset.OWN, PrimaryTest.BETTER, splits_not_worse=True)
    judgement = judged(rule, BETTER, SAFE, splits)
    assert judgement.verdict == verdict
    assert words in judgement.clause


def test_usual_rule__split_that_lost__is_shown_and_does_not_decide() -> None:
    usual = preset_rule(RulePreset.BETTER_AND_SAFE)
    assert judged(usual, BETTER, SAFE, (BETTER, LOSS)).verdict == SHIP
