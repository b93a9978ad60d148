"""The summary tables that cross from the warehouse to statistics. Never rows.

A table that no set
of customers could have made is refused at construction, with a ValueError that names
what is wrong: it would be a fault of the query, and every number after it a lie.
A mean or M2 that is NaN or infinite is let through; estimators answer it with a reason.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from analysis.stats.competing import CompetingTable
from analysis.stats.impossible import refuse_days, refuse_negative


@dataclass(frozen=True, slots=True)
class Moments:
    """One numeric outcome of one variant (in one segment).

    `m2` is the sum of squared deviations from `mean`. `n` counts finite values
    only; missing, non-finite and immature units are counted apart.
    """

    n: int
    mean: float
    m2: float
    minimum: float | None = None
    maximum: float | None = None
    n_missing: int = 0
    n_nonfinite: int = 0
    n_immature: int = 0

    def __post_init__(self) -> None:
        refuse_negative(self, "n", "m2", "n_missing", "n_nonfinite", "n_immature")
        if (
            self.minimum is not None
            and self.maximum is not None
            and self.minimum > self.maximum
        ):
            msg = f"Moments: minimum {self.minimum} is above maximum {self.maximum}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Successes:
    """One yes/no outcome of one variant (in one segment)."""

    n: int  # mature units
    successes: int
    n_missing: int = 0
    n_immature: int = 0
    n_nonfinite: int = 0

    def __post_init__(self) -> None:
        refuse_negative(
            self, "n", "successes", "n_missing", "n_immature", "n_nonfinite"
        )
        if self.successes > self.n:
            raise ValueError(f"Successes: {self.successes} successes of {self.n} units")


@dataclass(frozen=True, slots=True)
class Histogram:
    """Survey answers of one variant: how often each score was given.

    `counts` is ordered by score. `n_exposed` counts mature exposed units,
    `n_invited` those of them that were asked.
    """

    counts: tuple[tuple[float, int], ...]
    n_exposed: int
    n_invited: int
    n_immature: int = 0
    n_nonfinite: int = 0

    def __post_init__(self) -> None:
        refuse_negative(self, "n_exposed", "n_invited", "n_immature", "n_nonfinite")
        scores = [score for score, _ in self.counts]
        if not all(math.isfinite(score) for score in scores):
            raise ValueError("Histogram: a score is not a finite number")
        if any(low >= high for low, high in pairwise(scores)):
            raise ValueError("Histogram: scores must rise, each standing once")
        if any(count < 0 for _, count in self.counts):
            raise ValueError("Histogram: a count is negative")
        if self.answered + self.n_nonfinite > self.n_exposed:
            msg = f"Histogram: {self.answered} answers of {self.n_exposed} exposed"
            raise ValueError(msg)
        if self.n_invited > self.n_exposed:
            msg = f"Histogram: {self.n_invited} invited of {self.n_exposed} exposed"
            raise ValueError(msg)

    @property
    def answered(self) -> int:
        """Number of finite answers."""
        return sum(count for _, count in self.counts)


@dataclass(frozen=True, slots=True)
class LifeDay:
    """What happened to a variant's units on one day since exposure."""

    day: int  # 1 is the first full day after exposure
    events: int
    censored: int

    def __post_init__(self) -> None:
        refuse_negative(self, "day", "events", "censored")


@dataclass(frozen=True, slots=True)
class LifeTable:
    """Daily life table of one variant: exact for Kaplan-Meier, log-rank and RMST.

    `n` units are at risk at time 0. Events on a day come before its censorings.
    Units that no day accounts for were followed to the last day listed and
    censored there.
    """

    n: int
    days: tuple[LifeDay, ...]
    n_missing: int = 0  # mature units for whom no clock ever started

    def __post_init__(self) -> None:
        refuse_negative(self, "n", "n_missing")
        refuse_days(self)

    @property
    def ended(self) -> int:
        """Number of units that some day accounts for, by event or censoring."""
        return sum(day.events + day.censored for day in self.days)


Matrix = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class VectorMoments:
    """Several numbers of each unit of one variant: the outcome first, then covariates.

    `mean` has one place for each; `m2` holds the sums of products of deviations from
    it, symmetric to the bit. `n` counts units whose outcome is a finite number; those
    whose outcome is missing, non-finite or immature are counted apart. A covariate
    that is not known is 0, with an indicator as a covariate of its own beside it.
    """

    n: int
    mean: tuple[float, ...]
    m2: Matrix
    minimum: float | None = None  # of the outcome
    maximum: float | None = None
    n_missing: int = 0
    n_nonfinite: int = 0
    n_immature: int = 0

    def __post_init__(self) -> None:
        refuse_negative(self, "n", "n_missing", "n_nonfinite", "n_immature")
        size = len(self.mean)
        if not size or len(self.m2) != size or any(len(r) != size for r in self.m2):
            raise ValueError(f"VectorMoments: {size} means need {size} x {size} sums")
        if any(self.m2[i][i] < 0 for i in range(size)):
            raise ValueError("VectorMoments: a sum of squares is negative")
        below = ((i, j) for i in range(size) for j in range(i))
        if any(repr(self.m2[i][j]) != repr(self.m2[j][i]) for i, j in below):
            raise ValueError("VectorMoments: the sums of products are not symmetric")

    @property
    def outcome(self) -> Moments:
        """The outcome alone, as if there were no covariate."""
        return Moments(
            n=self.n,
            mean=self.mean[0],
            m2=self.m2[0][0],
            minimum=self.minimum,
            maximum=self.maximum,
            n_missing=self.n_missing,
            n_nonfinite=self.n_nonfinite,
            n_immature=self.n_immature,
        )


@dataclass(frozen=True, slots=True)
class Funnel:
    """How far one variant's units came in steps taken in order.

    `reached` counts, for each step, the units that took it and all before it; so it
    never rises. `n` counts mature units.
    """

    n: int
    reached: tuple[int, ...]
    n_missing: int = 0
    n_immature: int = 0
    n_nonfinite: int = 0

    def __post_init__(self) -> None:
        refuse_negative(self, "n", "n_missing", "n_immature", "n_nonfinite")
        if not self.reached or self.reached[-1] < 0:
            raise ValueError("Funnel: it needs steps, each reached by 0 units or more")
        if any(a < b for a, b in pairwise((self.n, *self.reached))):
            raise ValueError("Funnel: more units took a step than the one before")

    @property
    def finished(self) -> Successes:
        """Who took the last step, as a yes or no."""
        return Successes(
            n=self.n,
            successes=self.reached[-1],
            n_missing=self.n_missing,
            n_immature=self.n_immature,
            n_nonfinite=self.n_nonfinite,
        )


Summary = (
    Moments
    | VectorMoments
    | Successes
    | Histogram
    | LifeTable
    | CompetingTable
    | Funnel
)


def moments_of(values: Iterable[float | None], n_immature: int = 0) -> Moments:
    """Summarise single values, in two exact passes; the order does not matter.

    Args:
        values: one per mature unit, in the metric's unit; None is a missing value.
        n_immature: units that are not old enough to have a value.

    Returns:
        Moments of the finite values; the mean is 0 when there is none.
    """
    listed = list(values)
    present = [value for value in listed if value is not None]
    finite = [value for value in present if math.isfinite(value)]
    mean = _sum(finite) / len(finite) if finite else 0.0
    return Moments(
        n=len(finite),
        mean=mean,
        m2=_sum([(value - mean) * (value - mean) for value in finite]),
        minimum=min(finite, default=None),
        maximum=max(finite, default=None),
        n_missing=len(listed) - len(present),
        n_nonfinite=len(present) - len(finite),
        n_immature=n_immature,
    )


def vector_moments_of(
    rows: Iterable[Sequence[float]], size: int = 1, n_immature: int = 0
) -> VectorMoments:
    """Summarise single units of several finite numbers; their order does not matter.

    Args:
        rows: one per mature unit, its outcome first, then its covariates.
        size: how many numbers each has, where no row can tell.
        n_immature: units that are not old enough to have an outcome.

    Returns:
        VectorMoments; the means are 0 when there is no unit.
    """
    columns = list(zip(*rows, strict=True)) or [()] * size
    n = len(columns[0])
    mean = tuple(_sum(list(column)) / n if n else 0.0 for column in columns)
    apart = [[x - m for x in column] for column, m in zip(columns, mean, strict=True)]
    return VectorMoments(
        n=n,
        mean=mean,
        m2=tuple(
            tuple(_sum([x * y for x, y in zip(a, b, strict=True)]) for b in apart)
            for a in apart
        ),
        minimum=min(columns[0], default=None),
        maximum=max(columns[0], default=None),
        n_immature=n_immature,
    )


def successes_of(outcomes: Iterable[bool | None], n_immature: int = 0) -> Successes:
    """Summarise single yes/no outcomes.

    Args:
        outcomes: one per mature unit; None is a missing outcome.
        n_immature: units that are not old enough to have an outcome.

    Returns:
        Successes of the outcomes that are there.
    """
    counted = Counter(outcomes)
    return Successes(
        n=counted[True] + counted[False],
        successes=counted[True],
        n_missing=counted[None],
        n_immature=n_immature,
    )


def life_table_of(times: Iterable[tuple[int, bool]]) -> LifeTable:
    """Summarise single follow-up times.

    Args:
        times: for each unit, the day its follow-up ended and whether by the event.

    Returns:
        LifeTable in which every unit is accounted for.
    """
    counted = Counter(times)
    return LifeTable(
        n=counted.total(),
        days=tuple(
            LifeDay(day, counted[day, True], counted[day, False])
            for day in sorted({day for day, _ in counted})
        ),
    )


def moments_of_histogram(histogram: Histogram) -> Moments:
    """Mean and spread of survey scores; nothing is lost, scores are few.

    Args:
        histogram: answers of one variant.

    Returns:
        Moments in score points; exposed units without an answer are missing.
    """
    answered = histogram.answered
    given = [(score, count) for score, count in histogram.counts if count]
    mean = _sum([score * count for score, count in given]) / answered if given else 0.0
    return Moments(
        n=answered,
        mean=mean,
        m2=_sum([(score - mean) * (score - mean) * count for score, count in given]),
        minimum=given[0][0] if given else None,
        maximum=given[-1][0] if given else None,
        n_missing=histogram.n_exposed - answered - histogram.n_nonfinite,
        n_nonfinite=histogram.n_nonfinite,
        n_immature=histogram.n_immature,
    )


def successes_of_histogram(histogram: Histogram, satisfied_from: float) -> Successes:
    """Count the satisfied answers.

    Args:
        histogram: answers of one variant.
        satisfied_from: the lowest score that counts as satisfied.

    Returns:
        Successes among the answers; exposed units without an answer are missing.
    """
    answered = histogram.answered
    return Successes(
        n=answered,
        successes=sum(k for score, k in histogram.counts if score >= satisfied_from),
        n_missing=histogram.n_exposed - answered - histogram.n_nonfinite,
        n_immature=histogram.n_immature,
        n_nonfinite=histogram.n_nonfinite,
    )


def _sum(values: list[float]) -> float:
    """Correctly rounded sum; infinite where even the sum leaves the floats."""
    try:
        return math.fsum(values)
    except OverflowError:
        return sum(values)
