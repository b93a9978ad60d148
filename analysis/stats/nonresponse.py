"""What a survey's result is worth when many kept silent.

Three answers to one question, each under its own assumption: Lee's bounds (whoever
answers in the arm that answers less would have answered in the other too), the
tipping point (how different the silent must be to undo the result), and weighting by
who tends to answer (`response_weighting`). They need histograms and response counts.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from scipy import special

from analysis.stats.estimate import Interval, NotComputable
from analysis.stats.intervals import normal_value, tail
from analysis.stats.means import squared_error
from analysis.stats.refusals import too_few
from analysis.stats.summary import Histogram, moments_of_histogram
from experiments.vocabulary import Reason


@dataclass(frozen=True, slots=True)
class LeeBounds:
    """Between which values the effect lies among those who answer in either arm.

    Attributes:
        trim: share of the answers that is cut from the arm that answered more often.
        low: smallest effect that silence leaves possible.
        high: largest.
        interval: that holds the effect (not both bounds) with its level.
    """

    trim: float
    low: float
    high: float
    interval: Interval

    @property
    def includes_zero(self) -> bool:
        """Whether no change is among what silence leaves possible."""
        low, high = self.interval.low, self.interval.high
        return low is None or high is None or low <= 0 <= high


@dataclass(frozen=True, slots=True)
class TippingPoint:
    """How far the treatment's silent must differ from its answers to undo a result.

    Attributes:
        gap: by which the silent lie beyond those who answered, in score points,
            towards no change; 0 where the interval includes no change already.
        reachable: whether answers on this scale can differ by so much.
    """

    gap: float
    reachable: bool


def lee_bounds(
    control: Histogram,
    treatment: Histogram,
    level: float = 0.95,
    design_effect: float = 1.0,
) -> LeeBounds | NotComputable:
    """Bound the effect on answers by trimming the arm that answered more often.

    Lee (2009), "Training, wages, and sample selection", Rev Econ Stud 76(3), prop. 1a
    and 3: random assignment, and treatment makes nobody silent and others speak at
    once. Ties are cut in part. The interval is that of Imbens and Manski (2004),
    "Confidence intervals for partially identified parameters", Econometrica 72(6).

    Args:
        control: answers of control, in whatever they count (scores, 0 and 1, +-100).
        treatment: answers of treatment.
        level: confidence level, 0 to 1.
        design_effect: by which the variance of answers exceeds that of independent
            customers; 1 for customers that are drawn one by one.

    Returns:
        LeeBounds of treatment minus control, or the reason why there are none.
    """
    arms = (control, treatment)
    refused = too_few(*map(moments_of_histogram, arms))
    if refused:
        return refused
    if control.n_nonfinite or treatment.n_nonfinite:
        return NotComputable(Reason.NON_FINITE)
    rates = [arm.answered / arm.n_exposed for arm in arms]
    trim = 1 - min(rates) / max(rates)
    # The share to cut is itself an estimate: its relative variance, of both arms.
    rate_variance = math.fsum(
        (1 - rate) / arm.answered for rate, arm in zip(rates, arms, strict=True)
    )
    cut = rates.index(max(rates))
    kept = [_cut(arms[cut], trim, rate_variance, top=top) for top in (True, False)]
    whole = _cut(arms[1 - cut], 0.0, 0.0, top=True)
    effects = [(each.mean - whole.mean) * (1 if cut else -1) for each in kept]
    variances = [(each.variance + whole.variance) * design_effect for each in kept]
    if not all(map(math.isfinite, (*effects, *variances))):
        return NotComputable(Reason.NON_FINITE)
    if not max(variances) > 0:
        return NotComputable(Reason.NO_VARIATION)
    (low, v_low), (high, v_high) = sorted(zip(effects, variances, strict=True))
    return LeeBounds(
        trim=trim,
        low=low,
        high=high,
        interval=_imbens_manski(low, high, math.sqrt(v_low), math.sqrt(v_high), level),
    )


def tipping_point(
    control: Histogram,
    treatment: Histogram,
    scale: tuple[float, float],
    level: float = 0.95,
    design_effect: float = 1.0,
) -> TippingPoint | NotComputable:
    """Find how different the treatment's silent must be for the result to go.

    A pattern-mixture model: the silent of control are taken for like its answers, the
    silent of the treatment for `gap` worse (or better) than theirs; see National
    Research Council (2010), "The prevention and treatment of missing data in clinical
    trials", ch. 5. The effect on all exposed customers is then D - gap (1 - r), with
    variance v + gap^2 r (1 - r) / n.

    Args:
        control: answers of control, in whatever they count.
        treatment: answers of treatment.
        scale: lowest and highest value that an answer can count.
        level: confidence level whose interval must reach no change.
        design_effect: as for `lee_bounds`.

    Returns:
        TippingPoint, or the reason why there is none.
    """
    c, t = (moments_of_histogram(arm) for arm in (control, treatment))
    refused = too_few(c, t)
    if refused:
        return refused
    if control.n_nonfinite or treatment.n_nonfinite:
        return NotComputable(Reason.NON_FINITE)
    variance = (squared_error(c) + squared_error(t)) * design_effect
    if not variance > 0:
        return NotComputable(Reason.NO_VARIATION)
    effect, z = abs(t.mean - c.mean), normal_value(level)
    if effect <= z * math.sqrt(variance):
        return TippingPoint(0.0, reachable=True)
    silent = 1 - treatment.answered / treatment.n_exposed
    if not silent:
        return NotComputable(Reason.NO_SILENCE)
    # (effect - gap s)^2 = z^2 (v + gap^2 w): the smaller root, which comes first.
    w = silent * (1 - silent) / treatment.n_exposed * design_effect
    a = silent * silent - z * z * w
    b = effect * silent
    c0 = effect * effect - z * z * variance
    root = math.sqrt(max(0.0, b * b - a * c0))
    gap = c0 / (b + root)
    # An answer can only be as far from the mean as the end of the scale.
    room = t.mean - scale[0] if t.mean > c.mean else scale[1] - t.mean
    return TippingPoint(gap, reachable=gap <= room)


class _Part(NamedTuple):
    """Mean of the answers that are kept, with its squared error."""

    mean: float
    variance: float


def _cut(arm: Histogram, trim: float, rate_variance: float, *, top: bool) -> _Part:
    """Cut a share of an arm's answers from one end, the last tie in part.

    The variance is Lee's (2009, prop. 3): of the kept answers, of where the cut falls,
    and of the share that is cut.
    """
    kept = _kept(arm.counts, trim * arm.answered, top=top)
    n = math.fsum(weight for _, weight in kept)
    mean = math.fsum(score * weight for score, weight in kept) / n
    spread = math.fsum((score - mean) ** 2 * weight for score, weight in kept) / n
    # Welch's n - 1, so that with nothing cut the bounds are the complete answers'.
    spread *= arm.answered / (arm.answered - 1)
    if not trim:
        return _Part(mean, spread / n)
    at_cut = kept[-1][0] - mean
    return _Part(mean, spread / n + at_cut * at_cut * (trim / n + rate_variance))


def _kept(
    counts: Sequence[tuple[float, int]], cut: float, *, top: bool
) -> list[tuple[float, float]]:
    """Weigh each score by what is left of it, ending with the one next to the cut."""
    left = []
    for score, count in reversed(counts) if top else counts:
        gone = min(cut, float(count))
        cut -= gone
        if count > gone:
            left.append((score, count - gone))
    return left[::-1]


def _imbens_manski(
    low: float, high: float, low_error: float, high_error: float, level: float
) -> Interval:
    """Widen bounds so that the effect between them is held with its level.

    Imbens and Manski (2004), eq. 6 and 7: from the one-sided critical value where the
    bounds lie far apart to the two-sided one where they meet.
    """
    from scipy.optimize import brentq  # noqa: PLC0415  # loads much; rarely needed

    gap = (high - low) / max(low_error, high_error)
    outside = 2 * tail(level)

    def excess(c: float) -> float:
        return float(special.ndtr(-c) + special.ndtr(-c - gap)) - outside

    two_sided = normal_value(level)
    c = two_sided if excess(two_sided) >= 0 else float(brentq(excess, 0, two_sided))
    return Interval(low - c * low_error, high + c * high_error, level)
