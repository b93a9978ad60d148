"""Answers as what they are, ranks: who is more satisfied, and by which odds.

A mean takes 4 to 5 for as far as 1 to 2. Here only the order counts: the probability of
superiority assumes nothing more; the proportional-odds model adds that the new variant
shifts all cuts of the scale alike, and checks that.
"""

import math
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.stats.cumulative_logit import CumulativeLogit, Weighed, cumulative_logit
from analysis.stats.estimate import Interval, NotComputable
from analysis.stats.intervals import (
    normal_interval,
    normal_p_value,
    t_p_value,
    t_value,
)
from analysis.stats.refusals import too_few
from analysis.stats.summary import Histogram, moments_of_histogram
from experiments.vocabulary import Reason

MIN_P_OF_PROPORTION = 0.05  # below it one odds ratio does not tell the truth

Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Superiority:
    """Chance that one of treatment is more satisfied than one of control.

    Attributes:
        value: P(T > C) + P(T = C) / 2; 0.5 where neither is better.
        interval: of it, within 0 and 1.
        p_value: of 0.5.
        dof: of Student's t.
    """

    value: float
    interval: Interval
    p_value: float
    dof: float


@dataclass(frozen=True, slots=True)
class ProportionalOdds:
    """By what the odds of a higher answer are multiplied, at every cut of the scale.

    Attributes:
        log_odds_ratio: natural logarithm; above 0 treatment answers higher.
        standard_error: of it.
        odds_ratio: with its interval in `interval`.
        interval: of the odds ratio.
        p_value: of no difference.
        proportion_p_value: of one ratio for all cuts (Brant); None with one cut.
        cuts: log odds ratio at each cut, from the lowest; what the check compares.
    """

    log_odds_ratio: float
    standard_error: float
    odds_ratio: float
    interval: Interval
    p_value: float
    proportion_p_value: float | None
    cuts: tuple[float, ...]

    @property
    def is_proportional(self) -> bool:
        """Whether nothing speaks against one ratio for all cuts."""
        p_value = self.proportion_p_value
        return p_value is None or p_value >= MIN_P_OF_PROPORTION


def superiority(
    control: Histogram, treatment: Histogram, level: float = 0.95
) -> Superiority | NotComputable:
    """Estimate P(T > C) + P(T = C) / 2, with the t interval of Brunner and Munzel.

    Brunner and Munzel (2000), "The nonparametric Behrens-Fisher problem", Biom J
    42(1), from placements: where each answer lies among those of the other arm.

    Args:
        control: answers of control.
        treatment: answers of treatment, on the same scale.
        level: confidence level, 0 to 1.

    Returns:
        Superiority of treatment, or the reason why there is none.
    """
    refused = _refused(control, treatment)
    if refused:
        return refused
    scores, (c, t) = _aligned(control, treatment)
    if len(scores) < 2:  # noqa: PLR2004  # one score for all
        return NotComputable(Reason.NO_VARIATION)
    value, v_t = _placed(t, c)
    _, v_c = _placed(c, t)
    n_c, n_t = float(c.sum()), float(t.sum())
    variance = v_c / n_c + v_t / n_t
    if not variance > 0:
        return NotComputable(Reason.NO_VARIATION)
    w_c, w_t = v_c / n_c / variance, v_t / n_t / variance
    dof = 1 / (w_c * w_c / (n_c - 1) + w_t * w_t / (n_t - 1))
    error = math.sqrt(variance)
    reach = t_value(level, dof) * error
    return Superiority(
        value=value,
        interval=Interval(max(0.0, value - reach), min(1.0, value + reach), level),
        p_value=t_p_value((value - 0.5) / error, dof),
        dof=dof,
    )


def proportional_odds(
    control: Histogram, treatment: Histogram, level: float = 0.95
) -> ProportionalOdds | NotComputable:
    """Estimate one odds ratio for all cuts of the scale, and check that one will do.

    McCullagh (1980), "Regression models for ordinal data", JRSS B 42(2). The check is
    that of Brant (1990), "Assessing proportionality in the proportional odds model",
    Biometrics 46(4): with two arms the logits of each cut are those of 2 x 2 tables,
    and their covariance is known.

    Args:
        control: answers of control.
        treatment: answers of treatment, on the same scale.
        level: confidence level, 0 to 1.

    Returns:
        ProportionalOdds, or the reason why there are none.
    """
    refused = _refused(control, treatment)
    if refused:
        return refused
    _, (c, t) = _aligned(control, treatment)
    fitted = cumulative_logit([Weighed((0.0,), c), Weighed((1.0,), t)])
    if isinstance(fitted, NotComputable):
        return fitted
    return _odds(fitted, c, t, level)


def _odds(
    fitted: CumulativeLogit, c: Column, t: Column, level: float
) -> ProportionalOdds | NotComputable:
    log_ratio, error = fitted.coefficients[0], fitted.standard_errors[0]
    interval = normal_interval(log_ratio, error, level)
    if interval.low is None or interval.high is None or interval.high > _MAX_LOG:
        return NotComputable(Reason.NOT_CONVERGED)
    cuts, p_value = _brant(c, t)
    return ProportionalOdds(
        log_odds_ratio=log_ratio,
        standard_error=error,
        odds_ratio=math.exp(log_ratio),
        interval=Interval(math.exp(interval.low), math.exp(interval.high), level),
        p_value=normal_p_value(log_ratio / error),
        proportion_p_value=p_value,
        cuts=cuts,
    )


_MAX_LOG = 700.0  # exp of more overflows


def _refused(control: Histogram, treatment: Histogram) -> NotComputable | None:
    if control.n_nonfinite or treatment.n_nonfinite:
        return NotComputable(Reason.NON_FINITE)
    return too_few(*map(moments_of_histogram, (control, treatment)))


def _aligned(*arms: Histogram) -> tuple[list[float], list[Column]]:
    """Lay answers out over the scores that anybody gave."""
    given = [{score: k for score, k in arm.counts if k} for arm in arms]
    scores = sorted(set().union(*given))
    return scores, [
        np.array([each.get(score, 0) for score in scores], np.float64) for each in given
    ]


def _placed(own: Column, other: Column) -> tuple[float, float]:
    """Mean and variance of where answers lie among those of the other arm, 0 to 1."""
    places = (np.cumsum(other) - other / 2) / other.sum()
    n = own.sum()
    mean = float(own @ places / n)
    gap = places - mean
    return mean, float(own @ (gap * gap)) / (n - 1)


def _brant(c: Column, t: Column) -> tuple[tuple[float, ...], float | None]:
    """Log odds ratio at each cut, and the p-value of their being one."""
    above = [_shares_above(arm) for arm in (c, t)]
    # A cut that has an arm wholly on one side has no ratio.
    kept = np.all([(share > 0) & (share < 1) for share in above], axis=0)
    shares = [share[kept] for share in above]
    if not kept.any():
        return (), None
    ratios = special.logit(shares[1]) - special.logit(shares[0])
    covariance = sum(
        _of_logits(share, float(arm.sum()))
        for share, arm in zip(shares, (c, t), strict=True)
    )
    cuts = tuple(float(each) for each in ratios)
    if len(cuts) < 2:  # noqa: PLR2004  # one cut is always in proportion
        return cuts, None
    contrast = np.diff(np.eye(len(cuts)), axis=0)
    gaps = contrast @ ratios
    spread = contrast @ covariance @ contrast.T
    chi2 = float(gaps @ np.linalg.pinv(spread) @ gaps)
    dof = int(np.linalg.matrix_rank(spread))
    return cuts, float(special.chdtrc(dof, max(0.0, chi2))) if dof else None


def _shares_above(counts: Column) -> Column:
    """Share of answers above each cut between scores, from the lowest cut."""
    below = np.array(list(accumulate(counts.tolist()))[:-1])
    shares: Column = 1 - below / counts.sum()
    return shares


def _of_logits(shares: Column, n: float) -> Column:
    """Covariance of the logits of nested shares: 1 / (n g_low (1 - g_high))."""
    larger = np.maximum.outer(shares, shares)
    smaller = np.minimum.outer(shares, shares)
    covariance: Column = 1 / (n * larger * (1 - smaller))
    return covariance
