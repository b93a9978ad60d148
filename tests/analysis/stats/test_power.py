import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.power import TTestIndPower
from statsmodels.stats.proportion import power_proportions_2indep

from analysis.stats.arrivals import steady
from analysis.stats.detectable import detectable_mean, detectable_proportion
from analysis.stats.duration import Duration, duration
from analysis.stats.estimate import NotComputable
from analysis.stats.event_power import (
    SurvivalSize,
    events_for_hazard_ratio,
    size_for_survival,
)
from analysis.stats.power import (
    Demand,
    SampleSize,
    size_for_means,
    size_for_proportions,
    size_with_silence,
)
from experiments.vocabulary import Reason
from tests.analysis.stats.conftest import RecordOf


def size(found: object) -> SampleSize:
    assert isinstance(found, SampleSize)
    return found


def number(found: object) -> float:
    assert isinstance(found, float)
    return found


def refusal(found: object) -> tuple[Reason, object]:
    assert isinstance(found, NotComputable)
    assert not any(
        isinstance(fact, float) and not math.isfinite(fact)
        for fact in found.facts.values()
    )
    return found.reason, found.facts.get("field")


@pytest.mark.parametrize(
    "name", ["0.2.0.05", "0.05.0.005", "0.19.0.005", "0.4482.0.01"]
)
def test_size_for_proportions__records__pooled_null_rounded_up(
    name: str, record: RecordOf
) -> None:
    reference = record(f"power.prop.{name}")
    baseline, effect = reference.inputs["p"], reference.inputs["delta"]

    found = size(size_for_proportions(baseline, effect))

    assert found.control == found.treatment
    assert found.control == math.ceil(reference.expected["pooled_null"])


def test_size_for_proportions__the_wizards_example__its_sentence() -> None:
    # pages.md 6e: "a rise of 1.5 points from 70.0 % with 80 % power ... 14,400
    # customers per group: about 5 weeks at 5,800 a week".
    found = size(size_for_proportions(0.70, 0.015))

    assert found.control == pytest.approx(14_400, abs=50)
    assert duration(found, steady(5_800), 31) == Duration(35, 66, 5.0, 66 / 7)


@pytest.mark.parametrize(("name", "d"), [("d0.1", 0.1), ("d0.02", 0.02)])
def test_size_for_means__records__students_t_rounded_up(
    name: str, d: float, record: RecordOf
) -> None:
    reference = record(f"power.mean.{name}")

    found = size(size_for_means(2.0, 2.0 * d))

    assert reference.inputs["d"] == d
    assert found.control == found.treatment
    assert found.control == math.ceil(reference.expected["n_t"])


def test_size_for_means__over_a_hundred_thousand__the_normal(record: RecordOf) -> None:
    # statistics.md section 2, trap 4: statsmodels' t is NaN there. A tenth of the
    # record's effect takes a hundred times its customers.
    reference = record("power.mean.d0.02")

    found = size(size_for_means(1.0, 0.002))

    assert found.control == math.ceil(100 * reference.expected["n_normal"])


@pytest.mark.parametrize(("hr", "events"), [("0.7", 247), ("0.8", 631), ("0.9", None)])
def test_events__records_of_schoenfeld__rounded_up(
    hr: str, events: int | None, record: RecordOf
) -> None:
    reference = record(f"power.surv.hr{hr}")

    found = events_for_hazard_ratio(float(hr))

    assert found == math.ceil(reference.expected["events"])
    assert events in {None, found}  # as published


def test_size_for_survival__half_stay__events_over_the_share_that_leaves() -> None:
    # By hand: hazard ratio log(.6) / log(.5) = .737; 4 (1.95996 + .84162)^2 / log^2 =
    # 337.3 events; (.5 + .4) / 2 = .45 of customers leave: 749.6, half an arm.
    found = size_for_survival(0.5, 0.1)

    assert isinstance(found, SurvivalSize)
    assert found.hazard_ratio == pytest.approx(0.736966, abs=1e-6)
    assert found.events == math.ceil(4 * 2.8015852**2 / math.log(0.736966) ** 2)
    assert found.size == SampleSize(375, 375)


def test_size_with_silence__a_quarter_answers__four_times_as_many() -> None:
    assert size_with_silence(SampleSize(300, 301), 0.25) == SampleSize(1200, 1204)


def test_size_with_silence__size_not_computable__handed_on() -> None:
    refused = NotComputable(Reason.UNREACHABLE)

    assert size_with_silence(refused, 0.25) is refused


def test_demand__three_treatments__alpha_shared_out() -> None:
    alone = size(size_for_proportions(0.2, 0.05, Demand(alpha=0.05 / 3)))

    assert size(size_for_proportions(0.2, 0.05, Demand(treatments=3))) == alone


@pytest.mark.parametrize("ratio", [0.25, 1.0, 4.0])
def test_sizes__unequal_arms__power_as_asked(ratio: float) -> None:
    demand = Demand(power=0.9, ratio=ratio)

    shares = size(size_for_proportions(0.3, 0.04, demand))
    means = size(size_for_means(1.2, 0.1, demand))

    # statsmodels the other way round: power from size.
    attained = power_proportions_2indep(
        0.04, 0.3, shares.treatment, shares.control / shares.treatment
    ).power
    assert attained == pytest.approx(0.9, abs=2e-3)
    attained = TTestIndPower().power(
        0.1 / 1.2, means.treatment, 0.05, means.control / means.treatment
    )
    assert attained == pytest.approx(0.9, abs=2e-3)


@given(
    st.floats(0.02, 0.98),
    st.floats(0.001, 0.5),
    st.booleans(),
    st.sampled_from([0.5, 1.0, 3.0]),
)
def test_detectable_proportion__size_for_a_change__finds_that_change(
    baseline: float,
    change: float,
    rise: bool,  # noqa: FBT001  # hypothesis gives it by position
    ratio: float,
) -> None:
    effect = change if rise else -change
    found = size_for_proportions(baseline, effect, Demand(ratio=ratio))
    if isinstance(found, NotComputable) or min(found.control, found.treatment) < 200:
        return  # rounding up to whole customers would show

    detected = number(detectable_proportion(baseline, found, rise=rise))

    assert detected == pytest.approx(effect, rel=0.01)
    assert abs(detected) <= abs(effect) * (1 + 1e-3)


@given(st.floats(0.003, 0.5), st.floats(0.1, 50))
def test_detectable_mean__size_for_a_change__finds_that_change(
    d: float, sd: float
) -> None:
    found = size(size_for_means(sd, d * sd))

    assert number(detectable_mean(sd, found)) == pytest.approx(d * sd, rel=0.01)


def test_detectable_proportion__nothing_within_reach__unreachable() -> None:
    assert refusal(detectable_proportion(0.95, SampleSize(10, 10), rise=True)) == (
        Reason.UNREACHABLE,
        "size",
    )
    assert refusal(detectable_mean(1.0, SampleSize(9, 9))) == (
        Reason.UNREACHABLE,
        "size",
    )


def test_duration__slowest_variant__decides() -> None:
    # By hand: a tenth of 140 a week, half enrolled, is 1 a day: 100 days for control.
    found = duration(
        SampleSize(100, 100), steady(140), 7, coverage=0.5, split=(0.1, 0.9)
    )

    assert found == Duration(100, 107, 100 / 7, 107 / 7)


def test_duration__reached_in_a_day__a_full_week_all_the_same() -> None:
    assert duration(SampleSize(10, 10), steady(10_000), 7.5) == Duration(
        7, 15, 1.0, 15 / 7
    )


def test_duration__whole_days__not_rounded_up_by_an_error_of_floats() -> None:
    found = duration(SampleSize(70, 70), steady(140), 0, split=(0.5, 0.5))

    assert found == Duration(7, 7, 1.0, 1.0)


def test_duration__longer_than_a_year__weeks_said() -> None:
    found = duration(SampleSize(1000, 1000), steady(20), 0)

    assert isinstance(found, NotComputable)
    assert found.reason is Reason.UNREACHABLE
    assert found.facts == {"weeks": pytest.approx(100), "max_weeks": 52}


ANY = SampleSize(99, 99)
OUT = Reason.OUT_OF_RANGE
FAR = Reason.UNREACHABLE


def test_duration__longer_than_any_number__unreachable_without_weeks() -> None:
    found = duration(ANY, steady(1e-310), 7)

    # By hand: 99 of each variant are 198, and 52 weeks bring 5.2e-309.
    assert isinstance(found, NotComputable)
    assert found.facts["needed"] == 198
    assert found.facts["come"] == pytest.approx(5.2e-309)
    assert "weeks" not in found.facts


@pytest.mark.parametrize(
    ("found", "why", "field"),
    [
        (size_for_proportions(0, 0.1), OUT, "baseline"),
        (size_for_proportions(math.nan, 0.1), OUT, "baseline"),
        (size_for_proportions(0.5, 0.5), OUT, "effect"),
        (size_for_proportions(0.5, math.inf), OUT, "effect"),
        (size_for_proportions(0.5, 0), FAR, "effect"),
        (size_for_proportions(0.5, 1e-9), FAR, "effect"),
        (size_for_proportions(0.5, 1e-300), FAR, "effect"),
        (size_for_means(0, 0.1), OUT, "sd"),
        (size_for_means(1, math.nan), OUT, "effect"),
        (size_for_means(1, 0), FAR, "effect"),
        (size_for_means(1e300, 1e-300), FAR, "effect"),
        (size_for_survival(1, 0.1), OUT, "baseline"),
        (size_for_survival(0.5, 0), FAR, "effect"),
        (size_for_survival(0.5, 1e-12), FAR, "effect"),
        (size_for_survival(0.5, 1e-17), FAR, "effect"),
        (events_for_hazard_ratio(1), FAR, "hazard_ratio"),
        (events_for_hazard_ratio(0), OUT, "hazard_ratio"),
        (size_with_silence(ANY, 0), OUT, "response_share"),
        (detectable_proportion(1, ANY, rise=True), OUT, "baseline"),
        (detectable_mean(-1, ANY), OUT, "sd"),
        (size_for_means(1, 1, Demand(alpha=0)), OUT, "alpha"),
        (size_for_means(1, 1, Demand(power=1)), OUT, "power"),
        (size_for_means(1, 1, Demand(power=0.01)), OUT, "power"),
        (size_for_means(1, 1, Demand(treatments=0)), OUT, "treatments"),
        (size_for_means(1, 1, Demand(ratio=0)), OUT, "ratio"),
        (duration(ANY, steady(-1), 7), OUT, "weekly_customers"),
        (duration(ANY, steady(0), 7), FAR, "weekly_customers"),
        (duration(ANY, steady(5e-324), 7), FAR, "weekly_customers"),
        (duration(ANY, steady(9), -1), OUT, "maturation_days"),
        (duration(ANY, steady(9), 7, coverage=2), OUT, "coverage"),
        (duration(ANY, steady(9), 7, split=(1.0,)), OUT, "split"),
        (duration(ANY, steady(9), 7, split=(1.0, 0.0)), OUT, "split"),
    ],
)
def test_power__plan_that_cannot_be__reason_with_its_field(
    found: object, why: Reason, field: str
) -> None:
    assert refusal(found) == (why, field)


def test_duration__size_not_computable__handed_on() -> None:
    refused = NotComputable(Reason.UNREACHABLE)

    assert duration(refused, steady(100), 7) is refused


@given(
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(1e-12, 1),
    st.floats(0, 1),
    st.floats(1e-4, 1e4),
)
def test_power__any_numbers_at_all__a_value_or_a_reason(
    a: float, b: float, alpha: float, power: float, ratio: float
) -> None:
    demand = Demand(alpha, power, 1, ratio)

    for found in (
        size_for_proportions(a, b, demand),
        size_for_means(a, b, demand),
        size_for_survival(a, b, demand),
        events_for_hazard_ratio(a, demand),
        duration(SampleSize(100, 100), steady(a), b),
    ):
        if isinstance(found, NotComputable):
            refusal(found)


def test_power__imported__loads_no_library() -> None:
    # architecture.md: a page imports it; serving pages must stay light.
    code = (
        "import sys; before = set(sys.modules); import analysis.stats.power;"
        "loaded = {name.split('.')[0] for name in set(sys.modules) - before};"
        "print(sorted(loaded & {'numpy', 'scipy', 'pandas', 'statsmodels'}))"
    )
    shown = subprocess.run(  # noqa: S603  # our own code in a fresh process
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert shown.stdout.strip() == "[]"
