"""Whether variants were alike before anybody was exposed: all traits at once.

One test over everything that is known comes first (omnibus); which trait is off is
asked after it, with their number allowed for. Sums of whole numbers go in, so that what
comes out has the same bits whatever the order of customers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.stats.covariates import independent
from analysis.stats.estimate import NotComputable
from analysis.stats.impossible import refuse_negative
from analysis.stats.multiplicity import holm
from experiments.vocabulary import Reason

MIN_UNITS = 100  # customers a variant; of fewer, skewed traits tell too little

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TraitSums:
    """Traits of one variant's customers, each a whole number, added up.

    Attributes:
        n: customers.
        sums: of each trait.
        products: of each trait with itself and those after it: (0, 0), (0, 1), ...
    """

    n: int
    sums: tuple[int, ...]
    products: tuple[int, ...]

    def __post_init__(self) -> None:
        refuse_negative(self, "n")
        size = len(self.sums)
        if len(self.products) != size * (size + 1) // 2:
            msg = f"TraitSums: {size} traits do not have {len(self.products)} products"
            raise ValueError(msg)

    def __add__(self, other: "TraitSums") -> "TraitSums":
        """Put two groups of customers together, exactly."""
        return TraitSums(
            self.n + other.n,
            tuple(a + b for a, b in zip(self.sums, other.sums, strict=True)),
            tuple(a + b for a, b in zip(self.products, other.products, strict=True)),
        )


@dataclass(frozen=True, slots=True)
class TraitBalance:
    """One trait: does its mean differ between variants?

    Attributes:
        trait: its name.
        p_value: of this trait alone (analysis of variance), adjusted by Holm.
        difference: largest distance of a variant's mean from control's, in standard
            deviations within variants.
    """

    trait: str
    p_value: float
    difference: float


@dataclass(frozen=True, slots=True)
class PriorBalance:
    """The joint test, and each trait that says something of its own."""

    p_value: float
    statistic: float  # F
    dof: tuple[float, float]
    traits: tuple[TraitBalance, ...]  # the least balanced first


def prior_balance(
    names: Sequence[str], arms: Mapping[str, TraitSums]
) -> PriorBalance | NotComputable:
    """Test whether the traits' means differ between variants by more than chance.

    Hotelling (1951), "A generalized T test and measure of multivariate dispersion": the
    trace of between to within, with Pillai and Samson's F (1959, Biometrika 46); for
    two variants it is Hotelling's T-squared (1931) to the digit.

    Args:
        names: of the traits, in the order of the sums.
        arms: variant -> its sums, control first, two or more.

    Returns:
        PriorBalance, or the reason why there is none: too few customers in a variant,
        or no trait in which customers differ.
    """
    fewest = min((arm.n for arm in arms.values()), default=0)
    if len(arms) < 2 or fewest < MIN_UNITS:  # noqa: PLR2004  # nothing to compare
        needed = {"n": fewest, "needed": MIN_UNITS}
        return NotComputable(Reason.TOO_FEW_UNITS, {**needed})
    within = np.sum([_spread(arm) for arm in arms.values()], axis=0)
    kept = independent(within) if names else []
    if not kept:
        return NotComputable(Reason.NO_VARIATION)
    means = np.array([[s / arm.n for s in arm.sums] for arm in arms.values()])
    sizes = np.array([arm.n for arm in arms.values()], np.float64)
    between = _between(means[:, kept], sizes)
    within = within[np.ix_(kept, kept)]
    rest = int(sizes.sum()) - len(arms)
    statistic, dof = _joint(between, within, len(arms), rest)
    return PriorBalance(
        p_value=float(special.fdtrc(*dof, statistic)),
        statistic=statistic,
        dof=dof,
        traits=_traits([names[i] for i in kept], means[:, kept], between, within, rest),
    )


def _spread(arm: TraitSums) -> Numbers:
    """Sums of products of deviations from the mean: exact, then rounded once."""
    size = len(arm.sums)
    spread = np.zeros((size, size))
    place = 0
    for i in range(size):
        for j in range(i, size):
            exact = arm.n * arm.products[place] - arm.sums[i] * arm.sums[j]
            spread[i, j] = spread[j, i] = exact / arm.n
            place += 1
    return spread


def _between(means: Numbers, sizes: Numbers) -> Numbers:
    apart = means - (sizes @ means) / sizes.sum()
    return np.asarray((apart * sizes[:, None]).T @ apart)


def _joint(
    between: Numbers, within: Numbers, arms: int, rest: int
) -> tuple[float, tuple[float, float]]:
    scale = np.sqrt(np.diag(within))
    outer = np.outer(scale, scale)
    trace = float(np.trace(np.linalg.solve(within / outer, between / outer)))
    p, k = len(scale), arms - 1
    s = min(p, k)
    m, n = (abs(p - k) - 1) / 2, (rest - p - 1) / 2
    dof = (s * (2 * m + s + 1), 2 * (s * n + 1))
    return max(0.0, trace * dof[1] / (s * dof[0])), dof


def _traits(
    names: Sequence[str],
    means: Numbers,
    between: Numbers,
    within: Numbers,
    rest: int,
) -> tuple[TraitBalance, ...]:
    k = len(means) - 1
    f_values = np.diag(between) / k / (np.diag(within) / rest)
    p_values = [float(special.fdtrc(k, rest, f)) for f in f_values]
    deviations = np.sqrt(np.diag(within) / rest)
    apart = np.abs(means[1:] - means[0]).max(axis=0) / deviations
    traits = [
        TraitBalance(name, 1.0 if p is None else p, float(difference))
        for name, p, difference in zip(names, holm(p_values), apart, strict=True)
    ]
    order = dict(zip(names, p_values, strict=True))
    return tuple(sorted(traits, key=lambda each: (order[each.trait], each.trait)))
