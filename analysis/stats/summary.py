"""The summary tables that cross from the warehouse to statistics. Never rows.

Merging follows Chan, Golub, LeVeque (1983), "Algorithms for computing the sample
variance": pairwise update of (n, mean, M2), stable at any offset. A table that no set
of customers could have made is refused at construction, with a ValueError that names
what is wrong: it would be a fault of the query, and every number after it a lie.
A mean or M2 that is NaN or infinite is let through; estimators answer it with a reason.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from typing import TypeVar


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
        _refuse_negative(self, "n", "m2", "n_missing", "n_nonfinite", "n_immature")
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
        _refuse_negative(
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
        _refuse_negative(self, "n_exposed", "n_invited", "n_immature", "n_nonfinite")
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
        _refuse_negative(self, "day", "events", "censored")


@dataclass(frozen=True, slots=True)
class LifeTable:
    """Daily life table of one variant: exact for Kaplan-Meier, log-rank and RMST.

    `n` units are at risk at time 0. Events on a day come before its censorings.
    Units that no day accounts for were followed to the last day listed and
    censored there.
    """

    n: int
    days: tuple[LifeDay, ...]

    def __post_init__(self) -> None:
        _refuse_negative(self, "n")
        if any(a.day >= b.day for a, b in pairwise(self.days)):
            raise ValueError("LifeTable: days must rise, each standing once")
        if self.ended > self.n:
            raise ValueError(f"LifeTable: {self.ended} units end of {self.n}")

    @property
    def ended(self) -> int:
        """Number of units that some day accounts for, by event or censoring."""
        return sum(day.events + day.censored for day in self.days)


Summary = Moments | Successes | Histogram | LifeTable
SummaryT = TypeVar("SummaryT", Moments, Successes, Histogram, LifeTable)


def _refuse_negative(table: object, *fields: str) -> None:
    for field in fields:
        if getattr(table, field) < 0:
            raise ValueError(f"{type(table).__name__}: {field} is negative")


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


def merge(a: SummaryT, b: SummaryT) -> SummaryT:
    """Summary of two disjoint groups of units of the same variant.

    Args:
        a: summary of the one group.
        b: summary of the other, of the same kind.

    Returns:
        The summary that both groups together would have given.

    Raises:
        TypeError: when the two are summaries of different kinds.
    """
    if type(a) is not type(b):
        raise TypeError(f"cannot merge {type(a).__name__} with {type(b).__name__}")
    if isinstance(a, Moments):
        return _merge_moments(a, b)
    if isinstance(a, Histogram):
        return _merge_histograms(a, b)
    if isinstance(a, LifeTable):
        return _merge_life_tables(a, b)
    return Successes(
        n=a.n + b.n,
        successes=a.successes + b.successes,
        n_missing=a.n_missing + b.n_missing,
        n_immature=a.n_immature + b.n_immature,
        n_nonfinite=a.n_nonfinite + b.n_nonfinite,
    )


def merge_all(parts: Iterable[SummaryT]) -> SummaryT:
    """Merge any number of summaries; the same bits whatever their order.

    Args:
        parts: summaries of disjoint groups of units, of one kind, at least one.

    Returns:
        The summary of all units together.
    """
    # Rounding depends on the order of merging, so the order is made canonical; repr
    # tells any two different summaries apart, also when a field is NaN.
    return reduce(merge, sorted(parts, key=repr))


def _merge_moments(a: Moments, b: Moments) -> Moments:
    n = a.n + b.n
    if not a.n or not b.n:
        mean, m2 = (b.mean, b.m2) if b.n else (a.mean, a.m2)
    else:
        # Chan, Golub, LeVeque (1983), the pairwise update, in terms of means.
        shift = b.mean - a.mean
        mean = a.mean + shift * (b.n / n)
        m2 = a.m2 + b.m2 + shift * shift * (a.n * (b.n / n))
    return Moments(
        n=n,
        mean=mean,
        m2=m2,
        minimum=_extreme(min, a, b, "minimum"),
        maximum=_extreme(max, a, b, "maximum"),
        n_missing=a.n_missing + b.n_missing,
        n_nonfinite=a.n_nonfinite + b.n_nonfinite,
        n_immature=a.n_immature + b.n_immature,
    )


def _extreme(
    pick: Callable[[float, float], float], a: Moments, b: Moments, field: str
) -> float | None:
    """Minimum or maximum of both; None when a side that has units does not know it."""
    known: list[float | None] = [getattr(part, field) for part in (a, b) if part.n]
    if not known or None in known:
        return None
    return reduce(pick, [value for value in known if value is not None])


def _merge_histograms(a: Histogram, b: Histogram) -> Histogram:
    counts: Counter[float] = Counter()
    for score, count in (*a.counts, *b.counts):
        counts[score] += count
    return Histogram(
        counts=tuple(sorted(counts.items())),
        n_exposed=a.n_exposed + b.n_exposed,
        n_invited=a.n_invited + b.n_invited,
        n_immature=a.n_immature + b.n_immature,
        n_nonfinite=a.n_nonfinite + b.n_nonfinite,
    )


def _merge_life_tables(a: LifeTable, b: LifeTable) -> LifeTable:
    events: Counter[int] = Counter()
    censored: Counter[int] = Counter()
    for table in (a, b):
        for row in table.days:
            events[row.day] += row.events
            censored[row.day] += row.censored
        # The other table may run longer; these units' follow-up ends here all the same.
        censored[table.days[-1].day if table.days else 0] += table.n - table.ended
    return LifeTable(
        n=a.n + b.n,
        days=tuple(
            LifeDay(day, events[day], censored[day])
            for day in sorted(events.keys() | censored.keys())
            if events[day] or censored[day]
        ),
    )


def _sum(values: list[float]) -> float:
    """Correctly rounded sum; infinite where even the sum leaves the floats."""
    try:
        return math.fsum(values)
    except OverflowError:
        return sum(values)
