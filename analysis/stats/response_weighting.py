"""Answers weighed by who tends to answer, from strata known before exposure.

Where customers alike in what was known beforehand answer alike, whether they speak or
not, weighing each answer by the inverse of its chance repairs the silence. The strata
(such as the declared segments a customer is in) are cells with an answer histogram,
which is all that the weights and their errors need.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.stats.estimate import ArmValue, Estimate, NotComputable, Outcome
from analysis.stats.intervals import GRADES, normal_interval, normal_p_value
from analysis.stats.lift import fieller
from analysis.stats.refusals import finite, too_few, unvaried
from analysis.stats.summary import Histogram, moments_of_histogram
from experiments.vocabulary import Reason

# No answer speaks for more than fifty: a chance below this counts as this.
MIN_CHANCE = 0.02
MAX_STEPS = 50  # of Newton; a fit that needs more has no end
CLOSE = 1e-10

Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Stratum:
    """Customers of one variant who are alike in what was known before exposure.

    Attributes:
        covariates: 1 or 0 for each segment, or any numbers; without the constant.
        answers: of these customers, in whatever answers count.
    """

    covariates: tuple[float, ...]
    answers: Histogram


def inverse_weighted(
    control: Sequence[Stratum],
    treatment: Sequence[Stratum],
    level: float = 0.95,
) -> Outcome:
    """Compare mean answers of all exposed customers, by inverse probability weights.

    Weights are those of a logistic model of answering within each arm, normed to one
    (Hajek); the error is the sandwich of both stacked estimating equations (Lunceford
    and Davidian 2004, "Stratification and weighting via the propensity score", Stat
    Med 23(19), sec. 2). A stabilising constant would cancel in the norm.

    Args:
        control: strata of control.
        treatment: strata of treatment, with the same covariates.
        level: confidence level, 0 to 1.

    Returns:
        Estimate of treatment minus control. Facts: `z`, `standard_error`,
        `control_largest_weight`, `treatment_largest_weight` (customers that one answer
        stands for), `capped_share` (of answers whose weight was held at 50). Or the
        reason why not.
    """
    wholes = [
        moments_of_histogram(_whole([each.answers for each in arm]))
        for arm in (control, treatment)
    ]
    refused = too_few(wholes[0], wholes[1])
    if refused:
        return refused
    c, t = (_weighted(arm) for arm in (control, treatment))
    if isinstance(c, NotComputable):
        return c
    if isinstance(t, NotComputable):
        return t
    refused = unvaried(wholes[0].n, c.variance, wholes[1].n, t.variance)
    if refused:
        return refused
    effect = t.mean - c.mean
    error = math.hypot(math.sqrt(c.variance), math.sqrt(t.variance))
    interval, *graded = (normal_interval(effect, error, at) for at in (level, *GRADES))
    return finite(
        Estimate(
            method="inverse_weighted",
            control=_arm(c, wholes[0].n, wholes[0].n_missing, level),
            treatment=_arm(t, wholes[1].n, wholes[1].n_missing, level),
            effect=effect,
            interval=interval,
            p_value=normal_p_value(effect / error),
            lift=fieller(c.mean, c.variance, t.mean, t.variance, level),
            graded=tuple(graded),
            facts={
                "z": effect / error,
                "standard_error": error,
                "control_largest_weight": c.largest,
                "treatment_largest_weight": t.largest,
                "capped_share": (c.capped + t.capped) / (wholes[0].n + wholes[1].n),
            },
        )
    )


@dataclass(frozen=True, slots=True)
class _Weighted:
    """One arm's weighted mean, with its squared error."""

    mean: float
    variance: float
    largest: float  # weight
    capped: int  # answers


def _arm(found: _Weighted, n: int, silent: int, level: float) -> ArmValue:
    interval = None
    if found.variance > 0:
        interval = normal_interval(found.mean, math.sqrt(found.variance), level)
    return ArmValue(n=n, value=found.mean, interval=interval, n_missing=silent)


def _whole(parts: Sequence[Histogram]) -> Histogram:
    counts: dict[float, int] = {}
    for part in parts:
        for score, count in part.counts:
            counts[score] = counts.get(score, 0) + count
    return Histogram(
        counts=tuple(sorted(counts.items())),
        n_exposed=sum(part.n_exposed for part in parts),
        n_invited=sum(part.n_invited for part in parts),
        n_immature=sum(part.n_immature for part in parts),
        n_nonfinite=sum(part.n_nonfinite for part in parts),
    )


def _weighted(strata: Sequence[Stratum]) -> _Weighted | NotComputable:
    strata = [stratum for stratum in strata if stratum.answers.n_exposed]
    x = _design(strata)
    exposed = np.array([each.answers.n_exposed for each in strata], np.float64)
    answered = np.array([each.answers.answered for each in strata], np.float64)
    chance = _chances(x, exposed, answered)
    if chance is None:
        return NotComputable(Reason.SILENT_STRATUM)
    held = np.maximum(chance, MIN_CHANCE)
    return _sandwich(strata, x, chance, held)


def _design(strata: Sequence[Stratum]) -> Column:
    """Constant and covariates, without columns that the others already give."""
    from scipy.linalg import qr  # noqa: PLC0415  # loads much; rarely needed

    x = np.array([[1.0, *each.covariates] for each in strata], np.float64)
    # Pivoting takes the longest column first; the constant must stay.
    others = x[:, 1:] - x[:, 1:].mean(axis=0)
    if not others.size:
        return x
    _, r, order = qr(others, mode="economic", pivoting=True)
    size = np.abs(np.diag(r))
    kept = order[: int((size > CLOSE * max(1.0, float(size.max()))).sum())]
    columns: Column = np.hstack([x[:, :1], others[:, np.sort(kept)]])
    return columns


def _chances(x: Column, exposed: Column, answered: Column) -> Column | None:
    """Fit the logistic model by Newton; None where it has no finite end."""
    beta = np.zeros(x.shape[1])
    for _ in range(MAX_STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ beta, -700, 700)))
        information = x.T @ (x * (exposed * p * (1 - p))[:, None])
        score = x.T @ (answered - exposed * p)
        if (
            not np.isfinite(information).all()
            or np.linalg.cond(information) > 1 / CLOSE
        ):
            # Everybody answered in all strata: the weights are one.
            return np.ones_like(exposed) if (answered == exposed).all() else None
        step = np.linalg.solve(information, score)
        beta += step
        if np.abs(step).max() < CLOSE:
            fitted: Column = 1 / (1 + np.exp(-(x @ beta)))
            return fitted
    return None


def _sandwich(
    strata: Sequence[Stratum], x: Column, chance: Column, held: Column
) -> _Weighted:
    """Weighted mean with the error of model and mean together."""
    moments = [moments_of_histogram(each.answers) for each in strata]
    n = np.array([each.n for each in moments], np.float64)
    exposed = np.array([each.answers.n_exposed for each in strata], np.float64)
    means = np.array([each.mean for each in moments])
    spread = np.array([each.m2 for each in moments])
    weight = 1 / held
    total = float(n @ weight)
    mean = float((n * weight) @ means) / total
    gap = means - mean
    # How the mean moves with the model; a weight that is held does not move.
    moves = np.where(chance > held - CLOSE, (1 - chance) / held, 0.0)
    pull = x.T @ (n * moves * gap)
    information = x.T @ (x * (exposed * chance * (1 - chance))[:, None])
    along = np.linalg.pinv(information) @ pull
    drift = x @ along
    # Influence of an answer y: (y - mean) w - drift (1 - p); of a silence: drift p.
    at_mean = gap * weight - drift * (1 - chance)
    squares = n * at_mean * at_mean + spread * weight * weight
    silent = (exposed - n) * (drift * chance) ** 2
    variance = float((squares + silent).sum()) / (total * total)
    return _Weighted(
        mean=mean,
        variance=variance,
        largest=float(weight[n > 0].max()),
        capped=int(n[chance < MIN_CHANCE].sum()),
    )
