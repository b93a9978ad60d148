"""Relative change against control, with intervals that know control is noisy too.

Dividing the absolute interval by the control value would treat that value as known.
Each function refuses a baseline that cannot carry a ratio; the absolute effect
survives such a refusal.
"""

import math
from collections.abc import Callable

from analysis.stats.estimate import Interval, Lift, NotComputable
from analysis.stats.intervals import normal_value, t_value
from analysis.stats.summary import Successes
from experiments.vocabulary import Reason


def fieller(
    control_mean: float,
    control_variance: float,
    treatment_mean: float,
    treatment_variance: float,
    level: float = 0.95,
    dof: float | None = None,
) -> Lift | NotComputable:
    """Lift of two independent means, by Fieller's theorem.

    Fieller (1954), "Some problems in interval estimation", JRSS B 16(2); with the
    critical value of the test on the absolute scale the interval excludes 0 exactly
    when that test rejects.

    Args:
        control_mean: mean of control, on any scale with a true zero.
        control_variance: squared standard error of that mean.
        treatment_mean: mean of treatment.
        treatment_variance: squared standard error of that mean.
        level: confidence level, 0 to 1.
        dof: degrees of freedom of Student's t; None for the normal.

    Returns:
        Lift as a share of control, or the reason why control cannot be a baseline.
    """
    if not control_mean > 0:
        return NotComputable(Reason.BASELINE_NOT_POSITIVE)
    critical = normal_value(level) if dof is None else t_value(level, dof)
    # Everything relative to control, so that no square of a mean can underflow.
    ratio = treatment_mean / control_mean
    control_cv = math.sqrt(control_variance) / control_mean
    treatment_cv = math.sqrt(treatment_variance) / control_mean
    g = (critical * control_cv) * (critical * control_cv)
    if not g < 1:
        return NotComputable(Reason.BASELINE_NEAR_ZERO)
    if control_variance + treatment_variance <= 0:
        return NotComputable(Reason.NO_VARIATION)
    half_width = critical * math.hypot(
        treatment_cv * math.sqrt(1 - g), ratio * control_cv
    )
    return Lift(
        value=ratio - 1,
        interval=Interval(
            (ratio - half_width) / (1 - g) - 1,
            (ratio + half_width) / (1 - g) - 1,
            level,
        ),
        method="fieller",
    )


def fieller_of_change(
    change: float,
    change_variance: float,
    baseline: float,
    baseline_variance: float,
    covariance: float,
    level: float = 0.95,
    dof: float | None = None,
) -> Lift | NotComputable:
    """Lift as a change over a baseline that was estimated from the same customers.

    Fieller (1954) with the covariance: r = change / baseline is where change - r
    baseline cannot be told from 0. An adjusted change takes control's covariates along,
    so it is not treatment's mean minus the baseline (statistics 4.7).

    Args:
        change: treatment minus control, adjusted or not.
        change_variance: squared standard error of the change.
        baseline: control's value, not adjusted.
        baseline_variance: squared standard error of that value.
        covariance: of change and baseline; minus the baseline's variance where the
            change is a plain difference.
        level: confidence level, 0 to 1.
        dof: degrees of freedom of Student's t; None for the normal.

    Returns:
        Lift as a share of the baseline, or the reason why it cannot be one.
    """
    if not baseline > 0:
        return NotComputable(Reason.BASELINE_NOT_POSITIVE)
    critical = normal_value(level) if dof is None else t_value(level, dof)
    # Everything relative to the baseline, so that no square of it can underflow.
    ratio = change / baseline
    change_cv = math.sqrt(change_variance) / baseline
    baseline_cv = math.sqrt(baseline_variance) / baseline
    shared = covariance / baseline / baseline
    g = (critical * baseline_cv) * (critical * baseline_cv)
    if not g < 1:
        return NotComputable(Reason.BASELINE_NEAR_ZERO)
    if change_variance <= 0:
        return NotComputable(Reason.NO_VARIATION)
    # The roots r of (1 - g) r^2 - 2 (ratio - t^2 shared) r + ratio^2 - (t change_cv)^2;
    # in the discriminant ratio^2 has cancelled.
    of_both, reach_of_change = critical * critical * shared, critical * change_cv
    middle = ratio - of_both
    squared = (
        g * ratio * ratio
        - 2 * ratio * of_both
        + of_both * of_both
        + (1 - g) * reach_of_change * reach_of_change
    )
    if not math.isfinite(squared):
        return NotComputable(Reason.NON_FINITE)
    reach = math.sqrt(max(0.0, squared))
    return Lift(
        value=ratio,
        interval=Interval(
            (middle - reach) / (1 - g), (middle + reach) / (1 - g), level
        ),
        method="fieller",
    )


def log_ratio(
    control_value: float,
    control_variance: float,
    treatment_value: float,
    treatment_variance: float,
    level: float = 0.95,
) -> Lift | NotComputable:
    """Lift of two positive values, normal on the log scale (delta method).

    The ratio of restricted mean survival times of Uno et al. (2014), "Moving beyond
    the hazard ratio", J Clin Oncol 32(22).

    Args:
        control_value: value of control, such as a restricted mean in days.
        control_variance: squared standard error of that value.
        treatment_value: value of treatment.
        treatment_variance: squared standard error of that value.
        level: confidence level, 0 to 1.

    Returns:
        Lift as a share of control, or the reason why it has none.
    """
    if not control_value > 0:
        return NotComputable(Reason.BASELINE_NOT_POSITIVE)
    if not treatment_value > 0 or control_variance + treatment_variance <= 0:
        return NotComputable(Reason.NO_VARIATION)
    ratio = treatment_value / control_value
    reach = normal_value(level) * math.hypot(
        math.sqrt(control_variance) / control_value,
        math.sqrt(treatment_variance) / treatment_value,
    )
    return Lift(
        value=ratio - 1,
        interval=Interval(
            ratio * math.exp(-reach) - 1, ratio * math.exp(reach) - 1, level
        ),
        method="log_ratio",
    )


def koopman(
    control: Successes, treatment: Successes, level: float = 0.95
) -> Lift | NotComputable:
    """Lift of two proportions: Koopman's score interval of their ratio.

    Koopman (1984), "Confidence intervals for the ratio of two binomial proportions",
    Biometrics 40(2). The bounds are the ratios that the score test just accepts. They
    are searched for: the closed form in statsmodels 0.15 (`compare="ratio"`) picks
    the wrong roots of Nam's cubic where an arm is all successes, and gives complex
    ones where the other has none.

    Args:
        control: successes of control.
        treatment: successes of treatment.
        level: confidence level, 0 to 1.

    Returns:
        Lift as a share of control's proportion, or the reason why it has none.
    """
    if not (control.n and treatment.n):
        return NotComputable(Reason.EMPTY_ARM)
    if not control.successes:
        return NotComputable(Reason.BASELINE_NOT_POSITIVE)
    ratio = (treatment.successes / treatment.n) / (control.successes / control.n)

    def score(log_ratio_: float) -> float:
        return _ratio_score(control, treatment, math.exp(log_ratio_))

    critical = normal_value(level)
    # Half a success stands in for none, to have a logarithm to start from.
    start = math.log(max(treatment.successes, 0.5) / treatment.n) - math.log(
        control.successes / control.n
    )
    low = _where(score, critical, start) if treatment.successes else -math.inf
    high = _where(score, -critical, start)
    return Lift(
        value=ratio - 1,
        interval=Interval(math.exp(low) - 1, math.exp(high) - 1, level),
        method="koopman",
    )


def _ratio_score(control: Successes, treatment: Successes, ratio: float) -> float:
    """Score statistic of the hypothesis p_treatment = ratio * p_control.

    Koopman (1984); the maximum-likelihood proportions under the
    hypothesis are the smaller root of a quadratic, taken in its stable form.
    """
    n_c, x_c = float(control.n), float(control.successes)
    n_t, x_t = float(treatment.n), float(treatment.successes)
    a = (n_c + n_t) * ratio
    b = n_t * ratio + x_t + n_c + x_c * ratio
    c = x_c + x_t
    p_c = min(1.0, 2 * c / (b + math.sqrt(max(0.0, b * b - 4 * a * c))))
    p_t = min(1.0, ratio * p_c)
    variance = p_t * (1 - p_t) / n_t + ratio * ratio * p_c * (1 - p_c) / n_c
    distance = x_t / n_t - ratio * (x_c / n_c)
    if variance <= 0:
        return math.copysign(math.inf, distance) if distance else 0.0
    return distance / math.sqrt(variance)


def _where(score: Callable[[float], float], target: float, start: float) -> float:
    """Log ratio at which the score, which falls without bound, meets the target."""
    # Loads much, and most analyses are counts that need no root.
    from scipy.optimize import brentq  # noqa: PLC0415

    low = high = start
    step = 0.1
    while score(low) < target:
        low, step = low - step, step * 2
    step = 0.1
    while score(high) > target:
        high, step = high + step, step * 2

    def gap(log_ratio_: float) -> float:
        # brentq cannot interpolate through an infinite value.
        return max(-1e9, min(1e9, score(log_ratio_) - target))

    return float(brentq(gap, low, high, xtol=1e-13, rtol=1e-13))
