"""Two proportions: retention by day N, churn by day N, share satisfied.

statsmodels and scipy.stats take seconds to load, so they are loaded by the first
comparison: what compares nothing (a refusal, a dry run, a running experiment) starts
without them.
"""

from analysis.stats.estimate import ArmValue, Estimate, Interval, Outcome
from analysis.stats.intervals import GRADES, tail
from analysis.stats.lift import koopman
from analysis.stats.refusals import finite, too_few
from analysis.stats.summary import Successes
from experiments.vocabulary import Reason

# Where fewer are expected in a cell, the normal approximation of the test fails.
MIN_EXPECTED = 5
# Boschloo's test takes time with the square of the units: 0.1 s at this many.
MAX_UNITS_FOR_BOSCHLOO = 200


def two_proportions(
    control: Successes, treatment: Successes, level: float = 0.95
) -> Outcome:
    """Compare two shares: Newcombe's interval, score test, Koopman's lift.

    Newcombe (1998), "Interval estimation for the difference between independent
    proportions", Stat Med 17(8), method 10 (hybrid of Wilson intervals).

    Args:
        control: successes among the mature units of control.
        treatment: successes among the mature units of treatment.
        level: confidence level, 0 to 1.

    Returns:
        Estimate of treatment minus control as a share (0.01 is one point); the
        p-value is None where all units, or none, succeeded. Facts: `p_method`
        (score, boschloo, fisher) and `z`. Or the reason why there is no estimate.
    """
    refused = too_few(control, treatment)
    if refused:
        return refused
    p_value, facts = _test(control, treatment)
    return finite(
        Estimate(
            method="newcombe",
            control=share(control, level),
            treatment=share(treatment, level),
            effect=treatment.successes / treatment.n - control.successes / control.n,
            interval=newcombe(control, treatment, level),
            p_value=p_value,
            lift=koopman(control, treatment, level),
            graded=tuple(newcombe(control, treatment, grade) for grade in GRADES),
            facts=facts,
        )
    )


def newcombe(control: Successes, treatment: Successes, level: float = 0.95) -> Interval:
    """Newcombe's hybrid Wilson interval of treatment minus control."""
    from statsmodels.stats.proportion import (  # noqa: PLC0415  # see the module's head
        confint_proportions_2indep,
    )

    low, high = confint_proportions_2indep(
        treatment.successes,
        treatment.n,
        control.successes,
        control.n,
        method="newcomb",
        compare="diff",
        alpha=2 * tail(level),
    )
    return Interval(float(low), float(high), level)


def share(arm: Successes, level: float = 0.95) -> ArmValue:
    """One arm's share with its Wilson interval; no value where no unit counts."""
    value, interval = None, None
    if arm.n:
        from statsmodels.stats.proportion import (  # noqa: PLC0415  # as above
            proportion_confint,
        )

        value = arm.successes / arm.n
        low, high = proportion_confint(
            arm.successes, arm.n, alpha=2 * tail(level), method="wilson"
        )
        # Exact at the ends, where the formula leaves a rounding error behind.
        interval = Interval(
            float(low) if arm.successes else 0.0,
            float(high) if arm.successes < arm.n else 1.0,
            level,
        )
    return ArmValue(
        n=arm.n,
        value=value,
        interval=interval,
        n_missing=arm.n_missing,
        n_nonfinite=arm.n_nonfinite,
        n_immature=arm.n_immature,
    )


def _test(
    control: Successes, treatment: Successes
) -> tuple[float | None, dict[str, float | int | str]]:
    """P-value of no difference, with how it was found."""
    from scipy.stats import boschloo_exact, fisher_exact  # noqa: PLC0415  # as above
    from statsmodels.stats.proportion import (  # noqa: PLC0415
        score_test_proportions_2indep,
    )

    n, successes = control.n + treatment.n, control.successes + treatment.successes
    if successes in {0, n}:
        return None, {"p_reason": Reason.NO_VARIATION.value}
    z, p_value = score_test_proportions_2indep(
        treatment.successes,
        treatment.n,
        control.successes,
        control.n,
        compare="diff",
        correction=False,
        return_results=False,
    )
    expected = min(control.n, treatment.n) * (min(successes, n - successes) / n)
    if expected >= MIN_EXPECTED:
        return float(p_value), {"z": float(z), "p_method": "score"}
    exact = boschloo_exact if n <= MAX_UNITS_FOR_BOSCHLOO else fisher_exact
    table = [
        [treatment.successes, control.successes],
        [treatment.n - treatment.successes, control.n - control.successes],
    ]
    method = "boschloo" if exact is boschloo_exact else "fisher"
    return float(exact(table).pvalue), {"z": float(z), "p_method": method}
