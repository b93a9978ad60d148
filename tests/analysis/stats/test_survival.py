import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pytest
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from analysis.stats.estimate import ArmValue, Estimate, Interval, Lift, NotComputable
from analysis.stats.summary import LifeDay, LifeTable, life_table_of
from analysis.stats.survival import (
    CurvePoint,
    LogRank,
    kaplan_meier,
    km_difference,
    largest_tau,
    logrank,
    rmst,
    rmst_difference,
    stratified_logrank,
)
from experiments.vocabulary import Reason
from tests.analysis.stats.conftest import RecordOf, RowsOf, ends

Arms = tuple[LifeTable, LifeTable]


def tables(
    rows: Iterable[Mapping[str, str]], time: str, event: tuple[str, str], arm: str
) -> dict[str, LifeTable]:
    """Make one life table an arm from single customers."""
    times: dict[str, list[tuple[int, bool]]] = {}
    for row in rows:
        ended = row[event[0]] == event[1]
        times.setdefault(row[arm], []).append((int(row[time]), ended))
    return {name: life_table_of(each) for name, each in times.items()}


@pytest.fixture(scope="module")
def rossi(rows: RowsOf) -> Arms:
    data = rows("rossi_recidivism/rossi_recidivism.csv")
    by_aid = tables(data, "week", ("arrest", "1"), "fin")
    return by_aid["no"], by_aid["yes"]


@pytest.fixture(scope="module")
def telco(rows: RowsOf) -> Arms:
    data = [
        {**row, "long": "no" if row["Contract"] == "Month-to-month" else "yes"}
        for row in rows("telco_churn/telco_customer_churn.csv")
        if row["tenure"] != "0"
    ]
    by_contract = tables(data, "tenure", ("Churn", "Yes"), "long")
    return by_contract["no"], by_contract["yes"]


@pytest.fixture
def arms(request: pytest.FixtureRequest) -> Arms:
    found: Arms = request.getfixturevalue(request.param)
    return found


both = pytest.mark.parametrize(
    ("arms", "name"),
    [("rossi", "rossi.surv"), ("telco", "telco.surv")],
    indirect=["arms"],
)


def estimate(outcome: object) -> Estimate:
    assert isinstance(outcome, Estimate)
    return outcome


def reason(outcome: object) -> Reason:
    assert isinstance(outcome, NotComputable)
    return outcome.reason


def points(table: LifeTable) -> dict[int, CurvePoint]:
    curve = kaplan_meier(table)
    assert isinstance(curve, tuple)
    return {point.day: point for point in curve}


def test_life_table__rossi__counts_of_the_record(rossi: Arms, record: RecordOf) -> None:
    inputs = record("rossi.surv").inputs
    events = [sum(day.events for day in table.days) for table in rossi]

    assert [table.n for table in rossi] == [inputs["n_c"], inputs["n_t"]]
    assert events == [inputs["events_c"], inputs["events_t"]]


@both
def test_kaplan_meier__record_data__reference_curve(
    arms: Arms, name: str, record: RecordOf
) -> None:
    reference = record(name)
    for group, table in zip("ct", arms, strict=True):
        curve = points(table)
        for day in reference.inputs["days"]:
            point = curve[max(each for each in curve if each <= day)]
            assert point.survival == reference.about(f"S_{group}({day})")
            assert point.interval is not None
            assert ends(point.interval) == reference.about(
                f"S_{group}_ci_loglog({day})"
            )


def test_kaplan_meier__telco_all_contracts__greenwood_not_tsiatis(
    telco: Arms, record: RecordOf
) -> None:
    # statsmodels' freq_weights gives the error of log S (Tsiatis), .0065; the record
    # holds Greenwood's, to 1 %.
    reference = record("telco.km.compressed")
    whole = life_table_of(
        (row.day, ended)
        for table in telco
        for row in table.days
        for ended, count in ((True, row.events), (False, row.censored))
        for _ in range(count)
    )

    point = points(whole)[24]

    assert point.survival == reference.about("S24")
    assert point.standard_error == reference.about("se24")


def test_kaplan_meier__single_customers__statsmodels_curve(rossi: Arms) -> None:
    control = rossi[0]
    time, status = single_customers(control)
    alone = SurvfuncRight(time, status)

    curve = points(control)

    for day, share, error, at_risk in zip(
        alone.surv_times,
        alone.surv_prob,
        alone.surv_prob_se,
        alone.n_risk,
        strict=True,
    ):
        assert curve[day].survival == pytest.approx(share, rel=1e-12)
        assert curve[day].standard_error == pytest.approx(error, rel=1e-9)
        assert curve[day].at_risk == at_risk


def single_customers(table: LifeTable) -> tuple[list[int], list[int]]:
    time, status = [], []
    for row in table.days:
        time += [row.day] * (row.events + row.censored)
        status += [1] * row.events + [0] * row.censored
    return time, status


def test_kaplan_meier__events_and_censorings_on_one_day__events_first() -> None:
    # By hand: 20 at risk on day 3, so S = 1 - 5/20; then 10 remain for day 4.
    table = LifeTable(20, (LifeDay(3, 5, 5), LifeDay(4, 5, 5)))

    curve = points(table)

    assert [curve[day].survival for day in (0, 3, 4)] == [1.0, 0.75, 0.375]
    assert [curve[day].at_risk for day in (0, 3, 4)] == [20, 20, 10]
    # Greenwood by hand: .375^2 (5/(20 15) + 5/(10 5)).
    assert curve[4].standard_error == pytest.approx(0.375 * math.sqrt(1 / 60 + 1 / 10))


def test_kaplan_meier__nobody_left__no_interval_there() -> None:
    curve = points(LifeTable(20, (LifeDay(1, 10, 0), LifeDay(2, 10, 0))))

    assert (curve[2].survival, curve[2].standard_error) == (0.0, 0.0)
    assert curve[2].interval is None
    assert curve[0].interval == Interval(1.0, 1.0)


def test_kaplan_meier__units_no_day_accounts_for__followed_to_the_last_day() -> None:
    curve = points(LifeTable(30, (LifeDay(2, 3, 0), LifeDay(7, 0, 0))))

    assert curve[7].at_risk == 27
    assert curve[7].survival == pytest.approx(0.9)


@both
def test_km_difference__record_data__reference_numbers(
    arms: Arms, name: str, record: RecordOf
) -> None:
    reference = record(name)
    for day in reference.inputs["days"]:
        found = estimate(km_difference(*arms, day=day))
        error = reference.expected[f"S_diff_se({day})"]
        assert found.effect == reference.about(f"S_diff({day})")
        assert found.facts["standard_error"] == reference.about(f"S_diff_se({day})")
        # Greenwood's interval is the estimate +- z errors (not stored in the record).
        assert found.interval.high == pytest.approx(
            reference.expected[f"S_diff({day})"] + 1.959964 * error, rel=1e-4, abs=1e-6
        )


def test_km_difference__nobody_censored__plain_shares() -> None:
    # Without censoring Greenwood's error is the binomial one.
    control = LifeTable(100, (LifeDay(3, 20, 0), LifeDay(9, 0, 80)))
    treatment = LifeTable(200, (LifeDay(2, 20, 0), LifeDay(9, 0, 180)))

    found = estimate(km_difference(control, treatment, day=7))

    assert found.control.value == pytest.approx(0.8)
    assert found.effect == pytest.approx(0.1)
    assert found.facts["standard_error"] == pytest.approx(
        math.sqrt(0.8 * 0.2 / 100 + 0.9 * 0.1 / 200)
    )
    assert isinstance(found.lift, Lift)
    assert found.lift.value == pytest.approx(0.125)  # of retention, not of churn
    assert (found.facts["control_at_risk"], found.facts["treatment_at_risk"]) == (
        80,
        180,
    )


def test_km_difference__few_left_but_nobody_lost_from_sight__computed() -> None:
    control = LifeTable(100, (LifeDay(3, 97, 0), LifeDay(9, 0, 3)))
    treatment = LifeTable(100, (LifeDay(3, 90, 0), LifeDay(9, 0, 10)))

    found = estimate(km_difference(control, treatment, day=7))

    assert found.effect == pytest.approx(0.07)


def test_km_difference__nearly_everybody_retained__interval_stays_a_share() -> None:
    control = LifeTable(12, (LifeDay(1, 11, 0), LifeDay(3, 0, 1)))
    treatment = LifeTable(12, (LifeDay(1, 1, 0), LifeDay(3, 0, 11)))

    found = estimate(km_difference(control, treatment, day=2))

    assert found.interval.high == 1


@both
def test_rmst_difference__record_data__reference_numbers(
    arms: Arms, name: str, record: RecordOf
) -> None:
    reference = record(name)

    found = estimate(rmst_difference(*arms, tau=reference.inputs["tau"]))

    assert found.control.value == reference.about("rmst_c")
    assert found.treatment.value == reference.about("rmst_t")
    assert found.effect == reference.about("rmst_diff")
    assert found.facts["standard_error"] == reference.about("rmst_se")
    assert ends(found.interval) == reference.about("rmst_ci")
    assert found.p_value == reference.about("rmst_p")
    assert isinstance(found.lift, Lift)
    assert 1 + found.lift.value == reference.about("rmst_ratio")
    low, high = ends(found.lift.interval)
    assert low is not None
    assert high is not None
    assert [1 + low, 1 + high] == reference.about("rmst_ratio_ci")


def test_rmst_difference__rossi__jackknife_error(rossi: Arms, record: RecordOf) -> None:
    reference = record("rossi.rmst.jackknife")

    found = estimate(rmst_difference(*rossi, tau=52))

    assert found.effect == reference.about("rmst_diff")
    assert found.facts["standard_error"] == reference.about("rmst_se")


def test_rmst__everybody_observed__mean_of_the_days_up_to_tau() -> None:
    # By hand: 10 leave on day 2, 10 on day 5, 20 stay: (10*2 + 10*5 + 20*8) / 40.
    table = LifeTable(40, (LifeDay(2, 10, 0), LifeDay(5, 10, 0), LifeDay(9, 0, 20)))

    found = rmst(table, tau=8)

    assert isinstance(found, ArmValue)
    assert found.value == pytest.approx(5.75)
    days = np.repeat([2, 5, 8], [10, 10, 20])
    assert found.interval is not None
    assert ends(found.interval) == pytest.approx(
        [5.75 - 1.959964 * days.std() / 40**0.5, 5.75 + 1.959964 * days.std() / 40**0.5]
    )


def test_largest_tau__two_arms__where_the_tenth_unit_leaves_first() -> None:
    # 10 at risk as day 20 begins in the one arm, 9 on day 21; the other goes on.
    short = LifeTable(30, (LifeDay(4, 5, 15), LifeDay(20, 0, 1), LifeDay(50, 2, 7)))
    long = LifeTable(30, (LifeDay(60, 0, 30),))

    assert largest_tau([short, long]) == 20


def test_largest_tau__all_lost_at_once__follow_up_too_short() -> None:
    assert reason(largest_tau([LifeTable(30, (LifeDay(0, 0, 30),))])) is (
        Reason.FOLLOW_UP_TOO_SHORT
    )


@both
def test_logrank__record_data__reference_numbers(
    arms: Arms, name: str, record: RecordOf
) -> None:
    reference = record(name)

    found = logrank(arms)

    assert isinstance(found, LogRank)
    assert found.chi2 == reference.about("logrank_chi2")
    assert found.p_value == reference.about("logrank_p")
    assert found.observed[1] - found.expected[1] == reference.about("O_minus_E")
    assert found.dof == 1


def test_logrank__colon_three_arms__reference_numbers(
    rows: RowsOf, record: RecordOf
) -> None:
    reference = record("colon.logrank3")
    deaths = [row for row in rows("colon/colon.csv") if row["etype"] == "2"]

    found = logrank(list(tables(deaths, "time", ("status", "1"), "rx").values()))

    assert isinstance(found, LogRank)
    assert found.chi2 == reference.about("chi2")
    assert found.p_value == reference.about("p")
    assert found.dof == 2


def test_stratified_logrank__colon_by_sex__reference_numbers(
    rows: RowsOf, record: RecordOf
) -> None:
    reference = record("colon.logrank.strat")  # codespell:ignore strat
    deaths = [
        {**row, "arm": "5FU" if row["rx"] == "Lev+5FU" else "other"}
        for row in rows("colon/colon.csv")
        if row["etype"] == "2"
    ]
    strata: list[Sequence[LifeTable]] = []
    for sex in ("0", "1"):
        of_sex = [row for row in deaths if row["sex"] == sex]
        by_arm = tables(of_sex, "time", ("status", "1"), "arm")
        strata.append([by_arm["other"], by_arm["5FU"]])

    found = stratified_logrank(strata)

    assert isinstance(found, LogRank)
    assert found.chi2 == reference.about("chi2")
    assert found.p_value == reference.about("p")


def test_logrank__four_arms_of_made_customers__statsmodels_on_single_ones() -> None:
    made = np.random.default_rng(7)
    times = [
        list(
            zip(
                made.integers(1, 30, 60).tolist(),
                (made.random(60) < 0.5 + arm / 10).tolist(),
                strict=True,
            )
        )
        for arm in range(4)
    ]
    chi2, p_value = survdiff(
        [day for arm in times for day, _ in arm],
        [int(ended) for arm in times for _, ended in arm],
        [i for i, arm in enumerate(times) for _ in arm],
    )

    found = logrank([life_table_of(arm) for arm in times])

    assert isinstance(found, LogRank)
    assert found.chi2 == pytest.approx(chi2, rel=1e-9)
    assert found.p_value == pytest.approx(p_value, rel=1e-9)


def test_logrank__arm_gone_before_the_first_event__adds_no_degree() -> None:
    gone = LifeTable(20, (LifeDay(1, 0, 20),))
    control = LifeTable(50, (LifeDay(3, 20, 0), LifeDay(9, 0, 30)))
    treatment = LifeTable(50, (LifeDay(4, 10, 0), LifeDay(9, 0, 40)))

    with_gone, without = (
        logrank([gone, control, treatment]),
        logrank([control, treatment]),
    )

    assert isinstance(with_gone, LogRank)
    assert isinstance(without, LogRank)
    assert with_gone.dof == 1
    assert with_gone.chi2 == pytest.approx(without.chi2, rel=1e-9)


def test_stratified_logrank__arm_absent_from_a_stratum__other_strata_speak() -> None:
    control = LifeTable(50, (LifeDay(3, 20, 0), LifeDay(9, 0, 30)))
    treatment = LifeTable(50, (LifeDay(4, 10, 0), LifeDay(9, 0, 40)))
    nobody = LifeTable(0, ())

    found = stratified_logrank(
        [[control, treatment], [control, nobody], [nobody, nobody]]
    )

    alone = logrank([control, treatment])
    assert isinstance(found, LogRank)
    assert isinstance(alone, LogRank)
    assert found.chi2 == pytest.approx(alone.chi2, rel=1e-12)


STAYING = LifeTable(50, (LifeDay(30, 0, 50),))
LEAVING = LifeTable(50, (LifeDay(3, 20, 0), LifeDay(30, 0, 30)))


@pytest.mark.parametrize(
    ("arm", "why"),
    [
        (LifeTable(0, ()), Reason.EMPTY_ARM),
        (LifeTable(9, (LifeDay(30, 2, 7),)), Reason.TOO_FEW_UNITS),
        (LifeTable(50, ()), Reason.FOLLOW_UP_TOO_SHORT),
        (
            LifeTable(50, (LifeDay(2, 0, 45), LifeDay(30, 0, 5))),
            Reason.FOLLOW_UP_TOO_SHORT,
        ),
        (LifeTable(50, (LifeDay(6, 20, 30),)), Reason.FOLLOW_UP_TOO_SHORT),
    ],
)
def test_survival__too_few_followed_to_the_day__typed_reason_either_way_round(
    arm: LifeTable, why: Reason
) -> None:
    for pair in ((arm, LEAVING), (LEAVING, arm)):
        assert reason(km_difference(*pair, day=7)) is why
        assert reason(rmst_difference(*pair, tau=7)) is why
    assert reason(rmst(arm, tau=7)) is why


def test_survival__nobody_left_anywhere__no_variation() -> None:
    assert reason(km_difference(STAYING, STAYING, day=7)) is Reason.NO_VARIATION
    assert reason(rmst_difference(STAYING, STAYING, tau=7)) is Reason.NO_VARIATION
    assert reason(logrank([STAYING, STAYING])) is Reason.NO_VARIATION


def test_survival__small_arm_where_nothing_happened__not_taken_for_certain() -> None:
    few = LifeTable(12, (LifeDay(30, 0, 12),))

    assert reason(km_difference(few, LEAVING, day=7)) is Reason.NO_VARIATION
    assert reason(rmst_difference(LEAVING, few, tau=7)) is Reason.NO_VARIATION


def test_survival__arm_of_equal_size_where_nothing_happened__computed() -> None:
    found = estimate(km_difference(STAYING, LEAVING, day=7))

    assert found.effect == pytest.approx(-0.4)
    assert found.control.interval is None


def test_survival__day_0__never_retention() -> None:
    assert reason(km_difference(LEAVING, LEAVING, day=0)) is Reason.FOLLOW_UP_TOO_SHORT


@pytest.mark.parametrize("given", [[], [LEAVING]])
def test_logrank__less_than_two_arms__typed_reason(given: list[LifeTable]) -> None:
    assert isinstance(logrank(given), NotComputable)


def test_kaplan_meier__too_few_units__typed_reason() -> None:
    assert reason(kaplan_meier(LifeTable(9, (LifeDay(3, 1, 8),)))) is (
        Reason.TOO_FEW_UNITS
    )
