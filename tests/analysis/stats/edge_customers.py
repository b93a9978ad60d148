"""Edges as customers, and every summary that they make: what the edge matrix is of."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache

from typing_extensions import override

from analysis.stats.amounts import Amounts
from analysis.stats.clusters import Clusters, clusters_of
from analysis.stats.competing import CompetingTable, competing_table_of
from analysis.stats.estimate import NotComputable
from analysis.stats.part import Part
from analysis.stats.quantiles import OrderStatistics, ranks
from analysis.stats.rates import Rate
from analysis.stats.response_weighting import Stratum
from analysis.stats.summary import (
    Histogram,
    LifeTable,
    Moments,
    Successes,
    VectorMoments,
    life_table_of,
    moments_of,
    successes_of,
    vector_moments_of,
)

HORIZON = 10  # days


@dataclass(frozen=True)
class One:
    """One mature customer."""

    value: float | None = 1.0  # None: no answer
    before: float = 1.0
    day: int = HORIZON  # until the event, or until nobody looked any more
    cause: int = 0  # 1 the event, 2 another that competes, 0 censored
    account: int = 0
    stratum: str = "a"
    fold: int = 0


class Arm(tuple[One, ...]):
    """Customers of a group, the same as itself only: so it is known by its address."""

    __slots__ = ()

    @override
    def __hash__(self) -> int:
        return id(self)

    @override
    def __eq__(self, other: object) -> bool:
        return self is other


def arm(n: int, make: Callable[[int], One] = lambda _: One()) -> Arm:
    return Arm(
        replace(one, account=one.account or i // 2, fold=i % 3)
        for i, one in enumerate(map(make, range(n)))
    )


def _usual(i: int) -> One:
    return One(
        value=float(1 + i * 7 % 5),
        before=float(i * 3 % 4),
        day=1 + i * 5 % HORIZON,
        cause=i % 3,
        stratum="ab"[i % 2],
    )


USUAL = arm(60, _usual)
NOBODY = Arm()


def _each(**same: object) -> Arm:
    return Arm(replace(one, **same) for one in USUAL)  # type: ignore[arg-type]


def _valued(value: Callable[[float, int], float | None]) -> Arm:
    return Arm(
        replace(one, value=value(one.value or 0.0, i)) for i, one in enumerate(USUAL)
    )


# Each is a group of customers; the matrix compares each with the usual ones, the usual
# ones with it, and it with itself.
EDGES: dict[str, Arm] = {
    "nobody": NOBODY,
    "one customer": Arm(USUAL[:1]),
    "nine customers": Arm(USUAL[:9]),
    "ten customers": Arm(USUAL[:10]),
    "nobody answered": _each(value=None),
    "one answered": Arm((USUAL[0], *_each(value=None)[1:])),
    "85 % silent": _valued(lambda v, i: v if i % 7 == 0 else None),
    "all zero, all failed": _each(value=0.0),
    "all one, all alike": _each(value=1.0),
    "all at the top": _each(value=5.0),
    "mean of zero": _valued(lambda _, i: 1.0 if i % 2 else -1.0),
    "mean below zero": _valued(lambda v, _: -v),
    "baseline near zero": _valued(lambda v, i: 1e-12 if i % 30 else v),
    "one success": _valued(lambda _, i: 0.0 if i else 1.0),
    "NaN among them": _valued(lambda v, i: math.nan if i % 3 == 0 else v),
    "only NaN": _each(value=math.nan),
    "infinite": _valued(lambda v, i: math.inf if i % 3 == 0 else v),
    "huge": _valued(lambda v, _: v * 1e300),
    "tiny": _valued(lambda v, _: v * 1e-300),
    "wide": _valued(lambda v, i: (v if i % 2 else -v) * 1e150),
    "offset": _valued(lambda v, _: v + 1e12),
    "covariate is the outcome": Arm(replace(u, before=u.value or 0) for u in USUAL),
    "covariate without spread": _each(before=2.0),
    "huge covariate": Arm(replace(u, before=u.before * 1e300) for u in USUAL),
    "all censored": _each(cause=0),
    "all censored at once": _each(cause=0, day=0),
    "all had the event": _each(cause=1),
    "all had the event at once": _each(cause=1, day=1),
    "all left by the other cause": _each(cause=2),
    "ties: one day for all": _each(day=5),
    "one account": _each(account=1),
    "every customer an account": Arm(
        replace(u, account=i + 1) for i, u in enumerate(USUAL)
    ),
    "one stratum": _each(stratum="a"),
    "every customer a stratum": Arm(
        replace(u, stratum=f"{i}") for i, u in enumerate(USUAL)
    ),
    "one fold": _each(fold=0),
}


def _finite(customers: Iterable[One]) -> list[tuple[One, float]]:
    return [
        (one, one.value)
        for one in customers
        if one.value is not None and math.isfinite(one.value)
    ]


def shares(customers: Arm) -> Successes:
    return successes_of(
        None if one.value is None else one.value > 1 for one in customers
    )


@cache
def means(customers: Arm) -> Moments:
    return moments_of(one.value for one in customers)


@cache
def vectors(customers: Arm) -> VectorMoments:
    rows = [(value, one.before) for one, value in _finite(customers)]
    return vector_moments_of(rows, size=2)


@cache
def answers(customers: Arm) -> Histogram:
    counts: dict[float, int] = defaultdict(int)
    known = _finite(customers)
    for _, value in known:
        counts[min(5.0, max(1.0, value))] += 1
    n = len(customers)
    odd = sum(1 for one in customers if one.value is not None) - len(known)
    return Histogram(tuple(sorted(counts.items())), n, n, n_nonfinite=odd)


@cache
def lives(customers: Arm) -> LifeTable:
    return life_table_of((one.day, one.cause == 1) for one in customers)


@cache
def causes(customers: Arm) -> CompetingTable:
    return competing_table_of((one.day, one.cause) for one in customers)


@cache
def events(customers: Arm) -> Rate:
    return Rate(
        sum(int(min(9, max(0, value))) for _, value in _finite(customers)),
        float(sum(one.day for one in customers)),
    )


def clusters(
    customers: Arm, outcome: Callable[[One], tuple[float | None, int]]
) -> Clusters:
    return clusters_of((one.account, outcome(one), 1) for one in customers)


@cache
def yes_by_account(customers: Arm) -> tuple[Successes, Clusters]:
    return shares(customers), clusters(
        customers, lambda one: (None if one.value is None else float(one.value > 1), 0)
    )


@cache
def answers_by_account(customers: Arm) -> tuple[Histogram, Clusters]:
    def answer(one: One) -> tuple[float | None, int]:
        value = one.value
        if value is None or not math.isfinite(value):
            return None, 1
        return min(5.0, max(1.0, value)), 1

    return answers(customers), clusters(customers, answer)


@cache
def lives_by_account(customers: Arm) -> tuple[LifeTable, Clusters]:
    return lives(customers), clusters(
        customers, lambda one: (float(one.day), int(one.cause == 1))
    )


@cache
def amounts_by_account(customers: Arm) -> tuple[Moments, Amounts]:
    sums: dict[int, list[float]] = defaultdict(list)
    for one, value in _finite(customers):
        sums[one.account].append(value)
    rows = [(math.fsum(each), float(len(each))) for each in sums.values()]
    whole = means(customers)
    return whole, Amounts(
        vectors(customers), whole, accounts=vector_moments_of(rows, size=2)
    )


@cache
def median_of(customers: Arm) -> OrderStatistics:
    values = sorted(value for _, value in _finite(customers))
    at = ranks(len(values), 0.5)
    if isinstance(at, NotComputable):
        middle = values[len(values) // 2] if values else None
        return OrderStatistics(len(values), 0.5, middle, None, None)
    middle, low, high = (values[i - 1] for i in (at.middle, at.low, at.high))
    return OrderStatistics(len(values), 0.5, middle, low, high)


@cache
def by_stratum(customers: Arm) -> dict[str, Arm]:
    found: dict[str, list[One]] = defaultdict(list)
    for one in customers:
        found[one.stratum].append(one)
    return {name: Arm(each) for name, each in found.items()}


@cache
def strata_of_answers(customers: Arm) -> list[Stratum]:
    return [
        Stratum((float(name == "a"),), answers(each))
        for name, each in sorted(by_stratum(customers).items())
    ]


@cache
def strata(control: Arm, treatment: Arm) -> dict[str, tuple[Moments, Moments]]:
    ours, theirs = by_stratum(control), by_stratum(treatment)
    return {
        name: (means(ours.get(name, NOBODY)), means(theirs.get(name, NOBODY)))
        for name in ours.keys() | theirs.keys()
    }


@cache
def vector_strata(
    control: Arm, treatment: Arm
) -> dict[str, tuple[VectorMoments, VectorMoments]]:
    ours, theirs = by_stratum(control), by_stratum(treatment)
    return {
        name: (vectors(ours.get(name, NOBODY)), vectors(theirs.get(name, NOBODY)))
        for name in ours.keys() | theirs.keys()
    }


@cache
def parts(customers: Arm) -> list[Part]:
    found: dict[tuple[str, int], list[One]] = defaultdict(list)
    for one in customers:
        found[one.stratum, one.fold].append(one)
    return [
        Part(stratum, fold, vectors(Arm(each)))
        for (stratum, fold), each in sorted(found.items())
    ]


def rows_of(
    control: Arm, treatment: Arm
) -> tuple[list[float], list[int], list[float], list[int]]:
    """Single customers with an outcome, for estimators that read rows."""
    listed: Sequence[tuple[int, One]] = [
        *((0, one) for one in control),
        *((1, one) for one in treatment),
    ]
    known = [(given, one) for given, one in listed if one.value is not None]
    return (
        [one.value or 0.0 for _, one in known],
        [given for given, _ in known],
        [one.before for _, one in known],
        [one.fold for _, one in known],
    )
