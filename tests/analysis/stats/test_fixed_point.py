"""Moments out of sums of whole numbers, beside the same moments from single values."""

import math
import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.stats.fixed_point import (
    Grid,
    Sums,
    added,
    grid_of,
    nothing,
    vector_of,
)
from analysis.stats.summary import vector_moments_of
from tests.analysis.stats.examples import values

Pair = tuple[float, float]
# Squares of smaller ones leave the range in which floats keep all their digits.
amounts = values.map(lambda x: x if abs(x) > 1e-120 else 0.0)
pairs = st.lists(st.tuples(amounts, amounts), min_size=1, max_size=50)


def grids_of(rows: list[Pair]) -> tuple[Grid, ...]:
    columns = list(zip(*rows, strict=True))
    return tuple(grid_of(min(c), max(c), len(rows)) for c in columns)


def sums_of(rows: list[Pair], grids: tuple[Grid, ...]) -> Sums:
    whole = [
        tuple(
            round((x - grid.centre) * 2.0**grid.exponent)
            for x, grid in zip(row, grids, strict=True)
        )
        for row in rows
    ]
    return Sums(
        len(rows),
        (sum(a for a, _ in whole), sum(b for _, b in whole)),
        (
            sum(a * a for a, _ in whole),
            sum(a * b for a, b in whole),
            sum(b * b for _, b in whole),
        ),
    )


@given(pairs, st.lists(st.integers(0, 50), max_size=6), st.randoms())
def test_sums__any_partition_in_any_order__the_same_bits_as_the_whole(
    rows: list[Pair], cuts: list[int], shuffler: random.Random
) -> None:
    grids = grids_of(rows)
    edges = sorted({0, len(rows), *(cut for cut in cuts if cut <= len(rows))})
    shuffled = list(rows)
    shuffler.shuffle(shuffled)
    parts = [sums_of(shuffled[a:b], grids) for a, b in pairwise(edges)]
    assert added(parts, 2) == sums_of(rows, grids)


@given(pairs)
def test_vector_of__single_values__as_in_two_exact_passes(rows: list[Pair]) -> None:
    grids = grids_of(rows)
    found, expected = vector_of(sums_of(rows, grids), grids), vector_moments_of(rows)
    reach = [
        max(c) - min(c) + 1e-300 for c in zip(*rows, strict=True)
    ]  # of each column
    largest = [max(map(abs, c)) for c in zip(*rows, strict=True)]
    for i, (ours, theirs) in enumerate(zip(found.mean, expected.mean, strict=True)):
        assert ours == pytest.approx(theirs, rel=1e-15, abs=1e-13 * reach[i])
    for i, (ours_, theirs_) in enumerate(zip(found.m2, expected.m2, strict=True)):
        for j, (one, other) in enumerate(zip(ours_, theirs_, strict=True)):
            scale = len(rows) * reach[i] * reach[j]
            # The mean of two passes is rounded, so equal values have a spread there.
            rounding = len(rows) * 1e-30 * largest[i] * largest[j]
            near = 1e-13 * scale + rounding
            assert one == pytest.approx(other, rel=1e-9, abs=near)


@pytest.mark.parametrize("offset", [0.0, 1e9, -1e12])
def test_vector_of__large_offset__keeps_the_spread(offset: float) -> None:
    # By hand: -1, 0, 1 around any offset have M2 2; with 2, 4, 6 below, C is 4.
    rows = [(offset + x, 2.0 * x + 4) for x in (-1.0, 0.0, 1.0)]
    grids = grids_of(rows)
    found = vector_of(sums_of(rows, grids), grids)
    assert found.mean == (offset, 4.0)
    assert found.m2 == ((2.0, 4.0), (4.0, 8.0))


@pytest.mark.parametrize(
    ("low", "high"), [(None, None), (3.5, 3.5), (0.0, 5e-324), (-1.7e308, 1.7e308)]
)
def test_grid_of__ends_of_the_floats__lays_a_grid_that_can_be_used(
    low: float | None, high: float | None
) -> None:
    grid = grid_of(low, high, 10)
    for value in (low or 0.0, high or 0.0):
        assert math.isfinite((value - grid.centre) * 2.0**grid.exponent)


@pytest.mark.parametrize("n", [1, 10**6, 10**9, 10**12])
def test_grid_of__any_number_of_rows__sum_of_squares_fits_38_digits(n: int) -> None:
    grid = grid_of(0.0, 1e6, n)
    largest = round((1e6 - grid.centre) * 2.0**grid.exponent)
    assert n * largest * largest < 10**38
    assert largest > 2**40  # relative rounding of single values below 1e-12


def test_nothing__no_units__moments_of_nobody() -> None:
    grids = (Grid(5.0, 3), Grid(0.0, 0))
    assert vector_of(nothing(2), grids).n == 0
