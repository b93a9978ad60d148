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
from analysis.stats.summary import Moments, VectorMoments
from experiments.vocabulary import Reason

Pair = tuple[Moments, Moments]  # of one stratum: control, treatment
VectorPair = tuple[VectorMoments, VectorMoments]


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
    pairs = [
        (_merged([every[i] for i in group], 0), _merged([every[i] for i in group], 1))
        for group in _large_enough([(c.n, t.n) for c, t in every])
    ]
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
                **_unadjusted_ends(plain),
            },
        )
    )


def with_strata(strata: Mapping[str, VectorPair]) -> VectorPair:
    """Write strata as further covariates, for estimates that have covariates too.

    With one indicator for each stratum but the first, Lin's regression in each variant
    fits every stratum its own mean: without other covariates its estimate is that of
    `post_stratified`.

    Args:
        strata: label -> vectors of control and treatment, all of one length; at least
            one. Small strata are put together as there.

    Returns:
        Vectors of all customers, the strata's indicators last.
    """
    every = [pair for _, pair in sorted(strata.items())]
    groups = _large_enough([(c.n, t.n) for c, t in every])
    parts: tuple[list[VectorMoments], list[VectorMoments]] = ([], [])
    for place, group in enumerate(groups):
        for i in group:
            for own, arm in zip(parts, every[i], strict=True):
                own.append(_widened(arm, place, len(groups) - 1))
    return merge_all(parts[0]), merge_all(parts[1])


def _widened(vector: VectorMoments, place: int, indicators: int) -> VectorMoments:
    """Add one stratum's indicators, which are the same for all its customers."""
    own = [float(place == i + 1) for i in range(indicators)]
    nothing = (0.0,) * indicators
    rows = [(*row, *nothing) for row in vector.m2]
    none = (0.0,) * (len(vector.mean) + indicators)
    return replace(
        vector, mean=(*vector.mean, *own), m2=(*rows, *([none] * indicators))
    )


def _unadjusted_ends(plain: Estimate) -> dict[str, float | int | str]:
    low, high = plain.interval.low, plain.interval.high
    if low is None or high is None:
        return {}
    return {"unadjusted_low": low, "unadjusted_high": high}


def _large_enough(sizes: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Put small strata together, and with the smallest large one when still small.

    Args:
        sizes: customers of each stratum in control and in the treatment.

    Returns:
        Places of the strata that make one.
    """
    ordered = sorted(range(len(sizes)), key=lambda i: min(sizes[i]), reverse=True)
    large = [[i] for i in ordered if min(sizes[i]) >= MIN_UNITS]
    rest = [i for i in ordered if min(sizes[i]) < MIN_UNITS]
    while rest and large and min(_total(sizes, rest)) < MIN_UNITS:
        rest += large.pop()
    return [*large, rest] if rest else large


def _total(sizes: Sequence[tuple[int, int]], places: Sequence[int]) -> tuple[int, int]:
    return sum(sizes[i][0] for i in places), sum(sizes[i][1] for i in places)


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
