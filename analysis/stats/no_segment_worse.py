"""No segment left worse: what is better on average may be paid for by a few.

The claim is about every declared segment, so it takes each of them: a segment that was
not shown to be unharmed is not covered by the others' success.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from scipy import special

from analysis.stats.estimate import NotComputable
from experiments.vocabulary import Reason


class SegmentState(StrEnum):
    """What is known of one segment against the margin."""

    UNHARMED = "unharmed"  # harm beyond the margin is ruled out
    UNCLEAR = "unclear"
    HARMED = "harmed"  # beyond the margin, also with all segments in mind


@dataclass(frozen=True, slots=True)
class SegmentBound:
    """One segment's change and how bad it can be.

    Attributes:
        effect: the change; higher is better.
        low: one-sided lower bound of the test of this segment.
        low_together: lower bound; those of all segments hold together.
        high_together: upper bound, likewise.
        state: what follows.
    """

    segment: str
    effect: float
    low: float
    low_together: float
    high_together: float
    state: SegmentState


@dataclass(frozen=True, slots=True)
class NoSegmentWorse:
    """Whether harm beyond the margin is ruled out in every segment."""

    holds: bool
    worst: SegmentBound  # the one with the lowest bound
    bounds: tuple[SegmentBound, ...]  # in the order given


def no_segment_worse(
    effects: Sequence[tuple[str, float, float]], margin: float, alpha: float = 0.025
) -> NoSegmentWorse | NotComputable:
    """Test non-inferiority in all pre-declared segments at once.

    Intersection-union (Berger 1982, "Multiparameter hypothesis testing and acceptance
    sampling", Technometrics 24(4)): the claim is false as soon as one segment is
    harmed, so each is tested at the full `alpha`, and the claim, which needs them all,
    errs at most that often; no correction is due. To name the segments that were harmed
    is the other kind of claim, where any may be wrong; so those bounds hold together
    (Sidak 1967; segments do not overlap, so they are independent).

    Args:
        effects: (segment, change, standard error), higher is better; the segments are
            those declared in the plan, all of them.
        margin: harm that is still acceptable, at least 0, in the effects' unit.
        alpha: one-sided error rate, 0 to 0.5.

    Returns:
        Whether the claim holds, with each segment's bounds; the reason where a segment
        has no estimate: then nothing can be claimed of all.
    """
    if not effects:
        return NotComputable(Reason.TOO_FEW_SEGMENTS, {"segments": 0})
    if not margin >= 0 or math.isinf(margin):
        return NotComputable(Reason.OUT_OF_RANGE, {"field": "margin"})
    numbers = [number for _, effect, error in effects for number in (effect, error)]
    if not all(map(math.isfinite, numbers)):
        return NotComputable(Reason.NON_FINITE)
    if min(error for _, _, error in effects) <= 0:
        return NotComputable(Reason.NO_VARIATION)
    alone = -float(special.ndtri(alpha))
    # 1 - (1 - alpha)^(1/k), without cancelling.
    each = -math.expm1(math.log1p(-alpha) / len(effects))
    together = -float(special.ndtri(each))
    bounds = tuple(
        _bound(name, effect, error, margin, (alone, together))
        for name, effect, error in effects
    )
    return NoSegmentWorse(
        holds=all(bound.state == SegmentState.UNHARMED for bound in bounds),
        worst=min(bounds, key=lambda bound: (bound.low, bound.segment)),
        bounds=bounds,
    )


def _bound(
    segment: str,
    effect: float,
    error: float,
    margin: float,
    values: tuple[float, float],
) -> SegmentBound:
    alone, together = values
    low, high_together = effect - alone * error, effect + together * error
    state = SegmentState.UNCLEAR
    if low > -margin:
        state = SegmentState.UNHARMED
    elif high_together < -margin:
        state = SegmentState.HARMED
    return SegmentBound(
        segment=segment,
        effect=effect,
        low=low,
        low_together=effect - together * error,
        high_together=high_together,
        state=state,
    )
