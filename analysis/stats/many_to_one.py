"""Estimates of several treatments against one control, by whatever estimator: Dunnett.

All comparisons share control's error, so they tend to err together, and Bonferroni's
ranges are wider than is needed. Each estimator keeps its own form: it is asked for its
interval at the level whose critical value is the one that all comparisons stay below
together. Hasler and Hothorn (2008), "Multiple contrast tests in the presence of
heteroscedasticity", Biom J 50(5): each variant brings its own variance, and the
correlations are those of the variances as estimated.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from analysis.stats.dunnett import many_to_one_p_value, many_to_one_value
from analysis.stats.estimate import ArmValue, Estimate, Outcome

# A control far smaller than a treatment has all of the error; below 1 it integrates.
LARGEST_LOADING = 0.9999


@dataclass(frozen=True, slots=True)
class Together:
    """One of several treatments, as adjusted over all of them.

    Attributes:
        level: at which its estimator's own interval holds together with the others.
        p_value: adjusted (single step), so that it is below alpha exactly when the
            statistic passes the shared critical value; None where nothing is tested.
    """

    level: float
    p_value: float | None


def together(outcomes: Sequence[Outcome], level: float = 0.95) -> tuple[Together, ...]:
    """Adjust the comparisons of all treatments of a plan with its control.

    Args:
        outcomes: of every treatment of the plan. One without an estimate still counts
            in the family, which was fixed beforehand, as if it were independent.
        level: confidence level of the family, 0 to 1.

    Returns:
        One for each, in the same order.
    """
    loadings = np.array([_loading(outcome) for outcome in outcomes])
    dof = min((_dof(outcome) for outcome in outcomes), default=math.inf)
    critical = many_to_one_value(loadings, dof, level)
    found = []
    for outcome in outcomes:
        own = _dof(outcome)
        plain = outcome.p_value if isinstance(outcome, Estimate) else None
        adjusted = None
        if plain is not None:
            # Never below the plain one, whose last digit a quadrature could miss.
            adjusted = max(
                plain, many_to_one_p_value(_value(plain / 2, own), loadings, dof)
            )
        found.append(Together(max(level, 1 - 2 * _tail(critical, own)), adjusted))
    return tuple(found)


def _dof(outcome: Outcome) -> float:
    """Degrees of freedom behind an estimate; infinite for a normal one."""
    dof = outcome.facts.get("dof")
    is_t = isinstance(outcome, Estimate) and isinstance(dof, (int, float)) and dof > 0
    return float(dof) if is_t and dof is not None else math.inf


def _loading(outcome: Outcome) -> float:
    """Share of control in a comparison's error, as `many_to_one_value` takes it."""
    if not isinstance(outcome, Estimate):
        return 0.0
    control, treatment = outcome.control, outcome.treatment
    ours, theirs = _reach(control), _reach(treatment)
    if ours is None or theirs is None:
        ours, theirs = _units(control) ** -0.5, _units(treatment) ** -0.5
    return min(LARGEST_LOADING, ours / math.hypot(ours, theirs))


def _reach(arm: ArmValue) -> float | None:
    """How far a group's own interval reaches: in proportion to its error."""
    own = arm.interval
    if own is None or own.low is None or own.high is None or not own.high > own.low:
        return None
    return (own.high - own.low) / 2


def _units(arm: ArmValue) -> float:
    return float(max(1, arm.n if arm.n_accounts is None else arm.n_accounts))


def _tail(value: float, dof: float) -> float:
    of_t = special.ndtr(-value) if math.isinf(dof) else special.stdtr(dof, -value)
    return float(of_t)


def _value(tail: float, dof: float) -> float:
    """The statistic whose upper tail is so large."""
    at = special.ndtri(tail) if math.isinf(dof) else special.stdtrit(dof, tail)
    return abs(float(at))
