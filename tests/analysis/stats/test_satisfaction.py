import pytest
from scipy import stats
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from analysis.stats.estimate import Estimate, NotComputable
from analysis.stats.satisfaction import (
    csat_mean,
    csat_share,
    net_promoter,
    response_balance,
    response_rates,
)
from analysis.stats.summary import Histogram
from experiments.vocabulary import Reason
from tests.analysis.stats.conftest import RecordOf, ends


def scores(counts: list[int], silent: int = 0, uninvited: int = 0) -> Histogram:
    """Make a histogram of scores 1, 2, ... with some customers who stayed silent."""
    invited = sum(counts) + silent
    return Histogram(
        counts=tuple((float(i), k) for i, k in enumerate(counts, start=1)),
        n_exposed=invited + uninvited,
        n_invited=invited,
    )


def arms(record: RecordOf, month: str) -> tuple[Histogram, Histogram]:
    inputs = record(f"arthritis.{month}").inputs
    return (
        scores(inputs["hist_c"], silent=inputs["nonresponse_c"]),
        scores(inputs["hist_t"], silent=inputs["nonresponse_t"]),
    )


@pytest.mark.parametrize("month", ["m1", "m3"])
def test_csat_mean__arthritis__reference_numbers(month: str, record: RecordOf) -> None:
    reference = record(f"arthritis.{month}")

    found = csat_mean(*arms(record, month))

    assert isinstance(found, Estimate)
    assert found.control.value == reference.about("mean_c")
    assert found.treatment.value == reference.about("mean_t")
    assert found.effect == reference.about("diff")
    assert found.interval.low == reference.about("lo")
    assert found.interval.high == reference.about("hi")
    assert found.p_value == reference.about("p")
    assert found.control.n_missing == reference.inputs["nonresponse_c"]


def promoted(counts: list[int], scores: tuple[float, ...] = (10, 7, 6)) -> Histogram:
    """Make answers of promoters, passives and detractors; each score as good."""
    n = sum(counts)
    return Histogram(tuple(sorted(zip(scores, counts, strict=True))), n + 50, n)


def test_net_promoter__constructed_example__reference_numbers(record: RecordOf) -> None:
    reference = record("nps.example")
    inputs = reference.inputs

    found = net_promoter(
        promoted(inputs["control"]), promoted(inputs["treat"], (9.0, 8.0, 0.0))
    )

    assert isinstance(found, Estimate)
    # The record counts -1, 0 and 1; here a point is a hundredth of that.
    assert found.control.value == pytest.approx(100 * reference.expected["nps_c"])
    assert found.treatment.value == pytest.approx(100 * reference.expected["nps_t"])
    assert found.effect == pytest.approx(100 * reference.expected["diff"])
    # Welch divides by n - 1, as the record's second tool does (statsmodels); the
    # record itself divides by n.
    assert found.facts["standard_error"] == pytest.approx(3.561661892352422)
    assert found.control.n_missing == 50


def test_net_promoter__few_extreme_answers__interval_ends_with_the_scale() -> None:
    found = net_promoter(promoted([9, 0, 1]), promoted([1, 0, 9]))

    assert isinstance(found, Estimate)
    assert (found.control.value, found.treatment.value) == (80, -80)  # by hand
    low, high = found.interval.low, found.interval.high
    assert low is not None
    assert high is not None
    assert -200 <= low < high <= 0
    # Without passives a score is 2 p - 1: Wilson's (.5958, .9821) for 9 of 10.
    assert found.control.interval is not None
    assert ends(found.control.interval) == pytest.approx([19.17, 96.42], abs=0.01)
    assert found.method == "promoter_score"


def test_net_promoter__everybody_passive_but_one__has_a_width() -> None:
    found = net_promoter(promoted([0, 30, 0]), promoted([1, 29, 0]))

    assert isinstance(found, Estimate)
    assert found.control.interval is not None
    low, high = found.control.interval.low, found.control.interval.high
    assert low is not None
    assert high is not None
    assert low < 0 < high


@pytest.mark.parametrize("month", ["m1", "m3"])
def test_csat_mean__arthritis__same_as_statsmodels_on_weights(
    month: str, record: RecordOf
) -> None:
    control, treatment = arms(record, month)
    weighted = [
        DescrStatsW(*zip(*arm.counts, strict=True)) for arm in (treatment, control)
    ]
    compared = CompareMeans(*weighted)

    found = csat_mean(control, treatment)

    assert isinstance(found, Estimate)
    interval = compared.tconfint_diff(usevar="unequal")
    assert ends(found.interval) == pytest.approx(list(interval), rel=1e-9)


@pytest.mark.parametrize("month", ["m1", "m3"])
def test_csat_share__arthritis_satisfied_from_4__reference_numbers(
    month: str, record: RecordOf
) -> None:
    reference = record(f"arthritis.{month}")

    found = csat_share(*arms(record, month), satisfied_from=4)

    assert isinstance(found, Estimate)
    assert ends(found.interval) == reference.about("t2b_newcombe")
    n_c, n_t = (sum(reference.inputs[key]) for key in ("hist_c", "hist_t"))
    assert found.control.value == sum(reference.inputs["hist_c"][3:]) / n_c
    assert found.treatment.value == sum(reference.inputs["hist_t"][3:]) / n_t
    assert found.treatment.n_missing == reference.inputs["nonresponse_t"]


def test_csat_share__arthritis_month_1__reference_shares(record: RecordOf) -> None:
    reference = record("arthritis.m1")

    found = csat_share(*arms(record, "m1"), satisfied_from=4)

    assert isinstance(found, Estimate)
    assert found.control.value == reference.about("t2b_c")
    assert found.treatment.value == reference.about("t2b_t")


@pytest.mark.parametrize("month", ["m1", "m3"])
def test_response_balance__arthritis__rates_of_the_record(
    month: str, record: RecordOf
) -> None:
    reference = record(f"arthritis.{month}.lee")

    balance = response_balance(*arms(record, month))

    assert balance.control.of_exposed == reference.about("resp_c")
    assert balance.treatment.of_exposed == reference.about("resp_t")
    # So few were silent that the exact test speaks; Boschloo is never above Fisher.
    assert balance.p_value is not None
    assert balance.p_value <= reference.expected["p_response_fisher"]


def test_response_balance__many_customers__score_test_of_two_rates() -> None:
    # By hand, pooled: (0.40 - 0.35) / sqrt(0.375 0.625 (2 / 1000)) = 2.309401.
    control = scores([100, 100, 150], silent=100, uninvited=550)
    treatment = scores([100, 100, 200], silent=100, uninvited=500)

    balance = response_balance(control, treatment)

    assert isinstance(balance.of_exposed, Estimate)
    assert balance.of_exposed.effect == pytest.approx(0.05)
    assert balance.of_exposed.facts["z"] == pytest.approx(2.309401, abs=5e-7)
    assert balance.p_value == pytest.approx(2 * stats.norm.sf(2.309401), abs=1e-7)
    assert isinstance(balance.of_invited, Estimate)
    assert balance.of_invited.effect == pytest.approx(400 / 500 - 350 / 450)


def test_response_balance__requests_not_sent__invited_unknown_exposed_known() -> None:
    arm = Histogram(((1.0, 20), (5.0, 20)), n_exposed=100, n_invited=0)

    balance = response_balance(arm, arm)

    assert isinstance(balance.of_invited, NotComputable)
    assert balance.of_invited.reason is Reason.NO_REQUESTS
    assert balance.of_invited.facts["control_answered"] == 40
    assert balance.control.of_invited is None
    assert balance.control.of_exposed == 0.4
    assert balance.p_value == pytest.approx(1)


def test_response_balance__nobody_exposed__typed_reason_and_no_p_value() -> None:
    nobody = Histogram((), n_exposed=0, n_invited=0, n_immature=12)

    balance = response_balance(nobody, scores([5, 5, 5]))

    assert isinstance(balance.of_exposed, NotComputable)
    assert balance.of_exposed.reason is Reason.NO_MATURE_UNITS
    assert balance.p_value is None
    assert (balance.control.of_exposed, balance.control.of_invited) == (None, None)


def test_response_rates__counts__as_they_are() -> None:
    rates = response_rates(scores([1, 2, 3], silent=4, uninvited=5))

    assert (rates.exposed, rates.invited, rates.answered) == (15, 10, 6)
    assert (rates.of_exposed, rates.of_invited) == (0.4, 0.6)


@pytest.mark.parametrize(
    ("arm", "why"),
    [
        (scores([0, 0, 0], silent=40), Reason.NO_ANSWERS),
        (Histogram((), 0, 0, n_immature=40), Reason.NO_MATURE_UNITS),
        (Histogram((), 0, 0), Reason.EMPTY_ARM),
        (Histogram((), 3, 3, n_nonfinite=3), Reason.NON_FINITE),
        (scores([3, 3, 3], silent=40), Reason.TOO_FEW_UNITS),
    ],
)
def test_csat__nothing_to_compare__typed_reason(arm: Histogram, why: Reason) -> None:
    other = scores([10, 20, 30])

    for found in (csat_mean(arm, other), csat_share(other, arm, 3)):
        assert isinstance(found, NotComputable)
        assert found.reason is why
