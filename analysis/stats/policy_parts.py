"""Whether a rule by stratum is worth it, from what each part of customers had.

The rule that is learned gives every stratum the variant with the best mean so far, so
the outcomes' moments by variant, stratum and fold are all that is needed: within a part
a doubly robust score is a straight line of the outcome. See `policy` for the method.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from analysis.stats.estimate import NotComputable
from analysis.stats.intervals import normal_interval, normal_p_value
from analysis.stats.merging import merge_all
from analysis.stats.part import Part
from analysis.stats.policy import AddedValue, PolicyValue
from analysis.stats.refusals import MIN_UNITS
from analysis.stats.summary import Moments
from experiments.vocabulary import Reason

Means = Mapping[str, Sequence[float]]  # by stratum, of each variant


@dataclass(frozen=True, slots=True)
class _Learned:
    """What the folds before one say.

    Attributes:
        means: of each stratum, by variant.
        best: variant of each stratum.
        single: the best variant for everybody.
        overall: means of everybody, for strata not met so far.
    """

    means: Means
    best: Mapping[str, int]
    single: int
    overall: Sequence[float]


def worth_by_stratum(
    arms: Sequence[Sequence[Part]],
    propensities: Sequence[float],
    sign: int = 1,
    level: float = 0.95,
) -> AddedValue | NotComputable:
    """Learn which stratum should get what, and value it on those who taught nothing.

    As `policy.worth_of_personalising`, with a mean for each stratum and variant as the
    model. A stratum with fewer than ten customers of a variant so far takes the means
    of everybody.

    Args:
        arms: of each variant its parts.
        propensities: probability of each variant, drawn from.
        sign: 1 where a higher outcome is better, -1 where a lower one is.
        level: confidence level, 0 to 1.

    Returns:
        What personalising adds per customer, counted for the better; or the reason why
        it cannot be told.
    """
    if not all(0 < p <= 1 for p in propensities):
        return NotComputable(Reason.NO_PROPENSITIES)
    cells = _cells(arms, sign)
    if not all(math.isfinite(c.mean) and math.isfinite(c.m2) for c in cells.values()):
        return NotComputable(Reason.NON_FINITE)
    folds = sorted({fold for _, _, fold in cells})
    added: list[Moments] = []
    rule, uniform, changed = _Value(propensities), _Value(propensities), 0
    for fold in folds:
        learned = _learn(cells, fold, len(arms))
        if learned is None:
            continue
        for (arm, stratum, of), own in cells.items():
            if of == fold:
                pick = learned.best.get(stratum, learned.single)
                means = learned.means.get(stratum, learned.overall)
                one = rule.add(own, arm, pick, means[pick])
                other = uniform.add(own, arm, learned.single, means[learned.single])
                added.append(_line(own, one, other))
                changed += own.n if pick != learned.single else 0
    if not added:
        return NotComputable(Reason.TOO_FEW_UNITS, {"needed": MIN_UNITS})
    if not changed:
        return NotComputable(Reason.ONE_FOR_ALL)
    total = merge_all(added)
    error = _error(total)
    if not error > 0:
        return NotComputable(Reason.NO_VARIATION)
    return AddedValue(
        rule=rule.value(level),
        uniform=uniform.value(level),
        added=total.mean,
        standard_error=error,
        interval=normal_interval(total.mean, error, level),
        p_value=normal_p_value(total.mean / error),
        share_changed=changed / total.n,
    )


_Line = tuple[float, float]  # score = first + second x outcome


class _Value:
    """The value of one way to choose, added up part by part."""

    def __init__(self, propensities: Sequence[float]) -> None:
        self._propensities = propensities
        self._parts: list[Moments] = []
        self._matched: dict[int, int] = defaultdict(int)

    def add(self, own: Moments, arm: int, pick: int, mean: float) -> _Line:
        """Score a part's customers under the variant that is picked for them."""
        weight = 1 / self._propensities[pick] if arm == pick else 0.0
        line = mean - weight * mean, weight
        self._parts.append(_line(own, line, (0.0, 0.0)))
        if arm == pick:
            self._matched[arm] += own.n
        return line

    def value(self, level: float) -> PolicyValue:
        """Give the value of all parts together."""
        whole = merge_all(self._parts)
        error = _error(whole)
        weights = [(n, 1 / self._propensities[arm]) for arm, n in self._matched.items()]
        total = math.fsum(n * w for n, w in weights)
        squares = math.fsum(n * w * w for n, w in weights)
        return PolicyValue(
            value=whole.mean,
            standard_error=error,
            interval=normal_interval(whole.mean, error, level),
            matched=sum(n for n, _ in weights),
            effective=total * total / squares if squares else 0.0,
            largest_weight=max((w for n, w in weights if n), default=0.0),
        )


def _line(own: Moments, one: _Line, other: _Line) -> Moments:
    """Moments of the difference of two scores, each a line of the outcome."""
    level, slope = one[0] - other[0], one[1] - other[1]
    return Moments(own.n, level + slope * own.mean, slope * slope * own.m2)


def _error(moments: Moments) -> float:
    return math.sqrt(moments.m2 / (moments.n - 1) / moments.n) if moments.n > 1 else 0.0


_Cells = Mapping[tuple[int, str, int], Moments]  # by variant, stratum and fold


def _cells(arms: Sequence[Sequence[Part]], sign: int) -> _Cells:
    found: dict[tuple[int, str, int], Moments] = {}
    for arm, parts in enumerate(arms):
        for part in parts:
            own = part.vector.outcome
            if own.n:
                key = arm, part.stratum, part.fold
                found[key] = Moments(own.n, sign * own.mean, own.m2)
    return dict(sorted(found.items()))


def _learn(cells: _Cells, fold: int, arms: int) -> _Learned | None:
    """Choose by the folds before one; None where they are too few customers."""
    by_arm: dict[int, list[Moments]] = defaultdict(list)
    by_stratum: dict[tuple[str, int], list[Moments]] = defaultdict(list)
    for (arm, stratum, of), own in cells.items():
        if of < fold:
            by_arm[arm].append(own)
            by_stratum[stratum, arm].append(own)
    every = [_together(by_arm[arm]) for arm in range(arms)]
    if any(each is None or each.n < MIN_UNITS for each in every):
        return None
    overall = [each.mean for each in every if each is not None]
    means: dict[str, Sequence[float]] = {}
    sizes: dict[str, int] = {}
    for stratum in {name for name, _ in by_stratum}:
        here = [_together(by_stratum[stratum, arm]) for arm in range(arms)]
        known = [each.mean for each in here if each and each.n >= MIN_UNITS]
        means[stratum] = known if len(known) == arms else overall
        sizes[stratum] = sum(each.n for each in here if each is not None)
    weighed = [
        math.fsum(sizes[name] * means[name][arm] for name in sorted(means))
        for arm in range(arms)
    ]
    return _Learned(
        means=means,
        best={name: _first_best(each) for name, each in means.items()},
        single=_first_best(weighed),
        overall=overall,
    )


def _together(parts: Iterable[Moments]) -> Moments | None:
    listed = list(parts)
    return merge_all(listed) if listed else None


def _first_best(values: Sequence[float]) -> int:
    return max(range(len(values)), key=lambda i: values[i])
