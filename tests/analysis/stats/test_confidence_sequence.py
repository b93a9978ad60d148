"""Ranges that hold at every time: the published formula, and 381 real streams."""

import math
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats.confidence_sequence import Seen, intersected, multiplier, p_value
from analysis.stats.estimate import Interval
from analysis.stats.intervals import normal_p_value
from analysis.stats.sequential_power import inflation_of_sequence
from tests.analysis.stats.conftest import RecordOf, RowsOf

ASOS = "asos_dec/asos_digital_experiments_dataset.csv"


@pytest.mark.parametrize("day", [1, 7])
@pytest.mark.parametrize("size", [5000, 90189])
def test_multiplier__cookie_cats__reference_numbers(
    day: int, size: int, record: RecordOf
) -> None:
    reference = record(f"cookie.retention_{day}.asympcs.N{size}")
    given_ = reference.inputs
    control, treatment = given_["x_c"] / given_["n_c"], given_["x_t"] / given_["n_t"]
    t = (given_["n_c"] + given_["n_t"]) / given_["n_star"]
    # The record is about the relative lift, by the delta method.
    error = math.sqrt(
        treatment * (1 - treatment) / given_["n_t"] / control**2
        + control * (1 - control) / given_["n_c"] * treatment**2 / control**4
    )
    lift = treatment / control - 1

    half = error * multiplier(t, given_["alpha"])

    assert half == reference.about("halfwidth")
    assert lift - half == reference.about("lo")
    assert lift + half == reference.about("hi")
    assert p_value(lift / error, t, given_["alpha"]) == reference.about("p")


def test_multiplier__one_stream_of_asos__reference_numbers(record: RecordOf) -> None:
    reference = record("asos.036afc.v2.m4")
    given_ = reference.inputs
    error = math.sqrt(
        given_["variance_c"] / given_["count_c"]
        + given_["variance_t"] / given_["count_t"]
    )
    effect = given_["mean_t"] - given_["mean_c"]
    t = (given_["count_c"] + given_["count_t"]) / 5000

    half = error * multiplier(t, 0.05)

    assert effect == reference.about("diff")
    assert error == reference.about("se")
    assert normal_p_value(effect / error) == reference.about("p")
    assert [effect - half, effect + half] == reference.about("cs")


def test_sequences__all_streams_of_asos__reference_census(
    record: RecordOf, rows: RowsOf
) -> None:
    """Peeking finds a difference in 225 of 381 streams; a sequence in 71 or 105."""
    found = {"streams": 0, "final": 0, "ever": 0, "cs_oracleN": 0, "cs_5000": 0}
    usable = [row for row in rows(ASOS) if row["variance_c"] and row["variance_t"]]
    for _, stream in groupby(
        usable, lambda r: (r["experiment_id"], r["variant_id"], r["metric_id"])
    ):
        looks = [look for row in stream if (look := _z_and_size(row))]
        if not looks:
            continue
        last = looks[-1][1]
        found["streams"] += 1
        found["final"] += normal_p_value(looks[-1][0]) < 0.05
        found["ever"] += any(normal_p_value(z) < 0.05 for z, _ in looks)
        for name, size in (("cs_oracleN", last), ("cs_5000", 5000)):
            found[name] += any(abs(z) > multiplier(n / size, 0.05) for z, n in looks)
    expected = record("asos.sequential_census").expected
    assert found == {"streams": 381, **expected}


def _z_and_size(row: dict[str, str]) -> tuple[float, float] | None:
    n_c, n_t = float(row["count_c"]), float(row["count_t"])
    if not min(n_c, n_t) > 0:
        return None
    variance = float(row["variance_c"]) / n_c + float(row["variance_t"]) / n_t
    if not variance > 0:
        return None
    return (float(row["mean_t"]) - float(row["mean_c"])) / math.sqrt(
        variance
    ), n_c + n_t


@given(st.floats(0.01, 100), st.floats(0.001, 0.2), st.floats(0.5, 1.5))
def test_p_value__beyond_the_range__exactly_where_it_is_below_alpha(
    t: float, alpha: float, times: float
) -> None:
    z = times * multiplier(t, alpha)

    assert (p_value(z, t, alpha) < alpha) == (times > 1) or times == pytest.approx(1)


def test_intersected__ranges_over_time__never_wider() -> None:
    first, seen = intersected(Seen(), Interval(-1.0, 3.0), 0.4)
    second, seen = intersected(seen, Interval(-2.0, 2.5), 0.6)
    third, seen = intersected(seen, Interval(None, 2.8), 0.2)

    assert [first.low, first.high] == [-1, 3]
    assert [second.low, second.high] == [-1, 2.5]
    assert [third.low, third.high] == [-1, 2.5]
    assert seen == Seen(-1.0, 2.5, 0.2)


def test_inflation_of_sequence__usual_demand__nearly_twice() -> None:
    # By hand: ((3.035 + 0.842) / 2.802)^2, with 3.035 from the formula of the paper.
    assert multiplier(1, 0.05) == pytest.approx(3.0351, abs=1e-3)
    assert inflation_of_sequence() == pytest.approx(1.915, abs=0.005)
