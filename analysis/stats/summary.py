"""The summary tables that cross from the warehouse to statistics. Never rows.

Merging follows Chan, Golub, LeVeque (1983), "Algorithms for computing the sample
variance": pairwise update of (n, mean, M2), stable at any offset.
"""

from dataclasses import dataclass


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


@dataclass(frozen=True, slots=True)
class Successes:
    """One yes/no outcome of one variant (in one segment)."""

    n: int  # mature units
    successes: int
    n_missing: int = 0
    n_immature: int = 0


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


@dataclass(frozen=True, slots=True)
class LifeDay:
    """What happened to a variant's units on one day since exposure."""

    day: int  # 1 is the first full day after exposure
    events: int
    censored: int


@dataclass(frozen=True, slots=True)
class LifeTable:
    """Daily life table of one variant: exact for Kaplan-Meier, log-rank and RMST.

    `n` units are at risk at time 0. Events on a day come before its censorings.
    """

    n: int
    days: tuple[LifeDay, ...]


Summary = Moments | Successes | Histogram | LifeTable
