import math
import random
import statistics
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats.competing import CompetingDay, CompetingTable
from analysis.stats.merging import merge, merge_all
from analysis.stats.summary import (
    Funnel,
    Histogram,
    LifeDay,
    LifeTable,
    Moments,
    Successes,
    Summary,
    VectorMoments,
    life_table_of,
    moments_of,
    moments_of_histogram,
    successes_of,
    successes_of_histogram,
    vector_moments_of,
)
from tests.analysis.stats.conftest import RecordOf
from tests.analysis.stats.examples import (
    competing_tables,
    funnels,
    histograms,
    life_tables,
    moments,
    successes,
    values,
    vectors,
)

# NIST StRD, univariate summary statistics: the data sets by their published rule.
NIST = {
    "NumAcc1": [10000001.0, 10000003.0, 10000002.0],
    "NumAcc2": [1.2, *[1.1, 1.3] * 500],
    "NumAcc3": [1000000.2, *[1000000.1, 1000000.3] * 500],
    "NumAcc4": [10000000.2, *[10000000.1, 10000000.3] * 500],
}


def sd(summary: Moments) -> float:
    return math.sqrt(summary.m2 / (summary.n - 1))


@pytest.mark.parametrize("name", NIST)
def test_moments__nist_data_with_a_large_offset__certified_values(
    name: str, record: RecordOf
) -> None:
    reference = record(f"stability.{name}")
    assert NIST[name][:3] == reference.inputs["first"]
    assert len(NIST[name]) == reference.inputs["n"]

    whole = moments_of(NIST[name])

    assert whole.mean == reference.about("mean")
    assert sd(whole) == reference.about("sd")


@pytest.mark.parametrize("name", NIST)
@pytest.mark.parametrize("size", [1, 7, 250])
def test_merge__nist_data_in_pieces__certified_values(
    name: str, size: int, record: RecordOf
) -> None:
    reference, data = record(f"stability.{name}"), NIST[name]

    merged = merge_all(
        moments_of(data[i : i + size]) for i in range(0, len(data), size)
    )

    assert merged.mean == reference.about("mean")
    assert sd(merged) == reference.about("sd")


def test_merge__offset_of_a_billion_and_unit_spread__spread_kept() -> None:
    # A17: by hand, -1 and 1 around the offset have variance n / (n - 1).
    n = 10_000
    halves = [moments_of([1e9 - 1, 1e9 + 1] * (n // 4)) for _ in range(2)]

    assert sd(merge(*halves)) == pytest.approx(math.sqrt(n / (n - 1)), rel=1e-6)


def test_moments__values_missing_and_not_finite__counted_apart() -> None:
    found = moments_of([1.0, None, math.nan, math.inf, 3.0], n_immature=7)

    assert found == Moments(2, 2.0, 2.0, 1.0, 3.0, 1, 2, 7)


def test_moments__no_values__nothing_but_zero_units() -> None:
    assert moments_of([]) == Moments(n=0, mean=0.0, m2=0.0)


@given(st.lists(values, min_size=2))
def test_moments__any_values__equal_exact_arithmetic(data: list[float]) -> None:
    # The statistics module computes in fractions: exact up to the last rounding.
    found, scale = moments_of(data), max(1.0, *map(abs, data))

    assert found.mean == pytest.approx(statistics.mean(data), abs=1e-12 * scale)
    assert found.m2 == pytest.approx(
        statistics.variance(data) * (len(data) - 1), rel=1e-9, abs=1e-18 * scale**2
    )


@given(st.lists(values, max_size=60), st.lists(st.integers(0, 60), max_size=8))
def test_merge__any_partition__same_as_the_whole(
    data: list[float], cuts: list[int]
) -> None:
    edges = sorted({0, len(data), *(cut for cut in cuts if cut <= len(data))})
    parts = [moments_of(data[a:b]) for a, b in pairwise(edges)]
    whole, scale = moments_of(data), max(1.0, *map(abs, data), 1.0)

    merged = merge_all([*parts, moments_of([])])

    assert (merged.n, merged.minimum, merged.maximum) == (
        whole.n,
        whole.minimum,
        whole.maximum,
    )
    assert merged.mean == pytest.approx(whole.mean, abs=1e-12 * scale)
    assert merged.m2 == pytest.approx(
        whole.m2, rel=1e-12, abs=1e-12 * scale**2 * whole.n
    )


@given(
    st.one_of(
        st.lists(moments(), min_size=1, max_size=6),
        st.lists(vectors(), min_size=1, max_size=6),
        st.lists(successes(), min_size=1, max_size=6),
        st.lists(histograms(), min_size=1, max_size=6),
        st.lists(life_tables(), min_size=1, max_size=6),
        st.lists(competing_tables(), min_size=1, max_size=6),
        st.lists(funnels(), min_size=1, max_size=6),
    ),
    st.randoms(use_true_random=False),
)
def test_merge_all__any_order__the_same_bits(
    parts: list[Summary], shuffler: random.Random
) -> None:
    shuffled = list(parts)
    shuffler.shuffle(shuffled)

    assert repr(merge_all(shuffled)) == repr(merge_all(parts))  # type: ignore[type-var]


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=40))
def test_merge__life_tables__same_as_all_units_in_one(
    times: list[tuple[int, bool]],
) -> None:
    half = len(times) // 2

    merged = merge(life_table_of(times[:half]), life_table_of(times[half:]))

    assert merged == life_table_of(times)


def test_merge__life_table_followed_for_longer__ends_of_the_shorter_kept() -> None:
    # By hand: 4 units were followed to day 2 only, 5 to day 9.
    short = LifeTable(5, (LifeDay(2, 1, 0),))
    long = LifeTable(5, (LifeDay(9, 0, 5),))

    assert merge(short, long) == LifeTable(10, (LifeDay(2, 1, 4), LifeDay(9, 0, 5)))


def test_merge__competing_tables_and_funnels__as_if_one_had_been_counted() -> None:
    short = CompetingTable(6, (CompetingDay(2, 1, 2, 0),), n_missing=1)
    long = CompetingTable(4, (CompetingDay(2, 0, 1, 0), CompetingDay(9, 0, 0, 3)))
    assert merge(short, long) == CompetingTable(
        10, (CompetingDay(2, 1, 3, 3), CompetingDay(9, 0, 0, 3)), n_missing=1
    )
    assert merge(Funnel(5, (4, 1)), Funnel(3, (2, 2), n_immature=1)) == Funnel(
        8, (6, 3), n_immature=1
    )
    with pytest.raises(TypeError, match="funnels of 2 and of 1 steps"):
        merge(Funnel(5, (4, 1)), Funnel(3, (2,)))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: CompetingDay(1, 0, -1, 0), "others is negative"),
        (lambda: CompetingTable(1, (CompetingDay(1, 1, 1, 0),)), "2 units end of 1"),
        (lambda: CompetingTable(1, (CompetingDay(1, 0, 0, 0),) * 2), "days must rise"),
        (lambda: Funnel(3, (4, 1)), "more units took a step than the one before"),
        (lambda: Funnel(3, (1, 2)), "more units took a step than the one before"),
        (lambda: Funnel(3, ()), "it needs steps"),
        (lambda: LifeTable(1, (), n_missing=-1), "n_missing is negative"),
    ],
)
def test_table__that_no_customers_could_make__is_refused(
    make: Callable[[], object], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        make()


def test_funnel__its_last_step__is_a_yes_or_no() -> None:
    funnel = Funnel(9, (7, 4, 2), n_missing=3, n_immature=5)
    assert funnel.finished == Successes(9, 2, n_missing=3, n_immature=5)


def test_merge__histograms_with_other_scores__scores_united() -> None:
    a = Histogram(((1.0, 2), (5.0, 1)), n_exposed=9, n_invited=8, n_nonfinite=1)
    b = Histogram(((3.0, 4), (5.0, 1)), n_exposed=6, n_invited=5, n_immature=2)

    assert merge(a, b) == Histogram(
        ((1.0, 2), (3.0, 4), (5.0, 2)),
        n_exposed=15,
        n_invited=13,
        n_immature=2,
        n_nonfinite=1,
    )


def test_merge__extremes_unknown_in_one_part__unknown() -> None:
    known = moments_of([1.0, 2.0])

    assert merge(known, Moments(2, 5.0, 0.5)).maximum is None
    assert merge(known, moments_of([])).maximum == 2.0


def test_merge__infinite_mean__no_exception() -> None:
    broken = Moments(3, math.inf, math.nan)

    assert not math.isfinite(merge(broken, moments_of([1.0, 2.0])).m2)


def test_merge__different_kinds__refused() -> None:
    with pytest.raises(TypeError, match="cannot merge Moments with Successes"):
        merge(moments_of([1.0]), Successes(1, 1))  # type: ignore[type-var]


def test_moments__values_too_large_to_add__not_finite_but_no_exception() -> None:
    found = moments_of([1.7e308, 1.7e308])

    assert found.n == 2
    assert not math.isfinite(found.mean)


def test_successes__outcomes_missing__counted_apart() -> None:
    assert successes_of([True, None, False, True], n_immature=2) == Successes(
        n=3, successes=2, n_missing=1, n_immature=2
    )


def test_histogram__answers__same_moments_as_the_answers_one_by_one() -> None:
    answers = [1.0] * 3 + [4.0] * 2 + [5.0]
    histogram = Histogram(((1.0, 3), (2.0, 0), (4.0, 2), (5.0, 1)), 10, 8, 4, 1)

    found = moments_of_histogram(histogram)

    alone = moments_of([*answers, None, None, None, math.nan], n_immature=4)
    assert (found.mean, found.m2) == pytest.approx((alone.mean, alone.m2), rel=1e-15)
    assert (found.n, found.minimum, found.maximum) == (6, 1.0, 5.0)
    assert (found.n_missing, found.n_nonfinite, found.n_immature) == (3, 1, 4)


def test_histogram__satisfied_from_four__answers_of_four_and_five() -> None:
    histogram = Histogram(((1.0, 3), (4.0, 2), (5.0, 1)), 10, 8, 4, 1)

    assert successes_of_histogram(histogram, 4) == Successes(6, 3, 3, 4, 1)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Moments(-1, 0.0, 0.0), "Moments: n is negative"),
        (lambda: Moments(2, 0.0, -1e-9), "Moments: m2 is negative"),
        (lambda: Moments(2, 0.0, 1.0, 3.0, 2.0), "minimum 3.0 is above maximum 2.0"),
        (lambda: Successes(3, 4), "4 successes of 3 units"),
        (lambda: Successes(3, 1, n_missing=-1), "n_missing is negative"),
        (lambda: Histogram(((2.0, 1), (1.0, 1)), 5, 5), "scores must rise"),
        (lambda: Histogram(((1.0, 1), (1.0, 1)), 5, 5), "scores must rise"),
        (lambda: Histogram(((math.nan, 1),), 5, 5), "not a finite number"),
        (lambda: Histogram(((1.0, -1),), 5, 5), "a count is negative"),
        (lambda: Histogram(((1.0, 6),), 5, 5), "6 answers of 5 exposed"),
        (lambda: Histogram((), 5, 6), "6 invited of 5 exposed"),
        (lambda: LifeDay(-1, 0, 0), "day is negative"),
        (lambda: LifeTable(9, (LifeDay(2, 0, 0), LifeDay(1, 0, 0))), "days must rise"),
        (lambda: LifeTable(3, (LifeDay(1, 2, 2),)), "4 units end of 3"),
    ],
)
def test_summary__no_customers_could_have_made_it__refused(
    make: object, words: str
) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=words):
        make()


@given(st.lists(st.tuples(values, values, values), max_size=40), st.integers(0, 40))
def test_merge__vectors__same_as_the_whole_and_as_single_numbers(
    rows: list[tuple[float, float, float]], cut: int
) -> None:
    whole = vector_moments_of(rows, 3)
    scale = max(1.0, *(abs(x) for row in rows for x in row), 1.0)

    merged = merge(vector_moments_of(rows[:cut], 3), vector_moments_of(rows[cut:], 3))

    assert whole.outcome == moments_of([row[0] for row in rows])
    assert (merged.n, merged.minimum, merged.maximum) == (
        whole.n,
        whole.minimum,
        whole.maximum,
    )
    assert merged.mean == pytest.approx(whole.mean, abs=1e-12 * scale)
    for ours, theirs in zip(merged.m2, whole.m2, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-11, abs=1e-11 * scale**2 * whole.n)


def test_vector_moments__four_units_by_hand__sums_of_products() -> None:
    # Means 2.5 and 5; deviations (-1.5, -3), (-.5, 1), (.5, -1), (1.5, 3).
    found = vector_moments_of([(1, 2), (2, 6), (3, 4), (4, 8)])

    assert found.mean == (2.5, 5.0)
    assert found.m2 == ((5.0, 8.0), (8.0, 20.0))


@pytest.mark.parametrize(
    ("mean", "m2", "fault"),
    [
        ((), (), "0 means need 0 x 0"),
        ((1.0, 2.0), ((1.0, 0.0),), "2 means need 2 x 2"),
        ((1.0, 2.0), ((1.0, 0.0), (0.0, -1.0)), "a sum of squares is negative"),
        ((1.0, 2.0), ((1.0, 0.5), (0.0, 1.0)), "not symmetric"),
    ],
)
def test_vector_moments__no_units_could_make_it__refused(
    mean: tuple[float, ...], m2: tuple[tuple[float, ...], ...], fault: str
) -> None:
    with pytest.raises(ValueError, match=fault):
        VectorMoments(4, mean, m2)


def test_merge__vectors_of_different_sizes__refused() -> None:
    with pytest.raises(TypeError, match="of 1 and of 2 numbers"):
        merge(vector_moments_of([(1.0,)]), vector_moments_of([(1.0, 2.0)]))
