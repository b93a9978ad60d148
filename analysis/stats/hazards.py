"""Cox's hazard ratio from life tables, for the analyst, with the check it needs.

Where hazards are not proportional one ratio is an average that depends on how long
customers were followed. The headline is the restricted mean (days retained), which
needs no such assumption.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.stats.estimate import Interval, NotComputable
from analysis.stats.intervals import normal_interval, normal_p_value
from analysis.stats.lifetable import Curve, curve_of
from analysis.stats.refusals import MIN_UNITS
from analysis.stats.summary import LifeTable
from experiments.vocabulary import Reason

MAX_STEPS = 50
CLOSE = 1e-12  # of the Newton decrement, in log-likelihood
MAX_TIES = 4096  # events of one day that are counted one after the other
FARTHEST = 30.0  # a log hazard ratio beyond it is a fit without end
MIN_P_OF_PROPORTION = 0.05  # below it one ratio does not tell the truth

Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Risks:
    """Customers alike in their covariates, with what became of them."""

    covariates: tuple[float, ...]
    table: LifeTable


@dataclass(frozen=True, slots=True)
class CoxFit:
    """Cox model: log hazard ratio of each covariate."""

    coefficients: tuple[float, ...]
    standard_errors: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class HazardRatio:
    """Treatment's hazard against control's; below 1 treatment leaves more slowly.

    Attributes:
        log_ratio: natural logarithm of it.
        standard_error: of the logarithm.
        ratio: with its interval in `interval`.
        interval: of the ratio.
        p_value: of equal hazards (Wald).
        proportion_p_value: of the ratio being the same all the time (Schoenfeld).
    """

    log_ratio: float
    standard_error: float
    ratio: float
    interval: Interval
    p_value: float
    proportion_p_value: float | None

    @property
    def is_proportional(self) -> bool:
        """Whether nothing speaks against one ratio all the time."""
        p_value = self.proportion_p_value
        return p_value is None or p_value >= MIN_P_OF_PROPORTION


def hazard_ratio(
    control: LifeTable, treatment: LifeTable, level: float = 0.95
) -> HazardRatio | NotComputable:
    """Estimate the hazard ratio of two variants, and check that it is constant.

    Cox (1972), JRSS B 34(2), ties by Efron (1977), JASA 72(359). The check is that of
    Grambsch and Therneau (1994), "Proportional hazards tests and diagnostics based on
    weighted residuals", Biometrika 81(3), on the rank of time.

    Args:
        control: life table of control.
        treatment: life table of treatment.
        level: confidence level, 0 to 1.

    Returns:
        HazardRatio, or the reason why there is none.
    """
    smallest = min(control.n, treatment.n)
    if smallest < MIN_UNITS:
        reason = Reason.TOO_FEW_UNITS if smallest else Reason.EMPTY_ARM
        return NotComputable(reason, {"smallest_n": int(smallest), "needed": MIN_UNITS})
    groups = [Risks((0.0,), control), Risks((1.0,), treatment)]
    fitted = cox(groups)
    if isinstance(fitted, NotComputable):
        return fitted
    log_ratio, error = fitted.coefficients[0], fitted.standard_errors[0]
    if error > FARTHEST:  # the events say nothing of it, and its ends are no numbers
        return NotComputable(Reason.NO_VARIATION)
    interval = normal_interval(log_ratio, error, level)
    ends = [math.exp(end) for end in (interval.low, interval.high) if end is not None]
    return HazardRatio(
        log_ratio=log_ratio,
        standard_error=error,
        ratio=math.exp(log_ratio),
        interval=Interval(ends[0], ends[1], level),
        p_value=normal_p_value(log_ratio / error),
        proportion_p_value=_proportion(groups, log_ratio, error),
    )


def cox(groups: Sequence[Risks]) -> CoxFit | NotComputable:
    """Fit Cox's model to groups of customers, ties by Efron.

    A day of d events counts as d events one after the other, each with the others'
    share still at risk; the sum over customers is over groups instead, so nothing is
    lost and a million customers take as long as ten groups.

    Args:
        groups: life tables by covariates; covariates not all alike.

    Returns:
        CoxFit, NO_VARIATION where no event says anything, NOT_CONVERGED where a
        coefficient has no end.
    """
    groups = [group for group in groups if group.table.n]
    if not groups:
        return NotComputable(Reason.EMPTY_ARM)
    days = _days(groups)
    if not days:
        return NotComputable(Reason.NO_VARIATION)
    x = np.array([group.covariates for group in groups], np.float64)
    x = x - x.mean(axis=0)  # smaller numbers; no ratio depends on the origin
    beta = np.zeros(x.shape[1])
    value, slope, bend = _likelihood(beta, x, days)
    for _ in range(MAX_STEPS):
        if not np.isfinite(bend).all() or np.linalg.cond(bend) > 1e12:  # noqa: PLR2004
            return NotComputable(Reason.NO_VARIATION)
        step = np.linalg.solve(bend, slope)
        if slope @ step < CLOSE:
            errors = np.sqrt(np.diag(np.linalg.inv(bend)))
            return CoxFit(tuple((beta + step).tolist()), tuple(errors.tolist()))
        size = 1.0
        while (new := _likelihood(beta + size * step, x, days))[0] < value - CLOSE:
            size /= 2
        beta = np.asarray(beta + size * step, np.float64)
        value, slope, bend = new
        if np.abs(beta).max() > FARTHEST:
            break
    return NotComputable(Reason.NOT_CONVERGED)


@dataclass(frozen=True, slots=True)
class _Day:
    """A day with events: at risk and events of each group."""

    at_risk: Column
    events: Column


def _days(groups: Sequence[Risks]) -> list[_Day]:
    curves: list[Curve] = [curve_of(group.table) for group in groups]
    days = np.unique(np.concatenate([curve.days for curve in curves]))
    at_risk = np.array([curve.at_risk_on(days) for curve in curves]).T
    events = np.array([curve.events_on(days) for curve in curves]).T
    return [_Day(n, d) for n, d in zip(at_risk, events, strict=True) if d.sum() > 0]


def _likelihood(
    beta: Column, x: Column, days: Sequence[_Day]
) -> tuple[float, Column, Column]:
    """Efron's log partial likelihood, its slope, and minus its second derivative."""
    weight = np.exp(np.clip(x @ beta, -700, 700))
    value, slope = 0.0, np.zeros_like(beta)
    bend = np.zeros((beta.size, beta.size))
    for day in days:
        mean, spread, log_risk = _risk_set(weight, x, day)
        count = day.events.sum()
        value += float(day.events @ (x @ beta)) - log_risk
        slope += day.events @ x - count * mean
        bend += spread
    return value, slope, bend


def _risk_set(weight: Column, x: Column, day: _Day) -> tuple[Column, Column, float]:
    """Mean covariates at risk over a day's events, their spread, and log risk."""
    count = float(day.events.sum())
    # Many events of one day are taken in blocks, each by its middle.
    taken = int(min(count, MAX_TIES))
    block = count / taken
    gone = (np.arange(taken) * block + (block - 1) / 2) / count
    # Risk of each group as each event of the day comes: events x groups.
    risk = weight * (day.at_risk - np.outer(gone, day.events))
    total = risk.sum(axis=1)
    share = risk / total[:, None]
    means = share @ x
    spread = np.einsum("eg,gi,gj->ij", share, x, x) - means.T @ means
    log_risk = float(np.log(total).sum()) * block
    return means.mean(axis=0), np.asarray(spread * block), log_risk


def _proportion(
    groups: Sequence[Risks], log_ratio: float, error: float
) -> float | None:
    """P-value of a constant ratio: do Schoenfeld's residuals move with time?"""
    x = np.array([group.covariates for group in groups], np.float64)
    weight = np.exp(x @ np.array([log_ratio]))
    days = _days(groups)
    counts = np.array([day.events.sum() for day in days])
    residuals = np.array(
        [
            float(
                (day.events @ x)[0] - day.events.sum() * _risk_set(weight, x, day)[0][0]
            )
            for day in days
        ]
    )
    ranks = np.cumsum(counts) - (counts - 1) / 2
    gap = ranks - float(ranks @ counts) / counts.sum()
    spread = float(counts @ (gap * gap))
    if not spread > 0:
        return None
    pull = float(gap @ residuals)
    chi2 = pull * pull * error * error * counts.sum() / spread
    return float(special.chdtrc(1, chi2))
