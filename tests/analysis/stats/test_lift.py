import math

import pytest
from statsmodels.stats.proportion import score_test_proportions_2indep

from analysis.stats.estimate import Lift, NotComputable
from analysis.stats.lift import fieller, koopman, log_ratio
from analysis.stats.summary import Successes
from experiments.vocabulary import Reason
from tests.analysis.stats.conftest import Record, RecordOf, ends


def found(lift: Lift | NotComputable) -> Lift:
    assert isinstance(lift, Lift)
    return lift


def bounds(lift: Lift | NotComputable) -> tuple[float, float]:
    interval = found(lift).interval
    assert interval.low is not None
    assert interval.high is not None
    return interval.low, interval.high


def reason(lift: Lift | NotComputable) -> Reason:
    assert isinstance(lift, NotComputable)
    return lift.reason


def test_koopman__published_example__published_interval(record: RecordOf) -> None:
    reference = record("koopman1984")
    x_t, n_t, x_c, n_c = reference.inputs.values()

    lift = found(koopman(Successes(n_c, x_c), Successes(n_t, x_t)))

    assert 1 + lift.value == reference.about("rr")
    assert [1 + end for end in bounds(lift)] == reference.about("ci")


@pytest.mark.parametrize("n_c", [10, 50, 1000])
@pytest.mark.parametrize("n_t", [10, 51, 1000])
def test_koopman__any_counts__score_test_just_rejects_at_the_bounds(
    n_c: int, n_t: int
) -> None:
    # statsmodels' score test of a ratio is right, unlike its inversion.
    for x_c in (1, n_c // 3, n_c - 1, n_c):
        for x_t in (0, 1, n_t // 2, n_t - 1, n_t):
            low, high = bounds(koopman(Successes(n_c, x_c), Successes(n_t, x_t)))
            for end in (low, high) if x_t else (high,):
                _, p_value = score_test_proportions_2indep(
                    *(float(each) for each in (x_t, n_t, x_c, n_c)),
                    value=1 + end,
                    compare="ratio",
                    correction=False,
                    return_results=False,
                )
                assert p_value == pytest.approx(0.05, abs=1e-6), (x_c, x_t)


def test_koopman__no_success_in_treatment__down_to_minus_everything() -> None:
    lift = found(koopman(Successes(40, 12), Successes(40, 0)))

    assert lift.value == -1
    assert lift.interval.low == -1
    assert lift.interval.high is not None
    assert -1 < lift.interval.high < 0


def test_koopman__all_succeed_in_both__interval_around_no_change() -> None:
    # By symmetry the bounds are each other's reciprocal.
    low, high = bounds(koopman(Successes(50, 50), Successes(50, 50)))

    assert low < 0 < high
    assert (1 + low) * (1 + high) == pytest.approx(1, rel=1e-9)


def test_koopman__a_billion_units__as_the_normal_on_the_log_scale() -> None:
    # With so many units the score and the Wald interval of log RR are one.
    n, x_c, x_t = 10**9, 190_000_000, 190_100_000
    reach = 1.959964 * math.sqrt(1 / x_c - 1 / n + 1 / x_t - 1 / n)

    low, high = bounds(koopman(Successes(n, x_c), Successes(n, x_t)))

    assert math.log1p(low) == pytest.approx(math.log(x_t / x_c) - reach, rel=1e-4)
    assert math.log1p(high) == pytest.approx(math.log(x_t / x_c) + reach, rel=1e-4)


@pytest.mark.parametrize(
    ("control", "why"),
    [
        (Successes(40, 0), Reason.BASELINE_NOT_POSITIVE),
        (Successes(0, 0), Reason.EMPTY_ARM),
    ],
)
def test_koopman__no_baseline__typed_reason(control: Successes, why: Reason) -> None:
    assert reason(koopman(control, Successes(40, 12))) is why


@pytest.mark.parametrize(
    "name",
    ["hillstrom.mens.visit", "hillstrom.mens.conversion", "hillstrom.mens.spend"],
)
def test_fieller__sums_of_record__reference_interval(
    name: str, record: RecordOf
) -> None:
    reference = record(name)
    (mean_c, v_c), (mean_t, v_t) = (from_sums(reference, arm) for arm in "ct")

    lift = found(fieller(mean_c, v_c, mean_t, v_t))

    assert lift.value == reference.about("lift")
    assert ends(lift.interval) == reference.about("lift_fieller")


def from_sums(reference: Record, arm: str) -> tuple[float, float]:
    """Work an arm's mean and its squared error out of the record's sums."""
    n, total, squares = (reference.inputs[f"{key}_{arm}"] for key in ("n", "sum", "ss"))
    return total / n, (squares - total * total / n) / (n - 1) / n


def test_fieller__peer_that_divides_by_the_control_mean__is_not_followed(
    record: RecordOf,
) -> None:
    spend = record("hillstrom.mens.spend")
    (mean_c, v_c), (mean_t, v_t) = (from_sums(spend, arm) for arm in "ct")

    lift = fieller(mean_c, v_c, mean_t, v_t)

    peer = record("hillstrom.mens.spend.peer_relative")
    assert list(bounds(lift)) == peer.about("fieller")


def test_fieller__students_t__excludes_0_exactly_when_the_t_test_rejects() -> None:
    # At this difference the test at 8 degrees of freedom only just rejects.
    critical, error = 2.306004135, math.sqrt(0.02)
    for nudge, excluded in ((1e-6, True), (-1e-6, False)):
        mean_t = 5 + critical * error * (1 + nudge)
        low, _ = bounds(fieller(5, 0.01, mean_t, 0.01, dof=8))
        assert (low > 0) is excluded


@pytest.mark.parametrize(
    ("mean_c", "v_c", "why"),
    [
        (0.0, 1.0, Reason.BASELINE_NOT_POSITIVE),
        (-3.0, 0.01, Reason.BASELINE_NOT_POSITIVE),
        (math.nan, 1.0, Reason.BASELINE_NOT_POSITIVE),
        (1.95, 1.0, Reason.BASELINE_NEAR_ZERO),  # z = 1.95 < 1.96: g > 1
        (1e-300, 1.0, Reason.BASELINE_NEAR_ZERO),
        (2.0, 0.0, Reason.NO_VARIATION),
    ],
)
def test_fieller__baseline_that_carries_no_ratio__refused(
    mean_c: float, v_c: float, why: Reason
) -> None:
    assert reason(fieller(mean_c, v_c, 4.0, 0.0)) is why


def test_fieller__baseline_just_clear_of_zero__finite() -> None:
    low, high = bounds(fieller(1.97, 1.0, 4.0, 1.0))

    assert math.isfinite(low)
    assert math.isfinite(high)
    assert high > 100  # g is .99: next to nothing is known of the ratio


def test_log_ratio__restricted_means__reference_interval(record: RecordOf) -> None:
    # rossi.surv gives both means, their ratio and its interval, not the two errors:
    # the interval's ends must multiply to the squared ratio, whatever those are.
    reference = record("rossi.surv")
    c, t = reference.expected["rmst_c"], reference.expected["rmst_t"]

    lift = found(log_ratio(c, 0.9, t, 0.5))

    low, high = bounds(lift)
    assert 1 + lift.value == reference.about("rmst_ratio")
    assert (1 + low) * (1 + high) == pytest.approx((t / c) ** 2, rel=1e-12)


@pytest.mark.parametrize(
    ("control", "treatment", "variance", "why"),
    [
        (0.0, 3.0, 1.0, Reason.BASELINE_NOT_POSITIVE),
        (3.0, 0.0, 1.0, Reason.NO_VARIATION),
        (3.0, 3.0, 0.0, Reason.NO_VARIATION),
    ],
)
def test_log_ratio__no_ratio__refused(
    control: float, treatment: float, variance: float, why: Reason
) -> None:
    assert reason(log_ratio(control, variance, treatment, variance)) is why
