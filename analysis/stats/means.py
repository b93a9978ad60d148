"""Two means: mean CSAT, and every other numeric outcome."""

import math
import sys
from collections.abc import Mapping
from dataclasses import replace

from analysis.stats.estimate import ArmValue, Estimate, NotComputable, Outcome
from analysis.stats.intervals import GRADES, around, t_p_value, t_value
from analysis.stats.lift import fieller
from analysis.stats.refusals import finite, too_few, unvaried
from analysis.stats.summary import Moments
from experiments.vocabulary import Reason

# A spread within this many roundings of the mean is the rounding, not the customers.
ROUNDINGS = 16


def welch(control: Moments, treatment: Moments, level: float = 0.95) -> Outcome:
    """Compare two means by Welch's t, with Fieller's lift.

    Welch (1947), "The generalization of Student's problem when several different
    population variances are involved", Biometrika 34(1-2).

    Args:
        control: moments of control's outcome.
        treatment: moments of treatment's outcome, in the same unit.
        level: confidence level, 0 to 1.

    Returns:
        Estimate of treatment minus control in the outcome's unit. Facts: `t`, `dof`,
        `standard_error`. Or the reason why there is no estimate.
    """
    refused = too_few(control, treatment)
    if refused:
        return refused
    if not all(map(math.isfinite, (control.mean, control.m2))) or not all(
        map(math.isfinite, (treatment.mean, treatment.m2))
    ):
        return NotComputable(Reason.NON_FINITE)
    v_c, v_t = squared_error(control), squared_error(treatment)
    refused = unvaried(control.n, v_c, treatment.n, v_t)
    if refused:
        return refused
    standard_error = math.hypot(math.sqrt(v_c), math.sqrt(v_t))
    dof = _welch_dof(control, treatment)
    effect = treatment.mean - control.mean
    t = effect / standard_error
    interval, *graded = (
        around(effect, t_value(each, dof) * standard_error, each)
        for each in (level, *GRADES)
    )
    return finite(
        Estimate(
            method="welch",
            control=mean_value(control, level),
            treatment=mean_value(treatment, level),
            effect=effect,
            interval=interval,
            p_value=t_p_value(t, dof),
            lift=fieller(control.mean, v_c, treatment.mean, v_t, level, dof),
            graded=tuple(graded),
            facts={"t": t, "dof": dof, "standard_error": standard_error},
        )
    )


def named(
    found: Outcome, method: str, facts: Mapping[str, float | int | str] | None = None
) -> Outcome:
    """Give a comparison of means the name and facts of what was compared so.

    Args:
        found: what `welch` said.
        method: whose values these are means of.
        facts: further ones.

    Returns:
        The same estimate under that name; a reason as it is.
    """
    if isinstance(found, NotComputable):
        return found
    return replace(found, method=method, facts={**found.facts, **(facts or {})})


def squared_error(arm: Moments) -> float:
    """Squared standard error of an arm's mean; 0 where all its values are alike.

    Args:
        arm: moments of at least two units.

    Returns:
        Sample variance over n, in squared units of the outcome.
    """
    if arm.minimum is not None and arm.minimum == arm.maximum:
        return 0.0
    variance = arm.m2 / (arm.n - 1)
    rounding = ROUNDINGS * sys.float_info.epsilon * abs(arm.mean)
    return variance / arm.n if math.sqrt(variance) > rounding else 0.0


def mean_value(arm: Moments, level: float = 0.95) -> ArmValue:
    """One arm's mean with its t interval; no interval where nothing varies.

    Args:
        arm: moments of the arm, of any size.
        level: confidence level, 0 to 1.

    Returns:
        ArmValue in the outcome's unit.
    """
    interval = None
    if arm.n > 1 and squared_error(arm):
        half_width = t_value(level, arm.n - 1) * math.sqrt(squared_error(arm))
        interval = around(arm.mean, half_width, level)
    return ArmValue(
        n=arm.n,
        value=arm.mean if arm.n else None,
        interval=interval,
        n_missing=arm.n_missing,
        n_nonfinite=arm.n_nonfinite,
        n_immature=arm.n_immature,
    )


def _welch_dof(control: Moments, treatment: Moments) -> float:
    """Welch-Satterthwaite degrees of freedom, from shares that cannot overflow."""
    se_c = math.sqrt(squared_error(control))
    se_t = math.sqrt(squared_error(treatment))
    largest = max(se_c, se_t)
    w_c, w_t = (se_c / largest) ** 2, (se_t / largest) ** 2
    return (w_c + w_t) ** 2 / (w_c**2 / (control.n - 1) + w_t**2 / (treatment.n - 1))
