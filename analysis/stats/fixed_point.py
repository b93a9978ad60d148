"""Moments from sums of whole numbers: exact, and so the same in any order.

A column of numbers is put on a grid: less its middle, times a power of two, rounded.
Sums and sums of products of whole numbers have no rounding, so they may be added up in
any order and by any parts; the moments are worked out of them in fractions, and rounded
once. The grid has at least 47 bits for the range of the column, so that the rounding of
single values (at most 2^-48 of the range) is far below what a float's own would do to
a sum of squares, at any offset.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from operator import add

from analysis.stats.summary import VectorMoments

MOST_BITS = 50  # exact as a float, and its square fits the database's 38 digits
ROOM = 125  # bits of a sum of squares: below 10^38
_MOST_EXPONENT = 1000


@dataclass(frozen=True, slots=True)
class Grid:
    """A column of numbers as whole ones: (value - centre) x 2^exponent, rounded."""

    centre: float
    exponent: int


def grid_of(low: float | None, high: float | None, n: int) -> Grid:
    """Choose the grid of a column.

    Args:
        low: its smallest finite number; None where there is none.
        high: its largest.
        n: how many numbers it has.

    Returns:
        A grid on which sums of n products stay below 10^38.
    """
    if low is None or high is None or low == high:
        return Grid(low or 0.0, 0)
    centre = low / 2 + high / 2
    reach = max(high - centre, centre - low)
    bits = min(MOST_BITS, (ROOM - n.bit_length()) // 2)
    _, exponent = math.frexp(reach)  # reach < 2^exponent
    return Grid(centre, min(bits - exponent, _MOST_EXPONENT))


@dataclass(frozen=True, slots=True)
class Sums:
    """Whole numbers of one group of units: sums, and sums of products.

    `products` holds the upper half of the matrix, row by row.
    """

    n: int
    sums: tuple[int, ...]
    products: tuple[int, ...]

    def __add__(self, other: "Sums") -> "Sums":
        """Add a disjoint group."""
        return Sums(
            self.n + other.n,
            tuple(map(add, self.sums, other.sums)),
            tuple(map(add, self.products, other.products)),
        )


def nothing(size: int) -> Sums:
    """Give the sums of no units, of so many columns."""
    return Sums(0, (0,) * size, (0,) * (size * (size + 1) // 2))


def added(parts: list[Sums], size: int) -> Sums:
    """Add up disjoint groups, of so many columns; there may be none."""
    return reduce(add, parts, nothing(size))


def vector_of(total: Sums, grids: tuple[Grid, ...]) -> VectorMoments:
    """Work moments out of sums; correctly rounded.

    Args:
        total: of all units of a variant.
        grids: of each column.

    Returns:
        VectorMoments without extremes; all 0 where there is no unit.
    """
    n, size = total.n, len(grids)
    if not n:
        zero = (0.0,) * size
        return VectorMoments(0, zero, (zero,) * size)
    mean = tuple(
        _float(Fraction(grid.centre) + Fraction(each, n) / _power(grid.exponent))
        for grid, each in zip(grids, total.sums, strict=True)
    )
    m2 = [[0.0] * size for _ in grids]
    left = iter(total.products)
    for i in range(size):
        for j in range(i, size):
            spread = Fraction(next(left) * n - total.sums[i] * total.sums[j], n)
            both = grids[i].exponent + grids[j].exponent
            m2[i][j] = m2[j][i] = _float(spread / _power(both))
    return VectorMoments(n, mean, tuple(map(tuple, m2)))


def _power(exponent: int) -> Fraction:
    return Fraction(2) ** exponent


def _float(exact: Fraction) -> float:
    try:
        return float(exact)
    except OverflowError:
        return math.inf if exact > 0 else -math.inf
