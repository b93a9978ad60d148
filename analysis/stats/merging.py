"""Summaries of disjoint groups of units, put together without their rows.

Merging follows Chan, Golub, LeVeque (1983), "Algorithms for computing the sample
variance": pairwise update of (n, mean, M2), stable at any offset.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from functools import reduce
from typing import TypeVar

from analysis.stats.competing import CompetingDay, CompetingTable
from analysis.stats.summary import (
    Funnel,
    Histogram,
    LifeDay,
    LifeTable,
    Moments,
    Successes,
    VectorMoments,
)

SummaryT = TypeVar(
    "SummaryT",
    Moments,
    VectorMoments,
    Successes,
    Histogram,
    LifeTable,
    CompetingTable,
    Funnel,
)


def merge(a: SummaryT, b: SummaryT) -> SummaryT:  # noqa: PLR0911  # one a kind
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
    if isinstance(a, VectorMoments):
        return _merge_vectors(a, b)
    if isinstance(a, Histogram):
        return _merge_histograms(a, b)
    if isinstance(a, LifeTable):
        return _merge_life_tables(a, b)
    if isinstance(a, CompetingTable):
        return _merge_competing(a, b)
    if isinstance(a, Funnel):
        return _merge_funnels(a, b)
    return _merge_successes(a, b)


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


def _merge_vectors(a: VectorMoments, b: VectorMoments) -> VectorMoments:
    if len(a.mean) != len(b.mean):
        msg = f"cannot merge vectors of {len(a.mean)} and of {len(b.mean)} numbers"
        raise TypeError(msg)
    n = a.n + b.n
    if not a.n or not b.n:
        mean, m2 = (b.mean, b.m2) if b.n else (a.mean, a.m2)
    else:
        # As for one number; of two numbers the product of their shifts.
        shift = [y - x for x, y in zip(a.mean, b.mean, strict=True)]
        mean = tuple(x + d * (b.n / n) for x, d in zip(a.mean, shift, strict=True))
        weight = a.n * (b.n / n)
        m2 = tuple(
            tuple(a.m2[i][j] + b.m2[i][j] + d * e * weight for j, e in enumerate(shift))
            for i, d in enumerate(shift)
        )
    return VectorMoments(
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
    pick: Callable[[float, float], float],
    a: Moments | VectorMoments,
    b: Moments | VectorMoments,
    field: str,
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
    both = _merge_competing(_competing(a), _competing(b))
    days = (LifeDay(day.day, day.events, day.censored) for day in both.days)
    return LifeTable(both.n, tuple(days), both.n_missing)


def _competing(table: LifeTable) -> CompetingTable:
    days = (CompetingDay(day.day, day.events, 0, day.censored) for day in table.days)
    return CompetingTable(table.n, tuple(days), table.n_missing)


def _merge_competing(a: CompetingTable, b: CompetingTable) -> CompetingTable:
    events: Counter[int] = Counter()
    others: Counter[int] = Counter()
    censored: Counter[int] = Counter()
    for table in (a, b):
        for row in table.days:
            events[row.day] += row.events
            others[row.day] += row.others
            censored[row.day] += row.censored
        # The other table may run longer; these units' follow-up ends here all the same.
        censored[table.days[-1].day if table.days else 0] += table.n - table.ended
    return CompetingTable(
        n=a.n + b.n,
        days=tuple(
            CompetingDay(day, events[day], others[day], censored[day])
            for day in sorted(events.keys() | others.keys() | censored.keys())
            if events[day] or others[day] or censored[day]
        ),
        n_missing=a.n_missing + b.n_missing,
    )


def _merge_successes(a: Successes, b: Successes) -> Successes:
    return Successes(
        n=a.n + b.n,
        successes=a.successes + b.successes,
        n_missing=a.n_missing + b.n_missing,
        n_immature=a.n_immature + b.n_immature,
        n_nonfinite=a.n_nonfinite + b.n_nonfinite,
    )


def _merge_funnels(a: Funnel, b: Funnel) -> Funnel:
    if len(a.reached) != len(b.reached):
        steps = f"{len(a.reached)} and of {len(b.reached)}"
        raise TypeError(f"cannot merge funnels of {steps} steps")
    return Funnel(
        n=a.n + b.n,
        reached=tuple(x + y for x, y in zip(a.reached, b.reached, strict=True)),
        n_missing=a.n_missing + b.n_missing,
        n_immature=a.n_immature + b.n_immature,
        n_nonfinite=a.n_nonfinite + b.n_nonfinite,
    )
