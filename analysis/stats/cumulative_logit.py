"""The cumulative logit model on cells: counts stand for rows, and nothing is lost.

statsmodels' `OrderedModel` takes no weights (0.15), and a row an answer is too many.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.stats.estimate import NotComputable
from experiments.vocabulary import Reason

MAX_STEPS = 100
CLOSE = 1e-12  # of the Newton decrement, in log-likelihood
FARTHEST = 30.0  # a log odds ratio beyond it is a fit without end

Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Weighed:
    """Customers alike in their covariates: how many gave each answer.

    Attributes:
        covariates: any numbers.
        counts: of each answer, from the lowest; as long in every cell.
    """

    covariates: tuple[float, ...]
    counts: Column


@dataclass(frozen=True, slots=True)
class CumulativeLogit:
    """Fit of logit P(Y <= k) = threshold_k - x b."""

    coefficients: tuple[float, ...]
    standard_errors: tuple[float, ...]
    thresholds: tuple[float, ...]
    deviance: float


def cumulative_logit(cells: Sequence[Weighed]) -> CumulativeLogit | NotComputable:
    """Fit the proportional-odds model by Newton's method on the observed information.

    McCullagh (1980), JRSS B 42(2); the log-likelihood is concave in thresholds and
    coefficients (Pratt 1981), so where it has a top, halved steps find it.

    Args:
        cells: at least one; answers that nobody gave are left out.

    Returns:
        CumulativeLogit; NOT_CONVERGED where no finite fit exists, NO_VARIATION where
        all gave one answer.
    """
    counts = np.array([cell.counts for cell in cells], np.float64)
    counts = counts[:, counts.sum(axis=0) > 0]
    if counts.shape[1] < 2:  # noqa: PLR2004  # one answer of all
        return NotComputable(Reason.NO_VARIATION)
    x = np.array([cell.covariates for cell in cells], np.float64)
    cut = counts.shape[1] - 1
    below = np.cumsum(counts.sum(axis=0))[:-1] / counts.sum()
    theta = np.concatenate([special.logit(below), np.zeros(x.shape[1])])
    upper, lower = _designs(x, cut)
    value, slope, bend = _likelihood(theta, counts, upper, lower)
    for _ in range(MAX_STEPS):
        step = _solved(bend, slope)
        if step is None or np.abs(theta).max() > FARTHEST:
            return NotComputable(Reason.NOT_CONVERGED)
        if slope @ step < CLOSE:
            return _fitted(theta + step, bend, value, cut)
        size = 1.0
        while (new := _likelihood(theta + size * step, counts, upper, lower))[
            0
        ] < value:
            size /= 2
            if size < CLOSE:
                return _fitted(theta, bend, value, cut)
        theta = np.asarray(theta + size * step, np.float64)
        value, slope, bend = new
    return NotComputable(Reason.NOT_CONVERGED)


def _solved(bend: Column, slope: Column) -> Column | None:
    if not np.isfinite(bend).all() or np.linalg.cond(bend) > 1e12:  # noqa: PLR2004
        return None  # flat in some direction: a fit without end
    return np.asarray(np.linalg.solve(bend, slope), np.float64)


def _fitted(theta: Column, bend: Column, value: float, cut: int) -> CumulativeLogit:
    errors = np.sqrt(np.diag(np.linalg.inv(bend)))
    return CumulativeLogit(
        coefficients=tuple(theta[cut:].tolist()),
        standard_errors=tuple(errors[cut:].tolist()),
        thresholds=tuple(theta[:cut].tolist()),
        deviance=-2 * value,
    )


def _designs(x: Column, cut: int) -> tuple[Column, Column]:
    """Rows by cell and answer that give each answer's upper and lower end."""
    cells, width = x.shape
    upper = np.zeros((cells, cut + 1, cut + width))
    lower = np.zeros_like(upper)
    for k in range(cut):
        upper[:, k, k] = lower[:, k + 1, k] = 1
    upper[:, :cut, cut:] = -x[:, None, :]
    lower[:, 1:, cut:] = -x[:, None, :]
    return upper, lower


def _likelihood(
    theta: Column, counts: Column, upper: Column, lower: Column
) -> tuple[float, Column, Column]:
    """Log-likelihood, its slope, and minus its second derivative."""
    f_up, f_low = special.expit(upper @ theta), special.expit(lower @ theta)
    # The ends of the scale have no threshold: 0 below the lowest, 1 above the highest.
    f_up[:, -1], f_low[:, 0] = 1.0, 0.0
    p = f_up - f_low
    if not (p > 0).all():
        return -np.inf, np.zeros_like(theta), np.full((theta.size, theta.size), np.nan)
    d_up, d_low = f_up * (1 - f_up), f_low * (1 - f_low)
    up, low = d_up / p, d_low / p
    h_up = d_up * (1 - 2 * f_up) / p - up * up
    h_low = -d_low * (1 - 2 * f_low) / p - low * low
    slope = np.einsum("ik,ikj->j", counts * up, upper) - np.einsum(
        "ik,ikj->j", counts * low, lower
    )
    cross = np.einsum("ik,ikj,ikl->jl", counts * up * low, upper, lower)
    second: Column = (
        np.einsum("ik,ikj,ikl->jl", counts * h_up, upper, upper)
        + np.einsum("ik,ikj,ikl->jl", counts * h_low, lower, lower)
        + cross
        + cross.T
    )
    return float((counts * np.log(p)).sum()), slope, -second
