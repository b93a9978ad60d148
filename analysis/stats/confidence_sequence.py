"""Ranges that hold at every time at once: asymptotic confidence sequences.

Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024), "Time-uniform central limit
theory and asymptotic confidence sequences", Ann Statist 52(6), eq. 9: the normal
mixture, made narrowest at the planned size. With t = customers so far / planned size,
its squared mixing scale times the customers is t (-2 ln alpha + ln(1 - 2 ln alpha)),
so that only this share and the standard error matter: it holds for whatever has one.
"""

import math
from dataclasses import dataclass

from analysis.stats.estimate import Interval

LEAST_UNITS = 100  # in each group; before, the normal approximation is not to be had
LEAST_EVENTS = 10  # in each group, of the rarer outcome


@dataclass(frozen=True, slots=True)
class Seen:
    """What a sequence has shown so far: it never widens, and never takes back.

    Attributes:
        low: highest lower end so far; None where there was none.
        high: lowest upper end so far; None where there was none.
        p_value: smallest so far.
    """

    low: float | None = None
    high: float | None = None
    p_value: float = 1.0


def multiplier(t: float, alpha: float) -> float:
    """Half the width of the range, in standard errors.

    Args:
        t: customers so far / planned size, above 0; it may pass 1.
        alpha: two-sided, 0 to 1.

    Returns:
        The factor: 3.03 at the planned size for 5 %, where one look has 1.96.
    """
    scale = t * _mixing(alpha)
    root = math.log(math.sqrt(scale + 1) / alpha)
    return math.sqrt(2 * (scale + 1) / scale * root)


def p_value(z: float, t: float, alpha: float) -> float:
    """Anytime p-value: 1 / the mixture's likelihood ratio, at most 1.

    Args:
        z: effect / standard error.
        t: customers so far / planned size, above 0.
        alpha: two-sided, for which the mixture is made.

    Returns:
        0 to 1; at most alpha exactly when the range leaves out 0.
    """
    scale = t * _mixing(alpha)
    logarithm = z * z * scale / (2 * (scale + 1)) - math.log1p(scale) / 2
    return math.exp(-max(0.0, logarithm))


def intersected(seen: Seen, interval: Interval, p: float) -> tuple[Interval, Seen]:
    """Narrow a range by those before it: all of them hold at once.

    Args:
        seen: what was shown before.
        interval: of this time.
        p: of this time.

    Returns:
        The range to show and what is seen now. Where nothing is common to all of them
        (the effect has changed, or chance of less than alpha), low is above high.
    """
    lows = [end for end in (seen.low, interval.low) if end is not None]
    highs = [end for end in (seen.high, interval.high) if end is not None]
    low, high = max(lows, default=None), min(highs, default=None)
    now = Seen(low, high, min(seen.p_value, p))
    return Interval(low, high, interval.level), now


def _mixing(alpha: float) -> float:
    doubled = -2 * math.log(alpha)
    return doubled + math.log1p(doubled)
