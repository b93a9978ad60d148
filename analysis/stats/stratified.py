"""Post-stratification: compare within groups known beforehand, then add up.

Chance puts more loyal customers into one variant than into the other. Comparing within
each stratum (plan, tenure, country) and weighing by everybody's strata takes that part
of the error out.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from analysis.stats.estimate import ArmValue, Estimate, NotComputable, Outcome
from analysis.stats.intervals import GRADES, around, t_p_value, t_value
from analysis.stats.lift import fieller
from analysis.stats.means import squared_error, welch
from analysis.stats.merging import merge_all
from analysis.stats.refusals import MIN_UNITS, finite
from analysis.stats.summary import Moments
from experiments.vocabulary import Reason

Pair = tuple[Moments, Moments]  # of one stratum: control, treatment


def post_stratified(strata: Mapping[str, Pair], level: float = 0.95) -> Outcome:
    """Compare two means within strata that were known before the exposure.

    Miratrix, Sekhon and Yu (2013), "Adjusting treatment effect estimates by
    post-stratification in randomized experiments", JRSS B 75(2): the effect is the
    strata's, weighed by their share of all customers; the variance adds that of the
    shares, for customers are a sample (multinomial). Strata with fewer than 10
    customers in a variant are put together.

    Args:
        strata: label -> moments of control and treatment, in one unit.
        level: confidence level, 0 to 1.

    Returns:
        Estimate of treatment minus control, facts as `lin`, with `strata` (after small
        ones were put together). Or the reason why there is no estimate.
    """
    if not strata:
        return NotComputable(Reason.EMPTY_ARM)
    every = [pair for _, pair in sorted(strata.items())]
    plain = welch(_merged(every, 0), _merged(every, 1), level)
    if isinstance(plain, NotComputable):
        return plain
    pairs = _large_enough(every)
    total = sum(c.n + t.n for c, t in pairs)
    weights = [(c.n + t.n) / total for c, t in pairs]
    means = [_weighted(weights, [pair[arm].mean for pair in pairs]) for arm in (0, 1)]
    within = [[squared_error(pair[arm]) for pair in pairs] for arm in (0, 1)]
    variances = [
        math.fsum(w * w * v for w, v in zip(weights, each, strict=True))
        for each in within
    ]
    effect = means[1] - means[0]
    spread = _weighted(weights, [(t.mean - c.mean - effect) ** 2 for c, t in pairs])
    variance = variances[0] + variances[1] + spread / total
    if not variance > 0:
        return NotComputable(Reason.NO_VARIATION)
    dof = _dof(weights, pairs)
    error = math.sqrt(variance)
    interval, *graded = (
        around(effect, t_value(each, dof) * error, each) for each in (level, *GRADES)
    )
    return finite(
        Estimate(
            method="post_stratified",
            control=_shown(plain, 0, means[0], variances[0], dof),
            treatment=_shown(plain, 1, means[1], variances[1], dof),
            effect=effect,
            interval=interval,
            p_value=t_p_value(effect / error, dof),
            lift=fieller(means[0], variances[0], means[1], variances[1], level, dof),
            graded=tuple(graded),
            facts={
                "t": effect / error,
                "dof": dof,
                "standard_error": error,
                "strata": len(pairs),
                "variance_ratio": variance / float(plain.facts["standard_error"]) ** 2,
                "unadjusted_effect": plain.effect,
                "unadjusted_standard_error": plain.facts["standard_error"],
            },
        )
    )


def _large_enough(pairs: Sequence[Pair]) -> list[Pair]:
    """Put small strata together, and with the smallest large one when still small."""
    ordered = sorted(pairs, key=_smaller, reverse=True)
    large = [pair for pair in ordered if _smaller(pair) >= MIN_UNITS]
    small = [pair for pair in ordered if _smaller(pair) < MIN_UNITS]
    if not small:
        return large
    rest = (_merged(small, 0), _merged(small, 1))
    while _smaller(rest) < MIN_UNITS and large:
        last = large.pop()
        rest = (_merged([rest, last], 0), _merged([rest, last], 1))
    return [*large, rest]


def _smaller(pair: Pair) -> int:
    return min(arm.n for arm in pair)


def _merged(pairs: Sequence[Pair], arm: int) -> Moments:
    return merge_all(pair[arm] for pair in pairs)


def _weighted(weights: Sequence[float], values: Sequence[float]) -> float:
    return math.fsum(w * value for w, value in zip(weights, values, strict=True))


def _dof(weights: Sequence[float], pairs: Sequence[Pair]) -> float:
    """Welch-Satterthwaite over every stratum's two variances."""
    parts = [
        (w * w * squared_error(arm), arm.n - 1)
        for w, pair in zip(weights, pairs, strict=True)
        for arm in pair
    ]
    total = math.fsum(variance for variance, _ in parts)
    if not total > 0:
        return float(sum(dof for _, dof in parts))
    return 1 / math.fsum((v / total) ** 2 / dof for v, dof in parts)


def _shown(
    plain: Estimate, arm: int, value: float, variance: float, dof: float
) -> ArmValue:
    whole = (plain.control, plain.treatment)[arm]
    level = plain.interval.level
    interval = None
    if variance > 0:
        interval = around(value, t_value(level, dof) * math.sqrt(variance), level)
    return replace(whole, value=value, interval=interval)
