import math

import pytest

from analysis.stats.srm import sample_ratio
from experiments.vocabulary import CheckState, Reason
from tests.analysis.stats.conftest import RecordOf

EVEN = {"control": 0.5, "treatment": 0.5}


def test_sample_ratio__cookie_cats__a_notice_not_an_alarm(record: RecordOf) -> None:
    reference = record("cookie.srm")
    control, treatment = reference.inputs["n_control"], reference.inputs["n_treat"]

    found = sample_ratio({"control": control, "treatment": treatment}, EVEN)

    assert found.chi2 == reference.about("chi2")
    assert found.p_value == reference.about("p")
    assert found.state is CheckState.NOTICE
    assert (found.dof, found.leaked, found.reason) == (1, {}, None)
    assert found.expected["control"] == (control + treatment) / 2


def test_sample_ratio__cookie_cats_at_any_look__no_alarm(record: RecordOf) -> None:
    reference = record("cookie.srm.sequential")
    control, treatment = reference.inputs["counts"]

    found = sample_ratio({"control": control, "treatment": treatment}, EVEN)

    assert found.log_e_value == reference.about("logE")
    assert found.anytime_p_value == reference.about("p")


def test_sample_ratio__hillstrom_three_arms__reference_numbers(
    record: RecordOf,
) -> None:
    reference = record("hillstrom.srm")
    counts = reference.inputs["users"]

    found = sample_ratio(counts, dict.fromkeys(counts, 1 / 3))

    assert found.chi2 == reference.about("chi2")
    assert found.p_value == reference.about("p")
    assert (found.dof, found.state) == (2, CheckState.PASSED)


def test_sample_ratio__arm_planned_empty__not_in_the_degrees_of_freedom() -> None:
    # statistics.md section 4 (d): a peer that counts it gets p = .135, not .0455.
    # By hand: 2000 customers 40 off the even split each way: 2 * 44.72^2 / 1000 = 4.
    off = math.sqrt(2000)

    found = sample_ratio(
        {"control": round(1000 + off), "treatment": round(1000 - off), "old": 0},
        {**EVEN, "old": 0.0},
    )

    assert found.dof == 1
    assert found.p_value == pytest.approx(0.0455, abs=2e-3)


def test_sample_ratio__customers_in_an_arm_planned_empty__leak_reported() -> None:
    found = sample_ratio(
        {"control": 1000, "treatment": 1000, "old": 3, "unheard_of": 2},
        {**EVEN, "old": 0.0},
    )

    assert found.leaked == {"old": 3, "unheard_of": 2}
    assert found.state is CheckState.NOTICE
    assert found.chi2 == 0


def test_sample_ratio__more_than_a_hundredth_leaked__alarm() -> None:
    found = sample_ratio({"control": 1000, "treatment": 1000, "old": 21}, EVEN)

    assert found.state is CheckState.FAILED


@pytest.mark.parametrize(
    ("treatment", "state"),
    [
        # p just above and below the thresholds, by the normal: z = 2.576 and 3.481;
        # of 10,000 customers z is (t - 5000) / 50.
        (5128, CheckState.PASSED),
        (5129, CheckState.NOTICE),
        (5174, CheckState.NOTICE),
        (5175, CheckState.FAILED),
    ],
)
def test_sample_ratio__around_the_thresholds__state(
    treatment: int, state: CheckState
) -> None:
    found = sample_ratio({"control": 10_000 - treatment, "treatment": treatment}, EVEN)

    assert found.state is state


def test_sample_ratio__shares_as_percentages__same_as_shares() -> None:
    counts = {"control": 480, "treatment": 120}

    assert sample_ratio(counts, {"control": 80, "treatment": 20}) == sample_ratio(
        counts, {"control": 0.8, "treatment": 0.2}
    )


def test_sample_ratio__variant_nobody_is_in__counted_as_none() -> None:
    found = sample_ratio({"control": 200}, EVEN)

    assert found.observed == {"control": 200, "treatment": 0}
    assert found.chi2 == 200
    assert found.state is CheckState.FAILED


def test_sample_ratio__few_customers__not_applicable_yet() -> None:
    found = sample_ratio({"control": 4, "treatment": 5}, EVEN)

    assert found.state is CheckState.NOT_APPLICABLE
    assert found.reason is Reason.TOO_FEW_UNITS
    assert (found.chi2, found.p_value, found.anytime_p_value) == (None, None, None)


def test_sample_ratio__few_customers_but_a_leak__still_a_notice() -> None:
    assert sample_ratio({"control": 99, "old": 1}, {"control": 1.0}).state is (
        CheckState.NOTICE
    )
    assert sample_ratio({"control": 1, "old": 1}, EVEN).state is CheckState.FAILED


@pytest.mark.parametrize("shares", [{}, {"control": 1.0}, {"control": 1, "old": 0}])
def test_sample_ratio__less_than_two_arms__not_applicable(
    shares: dict[str, float],
) -> None:
    found = sample_ratio({"control": 400}, shares) if shares else sample_ratio({}, {})

    assert found.reason is Reason.NO_VARIATION
    assert found.state is CheckState.NOT_APPLICABLE


def test_sample_ratio__a_billion_customers_far_off__finite() -> None:
    found = sample_ratio({"control": 9 * 10**8, "treatment": 10**8}, EVEN)

    assert found.state is CheckState.FAILED
    assert found.log_e_value is not None
    assert math.isfinite(found.log_e_value)
    assert found.anytime_p_value == 0


@pytest.mark.parametrize(
    ("counts", "shares", "words"),
    [
        ({"control": -1}, EVEN, "a count is negative"),
        ({"control": 1}, {"control": -0.5, "treatment": 1.5}, "a share is not"),
        ({"control": 1}, {"control": math.nan, "treatment": 0.5}, "a share is not"),
        ({"control": 1}, {"control": math.inf, "treatment": 0.5}, "a share is not"),
    ],
)
def test_sample_ratio__no_such_plan_or_count__refused(
    counts: dict[str, int], shares: dict[str, float], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        sample_ratio(counts, shares)
