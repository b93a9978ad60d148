"""How much of the accepted false alarms may be spent by when: alpha spending.

Lan and DeMets (1983), "Discrete sequential boundaries for clinical trials", Biometrika
70(3). The argument t is the share of the planned information that is in, 0 to 1.
Amounts are for one side; a symmetric two-sided test spends as much on either.
"""

import math
from collections.abc import Callable, Sequence

from scipy import special

Spending = Callable[[float, float], float]  # (t, alpha of one side) -> spent by t


def obrien_fleming(t: float, alpha: float) -> float:
    """Spend late, as O'Brien and Fleming's boundary does.

    2 - 2 Phi(z_alpha/2 / sqrt t), with alpha of one side.

    Args:
        t: share of the planned information, clamped to 0 to 1.
        alpha: of one side, all in all.

    Returns:
        What may be spent by then, 0 to alpha.
    """
    if t <= 0:
        return 0.0
    if t >= 1:
        return alpha
    return 2 * float(special.ndtr(special.ndtri(alpha / 2) / math.sqrt(t)))


def pocock(t: float, alpha: float) -> float:
    """Spend evenly, as Pocock's boundary does: alpha ln(1 + (e - 1) t).

    Args:
        t: share of the planned information, clamped to 0 to 1.
        alpha: of one side, all in all.

    Returns:
        What may be spent by then, 0 to alpha.
    """
    return alpha * math.log1p((math.e - 1) * _clamped(t))


def power(exponent: float) -> Spending:
    """Spend alpha t^exponent: Kim and DeMets (1987), Biometrika 74(1).

    Args:
        exponent: above 0; the greater, the later it spends.

    Returns:
        The spending function.

    Raises:
        ValueError: the exponent is not above 0.
    """
    if not exponent > 0:
        raise ValueError(f"an exponent of spending is above 0: {exponent}")
    return lambda t, alpha: alpha * _clamped(t) ** exponent


def spent_by(times: Sequence[float], alpha: float, spend: Spending) -> list[float]:
    """Work out what is spent by each look, never less than by the one before.

    Args:
        times: shares of the planned information at the looks; those beyond 1 count
            as 1, and one below an earlier as that one.
        alpha: of one side, all in all.
        spend: the spending function.

    Returns:
        Cumulative amounts, one for each look.
    """
    amounts: list[float] = []
    for t in times:
        amounts.append(max(spend(t, alpha), amounts[-1] if amounts else 0.0))
    return amounts


def _clamped(t: float) -> float:
    return min(1.0, max(0.0, t))
