"""Integrals by Gauss and Legendre: few nodes, and the same bits on every run."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


def between(
    low: float, high: float, count: int, pieces: int = 1
) -> tuple[Values, Values]:
    """Nodes and weights on an interval.

    Args:
        low: its lower end.
        high: its upper end.
        count: of nodes in each piece.
        pieces: equal ones, each with its own nodes: for what is not smooth enough.

    Returns:
        Nodes, and weights that add up to the interval's length.
    """
    nodes, weights = legendre(count)
    half = (high - low) / pieces / 2
    starts = low + 2 * half * np.arange(pieces)
    at = starts[:, None] + half * (nodes + 1)
    return at.ravel(), np.tile(half * weights, pieces)


@cache
def legendre(count: int) -> tuple[Values, Values]:
    """Nodes and weights on -1 to 1."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return nodes, weights
