"""The decision rule of the statistics page, 4.17: each clause, and their order."""

import dataclasses
from collections.abc import Sequence

import pytest

from analysis.looks import Look
from analysis.readings import Judgement, MetricReading
from analysis.stats.estimate import NotComputable, Outcome
from analysis.verdict import judge
from experiments.plan import PlannedSegment
from experiments.vocabulary import (
    HealthCheck,
    MetricKind,
    MonitoringMode,
    Reason,
    ResultPhase,
    Role,
    SentenceCase,
    Verdict,
)
from tests.analysis.reading_examples import (
    FAILED,
    PASSED,
    estimate_of,
    plan_of,
    planned_metric,
    progress_of,
    reading_of,
    response_of,
    silence_of,
)

RETENTION = planned_metric()
CSAT = planned_metric(MetricKind.CSAT_MEAN, Role.GUARDRAIL, 0.05)
CHURN = planned_metric(MetricKind.CHURN, Role.GUARDRAIL, 0.01)
BETTER = estimate_of(0.019, 0.006, 0.032)
WORSE = estimate_of(-0.014, -0.025, -0.003)
WIDE = estimate_of(0.004, -0.008, 0.016)
NARROW = estimate_of(0.001, -0.004, 0.006)
SAFE = estimate_of(0.01, -0.03, 0.05, control=4.12)
OPEN = estimate_of(-0.02, -0.09, 0.05, control=4.12)
HARM = estimate_of(-0.12, -0.16, -0.08, control=4.12)
DIP = estimate_of(-0.02, -0.035, -0.005, control=4.12)  # worse, within the margin
DEEP_DIP = estimate_of(-0.06, -0.1, -0.02, control=4.12)  # worse, across the margin
REFUSED = NotComputable(Reason.NO_VARIATION)


def judge_one(
    primary: Outcome, guardrail: Outcome = SAFE, answered: tuple[int, int] = (400, 400)
) -> Judgement:
    readings = [
        reading_of(RETENTION, primary),
        reading_of(CSAT, guardrail, response=response_of(*answered)),
    ]
    return judge(plan_of(RETENTION, CSAT), readings, [PASSED], progress_of())


@pytest.mark.parametrize(
    ("primary", "guardrail", "verdict"),
    [
        (BETTER, SAFE, Verdict.SHIP),
        (BETTER, DIP, Verdict.SHIP),  # worse, but harm beyond the margin is ruled out
        (BETTER, OPEN, Verdict.UNDECIDED),
        (BETTER, DEEP_DIP, Verdict.UNDECIDED),
        (BETTER, HARM, Verdict.DO_NOT_SHIP),
        (BETTER, REFUSED, Verdict.UNDECIDED),
        (WORSE, SAFE, Verdict.DO_NOT_SHIP),
        (WORSE, REFUSED, Verdict.DO_NOT_SHIP),
        (WIDE, SAFE, Verdict.UNDECIDED),
        (WIDE, HARM, Verdict.DO_NOT_SHIP),
        (NARROW, SAFE, Verdict.DO_NOT_SHIP),
        (NARROW, OPEN, Verdict.DO_NOT_SHIP),
        (REFUSED, SAFE, Verdict.UNDECIDED),
        (REFUSED, HARM, Verdict.DO_NOT_SHIP),
    ],
)
def test_judge__primary_and_guardrail__follows_the_rule(
    primary: Outcome, guardrail: Outcome, verdict: Verdict
) -> None:
    judgement = judge_one(primary, guardrail)
    assert judgement.verdict == verdict
    assert judgement.variant == ("guided" if verdict == Verdict.SHIP else None)
    assert judgement.clause.endswith(".")


def test_judge__better_and_safe__says_which_rule_decided() -> None:
    judgement = judge_one(BETTER)
    assert judgement.clause == (
        "Day-30 retention is better, and harm beyond the limit agreed is ruled out for"
        " CSAT."
    )
    assert judgement.answer == (
        "Day-30 retention rose by 1.9 points (95 % CI 0.6 to 3.2)."
    )
    assert judgement.cases["retention", "guided", ""][0] == SentenceCase.BETTER
    assert judgement.cases["csat_mean", "guided", ""][0] == SentenceCase.HARM_RULED_OUT


def test_judge__size_of_the_segment_known__counts_customers_kept() -> None:
    readings = [reading_of(RETENTION, BETTER), reading_of(CSAT, SAFE)]
    judgement = judge(
        plan_of(), readings, [PASSED], progress_of(segment_per_quarter=22_100)
    )
    assert "about 420 customers kept per quarter (130 to 710)" in judgement.answer


def test_judge__harm_behind_a_win__says_both() -> None:
    judgement = judge_one(BETTER, HARM)
    assert judgement.clause == "Harm to CSAT is beyond the limit agreed."
    assert "Day-30 retention rose by 1.9 points" in judgement.answer
    assert "CSAT fell by 0.120" in judgement.answer


def test_judge__too_small_to_matter__is_the_clause() -> None:
    expected = "The change in Day-30 retention is too small to matter."
    assert judge_one(NARROW).clause == expected


def test_judge__wide_range__says_what_would_settle_it() -> None:
    judgement = judge_one(WIDE)
    assert "includes no change" in judgement.clause
    # 4.76 x 18,800 = 89,488 (see test_settling), to two digits.
    assert (
        "About 89,000 more customers would settle it: 5 times as many as took part."
        in judgement.answer
    )


def test_judge__harm_not_ruled_out__says_how_many_would_rule_it_out() -> None:
    judgement = judge_one(BETTER, OPEN)
    # 3.00464 x 18,800 = 56,487 (see test_settling), to two digits.
    assert judgement.clause == (
        "Day-30 retention is better, but harm to CSAT is not ruled out."
        " About 56,000 more customers would rule it out, if there is none: 3 times as"
        " many as took part."
    )
    assert "We cannot rule out harm to CSAT" in judgement.answer


@pytest.mark.parametrize("mature", [9_400, 18_799])
def test_judge__over_with_fewer_than_planned__is_undecided(mature: int) -> None:
    # The range holds a change that matters, and nothing is left to go on to.
    small = planned_metric(target=0.005)
    flat = estimate_of(0.0002, -0.0118, 0.0122)
    over = progress_of(mature_units=mature)
    found = judge(plan_of(small, CSAT), _both(small, flat), [PASSED], over)
    assert found.verdict == Verdict.UNDECIDED
    assert "too small to matter" not in found.answer


@pytest.mark.parametrize(
    ("effect", "is_last", "verdict"),
    [
        # Half the size, error .003, boundary 2: drift = .01 / (.003 x .7071) = 4.714.
        # z = -2: Phi((-1.414 + 2.357 - 2) / .7071) = Phi(-1.49) = .068, under 10 %.
        (-0.006, False, Verdict.DO_NOT_SHIP),
        (-0.006, True, Verdict.UNDECIDED),  # nothing is left to go on to
        (0.0, False, Verdict.KEEP_RUNNING),  # Phi(.505) = .69
    ],
)
def test_judge__at_a_look__hope_counts_only_where_it_goes_on(
    effect: float, verdict: Verdict, *, is_last: bool
) -> None:
    seen = dataclasses.replace(
        estimate_of(effect, effect - 0.011, effect + 0.011),
        facts={"standard_error": 0.003, "final_boundary": 2.0},
    )
    look = Look(MonitoringMode.GROUP_SEQUENTIAL, 2, 4, 0.5, 0.5, is_last)
    at = progress_of(ResultPhase.LOOK, mature_units=9_400, look=look)
    plan = plan_of(RETENTION, CSAT)
    found = judge(plan, _both(RETENTION, seen), [PASSED], at)
    assert found.verdict == verdict


def _both(primary: object, outcome: Outcome) -> list[MetricReading]:
    return [
        reading_of(primary, outcome),  # type: ignore[arg-type]
        reading_of(CSAT, SAFE),
    ]


def test_judge__failed_check__shows_nothing_but_the_warning() -> None:
    readings = [reading_of(RETENTION, BETTER), reading_of(CSAT, SAFE)]
    judgement = judge(plan_of(), readings, [PASSED, FAILED], progress_of())
    assert judgement.verdict == Verdict.DO_NOT_USE
    assert judgement.clause == "Checks that failed: split as planned."
    assert judgement.answer.startswith("Do not use these results: 51.9 %")
    assert set(judgement.cases.values()) == {(SentenceCase.UNTRUSTED, judgement.answer)}


def test_judge__failed_check_while_counting__is_not_hidden_by_it() -> None:
    judgement = judge(plan_of(), [], [FAILED], progress_of(ResultPhase.COUNTING))
    assert judgement.verdict == Verdict.DO_NOT_USE


def test_judge__before_the_end__gives_no_direction() -> None:
    readings = [reading_of(RETENTION, BETTER), reading_of(CSAT, HARM)]
    judgement = judge(
        plan_of(),
        readings,
        [PASSED],
        progress_of(ResultPhase.COUNTING, units_so_far=6_240),
    )
    assert judgement.verdict == Verdict.KEEP_RUNNING
    assert judgement.answer == (
        "Too early to say. 6,240 of 18,800 customers so far;"
        " an answer is due about 14 March."
    )
    assert set(judgement.cases.values()) == {(SentenceCase.TOO_EARLY, judgement.answer)}


@pytest.mark.parametrize("reason", [Reason.NO_MATURE_UNITS, Reason.FOLLOW_UP_TOO_SHORT])
def test_judge__nobody_followed_long_enough__keeps_running(reason: Reason) -> None:
    assert judge_one(NotComputable(reason)).verdict == Verdict.KEEP_RUNNING


# 400 against 330 answers of 1,000: pooled z = 0.07 / sqrt(0.365 x 0.635 x 0.002) =
# 3.25, so p is about 0.001: below 0.05.
UNEQUAL = (400, 330)


def test_judge__guardrail_answered_unequally__does_not_ship_on_silence() -> None:
    judgement = judge_one(BETTER, SAFE, UNEQUAL)
    assert judgement.verdict == Verdict.UNDECIDED
    case, sentence = judgement.cases["csat_mean", "guided", ""]
    assert case == SentenceCase.UNDECIDED
    assert sentence == (
        "We cannot tell whether CSAT changed, because of who answered: 40.0 % of"
        " control and 33.0 % of guided."
    )


def test_judge__guardrail_harmed_and_answered_unequally__is_still_harm() -> None:
    assert judge_one(BETTER, HARM, UNEQUAL).verdict == Verdict.DO_NOT_SHIP


@pytest.mark.parametrize(
    ("outcome", "case"),
    [
        (estimate_of(0.3, 0.2, 0.4), SentenceCase.UNDECIDED),
        (estimate_of(0.0, -0.01, 0.01), SentenceCase.UNDECIDED),
        (estimate_of(-0.3, -0.4, -0.2), SentenceCase.WORSE),
    ],
)
def test_judge__primary_survey_answered_unequally__is_never_a_win(
    outcome: Outcome, case: SentenceCase
) -> None:
    csat = planned_metric(MetricKind.CSAT_MEAN)
    reading = reading_of(csat, outcome, response=response_of(*UNEQUAL))
    judgement = judge(plan_of(csat), [reading], [PASSED], progress_of())
    assert judgement.cases["csat_mean", "guided", ""][0] == case
    assert judgement.verdict != Verdict.SHIP
    if case == SentenceCase.UNDECIDED:
        assert "did not answer equally often" in judgement.clause


@pytest.mark.parametrize(
    ("outcome", "bounds", "case", "verdict"),
    [
        ((0.3, 0.2, 0.4), (0.1, 0.5), SentenceCase.BETTER, Verdict.SHIP),
        ((0.3, 0.2, 0.4), (-0.02, 0.5), SentenceCase.UNDECIDED, Verdict.UNDECIDED),
        ((-0.3, -0.4, -0.2), (-0.5, 0.1), SentenceCase.WORSE, Verdict.DO_NOT_SHIP),
        ((0, -0.01, 0.01), (-0.2, 0.2), SentenceCase.EQUAL_ENOUGH, Verdict.DO_NOT_SHIP),
    ],
)
def test_judge__primary_survey_that_silence_could_undo__is_never_a_win(
    outcome: tuple[float, float, float],
    bounds: tuple[float, float],
    case: SentenceCase,
    verdict: Verdict,
) -> None:
    # 400 and 395 answers of 1,000: nothing speaks against equal response.
    csat = planned_metric(MetricKind.CSAT_MEAN)
    reading = reading_of(
        csat,
        estimate_of(*outcome),
        response=response_of(400, 395),
        silence=silence_of(*bounds),
    )

    judgement = judge(plan_of(csat), [reading], [PASSED], progress_of())

    found, sentence = judgement.cases["csat_mean", "guided", ""]
    assert (found, judgement.verdict) == (case, verdict)
    if case == SentenceCase.UNDECIDED:
        assert "kept silent could undo its change" in judgement.clause
        assert sentence == (
            "We cannot tell whether CSAT changed, because of who answered: whoever kept"
            " silent, the change lies between 0.02 lower and 0.50 higher on the 1 to 5"
            " scale."
        )


def test_judge__guardrail_that_silence_leaves_open__is_cleared_by_its_answers() -> None:
    # No change lies within what silence leaves, as it must where there was none; the
    # guardrail asks for no win.
    readings = [
        reading_of(RETENTION, BETTER),
        reading_of(CSAT, SAFE, silence=silence_of(-0.2, 0.2)),
    ]
    judgement = judge(plan_of(RETENTION, CSAT), readings, [PASSED], progress_of())

    assert judgement.verdict == Verdict.SHIP


def test_judge__guardrail_where_a_fall_is_better__reads_its_margin_upwards() -> None:
    plan = plan_of(RETENTION, CHURN)
    verdicts = [
        judge(
            plan,
            [reading_of(RETENTION, BETTER), reading_of(CHURN, churn)],
            [PASSED],
            progress_of(),
        ).verdict
        for churn in (
            estimate_of(0.003, -0.002, 0.008),
            estimate_of(0.02, 0.012, 0.028),
            estimate_of(-0.02, -0.028, -0.012),
        )
    ]
    assert verdicts == [Verdict.SHIP, Verdict.DO_NOT_SHIP, Verdict.SHIP]


def judge_three(guided: Outcome, short: Outcome) -> Judgement:
    plan = plan_of(RETENTION, CSAT, treatments=("guided", "short"))
    readings = [
        reading_of(metric, outcome, variant)
        for variant, primary in (("guided", guided), ("short", short))
        for metric, outcome in ((RETENTION, primary), (CSAT, SAFE))
    ]
    return judge(plan, readings, [PASSED], progress_of())


def test_judge__two_treatments_qualify__names_the_higher_lower_bound() -> None:
    judgement = judge_three(BETTER, estimate_of(0.018, 0.008, 0.028))
    assert (judgement.verdict, judgement.variant) == (Verdict.SHIP, "short")
    assert judgement.answer.startswith("short: Day-30 retention rose by 1.8 points")
    assert judgement.clause.endswith(
        "guided and short qualify; short has the better lower end of its range."
        " They were not compared with each other."
    )


@pytest.mark.parametrize(
    ("guided", "short", "verdict", "variant"),
    [
        (BETTER, WORSE, Verdict.SHIP, "guided"),
        (WORSE, WIDE, Verdict.UNDECIDED, None),
        (WORSE, NARROW, Verdict.DO_NOT_SHIP, None),
    ],
)
def test_judge__treatments_differ__best_state_speaks(
    guided: Outcome, short: Outcome, verdict: Verdict, variant: str | None
) -> None:
    judgement = judge_three(guided, short)
    assert (judgement.verdict, judgement.variant) == (verdict, variant)
    if variant:
        assert judgement.clause.endswith("Only guided qualifies.")


def test_judge__declared_segment__is_named_and_decides_nothing() -> None:
    bakeries = PlannedSegment("bakeries", 2, "Bakeries", {})
    plan = plan_of(RETENTION, CSAT, segments=(bakeries,))
    readings = [
        reading_of(RETENTION, WIDE),
        reading_of(CSAT, SAFE),
        reading_of(RETENTION, BETTER, segment="bakeries"),
    ]
    judgement = judge(plan, readings, [PASSED], progress_of(segment_per_quarter=22_100))
    assert judgement.verdict == Verdict.UNDECIDED
    case, sentence = judgement.cases["retention", "guided", "bakeries"]
    assert case == SentenceCase.BETTER
    # A count of customers is for the whole segment only.
    assert sentence == (
        "Bakeries: Day-30 retention rose by 1.9 points (95 % CI 0.6 to 3.2)."
    )


def test_judge__external_without_guardrail__ships_and_says_so() -> None:
    judgement = judge(
        plan_of(RETENTION), [reading_of(RETENTION, BETTER)], [PASSED], progress_of()
    )
    assert judgement.verdict == Verdict.SHIP
    assert judgement.clause == "Day-30 retention is better; no guardrail was planned."


def test_judge__ends_on_the_limits__give_no_benefit_of_doubt() -> None:
    at_zero = estimate_of(0.01, 0.0, 0.02)
    at_margin = estimate_of(0.0, -0.05, 0.05)
    assert judge_one(at_zero).verdict == Verdict.UNDECIDED
    assert judge_one(BETTER, at_margin).verdict == Verdict.UNDECIDED


def test_judge__several_failed_checks__names_them_all() -> None:
    plan = plan_of()
    second = type(FAILED)(HealthCheck.PLAN_INTACT, FAILED.state, "The plan changed.")
    judgement = judge(plan, _none(), [FAILED, second], progress_of())
    assert judgement.clause == (
        "Checks that failed: split as planned and plan unchanged since its lock."
    )


def _none() -> Sequence[MetricReading]:
    return []
