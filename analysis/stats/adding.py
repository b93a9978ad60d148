"""Adding the effects of several experiments up, without adding up their luck."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.stats.estimate import Interval, NotComputable
from analysis.stats.pooling import paule_mandel
from analysis.stats.standard_error import normal_quantile
from experiments.vocabulary import Reason


@dataclass(frozen=True, slots=True)
class ShrunkTotal:
    """A sum of shrunk effects.

    Attributes:
        total: of the effects that count, each shrunk towards 0.
        interval: of the total, where effects add up.
    """

    total: float
    interval: Interval


def shrunk_total(
    effects: Sequence[float],
    standard_errors: Sequence[float],
    counted: Sequence[bool],
    level: float = 0.95,
) -> ShrunkTotal | NotComputable:
    """Add effects up after shrinking each towards 0 by how little it says.

    What was shipped was chosen for looking good, so its plain sum is too high. Every
    effect, shipped or not, tells how large true ones are (tau^2 about 0, Paule and
    Mandel 1982); each is then taken as its normal posterior mean
    x tau^2 / (tau^2 + s^2), which a choice by x does not bias (Efron 2011, "Tweedie's
    formula and selection bias", J Am Stat Assoc 106). tau^2 is taken as known.

    Args:
        effects: of all experiments, in one unit.
        standard_errors: of each, above 0.
        counted: which of them are added up.
        level: of the interval, 0 to 1.

    Returns:
        The total; a reason where nothing is counted, or where chance alone would
        scatter the effects as much as they are.
    """
    if not any(counted):
        return NotComputable(Reason.TOO_FEW_UNITS, {"n": 0, "needed": 1})
    between = typical_spread(effects, standard_errors)
    if isinstance(between, NotComputable):
        return between
    kept = [
        (effect, error)
        for effect, error, counts in zip(effects, standard_errors, counted, strict=True)
        if counts
    ]
    return _shrunk_sum(kept, between, level)


def typical_spread(
    effects: Sequence[float], standard_errors: Sequence[float]
) -> float | NotComputable:
    """How far true effects lie from 0, from estimates of many (tau^2 about 0).

    Args:
        effects: in one unit.
        standard_errors: of each, above 0.

    Returns:
        The variance of true effects about 0, above 0; a reason where chance alone
        would scatter the estimates as much.
    """
    pooled = paule_mandel(effects, standard_errors, about=0.0)
    if isinstance(pooled, NotComputable):
        return pooled
    return pooled.between if pooled.between > 0 else NotComputable(Reason.NO_VARIATION)


def shrunk_mean(
    effects: Sequence[float],
    standard_errors: Sequence[float],
    between: float,
    level: float = 0.95,
) -> ShrunkTotal:
    """Average effects after shrinking each towards 0, as `shrunk_total` adds them.

    It is the average over these experiments, not what a next one will do.

    Args:
        effects: at least one, in one unit.
        standard_errors: of each, above 0.
        between: variance of true effects, from `typical_spread`.
        level: of the interval, 0 to 1.

    Returns:
        The average in the place of the total.
    """
    pairs = list(zip(effects, standard_errors, strict=True))
    found, number = _shrunk_sum(pairs, between, level), len(pairs)
    low, high = found.interval.low or 0.0, found.interval.high or 0.0
    return ShrunkTotal(
        found.total / number, Interval(low / number, high / number, level)
    )


def _shrunk_sum(
    pairs: Sequence[tuple[float, float]], between: float, level: float
) -> ShrunkTotal:
    total, variance = 0.0, 0.0
    for effect, error in pairs:
        kept = between / (between + error * error)
        total += kept * effect
        variance += kept * error * error
    half = normal_quantile(level) * math.sqrt(variance)
    return ShrunkTotal(total, Interval(total - half, total + half, level))
