"""Bayes for two shares of few customers, where a normal would be no share at all."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.stats.bayes import Belief
from analysis.stats.estimate import Interval, NotComputable
from analysis.stats.intervals import tail
from analysis.stats.quadrature import legendre
from analysis.stats.refusals import too_few
from analysis.stats.summary import Successes

FEW = 200  # customers of the smaller variant below which shares are read this way
_NODES = 400
_FAR = 12  # standard deviations around a difference that hold its quantiles
_REST = 1e-15  # left out at either end of a share


@dataclass(frozen=True, slots=True)
class _Beta:
    a: float
    b: float

    @property
    def mean(self) -> float:
        return self.a / (self.a + self.b)

    @property
    def variance(self) -> float:
        n = self.a + self.b
        return self.mean * (self.b / n) / (n + 1)

    def above(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(special.betaincc(self.a, self.b, np.clip(x, 0.0, 1.0)))

    def excess(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """E[max(P - x, 0)], for x between 0 and 1."""
        part = special.betaincc(self.a + 1, self.b, x)
        return np.asarray(self.mean * part - x * special.betaincc(self.a, self.b, x))

    def mirrored(self) -> "_Beta":
        """The distribution of 1 - P."""
        return _Beta(self.b, self.a)


def believe_shares(
    control: Successes,
    treatment: Successes,
    matters: float = 0.0,
    level: float = 0.95,
) -> Belief | NotComputable:
    """Compare two shares from uniform priors: Beta(1 + successes, 1 + failures).

    Gelman et al., BDA3, sec. 2.4. The distribution of the difference has no closed
    form; each figure is an integral over the narrower share, by quadrature.

    Args:
        control: successes among the mature customers of control.
        treatment: of the treatment. Where less is better, give failures.
        matters: the smallest change that matters, as a share.
        level: of the credible interval, 0 to 1.

    Returns:
        Belief in treatment minus control as a share, or the reason why there is none.
    """
    refused = too_few(control, treatment)
    if refused:
        return refused
    ours, theirs = (
        _Beta(1.0 + arm.successes, 1.0 + arm.n - arm.successes)
        for arm in (control, treatment)
    )
    found = Belief(
        mean=theirs.mean - ours.mean,
        sd=math.sqrt(ours.variance + theirs.variance),
        interval=_interval(ours, theirs, level),
        better=_chance_beyond(ours, theirs, 0.0),
        beyond=_chance_beyond(ours, theirs, matters),
        loss_of_shipping=_excess(theirs, ours),
        loss_of_keeping=_excess(ours, theirs),
    )
    # Rounding of the weights can leave the last digit outside.
    return replace(
        found,
        better=min(1.0, max(0.0, found.better)),
        beyond=min(1.0, max(0.0, found.beyond)),
    )


def _chance_beyond(ours: _Beta, theirs: _Beta, gap: float) -> float:
    """P(theirs - ours > gap), an average over the narrower of the two."""
    if ours.variance <= theirs.variance:
        at, weights = _values(ours)
        return float(weights @ theirs.above(at + gap))
    # 1 - ours > 1 - theirs + gap: the same question of the mirrored shares.
    at, weights = _values(theirs.mirrored())
    return float(weights @ ours.mirrored().above(at + gap))


def _excess(ours: _Beta, theirs: _Beta) -> float:
    """E[max(theirs - ours, 0)], likewise."""
    if ours.variance <= theirs.variance:
        at, weights = _values(ours)
        return max(0.0, float(weights @ theirs.excess(at)))
    at, weights = _values(theirs.mirrored())
    return max(0.0, float(weights @ ours.mirrored().excess(at)))


def _interval(ours: _Beta, theirs: _Beta, level: float) -> Interval:
    # Loads much, and most analyses have more customers.
    from scipy.optimize import brentq  # noqa: PLC0415

    missed = tail(level)
    mean = theirs.mean - ours.mean
    sd = math.sqrt(ours.variance + theirs.variance)
    lowest, highest = max(-1.0, mean - _FAR * sd), min(1.0, mean + _FAR * sd)

    def where(chance: float) -> float:
        def surplus(gap: float) -> float:
            return _chance_beyond(ours, theirs, gap) - chance

        return float(brentq(surplus, lowest, highest, xtol=1e-7 * sd))

    return Interval(where(1 - missed), where(missed), level)


def _values(share: _Beta) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values of a share with the weight of each: Gauss and Legendre on its density."""
    low = float(special.betaincinv(share.a, share.b, _REST))
    high = 1 - float(special.betaincinv(share.b, share.a, _REST))
    nodes, weights = legendre(_NODES)
    at = low + (high - low) * (nodes + 1) / 2
    log_density = special.xlogy(share.a - 1, at) + special.xlog1py(share.b - 1, -at)
    density = weights * np.exp(log_density - log_density.max())
    return at, density / density.sum()
