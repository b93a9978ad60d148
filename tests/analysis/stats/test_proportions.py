import math

import pytest
from scipy.stats import boschloo_exact

from analysis.stats.estimate import Estimate, Interval, Lift, NotComputable
from analysis.stats.proportions import newcombe, share, two_proportions
from analysis.stats.summary import Successes
from experiments.vocabulary import Reason
from tests.analysis.stats.conftest import RecordOf, ends

DAY_1 = "cookie.retention_1"
DAY_7 = "cookie.retention_7"


def estimate(control: Successes, treatment: Successes) -> Estimate:
    found = two_proportions(control, treatment)
    assert isinstance(found, Estimate)
    return found


@pytest.mark.parametrize("name", ["56_70_48_80", "9_10_3_10", "5_56_0_29", "0_10_0_20"])
def test_newcombe__published_examples__published_intervals(
    name: str, record: RecordOf
) -> None:
    reference = record(f"newcombe1998.{name}")
    x_t, n_t, x_c, n_c = reference.inputs.values()

    interval = newcombe(Successes(n_c, x_c), Successes(n_t, x_t))

    assert ends(interval) == reference.about("newcombe")


@pytest.mark.parametrize("name", [DAY_1, DAY_7])
def test_two_proportions__cookie_cats__reference_numbers(
    name: str, record: RecordOf
) -> None:
    reference, relative = record(f"{name}.diff"), record(f"{name}.relative")
    x_c, n_c, x_t, n_t = reference.inputs.values()

    found = estimate(Successes(n_c, x_c), Successes(n_t, x_t))

    assert found.control.value == reference.about("p_c")
    assert found.treatment.value == reference.about("p_t")
    assert found.effect == reference.about("diff")
    assert ends(found.interval) == reference.about("newcombe")
    assert found.p_value == reference.about("p_pooled_z")
    assert isinstance(found.lift, Lift)
    assert found.lift.value == relative.about("lift")
    assert ends(found.lift.interval) == relative.about("koopman")
    assert (found.method, found.lift.method) == ("newcombe", "koopman")
    assert found.facts["p_method"] == "score"


def test_two_proportions__cookie_cats_day_7__the_figures_of_the_issue() -> None:
    # Issue 2, "Real data": as a reader of the page sees them.
    found = estimate(Successes(44_700, 8_502), Successes(45_489, 8_279))

    assert isinstance(found.lift, Lift)
    assert found.control.value == pytest.approx(0.19020, abs=5e-6)
    assert found.treatment.value == pytest.approx(0.18200, abs=5e-6)
    assert found.effect == pytest.approx(-0.008201, abs=5e-7)
    assert ends(found.interval) == pytest.approx([-0.01328, -0.00312], abs=5e-6)
    assert found.p_value == pytest.approx(0.00155, abs=5e-6)
    assert found.lift.value == pytest.approx(-0.0431, abs=5e-5)


def test_two_proportions__graded_intervals__each_within_the_next() -> None:
    found = estimate(Successes(100, 40), Successes(120, 60))
    nested = [*found.graded, found.interval]

    assert [each.level for each in nested] == [0.5, 0.8, 0.95]
    lows, highs = zip(*map(ends, nested), strict=True)
    assert list(lows) == sorted(lows, reverse=True)
    assert list(highs) == sorted(highs)


def test_two_proportions__counts_apart__carried_to_the_arms() -> None:
    found = estimate(Successes(100, 40, 1, 2, 3), Successes(120, 60, 4, 5, 6))

    assert (found.control.n_missing, found.control.n_immature) == (1, 2)
    assert found.control.n_nonfinite == 3
    assert (found.treatment.n_missing, found.treatment.n_immature) == (4, 5)
    assert found.treatment.n_nonfinite == 6


def test_two_proportions__few_expected__boschloo() -> None:
    # scipy's own test, called the other way round.
    found = estimate(Successes(50, 0), Successes(50, 4))

    assert found.facts["p_method"] == "boschloo"
    assert found.p_value == pytest.approx(
        boschloo_exact([[0, 4], [50, 46]]).pvalue, rel=1e-9
    )


def test_two_proportions__few_expected_of_many__fisher() -> None:
    # By hand: all four fall into one arm or all into the other.
    by_hand = 2 * math.comb(1000, 4) / math.comb(2000, 4)
    found = estimate(Successes(1000, 0), Successes(1000, 4))

    assert found.facts["p_method"] == "fisher"
    assert found.p_value == pytest.approx(by_hand, rel=1e-9)


@pytest.mark.parametrize("successes", [0, 40])
def test_two_proportions__all_units_alike__interval_but_no_test(
    successes: int,
) -> None:
    found = estimate(Successes(40, successes), Successes(40, successes))

    assert found.p_value is None
    assert found.facts["p_reason"] == "no_variation"
    assert found.effect == 0
    # Newcombe (1998), method 10 by hand for 0/n: z^2 / (n + z^2) either way.
    assert ends(found.interval) == pytest.approx(
        [-3.8414588 / 43.8414588, 3.8414588 / 43.8414588], rel=1e-7
    )


def test_two_proportions__nobody_retained_in_control__effect_survives() -> None:
    found = estimate(Successes(50, 0), Successes(50, 20))

    assert found.effect == 0.4
    assert isinstance(found.lift, NotComputable)
    assert found.lift.reason is Reason.BASELINE_NOT_POSITIVE


@pytest.mark.parametrize(
    ("control", "treatment", "reason"),
    [
        (Successes(0, 0), Successes(50, 5), Reason.EMPTY_ARM),
        (Successes(0, 0), Successes(0, 0, n_immature=3), Reason.EMPTY_ARM),
        (Successes(0, 0, n_immature=9), Successes(50, 5), Reason.NO_MATURE_UNITS),
        (Successes(0, 0, n_missing=9), Successes(50, 5), Reason.NO_ANSWERS),
        (Successes(0, 0, 1, 1, 1), Successes(50, 5), Reason.NON_FINITE),
        (Successes(9, 5), Successes(50, 5), Reason.TOO_FEW_UNITS),
    ],
)
def test_two_proportions__too_little_to_compare__typed_reason_either_way_round(
    control: Successes, treatment: Successes, reason: Reason
) -> None:
    for outcome in (
        two_proportions(control, treatment),
        two_proportions(treatment, control),
    ):
        assert isinstance(outcome, NotComputable)
        assert outcome.reason is reason
        assert outcome.facts["needed"] == 10


def test_two_proportions__ten_units_an_arm__computed() -> None:
    assert isinstance(two_proportions(Successes(10, 3), Successes(10, 9)), Estimate)


def test_share__wilson_interval__as_published() -> None:
    # Newcombe (1998), Stat Med 17:857, Table I: 81/263 by the score method.
    interval = share(Successes(263, 81)).interval

    assert interval is not None
    assert ends(interval) == pytest.approx([0.2553, 0.3662], abs=5e-5)


@pytest.mark.parametrize(("successes", "end"), [(0, 0.0), (30, 1.0)])
def test_share__nobody_or_everybody__exact_at_the_end(
    successes: int, end: float
) -> None:
    interval = share(Successes(30, successes)).interval

    assert interval is not None
    assert end in ends(interval)


def test_share__no_units__no_value() -> None:
    arm = share(Successes(0, 0, n_immature=4))

    assert (arm.value, arm.interval, arm.n_immature) == (None, None, 4)


def test_two_proportions__other_level__wider_interval_of_that_level() -> None:
    found = two_proportions(Successes(80, 48), Successes(70, 56), level=0.99)

    assert isinstance(found, Estimate)
    assert isinstance(found.lift, Lift)
    assert {found.interval.level, found.lift.interval.level} == {0.99}
    assert found.control.interval is not None
    assert found.control.interval.level == 0.99
    narrow: Interval = newcombe(Successes(80, 48), Successes(70, 56))
    assert found.interval.low is not None
    assert narrow.low is not None
    assert found.interval.low < narrow.low
