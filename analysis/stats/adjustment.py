"""Using what was known of customers before: the same change with a smaller error.

Only numbers from before the exposure may be covariates; what a treatment can move would
take its effect away. The warehouse enforces that by time.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from analysis.stats.balance import covariate_balance
from analysis.stats.covariates import (
    Arm,
    Matrix,
    are_finite,
    arm_of,
    kept_covariates,
    pooled,
)
from analysis.stats.estimate import ArmValue, Estimate, NotComputable, Outcome
from analysis.stats.intervals import GRADES, around, t_p_value, t_value
from analysis.stats.lift import fieller_of_change
from analysis.stats.means import squared_error, welch
from analysis.stats.refusals import MIN_UNITS, finite, too_few
from analysis.stats.summary import VectorMoments
from experiments.vocabulary import Reason

# Of the outcome's own squares: a residual below it is the rounding of sums that cancel.
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class _Adjusted:
    """The two adjusted means and how they err."""

    control: float
    treatment: float
    control_variance: float
    treatment_variance: float
    covariance: float  # of the two: they share the mean of the covariates
    with_baseline: float  # of the change with control's unadjusted mean
    dof: float

    @property
    def variance(self) -> float:
        return self.control_variance + self.treatment_variance - 2 * self.covariance


def lin(
    control: VectorMoments,
    treatment: VectorMoments,
    level: float = 0.95,
    *,
    slopes_cost: bool = True,
) -> Outcome:
    """Compare two means, each adjusted to the covariates of all customers.

    Lin (2013), "Agnostic notes on regression adjustments to experimental data", Ann
    Appl Stat 7(1): in each variant the outcome is regressed on the covariates, and read
    off at their mean over both. With q = (1, -slopes) and C the covariance matrix of a
    variant the variance is q'C q / n for each, and (b_t - b_c)' S_x (b_t - b_c) / N for
    customers being a sample themselves (Negi and Wooldridge 2021). It never errs more
    than the plain difference in large samples, whatever the true relation.

    Args:
        control: of each customer the outcome, then covariates from before exposure.
        treatment: likewise.
        level: confidence level, 0 to 1.
        slopes_cost: whether each slope takes a degree of freedom from its variant's
            residual; False gives the uncorrected error of the paper, for parity.

    Returns:
        Estimate of treatment minus control in the outcome's unit, with the adjusted
        means as the variants' values; the lift is against control's unadjusted mean.
        Facts: `t`, `dof`, `standard_error`, `lift_standard_error` (by the delta method,
        where control is above 0), `variance_ratio` (realised: the error's
        square over that without covariates), `covariates`, `covariates_dropped`,
        `balance_p_value` (Hotelling; a small one says that variants differed before),
        and `unadjusted_effect`,
        `unadjusted_standard_error`, `unadjusted_low`, `unadjusted_high` and
        `unadjusted_p_value`. Without a usable covariate it is `welch`. Or the reason
        why there is no estimate.
    """
    plain = welch(control.outcome, treatment.outcome, level)
    if isinstance(plain, NotComputable):
        return plain
    if not (are_finite(control) and are_finite(treatment)):
        return NotComputable(Reason.NON_FINITE)
    offered = len(control.mean) - 1
    kept = kept_covariates((control, treatment))
    if not kept:
        return _unadjusted(plain, offered)
    refused = too_few(control, treatment)
    if refused or min(control.n, treatment.n) < len(kept) + MIN_UNITS:
        return NotComputable(
            Reason.TOO_FEW_UNITS,
            {
                "control_n": control.n,
                "treatment_n": treatment.n,
                "needed": len(kept) + MIN_UNITS,
            },
        )
    found = _adjust(
        arm_of(control, kept), arm_of(treatment, kept), len(kept) if slopes_cost else 0
    )
    if not found.variance > 0:
        return NotComputable(Reason.NO_VARIATION)
    return _estimate(
        "lin",
        (control, treatment),
        found,
        plain,
        {
            "covariates": len(kept),
            "covariates_dropped": offered - len(kept),
            **covariate_balance(arm_of(control, kept), arm_of(treatment, kept)),
        },
    )


def cuped(
    control: VectorMoments, treatment: VectorMoments, level: float = 0.95
) -> Outcome:
    """Compare two means adjusted with one slope for both variants.

    Deng, Xu, Kohavi and Walker (2013), "Improving the sensitivity of online controlled
    experiments by utilizing pre-experiment data" (WSDM): theta = cov(y, x) / var(x)
    over all customers. Most platforms show it, so results can be held together; Abide
    reports `lin`, which also holds where variants differ in their slopes.

    Args:
        control: of each customer the outcome, then one covariate.
        treatment: likewise.
        level: confidence level, 0 to 1.

    Returns:
        As `lin`, with `theta` among the facts.

    Raises:
        ValueError: when there is not exactly one covariate.
    """
    if len(control.mean) != 2:  # noqa: PLR2004  # the outcome and one covariate
        raise ValueError("CUPED takes one covariate")
    plain = welch(control.outcome, treatment.outcome, level)
    if isinstance(plain, NotComputable):
        return plain
    if not (are_finite(control) and are_finite(treatment)):
        return NotComputable(Reason.NON_FINITE)
    if not kept_covariates((control, treatment)):
        return _unadjusted(plain, 1)
    ours, theirs = arm_of(control, [0]), arm_of(treatment, [0])
    found, theta = _adjust_together(ours, theirs)
    if not found.variance > 0:
        return NotComputable(Reason.NO_VARIATION)
    return _estimate(
        "cuped",
        (control, treatment),
        found,
        plain,
        {
            "theta": theta,
            "covariates": 1,
            "covariates_dropped": 0,
            **covariate_balance(ours, theirs),
        },
    )


def _adjust(control: Arm, treatment: Arm, p: int) -> _Adjusted:
    mean, spread = pooled(control, treatment)
    n = control.n + treatment.n
    b_c, b_t = control.slopes, treatment.slopes
    v_c, v_t = (
        _residual(arm, slopes) / (arm.n - 1 - p) / arm.n
        for arm, slopes in ((control, b_c), (treatment, b_t))
    )
    shared = spread / n
    with_outcome = control.products / (control.n - 1) / n
    return _Adjusted(
        control=control.outcome - float(b_c @ (control.mean - mean)),
        treatment=treatment.outcome - float(b_t @ (treatment.mean - mean)),
        control_variance=v_c + float(b_c @ shared @ b_c),
        treatment_variance=v_t + float(b_t @ shared @ b_t),
        covariance=float(b_t @ shared @ b_c),
        with_baseline=float((b_t - b_c) @ with_outcome) - v_c,
        dof=_satterthwaite(
            (v_c, control.n - 1 - p),
            (v_t, treatment.n - 1 - p),
            (control.n, treatment.n),
        ),
    )


def _adjust_together(control: Arm, treatment: Arm) -> tuple[_Adjusted, float]:
    mean, spread = pooled(control, treatment)
    n = control.n + treatment.n
    apart = treatment.outcome - control.outcome
    products = (
        control.products
        + treatment.products
        + apart * (treatment.mean - control.mean) * (control.n * (treatment.n / n))
    )
    slopes: Matrix = np.asarray(products / (n - 1) / np.diag(spread))
    v_c, v_t = (
        _residual(arm, slopes) / (arm.n - 1) / arm.n for arm in (control, treatment)
    )
    own = control.squares - slopes @ control.products
    found = _Adjusted(
        control=control.outcome - float(slopes @ (control.mean - mean)),
        treatment=treatment.outcome - float(slopes @ (treatment.mean - mean)),
        control_variance=v_c,
        treatment_variance=v_t,
        covariance=0.0,
        with_baseline=-float(own) / (control.n - 1) / control.n,
        dof=_satterthwaite(
            (v_c, control.n - 1), (v_t, treatment.n - 1), (control.n, treatment.n)
        ),
    )
    return found, float(slopes[0])


def _residual(arm: Arm, slopes: Matrix) -> float:
    left = arm.residual(slopes)
    return left if left > _ROUNDING * arm.squares else 0.0


def _satterthwaite(
    control: tuple[float, int], treatment: tuple[float, int], sizes: tuple[int, int]
) -> float:
    """Degrees of freedom of two variances, from shares that cannot overflow."""
    total = control[0] + treatment[0]
    if not total > 0:
        return float(sum(sizes) - 2)
    parts = ((variance / total) ** 2 / dof for variance, dof in (control, treatment))
    return 1 / math.fsum(parts)


def _unadjusted(plain: Estimate, offered: int) -> Estimate:
    facts = {**plain.facts, "covariates": 0, "covariates_dropped": offered}
    return replace(plain, facts=facts)


def _estimate(
    method: str,
    arms: tuple[VectorMoments, VectorMoments],
    found: _Adjusted,
    plain: Estimate,
    facts: dict[str, float | int | str],
) -> Outcome:
    effect, error = found.treatment - found.control, math.sqrt(found.variance)
    level = plain.interval.level
    interval, *graded = (
        around(effect, t_value(each, found.dof) * error, each)
        for each in (level, *GRADES)
    )
    return finite(
        Estimate(
            method=method,
            control=_shown(
                plain.control, found.control, found.control_variance, found.dof, level
            ),
            treatment=_shown(
                plain.treatment,
                found.treatment,
                found.treatment_variance,
                found.dof,
                level,
            ),
            effect=effect,
            interval=interval,
            p_value=t_p_value(effect / error, found.dof),
            lift=fieller_of_change(
                effect,
                found.variance,
                arms[0].mean[0],
                squared_error(arms[0].outcome),
                found.with_baseline,
                level,
                found.dof,
            ),
            graded=tuple(graded),
            facts={
                "t": effect / error,
                "dof": found.dof,
                "standard_error": error,
                **_relative_error(effect, found, arms[0]),
                **_beside(plain, found.variance),
                **facts,
            },
        )
    )


def _relative_error(
    effect: float, found: _Adjusted, control: VectorMoments
) -> dict[str, float]:
    """Error of the lift by the delta method, with the change's part in the baseline."""
    baseline = control.mean[0]
    if not baseline > 0:
        return {}
    ratio = effect / baseline
    squared = (
        found.variance
        + ratio * ratio * squared_error(control.outcome)
        - 2 * ratio * found.with_baseline
    )
    error = math.sqrt(max(0.0, squared)) / baseline
    return {"lift_standard_error": error} if math.isfinite(error) else {}


def _beside(plain: Estimate, variance: float) -> dict[str, float | int | str]:
    """What the page shows next to an adjusted number: the one that is not."""
    error = float(plain.facts["standard_error"])
    low, high = plain.interval.low, plain.interval.high
    beside = {
        "variance_ratio": variance / (error * error),
        "unadjusted_effect": plain.effect,
        "unadjusted_standard_error": error,
        "unadjusted_low": low,
        "unadjusted_high": high,
        "unadjusted_p_value": plain.p_value,
    }
    return {name: value for name, value in beside.items() if value is not None}


def _shown(
    plain: ArmValue, value: float, variance: float, dof: float, level: float
) -> ArmValue:
    interval = None
    if variance > 0:
        interval = around(value, t_value(level, dof) * math.sqrt(variance), level)
    return replace(plain, value=value, interval=interval)
