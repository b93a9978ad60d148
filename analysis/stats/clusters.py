"""Customers within accounts, as sums that lose nothing of how they lie together.

Where accounts are drawn, two customers of one account are not two witnesses. Every
value that is estimated here is a sum over customers of a weight that their outcome
has, so its error is that of the accounts' sums. Outcomes are few (a yes or no, a score,
a day), so for each pair of them the products of their counts, added up over accounts,
are all that a cluster-robust error needs.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.stats.summary import Moments

Category = tuple[float | None, int]  # an outcome: its value, and the mark beside it
Weights = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """How the mature customers of one variant lie together in accounts.

    Attributes:
        categories: the outcomes that occur, in a fixed order.
        totals: customers with each.
        products: for two outcomes the sum over accounts of the customers with the one
            times those with the other.
        accounts: those with a mature customer.
        answering: those with a customer whose value is there.
        noted: those with a customer whose mark is 1 (a survey: who was asked).
    """

    categories: tuple[Category, ...]
    totals: NDArray[np.int64]
    products: NDArray[np.int64]
    accounts: int
    answering: int
    noted: int

    @property
    def customers(self) -> int:
        """All mature customers."""
        return int(self.totals.sum())

    @property
    def answers(self) -> Weights:
        """1 for each outcome that has a value."""
        return np.array([float(value is not None) for value, _ in self.categories])

    def spread(self, weights: Weights) -> float:
        """Sum over accounts of the square of what their customers' weights add to."""
        return float(weights @ self.products.astype(np.float64) @ weights)


def clusters_of(counts: Iterable[tuple[int, Category, int]]) -> Clusters:
    """Gather the outcomes of one variant.

    Args:
        counts: (account, outcome, customers); an account may come any number of times.

    Returns:
        Clusters; the same whatever the order.
    """
    by_account: dict[int, dict[Category, int]] = {}
    for account, category, customers in counts:
        held = by_account.setdefault(account, {})
        held[category] = held.get(category, 0) + customers
    seen = {category for held in by_account.values() for category in held}
    categories = tuple(sorted(seen, key=_rank))
    place = {category: i for i, category in enumerate(categories)}
    products = np.zeros((len(categories), len(categories)), np.int64)
    totals = np.zeros(len(categories), np.int64)
    for held in by_account.values():
        places = [place[category] for category in held]
        row = np.array(list(held.values()), np.int64)
        products[np.ix_(places, places)] += np.outer(row, row)
        totals[places] += row
    return Clusters(
        categories=categories,
        totals=totals,
        products=products,
        accounts=len(by_account),
        answering=_having(by_account, lambda category: category[0] is not None),
        noted=_having(by_account, lambda category: category[1] == 1),
    )


def _rank(category: Category) -> tuple[bool, float, int]:
    value, mark = category
    return value is None, value or 0.0, mark


def _having(
    by_account: Mapping[int, Mapping[Category, int]], test: Callable[[Category], bool]
) -> int:
    return sum(any(map(test, held)) for held in by_account.values())


def ratio(clusters: Clusters, top: Weights, bottom: Weights, accounts: int) -> Moments:
    """A mean over customers as a mean over accounts, by linearisation.

    R = sum(y) / sum(x) over accounts; the values y - R x, one an account, have the sum
    0, and their variance over the squared mean of x is that of R (Deng, Knoblich and Lu
    2018, "Applying the delta method in metric analytics", sec. 3.2). It is the
    cluster-robust variance of a mean (Liang and Zeger 1986) with the factor G/(G-1).

    Args:
        clusters: of one variant.
        top: weight of each outcome in the numerator.
        bottom: weight of each outcome in the denominator; 1 counts customers.
        accounts: those with a customer that the denominator counts.

    Returns:
        Moments over accounts whose mean is R, in the unit of `top`; their squared
        error is that of R.
    """
    customers = float(bottom @ clusters.totals)
    if not accounts or not customers:
        return Moments(0, 0.0, 0.0)
    value = float(top @ clusters.totals) / customers
    size = customers / accounts
    spread = clusters.spread(top - value * bottom)
    return Moments(accounts, value, max(0.0, spread) / (size * size))


def design_effect(clusters: Clusters, top: Weights, bottom: Weights) -> float | None:
    """How many times the variance is that of as many customers each on their own.

    Args:
        clusters: of one variant.
        top: as in `ratio`.
        bottom: as in `ratio`.

    Returns:
        The design effect (Kish 1965); None where nothing varies.
    """
    customers = float(bottom @ clusters.totals)
    if not customers:
        return None
    weights = top - float(top @ clusters.totals) / customers * bottom
    alone = float((weights * weights) @ clusters.totals)
    return clusters.spread(weights) / alone if alone > 0 else None


def mean_size(clusters: Clusters) -> float:
    """Customers an account, as a customer sees it: sum of squares over the sum."""
    if not clusters.customers:
        return 0.0
    return clusters.spread(np.ones(len(clusters.categories))) / clusters.customers


def intra_account_correlation(effect: float, size: float) -> float | None:
    """How alike the customers of an account are, from the design effect.

    Args:
        effect: the design effect.
        size: `mean_size`, which is (CV^2 + 1) times the plain mean.

    Returns:
        The ICC of effect = 1 + (size - 1) ICC (statistics 4.16); None where every
        account has one customer.
    """
    return (effect - 1) / (size - 1) if size > 1 else None


def weights_of(clusters: Clusters, weigh: Callable[[float, int], float]) -> Weights:
    """Weigh each outcome by its value and mark; one without a value weighs nothing."""
    return np.array(
        [
            0.0 if value is None else weigh(value, mark)
            for value, mark in clusters.categories
        ],
        np.float64,
    )


def to_json(clusters: Clusters) -> dict[str, Any]:
    """Write clusters as plain JSON values; of the products the upper half, row by row.

    Args:
        clusters: of one variant.

    Returns:
        Its fields.
    """
    upper = np.triu_indices(len(clusters.categories))
    return {
        "categories": [list(category) for category in clusters.categories],
        "totals": clusters.totals.tolist(),
        "products": clusters.products[upper].tolist(),
        "accounts": clusters.accounts,
        "answering": clusters.answering,
        "noted": clusters.noted,
    }
