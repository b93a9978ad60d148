"""Linear algebra of covariates: which are worth keeping, and what they explain."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.stats.summary import VectorMoments

Matrix = NDArray[np.float64]

# A covariate of which the others leave less than this share of its variance is one of
# them; a sum of products of doubles cannot tell less.
_LEAST_OF_ITS_OWN = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Arm:
    """One variant's moments as arrays, of the outcome and the covariates kept."""

    n: int
    mean: Matrix  # of the covariates
    outcome: float  # mean of the outcome
    squares: float  # sum of squared deviations of the outcome
    products: Matrix  # of the outcome with each covariate
    spread: Matrix  # of the covariates with each other

    @property
    def slopes(self) -> Matrix:
        """Coefficients of the outcome's regression on the covariates."""
        if not self.spread.size:
            return np.zeros(0)
        # Scaled to correlations, so that units (days, cents) do not matter.
        scale = np.sqrt(np.diag(self.spread))
        solved = np.linalg.solve(
            self.spread / np.outer(scale, scale), self.products / scale
        )
        return np.asarray(solved / scale)

    def residual(self, slopes: Matrix) -> float:
        """Sum of squares of what the covariates, with these slopes, leave."""
        left = self.squares - 2 * slopes @ self.products + slopes @ self.spread @ slopes
        return max(0.0, float(left))


def kept_covariates(arms: tuple[VectorMoments, ...]) -> list[int]:
    """Choose the covariates that say something which the others do not, in each arm.

    Args:
        arms: of each variant the outcome, then the covariates in the same order.

    Returns:
        Places of the covariates among them, from 0, in their order; a covariate that is
        a combination of others (an indicator of nobody, the same number in other units)
        is not in it.
    """
    kept = list(range(len(arms[0].mean) - 1))
    for arm in arms:
        kept = [kept[place] for place in independent(_spread(arm, kept))]
    return kept


def arm_of(moments: VectorMoments, kept: list[int]) -> Arm:
    """Take the covariates that are kept."""
    m2 = np.array(moments.m2, np.float64)
    places = [place + 1 for place in kept]
    return Arm(
        n=moments.n,
        mean=np.array(moments.mean, np.float64)[places],
        outcome=moments.mean[0],
        squares=float(m2[0, 0]),
        products=m2[0, places],
        spread=m2[np.ix_(places, places)],
    )


def are_finite(moments: VectorMoments) -> bool:
    """Tell whether every sum is a finite number."""
    return all(map(math.isfinite, moments.mean)) and bool(
        np.isfinite(np.array(moments.m2, np.float64)).all()
    )


def pooled(control: Arm, treatment: Arm) -> tuple[Matrix, Matrix]:
    """Mean and covariance of the covariates over both variants.

    Args:
        control: of control.
        treatment: of the treatment.

    Returns:
        Means, and the covariance matrix with n - 1.
    """
    n = control.n + treatment.n
    apart = treatment.mean - control.mean
    mean = control.mean + apart * (treatment.n / n)
    spread = (
        control.spread
        + treatment.spread
        + np.outer(apart, apart) * (control.n * (treatment.n / n))
    )
    return mean, spread / (n - 1)


def independent(spread: Matrix) -> list[int]:
    """Choose numbers that say something which the others do not.

    It pivots on the largest share left, as a QR with column pivoting of the rows would:
    pivoted Cholesky of the correlations (Higham 2002, sec. 10.3), which needs no rows.

    Args:
        spread: sums of products of deviations, p x p, symmetric.

    Returns:
        Places of those kept, in their order.
    """
    scale = np.sqrt(np.diag(spread))
    varied = [int(i) for i in np.flatnonzero(scale > 0)]
    if not varied:
        return []
    left = spread[np.ix_(varied, varied)] / np.outer(scale[varied], scale[varied])
    found: list[int] = []
    for _ in varied:
        own = np.diag(left).copy()
        own[found] = 0.0
        # The first of equals, so that the choice does not depend on rounding.
        best = int(np.argmax(own > own.max() * (1 - 1e-6)))
        if not own[best] > _LEAST_OF_ITS_OWN:
            break
        found.append(best)
        left = left - np.outer(left[:, best], left[best]) / left[best, best]
    return sorted(varied[place] for place in found)


def _spread(moments: VectorMoments, kept: list[int]) -> Matrix:
    places = [place + 1 for place in kept]
    return np.array(moments.m2, np.float64)[np.ix_(places, places)]
