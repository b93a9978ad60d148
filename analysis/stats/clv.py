"""What customers may still buy: BG/NBD and Gamma-Gamma. Exploratory, never a verdict.

The confirmatory metric of value is the margin observed up to a fixed horizon. These
models tell beforehand how it may go on, and say how well they did where that is known.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.stats.estimate import NotComputable
from analysis.stats.refusals import MIN_UNITS
from experiments.vocabulary import Reason

Column = NDArray[np.float64]
Loss = Callable[[Column], float]

RUN_AWAY = 20.0  # of a logarithm: a fit without end


@dataclass(frozen=True, slots=True)
class Buyers:
    """Customers with one history.

    Attributes:
        repeats: purchases after the first one.
        last: time of the last of them since the first; 0 where there was none.
        watched: time from the first purchase to the end of the records.
        customers: how many have this history.
    """

    repeats: int
    last: float
    watched: float
    customers: int = 1


@dataclass(frozen=True, slots=True)
class BgNbd:
    """Fitted model: rates of buying are gamma (r, alpha), of leaving beta (a, b)."""

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float


@dataclass(frozen=True, slots=True)
class GammaGamma:
    """Fitted model of the mean value of a purchase."""

    p: float
    q: float
    v: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Purchases foretold and made in a later time, of customers alike so far."""

    repeats: int  # so far; the last group holds all with as many or more
    customers: int
    foretold: float  # purchases a customer
    made: float


def fit_bg_nbd(buyers: Sequence[Buyers]) -> BgNbd | NotComputable:
    """Fit the BG/NBD model by maximum likelihood.

    Fader, Hardie and Lee (2005), "'Counting your customers' the easy way: an
    alternative to the Pareto/NBD model", Marketing Science 24(2), eq. 6.

    Args:
        buyers: histories in one unit of time.

    Returns:
        BgNbd, or the reason why not: fewer than ten customers, nobody who came again,
        impossible times, or no finite fit.
    """
    refused = _refused(buyers)
    if refused:
        return refused
    x, last, watched, n = _columns(buyers)
    # In units of the longest history the start is near whatever the unit.
    unit = float(watched.max())
    last, watched = last / unit, watched / unit

    def loss(logs: Column) -> float:
        r, alpha, a, b = np.exp(logs)
        value = float(n @ _log_likelihood(x, last, watched, (r, alpha, a, b)))
        return -value / float(n.sum())

    found = _least(loss, np.zeros(4))
    if found is None:
        return NotComputable(Reason.NOT_CONVERGED)
    r, alpha, a, b = (float(each) for each in np.exp(found))
    # A time in the longest history counts `unit` times as much: x purchases, x units.
    value = -loss(found) * float(n.sum()) - float(n @ x) * math.log(unit)
    return BgNbd(r, alpha * unit, a, b, value)


def expected_purchases(model: BgNbd, buyer: Buyers, time: float) -> float:
    """Purchases to expect of a customer in the time to come.

    Fader, Hardie and Lee (2005), eq. 10.

    Args:
        model: fitted, in the histories' unit of time.
        buyer: the history so far.
        time: that is looked ahead, 0 or more.

    Returns:
        Expected number of purchases.
    """
    r, alpha, a, b = model.r, model.alpha, model.a, model.b
    x, seen = buyer.repeats, alpha + buyer.watched
    z = time / (seen + time)
    series = float(special.hyp2f1(r + x, b + x, a + b + x - 1, z))
    top = (a + b + x - 1) / (a - 1)
    top *= 1 - (seen / (seen + time)) ** (r + x) * series
    if not x:
        return float(top)
    gone = a / (b + x - 1) * (seen / (alpha + buyer.last)) ** (r + x)
    return float(top / (1 + gone))


def calibration(
    model: BgNbd, later: Sequence[tuple[Buyers, int]], time: float, most: int = 7
) -> tuple[Calibration, ...]:
    """Put what was foretold beside what customers did later.

    Args:
        model: fitted on the histories.
        later: each history with the purchases made by all its customers in the time
            that followed.
        time: its length, above 0.
        most: repeats from which on customers are one group.

    Returns:
        One entry for each number of repeats so far, lowest first.
    """
    groups: dict[int, list[tuple[int, float, int]]] = {}
    for buyer, made in later:
        foretold = expected_purchases(model, buyer, time) * buyer.customers
        key = min(buyer.repeats, most)
        groups.setdefault(key, []).append((buyer.customers, foretold, made))
    found = []
    for repeats, parts in sorted(groups.items()):
        customers = sum(each[0] for each in parts)
        expected = math.fsum(each[1] for each in parts) / customers
        bought = sum(each[2] for each in parts) / customers
        found.append(Calibration(repeats, customers, expected, bought))
    return tuple(found)


def fit_gamma_gamma(
    values: Sequence[tuple[int, float]],
) -> GammaGamma | NotComputable:
    """Fit the Gamma-Gamma model of what a purchase is worth.

    Fader and Hardie (2013), "The gamma-gamma model of monetary value", eq. 1a; value
    must not hang on how often a customer buys.

    Args:
        values: of each customer with a purchase: their number, and their mean value.

    Returns:
        GammaGamma, or the reason why not.
    """
    if len(values) < MIN_UNITS:
        return NotComputable(Reason.TOO_FEW_UNITS, {"needed": MIN_UNITS})
    x, mean = np.array(values, np.float64).T
    if not np.isfinite(mean).all():
        return NotComputable(Reason.NON_FINITE)
    if not (x > 0).all() or not (mean > 0).all():
        return NotComputable(Reason.OUT_OF_RANGE, {"field": "values"})
    unit = float(mean.mean())
    mean = mean / unit

    def loss(logs: Column) -> float:
        p, q, v = np.exp(logs)
        value = (
            special.gammaln(p * x + q)
            - special.gammaln(p * x)
            - special.gammaln(q)
            + q * math.log(v)
            + (p * x - 1) * np.log(mean)
            + p * x * np.log(x)
            - (p * x + q) * np.log(x * mean + v)
        )
        return -float(value.mean())

    found = _least(loss, np.zeros(3))
    if found is None:
        return NotComputable(Reason.NOT_CONVERGED)
    p, q, v = (float(each) for each in np.exp(found))
    return GammaGamma(p, q, v * unit)


def expected_value(model: GammaGamma, purchases: int, mean: float) -> float | None:
    """Value to expect of a customer's purchase: between their own mean and everybody's.

    Args:
        model: fitted.
        purchases: of the customer, 0 or more.
        mean: of their values; not read where there are none.

    Returns:
        Expected value; None where the model's mean is infinite (q up to 1).
    """
    if model.q <= 1 and not purchases:
        return None
    whole = model.p * purchases + model.q - 1
    if not whole > 0:
        return None
    return model.p * (model.v + purchases * mean) / whole


def _refused(buyers: Sequence[Buyers]) -> NotComputable | None:
    customers = sum(buyer.customers for buyer in buyers)
    if customers < MIN_UNITS:
        facts: dict[str, float | int | str] = {"needed": MIN_UNITS}
        return NotComputable(Reason.TOO_FEW_UNITS, facts)
    for buyer in buyers:
        fits = 0 <= buyer.last <= buyer.watched < math.inf and buyer.repeats >= 0
        if not fits or (buyer.repeats == 0) != (buyer.last == 0):
            return NotComputable(Reason.OUT_OF_RANGE, {"field": "buyers"})
    if not any(buyer.repeats for buyer in buyers):
        return NotComputable(Reason.NO_VARIATION)
    return None


def _columns(buyers: Sequence[Buyers]) -> tuple[Column, Column, Column, Column]:
    rows = [(b.repeats, b.last, b.watched, b.customers) for b in buyers]
    x, last, watched, n = np.array(rows, np.float64).T
    return x, last, watched, n


def _log_likelihood(
    x: Column, last: Column, watched: Column, model: tuple[float, ...]
) -> Column:
    """Log-likelihood of each history; the two ways it can have come about added."""
    r, alpha, a, b = model
    common = (
        special.gammaln(r + x)
        - special.gammaln(r)
        + r * math.log(alpha)
        + special.betaln(a, b + x)
        - special.betaln(a, b)
    )
    alive = -(r + x) * np.log(alpha + watched)
    left = np.where(
        x > 0,
        math.log(a) - np.log(b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + last),
        -np.inf,
    )
    found: Column = common + np.logaddexp(alive, left)
    return found


def _least(loss: Loss, start: Column) -> Column | None:
    """Minimise over logarithms; None where they run away or nothing is found."""
    from scipy.optimize import minimize  # noqa: PLC0415  # loads much; rarely needed

    with np.errstate(all="ignore"):
        rough = minimize(
            loss, start, method="Nelder-Mead", options={"maxiter": 4000, "fatol": 1e-12}
        )
        found = minimize(loss, rough.x, method="BFGS", options={"gtol": 1e-9})
    best = min((rough, found), key=lambda each: float(each.fun))
    if not math.isfinite(float(best.fun)) or np.abs(best.x).max() > RUN_AWAY:
        return None
    return np.asarray(best.x, np.float64)
