"""Trust checks: where each becomes a notice, where it blocks, and what it says."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from analysis.cells import Summaries
from analysis.cutoff import Cutoff
from analysis.exposure_counts import ExposureCounts
from analysis.health import OF_ANSWER, Check, Circumstances, check
from analysis.stats.satisfaction import response_balance
from analysis.stats.summary import Histogram
from experiments.plan import Plan
from experiments.vocabulary import AssignedBy, CheckState, HealthCheck
from tests.analysis.event_files import at, plan_of, retention

AROUND = Circumstances(
    plan_is_intact=True, cutoff=Cutoff(at(30)), needed_at=at(40), as_of=at(31)
)


def checks(
    exposures: ExposureCounts,
    around: Circumstances = AROUND,
    plan: Plan | None = None,
) -> dict[HealthCheck, Check]:
    plan = plan or plan_of({"r": retention()})
    found = check(plan, Summaries((), exposures), around)
    of_runs = [name for name in HealthCheck if name not in OF_ANSWER]
    assert [each.name for each in found] == of_runs
    return {each.name: each for each in found}


def exposed(
    control: int, treatment: int, two_variants: int = 0, unknown_variants: int = 0
) -> ExposureCounts:
    units = {"control": control, "treatment": treatment}
    return ExposureCounts(
        units,
        units,
        two_variants=two_variants,
        unknown_variants=unknown_variants,
        contradicting=two_variants + unknown_variants,
        everybody=control + treatment + two_variants + unknown_variants,
    )


FAR = "52.0 % of customers got treatment where 50.0 % was planned."
NEAR = "50.4 % of customers got treatment where 50.0 % was planned."


@pytest.mark.parametrize(
    ("control", "treatment", "state", "sentence"),
    [
        # p = .0086 is published for 44,700 against 45,489 (cookie.srm): a notice.
        (
            44_700,
            45_489,
            CheckState.NOTICE,
            f"{NEAR} This can still be chance; look for a cause.",
        ),
        # chi-square = 500 squared / 12,500 x 2 = 40; p = 2.5e-10.
        (
            12_000,
            13_000,
            CheckState.FAILED,
            f"{FAR} Find the cause and restart.",
        ),
        (5_000, 5_010, CheckState.PASSED, "Customers were split as planned."),
        (
            3,
            4,
            CheckState.NOT_APPLICABLE,
            "Too few customers so far to check the split.",
        ),
    ],
)
def test_sample_ratio__counts_of_two_variants__state_and_words(
    control: int, treatment: int, state: CheckState, sentence: str
) -> None:
    found = checks(exposed(control, treatment))[HealthCheck.SAMPLE_RATIO]
    assert (found.state, found.sentence) == (state, sentence)


def test_sample_ratio__shares_that_look_alike__are_written_until_they_differ() -> None:
    # chi-square = 2 x 4,600 squared / 5,000,000 = 8.46; p = .0036.
    found = checks(exposed(4_995_400, 5_004_600))[HealthCheck.SAMPLE_RATIO]
    assert found.state == CheckState.NOTICE
    assert found.sentence.startswith(
        "50.05 % of customers got treatment where 50.00 % was planned."
    )


def test_sample_ratio__several_treatments__names_the_farthest() -> None:
    plan = plan_of({"r": retention()}, shares={"a": 0.4, "b": 0.4, "c": 0.2})
    counts = ExposureCounts({"a": 4_000, "b": 4_000, "c": 2_300}, {}, everybody=10_300)
    found = checks(counts, plan=plan)[HealthCheck.SAMPLE_RATIO]
    assert found.state == CheckState.FAILED
    assert found.sentence.startswith("22.3 % of customers got c where 20.0 %")


@pytest.mark.parametrize(
    ("left_out", "state"),
    [(0, CheckState.PASSED), (10, CheckState.NOTICE), (11, CheckState.FAILED)],
)
def test_two_variants__one_per_cent_of_customers__is_the_limit(
    left_out: int, state: CheckState
) -> None:
    # 10 of 1,000 is exactly 1 %; more than 1 % blocks.
    found = checks(exposed(495, 505 - left_out, two_variants=left_out))
    assert found[HealthCheck.TWO_VARIANTS].state == state
    assert found[HealthCheck.CONTRADICTING_EXPOSURES].state == state
    if left_out == 11:
        sentence = found[HealthCheck.TWO_VARIANTS].sentence
        assert sentence.startswith("1.1 % of customers (11 of 1,000) were seen in two")


def test_two_variants__very_few__share_is_not_written_as_zero() -> None:
    found = checks(exposed(50_000, 49_999, two_variants=1))[HealthCheck.TWO_VARIANTS]
    assert found.sentence.startswith("0.001 % of customers (1 of 100,000)")


def test_unknown_variants__are_named() -> None:
    counts = replace(
        exposed(480, 480, unknown_variants=40), undeclared_names=("blue", "red")
    )
    found = checks(counts)
    assert found[HealthCheck.UNKNOWN_VARIANTS].state == CheckState.FAILED
    assert found[HealthCheck.UNKNOWN_VARIANTS].sentence == (
        "4.0 % of customers (40 of 1,000) were seen in variants the plan does not have"
        " (blue and red). Send the variant names of the plan."
    )


@pytest.mark.parametrize(
    ("wrong", "state"), [(10, CheckState.NOTICE), (11, CheckState.FAILED)]
)
def test_contradicting__more_than_one_per_cent_of_customers__blocks(
    wrong: int, state: CheckState
) -> None:
    counts = replace(
        exposed(500, 500 - wrong),
        contradicting=wrong,
        wrongly_shown=wrong,
        everybody=1000,
    )
    found = checks(counts)[HealthCheck.CONTRADICTING_EXPOSURES]
    assert found.state == state
    assert "were shown what their assignment at the time was not" in found.sentence
    assert found.facts["wrongly_shown"] == wrong


@pytest.mark.parametrize(
    ("unchecked", "sentence"),
    [
        (0, "All exposures agree with the assignment in force at their time."),
        (
            30,
            (
                "No exposure contradicts the assignment, as far as can be told: for"
                " 3.0 % of customers some came without the id that was hashed, or from"
                " before the rules known."
            ),
        ),
        (1000, "No exposure is known to contradict the assignment."),
    ],
)
def test_contradicting__nobody__says_how_much_is_known(
    unchecked: int, sentence: str
) -> None:
    counts = replace(exposed(500, 500), unchecked=unchecked)
    found = checks(counts)[HealthCheck.CONTRADICTING_EXPOSURES]
    assert (found.state, found.sentence) == (CheckState.PASSED, sentence)


def test_external_experiment__assignment_and_review__do_not_apply() -> None:
    plan = plan_of({"r": retention()}, assigned_by=AssignedBy.EXTERNAL)
    plan = replace(plan, reviewed=False, pre_registered=False, locked_at=at(90))
    found = checks(exposed(50, 50, two_variants=50), plan=plan)
    inapplicable = CheckState.NOT_APPLICABLE
    assert found[HealthCheck.CONTRADICTING_EXPOSURES].state == inapplicable
    assert found[HealthCheck.NOT_REVIEWED].state == inapplicable
    assert found[HealthCheck.NOT_PRE_REGISTERED].state == CheckState.NOTICE
    assert found[HealthCheck.NOT_PRE_REGISTERED].sentence == (
        "Not pre-registered: the plan was locked on 1 Apr 2026, 00:00 UTC, after"
        " exposures."
    )


def test_own_experiment__without_review__is_a_notice() -> None:
    plan = replace(plan_of({"r": retention()}), reviewed=False)
    found = checks(exposed(50, 50), plan=plan)[HealthCheck.NOT_REVIEWED]
    assert found.state == CheckState.NOTICE
    assert found.sentence.startswith("Not reviewed")


def test_plan__changed_after_its_lock__blocks() -> None:
    found = checks(exposed(50, 50), replace(AROUND, plan_is_intact=False))
    assert found[HealthCheck.PLAN_INTACT].state == CheckState.FAILED


FROZEN = Cutoff(at(30), frozen=("app",), primary_frozen=("app",))
ELSEWHERE = Cutoff(at(30), frozen=("app",))
UNSEEN = Cutoff(at(30), unseen=("Opend",))
HALF = Cutoff(at(30), unfinished=("file",), primary_unfinished=("file",))
BOTH = replace(HALF, frozen=("app",))
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("cutoff", "needed_at", "as_of", "state", "words"),
    [
        (Cutoff(at(30)), at(40), at(31), CheckState.PASSED, "complete up to 31 Jan"),
        (UNSEEN, at(40), at(31), CheckState.NOTICE, 'No source has sent "Opend" yet'),
        (None, None, at(31), CheckState.NOT_APPLICABLE, "come from a file"),
        # Silent, but the answer needs nothing that is missing.
        (FROZEN, at(30), at(90), CheckState.PASSED, "needs no later ones"),
        # Silent while the answer is not due: the source may come back.
        (FROZEN, at(40), at(39), CheckState.NOTICE, "is it still running?"),
        (FROZEN, None, at(90), CheckState.NOTICE, "is it still running?"),
        # Silent, and the date the result needs has passed: blocks.
        (FROZEN, at(40), at(40), CheckState.FAILED, "needs them up to 10 Feb 2026"),
        (ELSEWHERE, at(40), at(40), CheckState.NOTICE, "Nothing has come from app"),
        # An import that is not whole, likewise.
        (HALF, at(30), at(90), CheckState.PASSED, "needs no later ones"),
        (HALF, at(40), at(39), CheckState.NOTICE, "file is not imported whole"),
        (HALF, at(40), at(40), CheckState.FAILED, "import the same file again"),
        (BOTH, at(40), at(39), CheckState.NOTICE, "running? file is not imported"),
    ],
)
def test_freshness__silent_source__blocks_only_when_the_answer_needs_it(
    cutoff: Cutoff | None,
    needed_at: datetime | None,
    as_of: datetime,
    state: CheckState,
    words: str,
) -> None:
    around = replace(AROUND, cutoff=cutoff, needed_at=needed_at, as_of=as_of)
    found = checks(exposed(50, 50), around)[HealthCheck.FRESHNESS]
    assert found.state == state
    assert words in found.sentence


def test_response_balance__unequal_answers__is_a_notice_with_both_rates() -> None:
    def answers(answered: int) -> Histogram:
        return Histogram(((4.0, answered),), n_exposed=1000, n_invited=1000)

    def state_and_words(answered: int) -> tuple[CheckState, str]:
        balances = [response_balance(answers(300), answers(answered))]
        around = replace(AROUND, responses={"CSAT": balances})
        found = checks(exposed(50, 50), around)[HealthCheck.RESPONSE_BALANCE]
        return found.state, found.sentence

    # Score test of 30 % against 25 %: z = 2.50, p = .012; against 29 %: p = .62.
    state, words = state_and_words(250)
    assert state == CheckState.NOTICE
    assert words.startswith("CSAT was answered by 30.0 % of control and 25.0 % of the")
    assert state_and_words(290)[0] == CheckState.PASSED
    nothing = checks(exposed(50, 50))[HealthCheck.RESPONSE_BALANCE]
    assert nothing.state == CheckState.NOT_APPLICABLE


def test_pauses__are_named_with_their_times() -> None:
    around = replace(AROUND, pauses=((at(5), at(6)), (at(9), None)))
    found = checks(exposed(50, 50), around)[HealthCheck.PAUSES]
    assert found.state == CheckState.NOTICE
    assert found.sentence.startswith(
        "Everybody got control from 6 Jan 2026, 00:00 UTC to 7 Jan 2026, 00:00 UTC and"
        " since 10 Jan 2026, 00:00 UTC;"
    )


def test_erasures__by_variant__are_compared_with_the_split() -> None:
    def state_and_words(control: int, treatment: int) -> tuple[CheckState, str]:
        erased = {"control": control, "treatment": treatment, "unplanned": 3}
        around = replace(AROUND, erased=erased)
        found = checks(exposed(50, 50), around)[HealthCheck.ERASURES]
        return found.state, found.sentence

    assert state_and_words(0, 0) == (
        CheckState.PASSED,
        "No customer of it was erased.",
    )
    assert state_and_words(4, 5)[1] == "Fewer than 10 of its customers were erased."
    # chi-square (10-15)^2/15 * 2 = 3.33 < 6.63; (5-15)^2/15 * 2 = 13.3 > 6.63 (p .01).
    assert state_and_words(10, 20) == (
        CheckState.PASSED,
        "30 of its customers were erased: 10 of control and 20 of treatment.",
    )
    state, words = state_and_words(5, 25)
    assert state == CheckState.NOTICE
    assert words.endswith("That is not as they were split; ask why they left.")


def test_opt_outs__by_variant__are_compared_with_the_split() -> None:
    def check_of(control: int, treatment: int) -> tuple[CheckState, str]:
        left = {"control": control, "treatment": treatment}
        found = replace(exposed(50, 50), opted_out_by=left)
        check = checks(found, AROUND)[HealthCheck.OPT_OUTS]
        return check.state, check.sentence

    assert check_of(0, 0) == (CheckState.PASSED, "No customer of it has opted out.")
    assert check_of(9, 0)[1] == "Fewer than 10 of its customers have opted out."
    # The same arithmetic as for erasures above.
    assert check_of(10, 20) == (
        CheckState.PASSED,
        "30 of its customers have opted out: 10 of control and 20 of treatment.",
    )
    state, words = check_of(5, 25)
    assert state == CheckState.NOTICE
    assert words.endswith("That is not as they were split; ask why they left.")
