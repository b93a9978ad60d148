"""Least squares from counted cells: the numbers of a regression on rows, without them.

Wong, Lewis and Wardrop (2021), "Fast and lossless: you only compress once" (arXiv
2102.11297): rows with the same covariates are one cell with its number, mean and M2 of
the outcome. Coefficients and robust errors come out the same. Weighted least squares on
the cells' means does not give them: its residuals leave out the spread within cells.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.stats.estimate import NotComputable
from experiments.vocabulary import Reason

Matrix = NDArray[np.float64]
_SINGULAR = 1e12  # condition from which coefficients are rounding


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Customers with the same covariates (and of the same cluster), counted together.

    Attributes:
        x: one row a cell, with a column of ones where there is a constant.
        n: customers in each.
        mean: of the outcome in each.
        m2: sum of squared deviations from it in each.
        cluster: which cluster each belongs to; None where customers are drawn one by
            one. A cluster may have cells in several variants.
    """

    x: Matrix
    n: NDArray[np.int64]
    mean: Matrix
    m2: Matrix
    cluster: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        sizes = {len(self.x), len(self.n), len(self.mean), len(self.m2)}
        if self.cluster is not None:
            sizes.add(len(self.cluster))
        if len(sizes) > 1:
            raise ValueError("Cells: every cell has one of each")
        if (self.n < 0).any() or (self.m2 < 0).any():
            raise ValueError("Cells: a number or a sum of squares is negative")


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Coefficients of a regression with their errors.

    Attributes:
        coefficients: in the order of the columns.
        standard_errors: HC1; with clusters CR1.
        n: customers.
        clusters: how many; None without.
    """

    coefficients: Matrix
    standard_errors: Matrix
    n: int
    clusters: int | None


def least_squares(cells: Cells) -> Fit | NotComputable:
    """Regress the outcome on the cells' covariates.

    Errors without clusters: HC1 (MacKinnon and White 1985), n / (n - p). With: the
    sandwich of Liang and Zeger (1986) times G / (G - 1) (n - 1) / (n - p), which is
    what statsmodels and Stata give; without the factors it is that of GEE with working
    independence. A cluster with customers of several variants counts once.

    Args:
        cells: counted customers.

    Returns:
        The fit, or the reason why there is none.
    """
    n, p = int(cells.n.sum()), cells.x.shape[1]
    refused = _refused(cells, n, p)
    if refused:
        return refused
    # In units in which every column has length 1, so that days and cents do not matter.
    scale = np.sqrt((cells.n[:, None] * cells.x**2).sum(axis=0))
    x = cells.x / scale
    weighted = x * cells.n[:, None]
    gram = x.T @ weighted
    if np.linalg.cond(gram) > _SINGULAR:
        return NotComputable(Reason.NO_VARIATION)
    solved = np.linalg.solve(gram, weighted.T @ cells.mean)
    meat, factor, clusters = _meat(cells, x, cells.mean - x @ solved, n, p)
    inverse = np.linalg.inv(gram)
    variance = factor * np.diag(inverse @ meat @ inverse)
    errors = np.sqrt(np.maximum(variance, 0.0)) / scale
    coefficients = solved / scale
    if not (np.isfinite(errors).all() and np.isfinite(coefficients).all()):
        return NotComputable(Reason.NON_FINITE)
    return Fit(coefficients, errors, n, clusters)


def _refused(cells: Cells, n: int, p: int) -> NotComputable | None:
    if n <= p:
        return NotComputable(Reason.TOO_FEW_UNITS, {"n": n, "needed": p + 1})
    if not all(np.isfinite(part).all() for part in (cells.x, cells.mean, cells.m2)):
        return NotComputable(Reason.NON_FINITE)
    counted = cells.n > 0
    # One cluster shows no variation between any.
    if cells.cluster is not None and len(np.unique(cells.cluster[counted])) < 2:  # noqa: PLR2004
        return NotComputable(Reason.TOO_FEW_ACCOUNTS, {"needed": 2})
    lengths = (cells.x[counted] ** 2).sum(axis=0)
    if not (np.isfinite(lengths).all() and (lengths > 0).all()):
        return NotComputable(Reason.NO_VARIATION)
    return None


def _meat(
    cells: Cells, x: Matrix, left: Matrix, n: int, p: int
) -> tuple[Matrix, float, int | None]:
    """Sum of the squared scores, the factor for small samples, and the clusters."""
    if cells.cluster is None:
        squares = cells.m2 + cells.n * left * left
        return (x * squares[:, None]).T @ x, n / (n - p), None
    counted = cells.n > 0
    names, places = np.unique(cells.cluster[counted], return_inverse=True)
    clusters = len(names)
    scores = np.zeros((clusters, p))
    np.add.at(scores, places, (x * (cells.n * left)[:, None])[counted])
    factor = clusters / (clusters - 1) * ((n - 1) / (n - p))
    return scores.T @ scores, factor, clusters
